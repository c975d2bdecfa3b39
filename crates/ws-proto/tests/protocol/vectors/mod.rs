//! Inputs with their expected outcome. The outcome does not depend on where the input is cut.

pub(crate) mod table;

use proptest::prelude::*;
use table::{Vector, sequences, vectors};
use ws_proto::{Config, LimitError, ProtocolError, ReceiveError, Role};

use crate::support::plan::{Plan, receive_blocks};
use crate::support::{
    BINARY, CONTINUATION, FIN, Outcome, PING, Seen, TEXT, cases, cut, frames_from, receive,
    replies, singles,
};

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

#[test]
fn every_vector_has_the_outcome_of_its_row() {
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
fn cutting_into_single_bytes_changes_nothing() {
    for vector in vectors() {
        let expected = vector.expected();
        let singles = singles(&vector.input);
        vector.check(&expected, &singles, || "byte by byte".into());
    }
}

#[test]
fn no_use_of_blocks_changes_the_outcome() {
    for vector in vectors() {
        let expected = vector.expected();
        let plans = if vector.input.len() < 2000 { 36 } else { 12 };
        for n in 0..plans {
            vector.check_blocks(&expected, &vector.whole(), &Plan::numbered(n * 7));
        }
        let singles = singles(&vector.input);
        let plans = if vector.input.len() < 2000 { 12 } else { 2 };
        for n in 0..plans {
            vector.check_blocks(&expected, &singles, &Plan::numbered(n * 5));
        }
    }
}

#[test]
fn every_cut_into_two_pieces_changes_nothing() {
    for (n, vector) in vectors().iter().enumerate() {
        let expected = vector.expected();
        let len = vector.input.len();
        // Long inputs are mostly payload. They are cut only near both ends and near common block
        // lengths.
        let near_mark = |at: usize| {
            at < 20 || len - at < 20 || [4096, 65536].iter().any(|mark| at.abs_diff(*mark) < 3)
        };
        for at in (0..=len).filter(|at| len < 700 || near_mark(*at)) {
            let pieces = cut(&vector.input, [at]);
            vector.check(&expected, &pieces, || "two pieces".into());
            vector.check_blocks(&expected, &pieces, &Plan::numbered(n + at));
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
                let pieces = cut(&vector.input, [first, second]);
                vector.check(&expected, &pieces, || "three pieces".into());
                vector.check_blocks(&expected, &pieces, &Plan::numbered(n + first + 5 * second));
            }
        }
    }
}

#[test]
fn frames_and_pings_may_divide_a_character() {
    let config = Config::default();
    for (name, bytes, valid) in sequences() {
        for at in 0..=bytes.len() {
            for pinged in [false, true] {
                let input = frames_from(Role::Client, |w| {
                    w.frame(TEXT, &bytes[..at]);
                    if pinged {
                        w.frame(FIN | PING, b"");
                    }
                    w.frame(FIN | CONTINUATION, &bytes[at..]);
                });
                let error = (!valid).then_some(ProtocolError::InvalidUtf8.into());
                let mut events = Vec::new();
                if pinged {
                    // Text that no continuation can complete fails before the Ping.
                    let unfinished = std::str::from_utf8(&bytes[..at])
                        .map_or_else(|error| error.error_len().is_none(), |_| true);
                    if unfinished {
                        events.push(Seen::Ping(Vec::new()));
                    }
                }
                if let (true, Ok(text)) = (valid, std::str::from_utf8(&bytes)) {
                    events.push(Seen::Text(text.into()));
                }
                let sent = replies(Role::Server, &events, error);
                let expected = Outcome {
                    events,
                    error,
                    sent,
                };
                let whole = receive(Role::Server, &config, &[&input]);
                assert_eq!(whole, expected, "{name} cut at {at}");
                let singles = receive(Role::Server, &config, &singles(&input));
                assert_eq!(singles, expected, "{name} cut at {at}, byte by byte");
            }
        }
    }
}

#[test]
fn invalid_text_fails_at_its_first_invalid_byte() {
    let payload = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited";
    let input = frames_from(Role::Client, |w| w.frame(FIN | TEXT, payload));
    let config = Config::default();
    let fails = |len: usize| {
        let pieces = [&input[..len]];
        let blocks = receive_blocks(Role::Server, &config, &pieces, &Plan::numbered(3));
        let plain = receive(Role::Server, &config, &pieces);
        assert_eq!(plain, blocks);
        plain.error.is_some()
    };
    // The header has 6 bytes. No character begins with F4 90. So the byte 90 is the first invalid
    // byte. Its offset in the payload is 12.
    assert!(!fails(6 + 12));
    assert!(fails(6 + 13));
}

#[test]
fn masking_works_for_every_length_and_alignment() {
    for len in 0..=300 {
        let payload: Vec<u8> = (0..len).map(|i| (i * 7 + len) as u8).collect();
        for offset in 0..8 {
            let input = frames_from(Role::Client, |w| {
                w.frame(FIN | PING, &vec![0; offset]);
                w.frame(FIN | BINARY, &payload);
            });
            let outcome = receive(Role::Server, &Config::default(), &[&input]);
            assert_eq!(outcome.events[1], Seen::Binary(payload.clone()));
        }
    }
}

proptest! {
    #![proptest_config(cases(400))]

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
            let at = cuts.iter().map(|cut| cut.index(vector.input.len() + 1));
            let pieces = cut(&vector.input, at);
            vector.check(&expected, &pieces, || "random pieces".into());
            vector.check_blocks(&expected, &pieces, &Plan { seed, ..Plan::numbered(n) });
        });
    }
}
