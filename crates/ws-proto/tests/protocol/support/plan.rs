//! A driver of a receiver. It lends, parks and settles blocks according to a plan.

use ws_proto::{Config, RecvHalf, Role, SendHalf, Step};

use super::{Outcome, Rng, Seen, drain, fill, halves};

/// The frequency of an optional action of a driver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Habit {
    Always,
    Never,
    Sometimes,
}

impl Habit {
    /// Returns `true` if the driver takes the action now.
    pub(crate) fn now(self, rng: &mut Rng) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Sometimes => rng.below(3) == 0,
        }
    }
}

pub(crate) const BLOCK_LENS: [usize; 4] = [16, 64, 200, 4096];

/// Instructions for a driver of a [`RecvHalf`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) block_len: usize,
    /// The frequency of calls of `park` while a step needs more input. `park` is always called
    /// after the last piece.
    pub(crate) park: Habit,
    /// The frequency of calls of `settle` after events and reads.
    pub(crate) settle: Habit,
    /// The frequency of calls of `lend` although the receiver wants no block.
    pub(crate) lend: Habit,
    /// `true` if the first piece arrives before the first block is lent.
    pub(crate) early: bool,
    pub(crate) seed: u64,
}

impl Plan {
    /// Returns a plan for each number. The first 108 plans combine every block length with every
    /// frequency of `park`, `settle` and `lend`.
    pub(crate) fn numbered(n: usize) -> Self {
        let habits = [Habit::Never, Habit::Always, Habit::Sometimes];
        Self {
            block_len: BLOCK_LENS[n % 4],
            park: habits[n / 4 % 3],
            settle: habits[n / 12 % 3],
            lend: habits[n / 36 % 3],
            early: n.is_multiple_of(5),
            seed: n as u64,
        }
    }

    /// Returns the input that arrives before the first block is lent, and the other pieces.
    pub(crate) fn split_early<'a, 'p>(&self, pieces: &'p [&'a [u8]]) -> (&'a [u8], &'p [&'a [u8]]) {
        match pieces.split_first() {
            Some((first, rest)) if self.early => (*first, rest),
            _ => (&[], pieces),
        }
    }
}

/// Receives the pieces as the plan describes.
pub(crate) fn receive_blocks(
    role: Role,
    config: &Config,
    pieces: &[&[u8]],
    plan: &Plan,
) -> Outcome {
    let (mut recv, send) = halves(role, config);
    let (early, pieces) = plan.split_early(pieces);
    recv.lending()
        .set_up(early.into(), plan.block_len, plan.block_len);
    let mut driver = Driver {
        recv,
        send,
        plan: *plan,
        rng: Rng::new(plan.seed),
        outcome: Outcome::default(),
    };
    driver.take_steps();
    for piece in pieces {
        driver.read(piece);
    }
    driver.park();
    driver.outcome
}

struct Driver {
    recv: RecvHalf,
    send: SendHalf,
    plan: Plan,
    rng: Rng,
    outcome: Outcome,
}

impl Driver {
    fn message(&self) -> Option<Seen> {
        self.recv.message().map(Seen::message)
    }

    fn settle(&mut self) {
        if self.plan.settle.now(&mut self.rng) {
            let before = (self.recv.unread().to_vec(), self.message());
            self.recv.lending().settle();
            assert_eq!((self.recv.unread().to_vec(), self.message()), before);
        }
    }

    /// Takes steps until more input is needed.
    fn take_steps(&mut self) {
        loop {
            let event = match self.recv.next_message(&mut self.send) {
                Step::Found(()) => self.found(),
                Step::Control(control) => {
                    assert_eq!(self.message(), None);
                    Seen::control(&control)
                }
                Step::Busy => continue,
                Step::NeedInput | Step::Ended => break,
            };
            self.outcome.events.push(event);
            drain(&mut self.send, &mut self.outcome.sent);
            self.settle();
        }
        self.settle();
        if self.plan.park.now(&mut self.rng) {
            self.park();
        }
        self.check_failure();
    }

    fn park(&mut self) {
        self.recv.lending().park(&mut self.send);
        assert!(self.recv.unread().is_empty());
        self.check_failure();
    }

    fn found(&mut self) -> Seen {
        let message = self.message();
        self.settle();
        if Habit::Sometimes.now(&mut self.rng) {
            self.recv.hold();
            assert!(self.recv.is_holding());
            self.settle();
            assert_eq!(self.recv.next_message(&mut self.send), Step::Found(()));
            assert!(!self.recv.is_holding());
            assert_eq!(self.message(), message);
        }
        if Habit::Sometimes.now(&mut self.rng) {
            let taken = self.recv.take_message();
            assert_eq!(taken.as_ref().map(|it| Seen::message(it.as_ref())), message);
            assert_eq!(self.message(), None);
        }
        message.expect("a message that was found is available")
    }

    fn check_failure(&mut self) {
        drain(&mut self.send, &mut self.outcome.sent);
        self.outcome.error = self.send.failure();
        if self.outcome.error.is_some() {
            assert_eq!(self.recv.next_message(&mut self.send), Step::Ended);
            self.recv.lending().park(&mut self.send);
            assert_eq!(self.send.failure(), self.outcome.error);
            assert_eq!(self.send.queued(), 0);
            assert!(self.recv.message().is_none() && self.recv.take_message().is_none());
            assert!(self.recv.unread().is_empty() && !self.recv.is_between_messages());
        }
    }

    fn read(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() && self.outcome.error.is_none() {
            if self.plan.lend.now(&mut self.rng) {
                let block = vec![0xaa; self.plan.block_len];
                self.recv.lending().lend(block.into());
            }
            fill(&mut self.recv, &mut piece, 0);
            self.take_steps();
        }
    }
}
