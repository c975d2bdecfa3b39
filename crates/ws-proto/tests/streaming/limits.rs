//! Which limits hold for pieces, and which for what is put together.

use ws_proto::{
    CloseCode, Config, LimitError, MAX_FRAGMENTS, MessageKind, ReceiveError, Role, Step,
};

use crate::support::{BINARY, CONTINUATION, FIN, PONG, Wire};
use crate::{
    BOTH, Pieces, assert_failed, count, end, found_text, next, read, read_all, started,
    take_pieces, wire, with_input,
};

#[test]
fn empty_frames_in_a_row_are_limited_and_others_are_not() {
    let too_many = ReceiveError::from(LimitError::TooManyFragments);
    assert_eq!(too_many.close_code(), CloseCode::POLICY);
    let config = Config::default();
    let passes = |script: &dyn Fn(&mut Wire), skipped: bool| {
        let octets = wire(Role::Client, |w| {
            w.frame(BINARY, b"");
            script(w);
            w.frame(FIN | BINARY & CONTINUATION, b"end");
            w.text("next");
        });
        let mut end = with_input(Role::Client, &config, &octets);
        started(&mut end).unwrap();
        let len = if skipped { Ok(3) } else { count(&mut end) };
        match len.and_then(|len| next(&mut end).map(|seen| (len, seen))) {
            Err(error) => {
                assert_eq!(error, too_many);
                assert_failed(&mut end, error);
                None
            }
            Ok((len, seen)) => {
                assert_eq!(Ok(seen), found_text("next"));
                Some(len)
            }
        }
    };
    let empties = |w: &mut Wire, len: u32| (0..len).for_each(|_| w.frame(CONTINUATION, b""));
    for skipped in [false, true] {
        // The first frame was empty too.
        assert!(passes(&|w| empties(w, MAX_FRAGMENTS - 1), skipped).is_some());
        assert!(passes(&|w| empties(w, MAX_FRAGMENTS), skipped).is_none());
        // One octet between begins the count anew; a control frame does not.
        let divided = |w: &mut Wire| {
            empties(w, MAX_FRAGMENTS - 1);
            w.frame(CONTINUATION, b"x");
            empties(w, MAX_FRAGMENTS);
        };
        assert!(passes(&divided, skipped).is_some());
        let pinged = |w: &mut Wire| {
            empties(w, MAX_FRAGMENTS - 1);
            w.frame(FIN | PONG, b"x");
            empties(w, 1);
        };
        let octets = wire(Role::Client, |w| {
            w.frame(BINARY, b"");
            pinged(w);
        });
        let mut end = with_input(Role::Client, &config, &octets);
        started(&mut end).unwrap();
        if skipped {
            assert!(matches!(end.next_message(), Step::Control(_)));
            assert_eq!(next(&mut end), Err(too_many));
        } else {
            assert_eq!(count(&mut end), Err(too_many));
        }
    }
    let many = |w: &mut Wire| (0..200_000).for_each(|_| w.frame(CONTINUATION, b"x"));
    assert_eq!(passes(&many, false), Some(200_003));
    assert!(passes(&many, true).is_some());
}

#[test]
fn messages_far_over_the_limits_pass_in_pieces_and_the_next_one_put_together_fails() {
    let config = Config::default().max_frame(100).max_message(150);
    for role in BOTH {
        for over in [false, true] {
            let octets = wire(role, |w| {
                w.frame(BINARY, &[7; 5000]);
                w.frame(CONTINUATION, &[7; 101]);
                w.frame(FIN, &[7; 5000]);
                w.frame(FIN | BINARY, &[7; 5000]);
                w.frame(FIN | BINARY, &vec![7; 100 + usize::from(over)]);
            });
            for block_len in [64, 4096] {
                let mut end = end(role, &config, block_len);
                let mut sums = Vec::new();
                let mut input = &octets[..];
                while sums.len() < 2 {
                    if started(&mut end).is_none() {
                        read(&mut end, &mut input);
                        continue;
                    }
                    let mut pieces = Pieces::default();
                    while !pieces.is_whole {
                        read(&mut end, &mut input);
                        take_pieces(&mut end, &mut pieces).unwrap();
                    }
                    sums.push(pieces.octets.len());
                }
                assert_eq!(sums, [10_101, 5000]);
                let error = loop {
                    match next(&mut end) {
                        Ok(None) => read(&mut end, &mut input),
                        Ok(Some(_)) => break None,
                        Err(error) => break Some(error),
                    }
                };
                assert_eq!(error.is_some(), over);
                if let Some(error) = error {
                    assert_eq!(error.close_code(), CloseCode::TOO_BIG);
                    let limit = 100;
                    assert_eq!(error, LimitError::FrameTooLong { len: 101, limit }.into());
                }
            }
        }
    }
}

#[test]
fn a_header_taken_over_before_a_stream_was_wanted_is_measured_by_whoever_reads_on() {
    let config = Config::default().max_frame(100);
    for streamed_first in [false, true] {
        let octets = wire(Role::Server, |w| w.frame(FIN | BINARY, &[7; 300]));
        let mut end = end(Role::Server, &config, 1000);
        read_all(&mut end, &octets[..3]);
        if streamed_first {
            assert_eq!(end.next_start(), Step::NeedInput);
        } else {
            assert_eq!(end.next_message(), Step::NeedInput);
        }
        end.park();
        read_all(&mut end, &octets[3..]);
        if streamed_first {
            assert!(matches!(next(&mut end), Err(ReceiveError::Limit(_))));
        } else {
            assert_eq!(started(&mut end), Some(MessageKind::Binary));
            assert_eq!(count(&mut end), Ok(300));
        }
    }
}
