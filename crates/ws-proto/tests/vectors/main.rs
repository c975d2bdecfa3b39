//! Octets, and what must come of them however they are cut.

#![forbid(unsafe_code)]

#[path = "../support/mod.rs"]
mod support;
mod table;

use proptest::prelude::*;
use support::{
    CONTINUATION, FIN, Habit, Outcome, PING, Plan, Seen, TEXT, Wire, cut, receive, receive_blocks,
    replies,
};
use table::{Vector, sequences, vectors};
use ws_proto::{Config, LimitError, ProtocolError, ReceiveError, Role};

const BLOCK_LENS: [usize; 4] = [16, 64, 200, 4096];

impl Vector {
    fn expected(&self) -> Outcome {
        Outcome {
            events: self.events.clone(),
            error: self.error,
            sent: replies(self.role, &self.events, self.error),
        }
    }

    fn whole(&self) -> [&[u8]; 1] {
        [&self.input]
    }

    fn check(&self, expected: &Outcome, pieces: &[&[u8]], how: impl Fn() -> String) {
        let outcome = receive(self.role, &self.config, pieces);
        self.compare(expected, &outcome, pieces, how);
    }

    fn check_blocks(&self, expected: &Outcome, pieces: &[&[u8]], plan: &Plan) {
        let outcome = receive_blocks(self.role, &self.config, pieces, plan);
        self.compare(expected, &outcome, pieces, || format!("{plan:?}"));
    }

    fn compare(
        &self,
        expected: &Outcome,
        outcome: &Outcome,
        pieces: &[&[u8]],
        how: impl Fn() -> String,
    ) {
        if outcome == expected {
            return;
        }
        let lens: Vec<usize> = pieces.iter().map(|piece| piece.len()).take(8).collect();
        let name = &self.name;
        let how = how();
        assert_eq!(outcome.error, expected.error, "{name}, {how}, {lens:?}");
        assert!(
            outcome.events == expected.events,
            "events of {name}, {how}, {lens:?}"
        );
        assert_eq!(outcome.sent, expected.sent, "{name}, {how}, {lens:?}");
    }
}

/// A plan for each number, so that neighbours differ in everything.
fn plan(n: usize) -> Plan {
    let habits = [Habit::Never, Habit::Always, Habit::Sometimes];
    Plan {
        block_len: BLOCK_LENS[n % 4],
        park: habits[n / 4 % 3],
        settle: habits[n / 12 % 3],
        lend: habits[n / 36 % 3],
        early: n.is_multiple_of(5),
        seed: n as u64,
    }
}

#[test]
fn every_vector_gives_what_its_row_says() {
    for vector in vectors() {
        let expected = vector.expected();
        vector.check(&expected, &vector.whole(), || "whole".into());
    }
}

#[test]
fn every_error_has_a_row() {
    let rows = vectors();
    let all: Vec<ReceiveError> = rows.iter().filter_map(|row| row.error).collect();
    let has = |matches: fn(&ReceiveError) -> bool| assert!(all.iter().any(matches));
    macro_rules! each {
        ($($pattern:pat),* $(,)?) => { $(has(|error| matches!(error, $pattern));)* };
    }
    use ReceiveError::{Limit, Protocol};
    each!(
        Limit(LimitError::FrameTooLong { .. }),
        Limit(LimitError::MessageTooLong { .. }),
        Limit(LimitError::TooManyFragments),
        Protocol(ProtocolError::CloseReasonNotUtf8),
        Protocol(ProtocolError::CloseTooShort),
        Protocol(ProtocolError::ControlTooLong),
        Protocol(ProtocolError::ExpectedContinuation),
        Protocol(ProtocolError::FragmentedControl),
        Protocol(ProtocolError::InvalidCloseCode(_)),
        Protocol(ProtocolError::InvalidUtf8),
        Protocol(ProtocolError::LengthOutOfRange),
        Protocol(ProtocolError::MaskedFrame),
        Protocol(ProtocolError::NonMinimalLength),
        Protocol(ProtocolError::ReservedBits),
        Protocol(ProtocolError::ReservedOpcode(_)),
        Protocol(ProtocolError::UnexpectedContinuation),
        Protocol(ProtocolError::UnmaskedFrame),
    );
}

#[test]
fn octet_by_octet_changes_nothing() {
    for vector in vectors() {
        let expected = vector.expected();
        let singles: Vec<&[u8]> = vector.input.chunks(1).collect();
        vector.check(&expected, &singles, || "octet by octet".into());
    }
}

#[test]
fn any_use_of_blocks_changes_nothing() {
    for vector in vectors() {
        let expected = vector.expected();
        let plans = if vector.input.len() < 2000 { 36 } else { 12 };
        for n in 0..plans {
            vector.check_blocks(&expected, &vector.whole(), &plan(n * 7));
        }
        let singles: Vec<&[u8]> = vector.input.chunks(1).collect();
        let plans = if vector.input.len() < 2000 { 12 } else { 2 };
        for n in 0..plans {
            vector.check_blocks(&expected, &singles, &plan(n * 5));
        }
    }
}

#[test]
fn every_cut_into_two_pieces_changes_nothing() {
    for (n, vector) in vectors().iter().enumerate() {
        let expected = vector.expected();
        let len = vector.input.len();
        // Long rows are mostly payload: cut them around both ends and around the limits of blocks.
        let near_mark = |at: usize| {
            at < 20 || len - at < 20 || [4096, 65536].iter().any(|mark| at.abs_diff(*mark) < 3)
        };
        for at in (0..=len).filter(|at| len < 700 || near_mark(*at)) {
            let pieces = cut(&vector.input, &[at]);
            vector.check(&expected, &pieces, || "two pieces".into());
            vector.check_blocks(&expected, &pieces, &plan(n + at));
        }
    }
}

#[test]
fn every_cut_into_three_pieces_changes_nothing() {
    for (n, vector) in vectors().iter().enumerate() {
        let expected = vector.expected();
        let len = vector.input.len();
        if len > 40 {
            continue;
        }
        for first in 0..=len {
            for second in first..=len {
                let pieces = cut(&vector.input, &[first, second]);
                vector.check(&expected, &pieces, || "three pieces".into());
                vector.check_blocks(&expected, &pieces, &plan(n + first + 5 * second));
            }
        }
    }
}

#[test]
fn a_character_may_be_cut_by_frames_and_pings() {
    let config = Config::default();
    for (name, octets, valid) in sequences() {
        for at in 0..=octets.len() {
            for pinged in [false, true] {
                let mut wire = Wire::from(Role::Client);
                wire.frame(TEXT, &octets[..at]);
                let mut error = None;
                let mut events = Vec::new();
                if !valid {
                    error = Some(ReceiveError::from(ProtocolError::InvalidUtf8));
                }
                if pinged {
                    wire.frame(FIN | PING, b"");
                    // What no continuation can repair fails before the Ping.
                    let unfinished = std::str::from_utf8(&octets[..at])
                        .map_or_else(|error| error.error_len().is_none(), |_| true);
                    if unfinished {
                        events.push(Seen::Ping(Vec::new()));
                    }
                }
                wire.frame(FIN | CONTINUATION, &octets[at..]);
                if let (true, Ok(text)) = (valid, std::str::from_utf8(&octets)) {
                    events.push(Seen::Text(text.into()));
                }
                let sent = replies(Role::Server, &events, error);
                let expected = Outcome {
                    events,
                    error,
                    sent,
                };
                let whole = receive(Role::Server, &config, &[&wire.octets]);
                assert_eq!(whole, expected, "{name} cut at {at}");
                let singles: Vec<&[u8]> = wire.octets.chunks(1).collect();
                let singles = receive(Role::Server, &config, &singles);
                assert_eq!(singles, expected, "{name} cut at {at}, octet by octet");
            }
        }
    }
}

#[test]
fn invalid_text_fails_at_its_first_impossible_octet() {
    let mut wire = Wire::from(Role::Client);
    // 21 octets announced; the one at 12 makes the character impossible.
    wire.header(FIN | TEXT, 21, &[]);
    wire.payload(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited");
    let config = Config::default();
    let fails = |len: usize| {
        let pieces = [&wire.octets[..len]];
        let blocks = receive_blocks(Role::Server, &config, &pieces, &plan(3));
        let plain = receive(Role::Server, &config, &pieces);
        assert_eq!(plain, blocks);
        plain.error.is_some()
    };
    assert!(!fails(6 + 12));
    assert!(fails(6 + 13));
}

#[test]
fn lengths_and_alignments_survive_masking() {
    for len in 0..=300 {
        let payload: Vec<u8> = (0..len).map(|i| (i * 7 + len) as u8).collect();
        for offset in 0..8 {
            let mut wire = Wire::from(Role::Client);
            wire.frame(FIN | PING, &vec![0; offset]);
            wire.frame(FIN | 2, &payload);
            let outcome = receive(Role::Server, &Config::default(), &[&wire.octets]);
            assert_eq!(outcome.events[1], Seen::Binary(payload.clone()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_cuts_change_nothing(
        row in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        n in 0..108_usize,
        seed in any::<u64>(),
    ) {
        thread_local! {
            static ROWS: Vec<Vector> = vectors();
        }
        ROWS.with(|rows| {
            let vector = row.get(rows);
            let expected = vector.expected();
            let mut at: Vec<usize> =
                cuts.iter().map(|cut| cut.index(vector.input.len() + 1)).collect();
            at.sort_unstable();
            let pieces = cut(&vector.input, &at);
            vector.check(&expected, &pieces, || "random pieces".into());
            vector.check_blocks(&expected, &pieces, &Plan { seed, ..plan(n) });
        });
    }
}
