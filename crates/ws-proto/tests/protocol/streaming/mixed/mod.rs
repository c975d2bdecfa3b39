//! Calls in any order. Their results are compared with those of an oracle. The oracle decodes
//! nothing, because it has the script of the peer.

mod oracle;
mod script;

use oracle::Oracle;
use proptest::prelude::*;
use script::{Fault, Script, script};
use ws_proto::{Chunk, Config, Control, MessageKind, Step};

use super::{End, assert_failed, end, read};
use crate::support::{Seen, cases};

#[derive(Clone, Debug)]
enum Act {
    Read(usize),
    Message,
    Start,
    Chunk,
    Settle,
    Park,
    Lend,
    Take,
    Hold,
}

/// Asserts that the calls have the same results on a connection and on the oracle.
fn compare(script: &Script, acts: &[Act], block_len: usize) {
    let mut user = User {
        real: end(script.role, &Config::default(), block_len),
        oracle: Oracle::new(script),
        block_len,
        visible: None,
        held: Held::No,
        is_searched: false,
    };
    // After `acts`, the rest of the input is read, and all messages in it are received.
    let ending = (0..).map(|n| match n % 4 {
        0 => Act::Read(1000),
        _ => Act::Message,
    });
    let enough = acts.len() + 12 * script.bytes.len() + 100;
    for act in acts.iter().cloned().chain(ending.take(enough)) {
        // `park` may find the next violation before a step does.
        let ahead = user.oracle.fault_ahead();
        user.act(&act);
        if let Some(error) = user.real.send.failure() {
            assert_eq!(Some(error), ahead.map(|(error, _)| error), "{act:?}");
            assert_failed(&mut user.real, error);
            break;
        }
    }
    match script.fault {
        Fault::None => {
            assert_eq!(user.oracle.frame, script.frames.len());
            assert!(user.real.recv.is_between_messages());
            assert!(user.real.recv.unread().is_empty());
        }
        Fault::Close => assert!(user.oracle.closed),
        Fault::Text(_) | Fault::Header(_) => {
            assert!(user.real.send.failure().is_some(), "{script:?}");
        }
    }
}

/// The state of a held message.
#[derive(Clone, Debug)]
enum Held {
    No,
    Whole(Seen),
    /// The message is received in pieces, and this piece comes next.
    Piece(Vec<u8>),
}

impl Held {
    /// Returns `true` if a piece that is not empty comes next.
    fn has_piece(&self) -> bool {
        matches!(self, Self::Piece(payload) if !payload.is_empty())
    }
}

struct User<'a> {
    real: End,
    oracle: Oracle<'a>,
    block_len: usize,
    /// The message that the last step found.
    visible: Option<Seen>,
    held: Held,
    /// `true` if the last step returned `NeedInput` and nothing was read since.
    is_searched: bool,
}

impl User<'_> {
    fn message(&mut self) -> Option<Seen> {
        self.real.recv.message().map(Seen::message)
    }

    fn assert_nothing_visible(&mut self) {
        assert!(self.message().is_none() && self.real.recv.chunk().is_empty());
        self.visible = None;
    }

    fn act(&mut self, act: &Act) {
        match act {
            // A read or a new block would drop the piece.
            Act::Read(_) | Act::Lend if self.held.has_piece() => {}
            Act::Read(len) => {
                self.forget_message();
                let recv = &mut self.real.recv;
                if recv.lending().wants_block().is_none() && recv.spare().is_empty() {
                    return;
                }
                let bytes = &self.oracle.script.bytes[self.oracle.arrived..];
                let mut input = &bytes[..bytes.len().min(*len)];
                let before = input.len();
                read(&mut self.real, &mut input);
                self.oracle.arrived += before - input.len();
                self.is_searched = false;
                self.assert_nothing_visible();
            }
            Act::Lend => {
                self.forget_message();
                let block = vec![0xaa; self.block_len];
                self.real.recv.lending().lend(block.into());
                self.assert_nothing_visible();
            }
            Act::Settle => {
                let unread = self.real.recv.unread().to_vec();
                let chunk = self.real.recv.chunk().to_vec();
                let message = self.message();
                self.real.recv.lending().settle();
                assert_eq!(self.real.recv.unread(), unread);
                assert_eq!(self.real.recv.chunk(), chunk);
                assert_eq!(self.message(), message);
            }
            Act::Park => {
                let visible = self.message();
                let unread = self.real.recv.unread().to_vec();
                let block = self.real.park();
                if self.is_searched {
                    self.assert_nothing_visible();
                    assert!(self.real.recv.unread().is_empty());
                } else {
                    // The last step did not return `NeedInput`, so everything stays.
                    assert!(block.is_empty());
                    assert_eq!(self.message(), visible);
                    assert_eq!(self.real.recv.unread(), unread);
                }
            }
            Act::Take => {
                let taken = self.real.recv.take_message();
                let taken = taken.as_ref().map(|it| Seen::message(it.as_ref()));
                match &self.held {
                    Held::Whole(seen) => assert_eq!(taken.as_ref(), Some(seen)),
                    Held::Piece(_) => return assert_eq!(taken, None),
                    Held::No if self.visible.is_some() => assert_eq!(taken, self.visible),
                    Held::No => {}
                }
                self.forget_message();
                assert!(self.message().is_none());
            }
            Act::Hold => {
                if let Some(seen) = self.visible.take() {
                    self.real.recv.hold();
                    assert!(self.real.recv.is_holding());
                    self.held = Held::Whole(seen);
                }
            }
            Act::Message => self.next_message(),
            Act::Start => self.next_start(),
            Act::Chunk => self.next_chunk(),
        }
    }

    /// Forgets the last message, even if it was held.
    fn forget_message(&mut self) {
        self.visible = None;
        self.held = Held::No;
    }

    /// Handles a step that found no message and no piece. Returns `None` if the connection failed.
    /// Otherwise returns `Some` with the control frame that the step found, or with `None`.
    fn stopped<T: std::fmt::Debug>(&mut self, step: Step<T>) -> Option<Option<Control>> {
        self.is_searched = matches!(step, Step::NeedInput);
        match step {
            Step::Control(control) => Some(Some(control)),
            Step::NeedInput => Some(None),
            Step::Ended => {
                assert!(self.oracle.closed || self.real.send.failure().is_some());
                self.oracle.closed.then_some(None)
            }
            step => panic!("{step:?}"),
        }
    }

    fn next_message(&mut self) {
        self.visible = None;
        let step = self.real.recv.next_message(&mut self.real.send);
        if let Held::Whole(seen) = std::mem::replace(&mut self.held, Held::No) {
            assert_eq!(step, Step::Found(()));
            assert_eq!(self.message().as_ref(), Some(&seen));
            self.visible = Some(seen);
            return;
        }
        let seen = match step {
            Step::Found(()) => {
                self.is_searched = false;
                self.visible = self.message();
                assert!(self.visible.is_some());
                self.visible.clone()
            }
            step => match self.stopped(step) {
                Some(control) => control.as_ref().map(Seen::control),
                None => return,
            },
        };
        assert!(self.real.recv.chunk().is_empty());
        let fault = self.oracle.fault_ahead();
        // The report of a fault may wait until the whole frame has arrived, if the frame fits the
        // block and is not skipped.
        let skips = self.oracle.stream.is_some() && self.oracle.fault().is_some();
        assert!(
            fault.is_none_or(|(_, may_wait)| may_wait && !skips),
            "{seen:?} instead of {fault:?}"
        );
        assert_eq!(seen, self.oracle.message());
    }

    fn next_start(&mut self) {
        self.visible = None;
        let step = self.real.next_start();
        if let Held::Whole(seen) = std::mem::replace(&mut self.held, Held::No) {
            let (kind, payload) = match seen {
                Seen::Text(text) => (MessageKind::Text, text.into_bytes()),
                Seen::Binary(bytes) => (MessageKind::Binary, bytes),
                seen => panic!("{seen:?} was held"),
            };
            assert_eq!(step, Step::Found(kind));
            self.held = Held::Piece(payload);
            self.assert_nothing_visible();
            return;
        }
        let found = match step {
            Step::Found(kind) => {
                self.is_searched = false;
                Some(Ok(kind))
            }
            step => match self.stopped(step) {
                Some(control) => control.map(|control| Err(Seen::control(&control))),
                None => return,
            },
        };
        self.assert_nothing_visible();
        // The call skips the rest of a message, and would have found a fault in that rest.
        assert!(self.oracle.stream.is_none() || self.oracle.fault().is_none());
        assert_eq!(found, self.oracle.start());
    }

    fn next_chunk(&mut self) {
        self.visible = None;
        let step = self.real.next_chunk();
        let available = match &mut self.held {
            Held::Piece(payload) if payload.is_empty() => {
                assert_eq!(step, Step::Found(Chunk::End));
                self.held = Held::No;
                return self.assert_nothing_visible();
            }
            Held::Piece(payload) => {
                assert_eq!(step, Step::Found(Chunk::Data));
                assert_eq!(self.real.recv.chunk(), std::mem::take(payload));
                return assert!(self.message().is_none());
            }
            _ if self.oracle.closed => return assert_eq!(step, Step::Ended),
            // No message is being received in pieces.
            _ if self.oracle.stream.is_none() => {
                self.is_searched = false;
                return assert_eq!(step, Step::Found(Chunk::End));
            }
            _ => self.oracle.available(),
        };
        match step {
            Step::Found(Chunk::Data) => {
                self.is_searched = false;
                let len = self.real.recv.chunk().len();
                assert!(len > 0 && len <= self.oracle.valid_len());
                assert_eq!(self.real.recv.chunk(), &available[..len]);
                self.oracle.pass(len);
            }
            Step::Found(Chunk::End) => {
                self.is_searched = false;
                assert_eq!(available.len(), 0);
                assert!(self.oracle.fault().is_none());
                assert!(self.oracle.leave());
            }
            step => match self.stopped(step) {
                Some(control) => {
                    assert_eq!(available.len(), 0, "{control:?}");
                    assert!(self.oracle.fault().is_none(), "{control:?}");
                    assert!(!self.oracle.leave());
                    let seen = control.as_ref().map(Seen::control);
                    assert_eq!(seen, self.oracle.control());
                }
                None => {
                    // All pieces before the fault have been received. The piece with invalid text
                    // is not returned.
                    assert!(self.oracle.fault().is_some());
                    let is_text = matches!(self.oracle.script.fault, Fault::Text(_));
                    assert!(is_text || available.is_empty());
                }
            },
        }
    }
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => prop_oneof![1..4_usize, 1..40_usize, Just(300)].prop_map(Act::Read),
        4 => Just(Act::Message),
        3 => Just(Act::Start),
        6 => Just(Act::Chunk),
        2 => Just(Act::Settle),
        2 => Just(Act::Park),
        1 => Just(Act::Lend),
        1 => Just(Act::Take),
        2 => Just(Act::Hold),
    ]
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn calls_in_any_order_agree_with_the_script(
        seed in any::<u64>(),
        acts in prop::collection::vec(any_act(), 0..120),
        block_len in prop::sample::select(vec![16, 40, 150, 4096, 20_000]),
    ) {
        compare(&script(seed), &acts, block_len);
    }
}
