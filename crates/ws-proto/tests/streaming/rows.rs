//! Every row of the table of vectors gives the same in pieces, however it is cut.

use proptest::prelude::*;
use ws_proto::{Chunk, Config, MessageKind, ReceiveError, Role, Step};

use crate::support::{self, CONTINUATION, FIN, Habit, Outcome, Plan, Rng, Seen, TEXT, cut, drain};
use crate::table::{Vector, sequences, vectors};
use crate::{End, INVALID_UTF8, assert_failed, end_with, next_part, read, wire};

/// A user who reads every message piece by piece.
struct Streamer {
    end: End,
    plan: Plan,
    rng: Rng,
    kind: Option<MessageKind>,
    pieces: Vec<u8>,
    outcome: Outcome,
}

impl Streamer {
    fn now(&mut self, habit: Habit) -> bool {
        match habit {
            Habit::Always => true,
            Habit::Never => false,
            Habit::Sometimes => self.rng.below(3) == 0,
        }
    }

    fn settle(&mut self) {
        if self.now(self.plan.settle) {
            let unread = self.end.recv.unread().to_vec();
            let chunk = self.end.recv.chunk().to_vec();
            self.end.recv.lending().settle();
            assert_eq!(self.end.recv.unread(), unread);
            assert_eq!(self.end.recv.chunk(), chunk);
        }
    }

    /// Takes one step: `false` when there is nothing to do without more input.
    fn step(&mut self) -> bool {
        match next_part(&mut self.end, &mut self.kind) {
            Step::Found(None) => {}
            Step::Found(Some(Chunk::Data)) => {
                assert!(!self.end.recv.chunk().is_empty());
                assert!(self.end.recv.message().is_none());
                self.settle();
                self.pieces.extend_from_slice(self.end.recv.chunk());
            }
            Step::Found(Some(Chunk::End)) => {
                let octets = std::mem::take(&mut self.pieces);
                self.outcome.events.push(match self.kind.take() {
                    Some(MessageKind::Text) => {
                        Seen::Text(String::from_utf8(octets).expect("valid text"))
                    }
                    _ => Seen::Binary(octets),
                });
            }
            Step::Control(control) => {
                self.outcome.events.push(Seen::control(&control));
                self.drain();
            }
            Step::NeedInput | Step::Ended => return false,
            Step::Busy => panic!("nothing is compressed"),
        }
        true
    }

    fn drain(&mut self) {
        drain(&mut self.end.send, &mut self.outcome.sent);
    }

    /// Goes on until nothing is left to find.
    fn search(&mut self) {
        while self.step() {
            self.settle();
        }
        self.settle();
        if self.now(self.plan.park) {
            self.end.park();
            assert!(self.end.recv.unread().is_empty());
        }
        self.drain();
    }

    fn run(&mut self, pieces: &[&[u8]]) {
        self.search();
        for mut piece in pieces.iter().copied() {
            while !piece.is_empty() && self.end.send.failure().is_none() {
                if self.now(self.plan.lend) {
                    let block = vec![0xaa; self.plan.block_len];
                    self.end.recv.lending().lend(block.into());
                }
                read(&mut self.end, &mut piece);
                self.search();
            }
        }
    }
}

/// Streams pieces of input; each message counts as one event, at its end.
fn stream(role: Role, config: &Config, pieces: &[&[u8]], plan: &Plan) -> Outcome {
    let (early, pieces) = match pieces.split_first() {
        Some((first, rest)) if plan.early => (*first, rest),
        _ => (&[][..], pieces),
    };
    let mut user = Streamer {
        end: end_with(role, config, early, plan.block_len),
        plan: *plan,
        rng: Rng::new(plan.seed),
        kind: None,
        pieces: Vec::new(),
        outcome: Outcome::default(),
    };
    user.run(pieces);
    if let Some(error) = user.end.send.failure() {
        user.outcome.error = Some(error);
        assert_failed(&mut user.end, error);
        assert_eq!(user.end.send.queued(), 0);
    }
    user.outcome
}

/// A plan for each number, so that neighbours differ in everything.
fn plan(n: usize) -> Plan {
    let habits = [Habit::Never, Habit::Always, Habit::Sometimes];
    Plan {
        block_len: [16, 64, 200, 4096][n % 4],
        park: habits[n / 4 % 3],
        settle: habits[n / 12 % 3],
        lend: habits[n / 36 % 3],
        early: n.is_multiple_of(5),
        seed: n as u64,
    }
}

/// The rows that hold for streaming too: all but those about limits on what is put together.
fn rows() -> Vec<Vector> {
    let mut rows = vectors();
    rows.retain(|row| !matches!(row.error, Some(ReceiveError::Limit(_))));
    assert!(rows.len() > 500);
    rows
}

fn check(row: &Vector, pieces: &[&[u8]], plan: &Plan) {
    let outcome = stream(row.role, &row.config, pieces, plan);
    let name = &row.name;
    assert_eq!(outcome.error, row.error, "{name}, {plan:?}");
    assert!(outcome.events == row.events, "events of {name}, {plan:?}");
    let sent = support::replies(row.role, &row.events, row.error);
    assert_eq!(outcome.sent, sent, "{name}, {plan:?}");
}

#[test]
fn every_vector_gives_the_same_in_pieces() {
    for (n, row) in rows().iter().enumerate() {
        check(row, &[&row.input], &plan(n));
        let singles: Vec<&[u8]> = row.input.chunks(1).collect();
        let plans = if row.input.len() < 2000 { 2 } else { 1 };
        for turn in 0..plans {
            check(row, &[&row.input], &plan(n + 7 * turn));
            check(row, &singles, &plan(n + 5 * turn));
        }
    }
}

#[test]
fn every_cut_of_short_vectors_changes_nothing_in_pieces() {
    for (n, row) in rows().iter().enumerate() {
        let len = row.input.len();
        for at in (0..=len).filter(|at| len < 60 || *at < 12 || len - at < 12) {
            check(row, &cut(&row.input, &[at]), &plan(n + at));
        }
    }
}

#[test]
fn limits_on_what_is_put_together_do_not_hold_in_pieces() {
    let mut limited = vectors();
    limited.retain(|row| matches!(row.error, Some(ReceiveError::Limit(_))));
    assert!(limited.len() >= 5);
    for (n, row) in limited.iter().enumerate() {
        let outcome = stream(row.role, &row.config, &[&row.input], &plan(n));
        assert_eq!(outcome.error, None, "{}", row.name);
        assert!(outcome.events.starts_with(&row.events), "{}", row.name);
    }
}

#[test]
fn text_cut_anywhere_is_joined_and_fails_where_it_must() {
    for (name, octets, valid) in sequences() {
        for at in 0..=octets.len() {
            for habit in [Habit::Never, Habit::Always] {
                let octets = wire(Role::Server, |w| {
                    w.frame(TEXT, &octets[..at]);
                    w.frame(FIN | CONTINUATION, &octets[at..]);
                });
                let plan = Plan {
                    park: habit,
                    ..plan(at)
                };
                for step in [1, 3, octets.len()] {
                    let cuts: Vec<&[u8]> = octets.chunks(step).collect();
                    let outcome = stream(Role::Server, &Config::default(), &cuts, &plan);
                    let error = (!valid).then_some(INVALID_UTF8);
                    assert_eq!(outcome.error, error, "{name} at {at} by {step}");
                    assert_eq!(outcome.events.len(), usize::from(valid));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_cuts_of_vectors_change_nothing_in_pieces(
        row in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        n in 0..108_usize,
        seed in any::<u64>(),
    ) {
        thread_local! {
            static ROWS: Vec<Vector> = rows();
        }
        ROWS.with(|rows| {
            let row = row.get(rows);
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(row.input.len() + 1)).collect();
            at.sort_unstable();
            check(row, &cut(&row.input, &at), &Plan { seed, ..plan(n) });
        });
    }
}
