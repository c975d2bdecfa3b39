//! The greatest value that each limit allows, and the least value that fails.

use ws_proto::{
    CloseCode, Config, ControlPayload, ControlPayloadTooLong, LimitError, MAX_FRAGMENTS,
    ProtocolError, ReceiveError, Role,
};

use crate::support::{
    BINARY, BOTH, CONTINUATION, FIN, PING, PONG, Seen, TEXT, cut, frames_to, halves, receive,
    receive_all, singles,
};

/// Receives the bytes as a whole and byte by byte. Asserts that both outcomes are the same, and
/// returns this outcome.
fn outcome(role: Role, config: &Config, bytes: &[u8]) -> (Vec<Seen>, Option<ReceiveError>) {
    let whole = receive(role, config, &[bytes]);
    assert!(receive(role, config, &singles(bytes)) == whole);
    (whole.events, whole.error)
}

#[test]
fn a_frame_may_reach_its_limit_and_not_exceed_it() {
    for limit in [0, 1, 125, 126, 65535, 65536] {
        let config = Config::default().max_frame(limit);
        for role in BOTH {
            for first in [FIN | BINARY, BINARY] {
                let exact = frames_to(role, |w| w.frame(first, &vec![1; limit]));
                let (events, error) = outcome(role, &config, &exact);
                assert_eq!(error, None);
                assert_eq!(events.len(), usize::from(first & FIN != 0));
                let over = frames_to(role, |w| w.frame(first, &vec![1; limit + 1]));
                let len = limit as u64 + 1;
                let expected = ReceiveError::Limit(LimitError::FrameTooLong { len, limit });
                assert_eq!(outcome(role, &config, &over), (vec![], Some(expected)));
            }
        }
    }
}

#[test]
fn the_frames_of_a_message_may_reach_its_limit_together_and_not_exceed_it() {
    for limit in [0, 1, 7, 300, 70_000] {
        let config = Config::default().max_message(limit);
        let fragment_len = (limit / 3).max(1);
        for role in BOTH {
            let exact = frames_to(role, |w| {
                w.fragments(TEXT, &vec![b'a'; limit], fragment_len);
            });
            let expected = Seen::Text("a".repeat(limit));
            assert!(outcome(role, &config, &exact) == (vec![expected], None));
            // The violation is found in the header of the last frame, so the payload of this frame
            // is not validated.
            let over = frames_to(role, |w| {
                w.frame(TEXT, &vec![b'a'; limit]);
                w.frame(FIN | PING, b"");
                w.frame(CONTINUATION, b"");
                w.frame(FIN, b"\xff");
            });
            let len = limit as u64 + 1;
            let error = ReceiveError::Limit(LimitError::MessageTooLong { len, limit });
            let expected = (vec![Seen::Ping(vec![])], Some(error));
            assert_eq!(outcome(role, &config, &over), expected);
            // The limit applies to each message separately.
            let two = frames_to(role, |w| {
                w.fragments(BINARY, &vec![1; limit], fragment_len);
                w.frame(FIN | BINARY, &vec![2; limit]);
            });
            assert_eq!(outcome(role, &config, &two).1, None);
        }
    }
}

#[test]
fn only_the_message_limit_applies_to_frames_by_default() {
    let len = 20 << 20;
    let message = frames_to(Role::Client, |w| w.frame(FIN | BINARY, &vec![1; len]));
    let limit = 16 << 20;
    let error = receive(Role::Client, &Config::default(), &[&message]).error;
    let len = len as u64;
    let expected = ReceiveError::Limit(LimitError::MessageTooLong { len, limit });
    assert_eq!(error, Some(expected));
    for config in [
        Config::default().max_message(64 << 20),
        Config::default().unlimited(),
        Config::default().max_frame(5).unlimited(),
    ] {
        let got = receive(Role::Client, &config, &[&message]);
        assert_eq!((got.events.len(), got.error), (1, None));
    }
}

#[test]
fn limits_on_frames_and_messages_may_be_set_in_either_order() {
    let frame_first = Config::default().max_frame(5).max_message(7);
    let message_first = Config::default().max_message(7).max_frame(5);
    assert!(frame_first == message_first);
    let over_frame = LimitError::FrameTooLong { len: 6, limit: 5 };
    let over_message = LimitError::MessageTooLong { len: 8, limit: 7 };
    for config in [frame_first, message_first] {
        for role in BOTH {
            for (frames, error) in [
                (&[5][..], None),
                (&[5, 2], None),
                (&[6], Some(over_frame)),
                (&[1, 6], Some(over_frame)),
                (&[5, 3], Some(over_message)),
            ] {
                let message = frames_to(role, |w| {
                    w.pieces(BINARY, frames.iter().map(|&len| vec![1; len]));
                });
                let expected = error.map(ReceiveError::Limit);
                assert_eq!(outcome(role, &config, &message).1, expected, "{frames:?}");
            }
        }
    }
}

#[test]
fn the_frame_limit_is_checked_before_the_message_limit_and_after_the_header_rules() {
    let config = Config::default().max_frame(5).max_message(5);
    let over = frames_to(Role::Client, |w| w.frame(FIN | TEXT, &[b'a'; 6]));
    let (_, error) = outcome(Role::Client, &config, &over);
    let (len, limit) = (6, 5);
    let expected = ReceiveError::Limit(LimitError::FrameTooLong { len, limit });
    assert_eq!(error, Some(expected));
    let masked = b"\x81\x86";
    let (_, error) = outcome(Role::Client, &config, masked);
    let expected = ReceiveError::Protocol(ProtocolError::MaskedFrame);
    assert_eq!(error, Some(expected));
    // Neither limit applies to control frames.
    let ping = frames_to(Role::Client, |w| w.frame(FIN | PING, &[0; 125]));
    assert_eq!(outcome(Role::Client, &config, &ping).1, None);
}

#[test]
fn a_header_with_a_huge_length_fails() {
    let limit = 16 << 20;
    for role in BOTH {
        for len in [limit as u64 + 1, 1 << 32, 1 << 40, 1 << 62, (1 << 63) - 1] {
            let header = frames_to(role, |w| w.header(BINARY, 127, &len.to_be_bytes()));
            let expected = ReceiveError::Limit(LimitError::MessageTooLong { len, limit });
            let (events, error) = outcome(role, &Config::default(), &header);
            assert_eq!((events.len(), error), (0, Some(expected)));
            assert_eq!(expected.close_code(), CloseCode::TOO_BIG);
        }
        let exact = (limit as u64).to_be_bytes();
        let header = frames_to(role, |w| w.header(BINARY, 127, &exact));
        assert_eq!(outcome(role, &Config::default(), &header), (vec![], None));
    }
}

#[test]
fn without_limits_any_announced_length_is_accepted_and_nothing_overflows() {
    let config = Config::default().unlimited();
    let huge = ((1_u64 << 63) - 1).to_be_bytes();
    for role in BOTH {
        let bytes = frames_to(role, |w| {
            w.frame(TEXT, b"a");
            w.header(CONTINUATION, 127, &huge);
            w.payload(b"bc");
        });
        if usize::BITS == 64 {
            assert_eq!(outcome(role, &config, &bytes), (vec![], None));
        }
    }
}

#[test]
fn the_number_of_fragments_may_reach_its_limit_and_not_exceed_it() {
    for role in BOTH {
        let message = |frames: u32| {
            frames_to(role, |w| {
                w.frame(TEXT, b"a");
                for _ in 2..frames {
                    w.frame(CONTINUATION, b"");
                }
                w.frame(FIN, b"z");
                w.text("next");
            })
        };
        let config = Config::default();
        let bytes = message(MAX_FRAGMENTS);
        let pieces = cut(&bytes, [1, 3, 70_000, 70_001]);
        let outcome = receive(role, &config, &pieces);
        assert_eq!(outcome.error, None);
        let expected = [Seen::Text("az".into()), Seen::Text("next".into())];
        assert_eq!(outcome.events, expected);

        let outcome = receive(role, &config, &[&message(MAX_FRAGMENTS + 1)]);
        let error = LimitError::TooManyFragments;
        assert_eq!(outcome.error, Some(ReceiveError::Limit(error)));
        assert!(outcome.events.is_empty());
        assert_eq!(error.close_code(), CloseCode::POLICY);
    }
    assert_eq!(MAX_FRAGMENTS, 131_072);
}

#[test]
fn fragments_are_counted_for_each_message_separately() {
    let bytes = frames_to(Role::Client, |w| {
        for _ in 0..2 {
            w.frame(BINARY, b"");
            for _ in 0..70_000 {
                w.frame(CONTINUATION, b"");
            }
            w.frame(FIN, b"");
        }
    });
    let outcome = receive(Role::Client, &Config::default(), &[&bytes]);
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.events, [Seen::Binary(vec![]), Seen::Binary(vec![])]);
}

#[test]
fn control_frames_do_not_count_as_fragments() {
    let bytes = frames_to(Role::Client, |w| {
        w.frame(BINARY, b"a");
        for _ in 0..=MAX_FRAGMENTS {
            w.frame(FIN | PONG, b"");
        }
        w.frame(FIN, b"b");
    });
    let outcome = receive(Role::Client, &Config::default(), &[&bytes]);
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.events.last(), Some(&Seen::Binary(b"ab".to_vec())));
}

#[test]
fn control_payloads_may_have_125_bytes_and_no_more() {
    assert_eq!(ControlPayload::new([1; 125]).unwrap().len(), 125);
    let error = ControlPayload::new([1; 126]).unwrap_err();
    assert!(matches!(error, ControlPayloadTooLong { len: 126, .. }));
    for role in BOTH {
        let over = frames_to(role, |w| w.frame(FIN | PING, &[0; 126]));
        let (events, error) = outcome(role, &Config::default(), &over);
        let expected = ReceiveError::Protocol(ProtocolError::ControlTooLong);
        assert_eq!((events.len(), error), (0, Some(expected)));
    }
}

#[test]
fn a_failed_receiver_is_never_between_messages() {
    for cut in [0, 1] {
        let (mut recv, mut send) = halves(Role::Server, &Config::default());
        assert!(recv.is_between_messages());
        let (first, rest) = b"\x81\x01".split_at(cut);
        assert_eq!(receive_all(&mut recv, &mut send, first), Ok(vec![]));
        assert_eq!(recv.unread(), first);
        recv.lending().park(&mut send);
        assert_eq!(recv.is_between_messages(), cut == 0);
        let error = ReceiveError::Protocol(ProtocolError::UnmaskedFrame);
        assert_eq!(receive_all(&mut recv, &mut send, rest), Err(error));
        assert!(!recv.is_between_messages());
        assert!(recv.take_message().is_none());
    }
}
