//! The limits on messages in pieces and on assembled messages.

use ws_proto::{
    CloseCode, Config, LimitError, MAX_FRAGMENTS, MessageKind, ReceiveError, Role, Step,
};

use super::{
    Pieces, assert_failed, count, end, found_text, next, read, read_all, started, take_pieces,
    with_input,
};
use crate::support::{BINARY, BOTH, CONTINUATION, FIN, PONG, Wire, frames_to};

#[test]
fn only_consecutive_empty_frames_are_limited() {
    let too_many = ReceiveError::from(LimitError::TooManyFragments);
    assert_eq!(too_many.close_code(), CloseCode::POLICY);
    let config = Config::default();
    let received = |script: &dyn Fn(&mut Wire), skipped: bool| {
        let bytes = frames_to(Role::Client, |w| {
            w.frame(BINARY, b"");
            script(w);
            w.frame(FIN | CONTINUATION, b"end");
            w.text("next");
        });
        let mut end = with_input(Role::Client, &config, &bytes);
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
        // The first frame of the message is empty, too.
        assert!(received(&|w| empties(w, MAX_FRAGMENTS - 1), skipped).is_some());
        assert!(received(&|w| empties(w, MAX_FRAGMENTS), skipped).is_none());
        // A frame with one byte restarts the count of empty frames. A control frame does not.
        let divided = |w: &mut Wire| {
            empties(w, MAX_FRAGMENTS - 1);
            w.frame(CONTINUATION, b"x");
            empties(w, MAX_FRAGMENTS);
        };
        assert!(received(&divided, skipped).is_some());
        let bytes = frames_to(Role::Client, |w| {
            w.frame(BINARY, b"");
            empties(w, MAX_FRAGMENTS - 1);
            w.frame(FIN | PONG, b"x");
            empties(w, 1);
        });
        let mut end = with_input(Role::Client, &config, &bytes);
        started(&mut end).unwrap();
        if skipped {
            assert!(matches!(end.next_message(), Step::Control(_)));
            assert_eq!(next(&mut end), Err(too_many));
        } else {
            assert_eq!(count(&mut end), Err(too_many));
        }
    }
    let many = |w: &mut Wire| (0..200_000).for_each(|_| w.frame(CONTINUATION, b"x"));
    assert_eq!(received(&many, false), Some(200_003));
    assert!(received(&many, true).is_some());
}

#[test]
fn pieces_may_exceed_the_limits_and_the_next_assembled_message_may_not() {
    let config = Config::default().max_frame(100).max_message(150);
    for role in BOTH {
        for over in [false, true] {
            let bytes = frames_to(role, |w| {
                w.frame(BINARY, &[7; 5000]);
                w.frame(CONTINUATION, &[7; 101]);
                w.frame(FIN, &[7; 5000]);
                w.frame(FIN | BINARY, &[7; 5000]);
                w.frame(FIN | BINARY, &vec![7; 100 + usize::from(over)]);
            });
            for block_len in [64, 4096] {
                let mut end = end(role, &config, block_len);
                let mut sums = Vec::new();
                let mut input = &bytes[..];
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
                    sums.push(pieces.bytes.len());
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
fn the_step_that_completes_a_parked_header_decides_if_the_frame_limit_applies() {
    let config = Config::default().max_frame(100);
    for start_first in [false, true] {
        let bytes = frames_to(Role::Server, |w| w.frame(FIN | BINARY, &[7; 300]));
        let mut end = end(Role::Server, &config, 1000);
        read_all(&mut end, &bytes[..3]);
        if start_first {
            assert_eq!(end.next_start(), Step::NeedInput);
        } else {
            assert_eq!(end.next_message(), Step::NeedInput);
        }
        end.park();
        read_all(&mut end, &bytes[3..]);
        if start_first {
            assert!(matches!(next(&mut end), Err(ReceiveError::Limit(_))));
        } else {
            assert_eq!(started(&mut end), Some(MessageKind::Binary));
            assert_eq!(count(&mut end), Ok(300));
        }
    }
}
