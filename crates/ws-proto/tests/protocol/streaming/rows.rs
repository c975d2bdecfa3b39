//! Every row of the table of vectors has the same outcome if its messages are received in pieces.

use proptest::prelude::*;
use ws_proto::{Chunk, Config, MessageKind, ReceiveError, Role, Step};

use super::{End, INVALID_UTF8, assert_failed, end_with, next_part, read};
use crate::support::plan::{Habit, Plan};
use crate::support::{
    CONTINUATION, FIN, Outcome, Rng, Seen, TEXT, cases, cut, drain, frames_to, opcode, replies,
    singles,
};
use crate::vectors::table::{Vector, sequences, vectors};

/// A driver that receives every message piece by piece and follows a plan.
struct Streamer {
    end: End,
    plan: Plan,
    rng: Rng,
    kind: Option<MessageKind>,
    pieces: Vec<u8>,
    outcome: Outcome,
}

impl Streamer {
    fn settle(&mut self) {
        if self.plan.settle.now(&mut self.rng) {
            let unread = self.end.recv.unread().to_vec();
            let chunk = self.end.recv.chunk().to_vec();
            self.end.recv.lending().settle();
            assert_eq!(self.end.recv.unread(), unread);
            assert_eq!(self.end.recv.chunk(), chunk);
        }
    }

    /// Takes one step. Returns `false` if the step needs input or the connection has ended.
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
                let bytes = std::mem::take(&mut self.pieces);
                let kind = self.kind.take().expect("a message that has started");
                self.outcome.events.push(Seen::new(opcode(kind), bytes));
            }
            Step::Control(control) => {
                self.outcome.events.push(Seen::control(&control));
                self.drain();
            }
            Step::NeedInput | Step::Ended => return false,
            Step::Busy => panic!("Busy without compression"),
        }
        true
    }

    fn drain(&mut self) {
        drain(&mut self.end.send, &mut self.outcome.sent);
    }

    /// Takes steps until more input is needed.
    fn take_steps(&mut self) {
        while self.step() {
            self.settle();
        }
        self.settle();
        if self.plan.park.now(&mut self.rng) {
            self.end.park();
            assert!(self.end.recv.unread().is_empty());
        }
        self.drain();
    }

    fn run(&mut self, pieces: &[&[u8]]) {
        self.take_steps();
        for mut piece in pieces.iter().copied() {
            while !piece.is_empty() && self.end.send.failure().is_none() {
                if self.plan.lend.now(&mut self.rng) {
                    let block = vec![0xaa; self.plan.block_len];
                    self.end.recv.lending().lend(block.into());
                }
                read(&mut self.end, &mut piece);
                self.take_steps();
            }
        }
    }
}

/// Receives all messages in pieces. A message becomes one event when its end is found.
fn stream(role: Role, config: &Config, pieces: &[&[u8]], plan: &Plan) -> Outcome {
    let (early, pieces) = plan.split_early(pieces);
    let mut streamer = Streamer {
        end: end_with(role, config, early, plan.block_len),
        plan: *plan,
        rng: Rng::new(plan.seed),
        kind: None,
        pieces: Vec::new(),
        outcome: Outcome::default(),
    };
    streamer.run(pieces);
    if let Some(error) = streamer.end.send.failure() {
        streamer.outcome.error = Some(error);
        assert_failed(&mut streamer.end, error);
        assert_eq!(streamer.end.send.queued(), 0);
    }
    streamer.outcome
}

/// Returns the rows whose outcome is the same if messages are received in pieces. These are all
/// rows except those whose error is a limit.
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
    let sent = replies(row.role, &row.events, row.error);
    assert_eq!(outcome.sent, sent, "{name}, {plan:?}");
}

#[test]
fn every_vector_has_the_same_outcome_in_pieces() {
    for (n, row) in rows().iter().enumerate() {
        check(row, &[&row.input], &Plan::numbered(n));
        let singles = singles(&row.input);
        let plans = if row.input.len() < 2000 { 2 } else { 1 };
        for turn in 0..plans {
            check(row, &[&row.input], &Plan::numbered(n + 7 * turn));
            check(row, &singles, &Plan::numbered(n + 5 * turn));
        }
    }
}

#[test]
fn cutting_a_vector_changes_nothing_in_pieces() {
    for (n, row) in rows().iter().enumerate() {
        let len = row.input.len();
        for at in (0..=len).filter(|at| len < 60 || *at < 12 || len - at < 12) {
            check(row, &cut(&row.input, [at]), &Plan::numbered(n + at));
        }
    }
}

#[test]
fn limits_on_assembled_messages_do_not_apply_in_pieces() {
    let mut limited = vectors();
    limited.retain(|row| matches!(row.error, Some(ReceiveError::Limit(_))));
    assert!(limited.len() >= 5);
    for (n, row) in limited.iter().enumerate() {
        let outcome = stream(row.role, &row.config, &[&row.input], &Plan::numbered(n));
        assert_eq!(outcome.error, None, "{}", row.name);
        assert!(outcome.events.starts_with(&row.events), "{}", row.name);
    }
}

#[test]
fn text_that_is_cut_anywhere_arrives_if_it_is_valid_and_fails_otherwise() {
    for (name, bytes, valid) in sequences() {
        for at in 0..=bytes.len() {
            for habit in [Habit::Never, Habit::Always] {
                let bytes = frames_to(Role::Server, |w| {
                    w.frame(TEXT, &bytes[..at]);
                    w.frame(FIN | CONTINUATION, &bytes[at..]);
                });
                let plan = Plan {
                    park: habit,
                    ..Plan::numbered(at)
                };
                for step in [1, 3, bytes.len()] {
                    let cuts: Vec<&[u8]> = bytes.chunks(step).collect();
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
    #![proptest_config(cases(300))]

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
            let at = cuts.iter().map(|cut| cut.index(row.input.len() + 1));
            check(row, &cut(&row.input, at), &Plan { seed, ..Plan::numbered(n) });
        });
    }
}
