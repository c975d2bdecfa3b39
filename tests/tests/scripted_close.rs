//! How connections end: violations, closing handshakes, losses, and the time limits of each.

#![forbid(unsafe_code)]

use std::task::Poll;
use std::time::Duration;

use ws_driver::{
    CloseCode, Config, Error, Initiator, LimitError, Message, Phase, ProtocolError, ReceiveError,
    SendError,
};
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::scripted::{self, End, Op, Peer, Ws, receive_all};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, TEXT};

const SECOND: Duration = Duration::from_secs(1);

/// Virtual time that `act` takes.
fn timed<R>(act: impl FnOnce() -> R) -> (R, Duration) {
    let before = clock::elapsed();
    let result = act();
    (result, clock::elapsed() - before)
}

fn close_codes(frames: &[Frame]) -> Vec<u16> {
    frames
        .iter()
        .filter(|frame| frame.opcode() == CLOSE)
        .map(Frame::close_code)
        .collect()
}

/// One violation of each rule, as the peer of `end` would commit it.
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
            // Fails at the first octet that cannot be text: the rest never comes.
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
            // One octet is enough to know.
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
fn every_violation_is_told_to_the_peer_and_then_to_the_caller_behind_the_messages_before() {
    for end in End::BOTH {
        for (rule, octets) in violations(end) {
            for one_by_one in [false, true] {
                let context = format!("{end:?}: {rule:?}, one by one: {one_by_one}");
                let (mut ws, peer) = end.open(&Config::default());
                if one_by_one {
                    peer.pieces(1, usize::MAX);
                }
                // This one has a whole message in front.
                let two = rule == ProtocolError::UnexpectedContinuation && octets[0] == TEXT;
                peer.push([end.peer().text("good"), octets.clone()].concat());
                let ((messages, fault), time) = timed(|| {
                    // The peer ends its side when it has seen our Close.
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
                assert_eq!(closed.code, rule.close_code());
                assert!(!closed.clean);
            }
        }
    }
}

#[test]
fn limits_are_exact() {
    for end in End::BOTH {
        let from = end.peer();
        let config = Config::default().max_message_len(1000).max_frame_len(600);
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
        for (octets, limit) in over {
            let (mut ws, peer) = end.open(&config);
            peer.push(octets);
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
            fault.and_then(|error| error.close_code()),
            Some(CloseCode::INVALID_PAYLOAD)
        );
        assert_eq!(close_codes(&peer.take_frames()), [1007]);
    }
}

#[test]
fn an_answer_queued_before_a_violation_goes_out_before_the_close_and_nothing_behind_it() {
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
        let echo = async |ws: &mut Ws| {
            while let Some((message, out)) = ws.recv_ref().await? {
                out.feed(message).await?;
            }
            Ok::<(), Error>(())
        };
        let error = exec::run(echo(&mut ws)).unwrap_err();
        assert_eq!(error.close_code(), Some(CloseCode::PROTOCOL_ERROR));
        let frames = peer.take_frames();
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[0].whole(), (TEXT, &b"Hello World"[..]));
        assert_eq!(frames[1].whole(), (CLOSE, &[0x03, 0xea][..]));
    }
}

#[test]
fn a_frame_that_was_begun_is_finished_before_the_close() {
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
fn a_failed_connection_ends_within_its_second_whatever_the_peer_does() {
    type Misbehaviour = (&'static str, fn(&Peer));
    let misbehaviours: [Misbehaviour; 5] = [
        ("never reads", |peer| peer.window(0)),
        ("reads a little", |peer| peer.window(2)),
        ("never ends", |_| {}),
        ("sends for ever", |peer| {
            peer.read_time(Duration::from_millis(1));
            peer.push_for_ever(&[0; 1000]);
        }),
        ("does not take the end", |peer| peer.block_shutdown(true)),
    ];
    for end in End::BOTH {
        for (name, misbehave) in misbehaviours {
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(end.peer().frame(3, b""));
            misbehave(&peer);
            let ((messages, fault), time) = timed(|| receive_all(&mut ws));
            assert!(messages.is_empty());
            assert_eq!(
                fault.and_then(|error| error.close_code()),
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
fn a_failure_is_resumed_by_the_next_recv_and_senders_learn_of_it_at_once() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(end.peer().frame(3, b""));
        peer.window(0);
        for _ in 0..3 {
            assert!(exec::attempt(ws.recv()).is_pending());
            let closing =
                |result| matches!(result, Poll::Ready(Err(Error::Send(SendError::Closing))));
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

fn close_times_out(end: End, name: &str, misbehave: fn(&Peer, wire::From)) {
    let (mut ws, peer) = end.open(&Config::default().close_timeout(3 * SECOND));
    misbehave(&peer, end.peer());
    // Twice the time that is allowed: a close that would go on for ever meets this end.
    peer.end_after(6000);
    let before = clock::elapsed();
    let result = exec::run(ws.close(CloseCode::NORMAL, "bye"));
    assert!(
        matches!(result, Err(Error::Timeout(Phase::Close))),
        "{end:?} {name}: {result:?}"
    );
    let time = clock::elapsed() - before;
    assert!(
        time >= 3 * SECOND && time < 4 * SECOND,
        "{end:?} {name}: {time:?}"
    );
    assert!(exec::run(ws.recv()).unwrap().is_none());
    let closed = ws.end().unwrap();
    assert_eq!(closed.initiator, Initiator::Local);
    assert_eq!((closed.code, &*closed.reason), (CloseCode::NORMAL, "bye"));
    assert!(!closed.clean);
}

#[test]
fn close_against_a_silent_peer_returns_at_its_deadline() {
    for end in End::BOTH {
        close_times_out(end, "silent", |_, _| {});
        close_times_out(end, "never reads", |peer, _| peer.window(0));
        close_times_out(end, "trickles", |peer, from| {
            peer.push(&from.text("more")[..2]);
        });
    }
}

#[test]
fn close_against_a_peer_that_sends_messages_for_ever_returns_at_its_deadline() {
    for end in End::BOTH {
        close_times_out(end, "messages", |peer, from| {
            peer.read_time(Duration::from_millis(1));
            peer.push_for_ever(&from.text("more"));
        });
    }
}

#[test]
fn close_against_a_peer_that_pings_for_ever_returns_at_its_deadline() {
    for end in End::BOTH {
        close_times_out(end, "pings", |peer, from| {
            peer.read_time(Duration::from_millis(1));
            peer.push_for_ever(&from.frame(PING, b"more"));
        });
    }
}

#[test]
fn recv_after_start_close_ends_at_the_deadline_also_when_messages_come_for_ever() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.read_time(Duration::from_millis(1));
        peer.push_for_ever(&end.peer().text("more"));
        peer.end_after(10_000);
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        let ((messages, fault), time) = timed(|| receive_all(&mut ws));
        assert!(!messages.is_empty());
        assert!(
            matches!(fault, Some(Error::Timeout(Phase::Close))),
            "{end:?}: {fault:?}"
        );
        assert!(time >= 5 * SECOND && time < 6 * SECOND, "{time:?}");
    }
}

#[test]
fn close_against_a_peer_that_always_has_input_ready_gives_other_tasks_a_turn() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push_for_ever(&end.peer().text("more"));
        // Ends the input if the future does not return by itself: the clock moves by the reads.
        peer.read_time(Duration::from_millis(10));
        peer.end_after(3000);
        let polled = exec::glance(ws.close(CloseCode::NORMAL, ""));
        assert!(polled.is_pending(), "{end:?}: one poll read 3000 times");
    }
}

#[test]
fn simultaneous_closes_are_clean() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "ours").unwrap();
        peer.push(end.peer().close(1001, "theirs"));
        peer.end();
        exec::run(ws.close(CloseCode::GOING_AWAY, "again")).unwrap();
        assert_eq!(close_codes(&peer.take_frames()), [1000]);
        let closed = ws.end().unwrap();
        assert!(closed.clean);
        assert_eq!(closed.initiator, Initiator::Local);
        assert_eq!((closed.code, &*closed.reason), (CloseCode::NORMAL, "ours"));
    }
}

#[test]
fn a_close_of_the_peer_is_answered_and_ends_in_order() {
    for end in End::BOTH {
        for (code, reason) in [
            (1000, "bye"),
            (1001, ""),
            (3000, "κόσμε"),
            (4999, "x"),
            (1014, ""),
        ] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(
                [
                    end.peer().text("before"),
                    end.peer().close(code, reason),
                    end.peer().text("behind"),
                    vec![0xff; 50],
                ]
                .concat(),
            );
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("before".into()));
            let pending = exec::attempt(ws.recv());
            assert!(pending.is_pending(), "the transport has not ended");
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 1);
            assert_eq!(frames[0].whole(), (CLOSE, &code.to_be_bytes()[..]));
            // The server ends TCP first, the client waits for that (RFC 6455 §7.1.1).
            assert_eq!(peer.is_shut_down(), end == End::Server);
            peer.end();
            let (messages, fault) = receive_all(&mut ws);
            assert!(messages.is_empty() && fault.is_none(), "{fault:?}");
            assert!(peer.is_shut_down());
            let closed = ws.end().unwrap();
            assert!(closed.clean);
            assert_eq!(closed.initiator, Initiator::Peer);
            assert_eq!((closed.code.number(), &*closed.reason), (code, reason));
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

#[test]
fn an_empty_close_is_answered_by_an_empty_one() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(end.peer().frame(CLOSE, b""));
        peer.end();
        let (_, fault) = receive_all(&mut ws);
        assert!(fault.is_none());
        assert_eq!(peer.take_frames()[0].whole(), (CLOSE, &b""[..]));
        let closed = ws.end().unwrap();
        assert_eq!(closed.code, CloseCode::NO_STATUS);
        assert!(closed.clean);
    }
}

#[test]
fn after_both_closes_any_end_of_the_transport_is_clean() {
    type Ending = (&'static str, fn(&Peer));
    let endings: [Ending; 4] = [
        ("eof", Peer::end),
        ("reset", Peer::reset),
        ("nothing", |_| {}),
        ("broken", |peer| {
            peer.break_writes();
            peer.reset();
        }),
    ];
    for end in End::BOTH {
        for (name, ending) in endings {
            for ours in [false, true] {
                let (mut ws, peer) = end.open(&Config::default());
                if ours {
                    ws.start_close(CloseCode::NORMAL, "").unwrap();
                    exec::run(ws.flush()).unwrap();
                }
                peer.push(end.peer().close(1000, ""));
                ending(&peer);
                let ((messages, fault), time) = timed(|| receive_all(&mut ws));
                assert!(messages.is_empty());
                assert!(fault.is_none(), "{end:?} {name} {ours}: {fault:?}");
                assert!(ws.end().unwrap().clean);
                assert!(time <= 5 * SECOND);
                assert_eq!(time > Duration::ZERO, name == "nothing");
                assert!(peer.is_dropped());
            }
        }
    }
}

#[test]
fn an_end_without_a_close_is_reported_once_and_counts_as_1006() {
    for end in End::BOTH {
        for closing in [false, true] {
            for reset in [false, true] {
                let (mut ws, peer) = end.open(&Config::default());
                if closing {
                    ws.start_close(CloseCode::NORMAL, "").unwrap();
                }
                peer.push(end.peer().text("before"));
                peer.push(&end.peer().text("cut")[..4]);
                if reset {
                    peer.reset();
                } else {
                    peer.end();
                }
                let (messages, fault) = receive_all(&mut ws);
                assert_eq!(messages, ["before".into()]);
                match fault {
                    Some(Error::Io(error)) if reset => {
                        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                    }
                    Some(Error::Lost) if !reset => {}
                    other => panic!("{other:?}"),
                }
                let closed = ws.end().unwrap();
                assert_eq!(closed.code, CloseCode::ABNORMAL);
                assert_eq!(closed.initiator, Initiator::Peer);
                assert!(!closed.clean);
            }
        }
    }
}

#[test]
fn what_cannot_be_sent_in_a_close_is_refused_and_the_connection_goes_on() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
            let code = CloseCode::new(code);
            let results = [
                ws.start_close(code, ""),
                exec::expect_ready(exec::glance(ws.close(code, ""))),
            ];
            for result in results {
                assert!(
                    matches!(result, Err(Error::Send(SendError::InvalidCloseCode(c))) if c == code),
                    "{result:?}"
                );
            }
        }
        let long = "x".repeat(124);
        let results = [
            ws.start_close(CloseCode::NORMAL, &*long),
            exec::expect_ready(exec::glance(ws.close(CloseCode::NORMAL, long.clone()))),
        ];
        for result in results {
            assert!(
                matches!(result, Err(Error::Send(SendError::ReasonTooLong(_)))),
                "{result:?}"
            );
        }
        let ping = exec::expect_ready(exec::glance(ws.send_ping(&[0_u8; 126][..])));
        assert!(matches!(ping, Err(Error::PayloadTooLong(_))));
        assert!(ws.end().is_none());
        exec::run(ws.send("still here")).unwrap();
        assert_eq!(peer.take_frames()[0].payload, b"still here");
        ws.start_close(CloseCode::NORMAL, &*"x".repeat(123))
            .unwrap();
        exec::run(ws.flush()).unwrap();
        let frames = peer.take_frames();
        assert_eq!(
            frames[0].payload,
            wire::close_payload(1000, &"x".repeat(123))
        );
    }
}

#[test]
fn messages_that_the_peer_had_under_way_come_after_start_close() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        exec::run(ws.feed("queued before")).unwrap();
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        peer.push([from.text("one"), from.fragment(BINARY, b"t")].concat());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("one".into()));
        assert!(exec::attempt(ws.recv()).is_pending());
        assert_eq!(peer.take_frames().len(), 2);
        peer.push(
            [
                from.frame(PING, b"no answer"),
                from.frame(CONTINUATION, b"wo"),
            ]
            .concat(),
        );
        peer.push(from.close(1000, ""));
        peer.end();
        let (messages, fault) = receive_all(&mut ws);
        assert_eq!(messages, [Message::from(b"two".to_vec())]);
        assert!(fault.is_none());
        assert!(peer.take_frames().is_empty(), "nothing follows a Close");
        assert!(ws.end().unwrap().clean);
    }
}

#[test]
fn the_close_deadline_counts_from_the_close_and_not_from_each_poll() {
    let (mut ws, _peer) = scripted::server(&Config::default());
    ws.start_close(CloseCode::NORMAL, "").unwrap();
    for _ in 0..9 {
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(SECOND / 2);
    }
    assert!(exec::attempt(ws.recv()).is_pending());
    clock::advance(SECOND / 2);
    let result = exec::expect_ready(exec::attempt(ws.recv()));
    assert!(
        matches!(result, Err(Error::Timeout(Phase::Close))),
        "{result:?}"
    );
}

#[test]
fn a_write_stall_ends_the_connection_after_30_s_without_one_octet() {
    for end in End::BOTH {
        for waiting in ["send", "flush", "ready", "recv", "recv_ref"] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.window(10);
            assert!(exec::glance(ws.send(vec![1; 100_000])).is_pending());
            let (result, time) = timed(|| match waiting {
                "send" => exec::run(ws.send("x")),
                "flush" => exec::run(ws.flush()),
                "ready" => exec::run(ws.ready()),
                "recv" => exec::run(ws.recv()).map(drop),
                _ => exec::run(ws.recv_ref()).map(drop),
            });
            assert!(
                matches!(result, Err(Error::Timeout(Phase::WriteStall))),
                "{waiting}: {result:?}"
            );
            assert_eq!(time, 30 * SECOND, "{waiting}");
            if !waiting.starts_with("recv") {
                // What sending says, receiving says as well.
                assert!(matches!(
                    exec::run(ws.recv()),
                    Err(Error::Timeout(Phase::WriteStall))
                ));
            }
            assert!(exec::run(ws.recv()).unwrap().is_none());
            assert_eq!(ws.end().unwrap().code, CloseCode::ABNORMAL);
            assert!(peer.is_dropped());
        }
    }
}

#[test]
fn one_octet_is_enough_to_keep_a_slow_write_alive() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.window(0);
    assert!(exec::glance(ws.send(vec![1; 100])).is_pending());
    for _ in 0..5 {
        assert!(exec::attempt(ws.flush()).is_pending());
        clock::advance(29 * SECOND);
        peer.window(1);
    }
    peer.window(usize::MAX);
    exec::run(ws.flush()).unwrap();
    assert_eq!(peer.take_frames().len(), 1);
}

#[test]
fn dropping_a_connection_ends_the_transport_without_a_close() {
    for end in End::BOTH {
        let (ws, peer) = end.open(&Config::default());
        drop(ws);
        assert!(peer.is_dropped());
        assert_eq!(peer.output_len(), 0);
        assert_eq!(clock::timers(), 0);
    }
}

#[test]
fn observers_see_control_frames_in_order_before_they_are_answered() {
    use std::sync::{Arc, Mutex};
    let (mut ws, peer) = scripted::server(&Config::default());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    ws.observe(move |control| sink.lock().unwrap().push(format!("{control:?}")));
    let from = wire::From::Client;
    peer.push(
        [
            from.frame(PING, b"a"),
            from.frame(PONG, b"bc"),
            from.close(1000, ""),
        ]
        .concat(),
    );
    peer.end();
    receive_all(&mut ws);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(
        seen[0].starts_with("Ping") && seen[1].starts_with("Pong") && seen[2].starts_with("Close")
    );
    let log = peer.take_log();
    assert!(log.contains(&Op::Shutdown));
}

#[test]
fn a_stall_that_outlasts_the_peers_close_is_an_error_only_if_the_end_is_not_clean() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        assert!(exec::glance(ws.send("stuck")).is_pending());
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(27 * SECOND);
        peer.push(end.peer().close(1000, ""));
        let (messages, fault) = receive_all(&mut ws);
        assert!(messages.is_empty());
        let clean = ws.end().unwrap().clean;
        assert_eq!(fault.is_none(), clean, "{fault:?}");
    }
}

#[test]
fn time_limits_may_be_as_long_as_they_can() {
    let config = Config::default()
        .close_timeout(Duration::MAX)
        .failure_timeout(Duration::MAX)
        .write_stall_timeout(Duration::MAX);
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&config);
        peer.window(0);
        assert!(exec::glance(ws.send("stuck")).is_pending());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.push(end.peer().frame(3, b""));
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(100_000 * SECOND);
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.reset();
        assert!(exec::run(ws.recv()).is_err());
    }
}

#[test]
fn a_close_that_arrived_while_nobody_polled_counts_however_late_it_is_looked_at() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.push([end.peer().text("under way"), end.peer().close(1000, "")].concat());
        peer.end();
        clock::advance(10 * SECOND);
        let (messages, fault) = receive_all(&mut ws);
        assert!(fault.is_none(), "{end:?}: {fault:?}");
        assert_eq!(messages, ["under way".into()]);
        assert!(ws.end().unwrap().clean);
    }
}

#[test]
fn a_peer_that_reads_again_while_nobody_polls_has_not_stalled() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        assert!(exec::glance(ws.send("stuck")).is_pending());
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.window(usize::MAX);
        peer.push(end.peer().text("alive"));
        clock::advance(31 * SECOND);
        let received = exec::run(ws.recv());
        assert_eq!(received.unwrap(), Some("alive".into()), "{end:?}");
        exec::run(ws.flush()).unwrap();
        assert_eq!(peer.take_frames().len(), 1);
    }
}

#[test]
fn a_failure_that_nobody_polled_for_long_still_writes_its_close_if_it_can() {
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
