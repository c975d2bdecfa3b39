//! Violations of a rule or a limit by the peer: the peer gets a Close, the caller gets an error,
//! and the connection ends soon.

use std::task::Poll;
use std::time::Duration;

use ws_driver::{
    CloseCode, Config, Error, Initiator, LimitError, Message, ProtocolError, ReceiveError,
};
use ws_tests::scripted::{self, End, Peer, receive_all};
use ws_tests::steps::{echo, timed};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, TEXT};
use ws_tests::{clock, exec};

use super::{SECOND, close_codes};

/// Returns pairs of a rule, and input for `end` that violates the rule.
fn violations(end: End) -> Vec<(ProtocolError, Vec<u8>)> {
    let from = end.peer();
    let key = (end == End::Server).then_some(wire::KEY);
    let mask_bit = if key.is_some() { 0x80 } else { 0 };
    let long = |first: u8, len: &[u8]| {
        let marker = if len.len() == 2 { 126 } else { 127 };
        [&[first, mask_bit | marker][..], len, &[0; 8]].concat()
    };
    let mask = match end {
        End::Server => (ProtocolError::UnmaskedFrame, wire::From::Server.text("x")),
        End::Client => (ProtocolError::MaskedFrame, wire::From::Client.text("x")),
    };
    let mut all = vec![
        mask,
        (
            ProtocolError::CloseReasonNotUtf8,
            from.frame(CLOSE, b"\x03\xe8\xff"),
        ),
        (ProtocolError::CloseTooShort, from.frame(CLOSE, b"\x03")),
        (ProtocolError::ControlTooLong, from.frame(PING, &[0; 126])),
        (
            ProtocolError::ExpectedContinuation,
            [from.fragment(TEXT, b"a"), from.text("b")].concat(),
        ),
        (ProtocolError::FragmentedControl, from.fragment(PING, b"")),
        (ProtocolError::InvalidUtf8, from.frame(TEXT, b"a\xffb")),
        (ProtocolError::InvalidUtf8, from.frame(TEXT, b"\xc2")),
        (
            ProtocolError::InvalidUtf8,
            [from.fragment(TEXT, b"\xc2"), from.frame(CONTINUATION, b"")].concat(),
        ),
        (
            ProtocolError::InvalidUtf8,
            // The error is reported at the first byte that is not UTF-8. The rest of the frame
            // never arrives.
            from.frame(TEXT, &[&[0xed, 0xa0][..], &[b'x'; 500]].concat())[..20].to_vec(),
        ),
        (
            ProtocolError::LengthOutOfRange,
            long(0x82, &(1_u64 << 63).to_be_bytes()),
        ),
        (
            ProtocolError::NonMinimalLength,
            long(0x82, &125_u16.to_be_bytes()),
        ),
        (
            ProtocolError::NonMinimalLength,
            long(0x82, &0xffff_u64.to_be_bytes()),
        ),
        (
            ProtocolError::UnexpectedContinuation,
            from.frame(CONTINUATION, b"x"),
        ),
        (
            ProtocolError::UnexpectedContinuation,
            [
                from.fragment(TEXT, b"a"),
                from.frame(CONTINUATION, b"b"),
                from.frame(CONTINUATION, b"c"),
            ]
            .concat(),
        ),
    ];
    for rsv in 1..8 {
        all.push((
            ProtocolError::ReservedBits,
            wire::encode(0x80 | rsv << 4 | TEXT, key, b"x"),
        ));
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        all.push((
            ProtocolError::ReservedOpcode(opcode),
            // The first two bytes of the frame are enough for the error.
            vec![0x80 | opcode, mask_bit | 5],
        ));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
        all.push((
            ProtocolError::InvalidCloseCode(CloseCode::new(code)),
            from.close(code, ""),
        ));
    }
    all
}

#[test]
fn every_violation_is_answered_by_a_close_and_reported_after_the_messages_before_it() {
    for end in End::BOTH {
        for (rule, bytes) in violations(end) {
            for one_by_one in [false, true] {
                let context = format!("{end:?}: {rule:?}, one by one: {one_by_one}");
                let (mut ws, peer) = end.open(&Config::default());
                if one_by_one {
                    peer.pieces(1, usize::MAX);
                }
                // In this case, a second whole message comes before the violation.
                let two = rule == ProtocolError::UnexpectedContinuation && bytes[0] == TEXT;
                peer.push([end.peer().text("good"), bytes.clone()].concat());
                let ((messages, fault), time) = timed(|| {
                    // The peer ends its direction only after our Close has been written.
                    let mut recv = Vec::new();
                    loop {
                        match exec::attempt(ws.recv()) {
                            Poll::Ready(Ok(Some(message))) => recv.push(message),
                            Poll::Pending => break,
                            Poll::Ready(other) => panic!("{context}: {other:?} before the end"),
                        }
                    }
                    assert!(peer.is_shut_down(), "{context}");
                    let frames = peer.take_frames();
                    assert_eq!(
                        close_codes(&frames),
                        [rule.close_code().number()],
                        "{context}"
                    );
                    assert_eq!(frames.len(), 1, "{context}");
                    peer.end();
                    let (_, fault) = receive_all(&mut ws);
                    (recv, fault)
                });
                assert_eq!(messages[0], Message::from("good"), "{context}");
                assert_eq!(messages.len(), if two { 2 } else { 1 }, "{context}");
                match fault {
                    Some(Error::Receive(ReceiveError::Protocol(error))) => {
                        assert_eq!(error, rule, "{context}");
                    }
                    other => panic!("{context}: {other:?}"),
                }
                assert_eq!(time, Duration::ZERO, "{context}");
                assert!(peer.is_dropped());
                let closed = ws.end().unwrap();
                assert_eq!(closed.initiator, Initiator::Local);
                assert_eq!(closed.local.unwrap().code, rule.close_code());
                assert!(!closed.clean);
            }
        }
    }
}

#[test]
fn limits_are_exact() {
    for end in End::BOTH {
        let from = end.peer();
        let config = Config::default().max_message(1000).max_frame(600);
        let (mut ws, peer) = end.open(&config);
        let whole = [
            from.fragment(BINARY, &[1; 600]),
            from.frame(CONTINUATION, &[2; 400]),
        ];
        peer.push(whole.concat());
        peer.push(from.frame(BINARY, &[3; 600]));
        for len in [1000, 600] {
            let message = exec::run(ws.recv()).unwrap().unwrap();
            assert_eq!(message.as_bytes().len(), len);
        }
        let over = [
            (
                from.frame(BINARY, &[3; 601])[..8].to_vec(),
                LimitError::FrameTooLong {
                    len: 601,
                    limit: 600,
                },
            ),
            (
                [
                    from.fragment(BINARY, &[1; 600]),
                    from.frame(CONTINUATION, &[2; 401])[..8].to_vec(),
                ]
                .concat(),
                LimitError::MessageTooLong {
                    len: 1001,
                    limit: 1000,
                },
            ),
        ];
        for (bytes, limit) in over {
            let (mut ws, peer) = end.open(&config);
            peer.push(bytes);
            peer.end();
            match receive_all(&mut ws) {
                (messages, Some(Error::Receive(ReceiveError::Limit(error)))) => {
                    assert!(messages.is_empty());
                    assert_eq!(error, limit);
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(close_codes(&peer.take_frames()), [1009]);
        }
    }
}

#[test]
fn text_cut_inside_a_character_before_an_empty_last_fragment_is_never_delivered() {
    for piece in [1, 2, 5, 100] {
        let (mut ws, peer) = scripted::server(&Config::default());
        let from = wire::From::Client;
        peer.pieces(piece, usize::MAX);
        peer.push([from.fragment(TEXT, b"\xc2"), from.frame(CONTINUATION, b"")].concat());
        peer.end();
        let (messages, fault) = receive_all(&mut ws);
        assert!(messages.is_empty());
        assert_eq!(
            fault.and_then(|error| error.violation_code()),
            Some(CloseCode::INVALID_PAYLOAD)
        );
        assert_eq!(close_codes(&peer.take_frames()), [1007]);
    }
}

#[test]
fn an_answer_queued_before_a_violation_is_written_before_the_close_and_nothing_after_it() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(
            [
                from.text("Hello World"),
                from.frame(12, b"payload"),
                from.frame(PING, b"ping"),
            ]
            .concat(),
        );
        peer.end();
        let error = exec::run(echo(&mut ws)).unwrap_err();
        assert_eq!(error.violation_code(), Some(CloseCode::PROTOCOL_ERROR));
        let frames = peer.take_frames();
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[0].whole(), (TEXT, &b"Hello World"[..]));
        assert_eq!(frames[1].whole(), (CLOSE, &[0x03, 0xea][..]));
    }
}

#[test]
fn a_partly_written_frame_is_completed_before_the_close() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.window(700);
    assert!(exec::glance(ws.send(vec![9; 20_000])).is_pending());
    peer.push(wire::From::Client.frame(7, b""));
    assert!(exec::attempt(ws.recv()).is_pending());
    peer.window(usize::MAX);
    peer.end();
    assert!(exec::run(ws.recv()).is_err());
    let frames = peer.take_frames();
    assert_eq!(frames[0].payload, vec![9; 20_000]);
    assert_eq!(close_codes(&frames), [1002]);
}

#[test]
fn a_failed_connection_ends_after_one_second_whatever_the_peer_does() {
    type Misbehavior = (&'static str, fn(&Peer));
    let misbehaviors: [Misbehavior; 5] = [
        ("never reads", |peer| peer.window(0)),
        ("reads a little", |peer| peer.window(2)),
        ("never ends", |_| {}),
        ("sends forever", |peer| {
            peer.read_time(Duration::from_millis(1));
            peer.push_forever(&[0; 1000]);
        }),
        ("does not take the end", |peer| peer.block_shutdown(true)),
    ];
    for end in End::BOTH {
        for (name, misbehave) in misbehaviors {
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(end.peer().frame(3, b""));
            misbehave(&peer);
            let ((messages, fault), time) = timed(|| receive_all(&mut ws));
            assert!(messages.is_empty());
            assert_eq!(
                fault.and_then(|error| error.violation_code()),
                Some(CloseCode::PROTOCOL_ERROR),
                "{end:?} {name}"
            );
            assert!(
                time >= SECOND && time <= SECOND + Duration::from_millis(100),
                "{end:?} {name}: {time:?}"
            );
            assert!(peer.is_dropped());
        }
    }
}

#[test]
fn after_a_violation_sending_fails_at_once_and_a_later_recv_reports_the_violation() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(end.peer().frame(3, b""));
        peer.window(0);
        for _ in 0..3 {
            assert!(exec::attempt(ws.recv()).is_pending());
            let closing = |result| matches!(result, Poll::Ready(Err(Error::Closed(_))));
            assert!(closing(exec::glance(ws.send("x"))));
            assert!(closing(exec::glance(ws.feed("x"))));
            assert!(closing(exec::glance(ws.flush())));
            assert!(closing(exec::glance(ws.ready())));
            clock::advance(Duration::from_millis(100));
        }
        peer.window(usize::MAX);
        peer.end();
        let (_, fault) = receive_all(&mut ws);
        assert!(matches!(fault, Some(Error::Receive(_))));
        assert_eq!(close_codes(&peer.take_frames()), [1002]);
        assert_eq!(peer.take_frames().len(), 0);
    }
}

#[test]
fn the_close_for_a_violation_is_written_even_if_recv_is_polled_after_the_timeout() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        peer.push(end.peer().frame(3, b""));
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.window(usize::MAX);
        peer.end();
        clock::advance(10 * SECOND);
        let (_, fault) = receive_all(&mut ws);
        assert!(matches!(fault, Some(Error::Receive(_))), "{fault:?}");
        assert_eq!(close_codes(&peer.take_frames()), [1002], "{end:?}");
    }
}
