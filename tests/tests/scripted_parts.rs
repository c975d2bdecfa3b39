//! Connections from and into parts.

#![forbid(unsafe_code)]

use std::task::Poll;
use std::time::Duration;

use ws_driver::handshake::Agreed;
use ws_driver::{
    Acceptor, CloseCode, Config, Connector, Error, LimitError, Message, MessageKind, ReceiveError,
    Timeout, TryFeedError,
};
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::scripted::{self, End, Manual, Scripted, Ws, queued, receive_all};
use ws_tests::steps::{Receive, assert_works, driven, is_first, octets, opcodes, take_over, timed};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

const SECOND: Duration = Duration::from_secs(1);

fn refused(ws: Ws, end: End, why: &str) -> Ws {
    match ws.into_parts() {
        Ok((_, unread)) => panic!("{end:?}, {why}: given up with {} octets", unread.len()),
        Err(ws) => ws,
    }
}

/// Takes a connection apart and makes another of the parts.
fn rebuild(ws: Ws, end: End) -> (Ws, Vec<u8>) {
    let (transport, unread) = match ws.into_parts() {
        Ok(parts) => parts,
        Err(ws) => panic!("{end:?}: refused: {ws:?}"),
    };
    let copy = unread.clone();
    (take_over(end, &Config::default(), transport, unread), copy)
}

#[test]
fn a_fresh_connection_is_given_up_with_nothing_or_with_what_came_behind_the_handshake() {
    for end in End::BOTH {
        let (ws, peer) = end.open(&Config::default());
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert!(!peer.is_dropped(), "the transport lives");
        assert_works(&mut ws, end, &peer);
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert_works(&mut ws, end, &peer);
    }
    let behind = [
        wire::From::Client.text("a"),
        wire::From::Client.text("b")[..3].to_vec(),
    ]
    .concat();
    let (ws, peer) = scripted::server_with(&Config::default(), &behind);
    let (mut ws, unread) = rebuild(ws, End::Server);
    assert_eq!(unread, behind, "unmasked or lost");
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("a".into()));
    peer.push(&wire::From::Client.text("b")[3..]);
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("b".into()));
}

/// Every cut between two reads, every number of messages received before.
#[test]
fn a_connection_rebuilt_from_its_parts_goes_on_without_loss() {
    for end in End::BOTH {
        let from = end.peer();
        let messages: [(Vec<u8>, Message); 5] = [
            (from.text("one"), "one".into()),
            (
                [
                    from.frame(PING, b"p"),
                    from.fragment(TEXT, b"t\xc3"),
                    from.frame(PONG, b""),
                    from.frame(CONTINUATION, b"\xbc"),
                ]
                .concat(),
                "tü".into(),
            ),
            (from.frame(BINARY, &[3; 200]), vec![3; 200].into()),
            (from.text(""), "".into()),
            (from.frame(BINARY, &[5; 300]), vec![5; 300].into()),
        ];
        let octets: Vec<u8> = messages.iter().flat_map(|(o, _)| o.clone()).collect();
        let expected: Vec<Message> = messages.iter().map(|(_, m)| m.clone()).collect();
        for received in 0..=5 {
            for borrowed in [false, true] {
                for cut in (0..=octets.len()).step_by(if received == 0 { 1 } else { 7 }) {
                    let (mut ws, peer) = end.open(&Config::default());
                    peer.push(&octets[..cut]);
                    let mut got = Vec::new();
                    for _ in 0..received {
                        let next = if borrowed {
                            exec::attempt(async {
                                let message = ws.recv_ref().await;
                                message.map(|m| m.map(|(m, _)| m.to_message()))
                            })
                        } else {
                            exec::attempt(ws.recv())
                        };
                        match next {
                            Poll::Ready(message) => got.push(message.unwrap().unwrap()),
                            Poll::Pending => break,
                        }
                    }
                    if queued(&ws) > 0 {
                        exec::run(ws.flush()).unwrap();
                    }
                    let waited = got.len() < received;
                    let mut ws = match ws.into_parts() {
                        Ok((transport, unread)) => {
                            assert!(!waited || unread.is_empty());
                            take_over(end, &Config::default(), transport, unread)
                        }
                        Err(ws) => {
                            assert!(waited, "{end:?}, {received}, {cut}: refused");
                            ws
                        }
                    };
                    peer.push(&octets[cut..]);
                    peer.push(from.close(1000, ""));
                    peer.end();
                    let (rest, fault) = receive_all(&mut ws);
                    assert!(fault.is_none(), "{end:?}, {received}, {cut}: {fault:?}");
                    got.extend(rest);
                    assert_eq!(got, expected, "{end:?}, {received}, {cut}");
                    let frames = peer.take_frames();
                    assert_eq!(opcodes(&frames), [PONG, CLOSE], "{received} {cut}");
                    assert!(
                        frames
                            .iter()
                            .all(|f| f.key.is_some() == (end == End::Client))
                    );
                }
            }
        }
    }
}

#[test]
fn in_the_middle_of_a_frame_or_message_it_comes_back() {
    for end in End::BOTH {
        let from = end.peer();
        let frame = from.frame(BINARY, &[9; 300]);
        let fragments = [
            from.fragment(TEXT, b"abc"),
            from.frame(PING, b""),
            from.frame(CONTINUATION, b"def"),
        ]
        .concat();
        let ping = from.frame(PING, b"payload");
        for (octets, is_message) in [(frame, true), (fragments, true), (ping, false)] {
            for cut in 1..octets.len() {
                let (mut ws, peer) = end.open(&Config::default());
                peer.push(&octets[..cut]);
                // It waited, so the beginning was used.
                assert!(exec::attempt(ws.recv()).is_pending());
                let ws = refused(ws, end, &format!("cut at {cut}"));
                let mut ws = refused(ws, end, "again");
                peer.push(&octets[cut..]);
                if is_message {
                    assert!(exec::run(ws.recv()).unwrap().is_some());
                } else {
                    assert!(exec::attempt(ws.recv()).is_pending());
                }
                assert_works(&mut ws, end, &peer);
                let (mut ws, unread) = rebuild(ws, end);
                assert!(unread.is_empty());
                assert_works(&mut ws, end, &peer);
            }
        }
    }
}

#[test]
fn a_large_frame_under_way_keeps_the_connection_together() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let frame = end.peer().frame(BINARY, &[9; 300_000]);
        peer.push([end.peer().text("a"), frame[..20_000].to_vec()].concat());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("a".into()));
        // Nobody has looked at it yet: it is given up as it is.
        let (mut ws, unread) = rebuild(ws, end);
        assert_eq!(unread, &frame[..20_000]);
        assert!(exec::attempt(ws.recv()).is_pending());
        let mut ws = refused(ws, end, "a large frame");
        peer.push(&frame[20_000..]);
        assert_eq!(exec::run(ws.recv()).unwrap(), Some(vec![9; 300_000].into()));
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn a_message_being_read_piece_by_piece_keeps_the_connection_together() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(
            [
                from.fragment(TEXT, b"ab"),
                from.frame(CONTINUATION, b"c"),
                from.text("next"),
            ]
            .concat(),
        );
        assert!(exec::run(ws.recv_stream()).unwrap().is_some());
        let mut ws = refused(ws, end, "a reader dropped at the start");
        // It was begun: the next reader goes on, or skips; here it skips.
        let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
        assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"next"[..]));
        let mut ws = refused(ws, end, "the end was not read");
        assert!(exec::attempt(async { ws.recv_stream().await.map(|_| ()) }).is_pending());
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert_works(&mut ws, end, &peer);
        peer.push([from.text("whole"), from.text("behind")].concat());
        let whole = exec::run(Receive::Stream.next(&mut ws)).unwrap();
        assert_eq!(whole, Some(b"whole".to_vec()));
        let (mut ws, unread) = rebuild(ws, end);
        assert_eq!(unread, from.text("behind"));
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("behind".into()));
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn with_queued_output_or_an_unfinished_message_it_comes_back() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        exec::run(ws.feed("queued")).unwrap();
        let mut ws = refused(ws, end, "queued");
        peer.window(3);
        assert!(exec::glance(ws.flush()).is_pending());
        let mut ws = refused(ws, end, "half written");
        peer.window(usize::MAX);
        exec::run(ws.flush()).unwrap();
        assert_eq!(opcodes(&peer.take_frames()), [TEXT]);
        // A Pong that is queued.
        peer.push([end.peer().frame(PING, b"p"), end.peer().text("m")].concat());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("m".into()));
        let mut ws = refused(ws, end, "a Pong");
        exec::run(ws.flush()).unwrap();
        assert_eq!(opcodes(&peer.take_frames()), [PONG]);
        // A Ping that is queued, and the answer to the newest that waits behind.
        peer.window(0);
        peer.push(end.peer().frame(PING, b"p"));
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.push(end.peer().frame(PING, b"q"));
        assert!(exec::attempt(ws.recv()).is_pending());
        let mut ws = refused(ws, end, "two Pongs");
        peer.window(usize::MAX);
        exec::run(ws.flush()).unwrap();
        assert_eq!(opcodes(&peer.take_frames()), [PONG, PONG]);
        // A writer that was dropped.
        let mut writer = ws.writer(MessageKind::Text).unwrap();
        exec::run(writer.write("piece")).unwrap();
        exec::run(ws.flush()).unwrap();
        let mut ws = refused(ws, end, "an unfinished message");
        exec::run(ws.resume_writer().unwrap().finish()).unwrap();
        let sent = peer.take_frames();
        assert_eq!(sent[0].payload, b"piece");
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn a_writer_begun_without_a_piece_is_no_unfinished_message() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        assert!(ws.writer(MessageKind::Text).is_ok());
        let (mut ws, _) = match ws.into_parts() {
            Ok((transport, unread)) => (
                take_over(end, &Config::default(), transport, unread.clone()),
                unread,
            ),
            Err(mut ws) => {
                // Held to be unfinished: then it can be finished.
                exec::run(ws.resume_writer().expect("why else").finish()).unwrap();
                (ws, Vec::new())
            }
        };
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn while_closing_and_after_the_end_it_comes_back() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        let mut ws = refused(ws, end, "our Close is queued");
        exec::run(ws.flush()).unwrap();
        let mut ws = refused(ws, end, "our Close is sent");
        peer.push(end.peer().close(1000, ""));
        let pending = exec::attempt(ws.recv());
        let mut ws = refused(ws, end, "both Closes");
        peer.end();
        if pending.is_pending() {
            assert!(exec::run(ws.recv()).unwrap().is_none());
        }
        let ws = refused(ws, end, "the end");
        assert!(ws.end().unwrap().clean);

        let (mut ws, peer) = end.open(&Config::default());
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Lost)));
        refused(ws, end, "lost");

        let (mut ws, peer) = end.open(&Config::default());
        peer.push(end.peer().frame(3, b""));
        assert!(exec::attempt(ws.recv()).is_pending());
        let mut ws = refused(ws, end, "a violation");
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
        refused(ws, end, "a violation reported");

        let (mut ws, peer) = end.open(&Config::default());
        peer.break_writes();
        assert!(exec::run(ws.send("x")).is_err());
        let mut ws = refused(ws, end, "a broken transport");
        assert!(matches!(exec::run(ws.recv()), Err(Error::Io(_))));
    }
}

#[test]
fn behind_drive_it_comes_back_with_the_message() {
    for end in End::BOTH {
        for how in 0..3 {
            let (ws, peer) = driven(end, how);
            let mut ws = refused(ws, end, "drive found a message");
            assert!(is_first(&octets(exec::run(ws.recv()).unwrap().unwrap())));
            if how == 1 {
                exec::run(ws.flush()).unwrap();
            }
            let (mut ws, unread) = rebuild(ws, end);
            if how < 2 {
                assert_eq!(unread, end.peer().text("second"));
            }
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("second".into()));
            assert_works(&mut ws, end, &peer);
        }
    }
}

#[test]
fn halves_joined_again_can_be_given_up() {
    for end in End::BOTH {
        let (tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
        peer.push([end.peer().text("a"), end.peer().text("b")].concat());
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("a".into()));
        let (mut ws, unread) = rebuild(tx.reunite(rx).unwrap(), end);
        assert_eq!(unread, end.peer().text("b"));
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("b".into()));
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn a_connection_with_a_ping_under_way_can_be_given_up() {
    let config = Config::default().keepalive(SECOND, SECOND);
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&config);
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(SECOND);
        assert!(exec::attempt(ws.recv()).is_pending());
        let (mut ws, _) = rebuild(ws, end);
        assert_eq!(clock::timers(), 0);
        let payload = peer.take_frames()[0].payload.clone();
        peer.push(end.peer().frame(PONG, &payload));
        assert!(exec::attempt(ws.recv()).is_pending());
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn leftovers_of_any_size_are_the_first_input() {
    for end in End::BOTH {
        let from = end.peer();
        for len in [
            0, 1, 100, 125, 4096, 65_521, 65_522, 65_530, 65_535, 65_536, 65_537, 100_000, 200_000,
        ] {
            let first = from.frame(BINARY, &vec![1; len]);
            let second = from.text("another message");
            for behind in [0, 1, 5, second.len()] {
                let leftover = [&first[..], &second[..behind]].concat();
                let (transport, peer) = scripted::pair();
                let mut ws = take_over(end, &Config::default(), transport, leftover);
                assert_eq!(exec::run(ws.recv()).unwrap(), Some(vec![1; len].into()));
                if behind < second.len() {
                    assert!(exec::attempt(ws.recv()).is_pending());
                    peer.push(&second[behind..]);
                }
                assert_eq!(
                    exec::run(ws.recv()).unwrap(),
                    Some("another message".into())
                );
                assert_works(&mut ws, end, &peer);
            }
        }
    }
}

#[test]
fn a_leftover_larger_than_a_block_may_end_anywhere() {
    for end in End::BOTH {
        let from = end.peer();
        let frames = [
            from.frame(BINARY, &[1; 9000]),
            from.frame(BINARY, &[2; 60_000]),
            from.frame(BINARY, &[3; 65_000]),
            from.frame(BINARY, &[4; 70_000]),
            from.text("end"),
        ];
        let all = frames.concat();
        let mut cuts: Vec<usize> = (0..all.len()).step_by(9973).collect();
        cuts.extend(65_530..65_542);
        cuts.extend(all.len() - 20..all.len());
        for cut in cuts {
            let (transport, peer) = scripted::pair();
            let mut ws = take_over(end, &Config::default(), transport, &all[..cut]);
            peer.push(&all[cut..]);
            for (number, len) in [(1, 9000), (2, 60_000), (3, 65_000), (4, 70_000)] {
                let message = exec::run(ws.recv()).unwrap().unwrap();
                assert_eq!(message, vec![number; len].into(), "{end:?} {cut}");
            }
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("end".into()));
        }
    }
}

#[test]
fn a_close_or_a_violation_can_be_left_over() {
    for end in End::BOTH {
        let (transport, peer) = scripted::pair();
        let leftover = [end.peer().text("last"), end.peer().close(4000, "bye")].concat();
        let mut ws = take_over(end, &Config::default(), transport, leftover);
        peer.end();
        let (messages, fault) = receive_all(&mut ws);
        assert_eq!(messages, ["last".into()]);
        assert!(fault.is_none());
        assert_eq!(ws.end().unwrap().code().number(), 4000);
        assert_eq!(opcodes(&peer.take_frames()), [CLOSE]);

        let (transport, peer) = scripted::pair();
        let mut ws = take_over(end, &Config::default(), transport, end.peer().frame(3, b""));
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
        assert_eq!(peer.take_frames()[0].close_code(), 1002);
    }
}

#[test]
fn take_over_heeds_the_configuration() {
    for end in End::BOTH {
        let config = Config::default()
            .max_message(10)
            .close_timeout(2 * SECOND)
            .high_water_mark(10)
            .idle_timeout(3 * SECOND);
        let open = |leftover: &[u8]| {
            let (transport, peer) = scripted::pair();
            (take_over(end, &config, transport, leftover), peer)
        };
        let (mut ws, peer) = open(&end.peer().frame(BINARY, &[0; 11]));
        peer.end();
        let fault = exec::run(ws.recv()).unwrap_err();
        assert!(
            matches!(
                fault,
                Error::Receive(ReceiveError::Limit(LimitError::MessageTooLong { .. }))
            ),
            "{fault:?}"
        );
        assert_eq!(peer.take_frames()[0].close_code(), 1009);
        let (mut ws, _peer) = open(&[]);
        let (result, time) = timed(|| exec::run(ws.recv()));
        assert!(matches!(result, Err(Error::Timeout(Timeout::Idle))));
        assert_eq!(time, 3 * SECOND);
        let (mut ws, _peer) = open(&[]);
        let (result, time) = timed(|| exec::run(ws.close(CloseCode::NORMAL, "")));
        assert!(matches!(result, Err(Error::Timeout(Timeout::Close))));
        assert_eq!(time, 2 * SECOND);
        let (mut ws, peer) = open(&[]);
        peer.window(0);
        exec::run(ws.feed("0123456789")).unwrap();
        assert!(matches!(ws.try_feed("x"), Err(TryFeedError::Full("x"))));
        assert!(ws.protocol().is_none() && ws.extensions().is_empty() && ws.response().is_none());
    }
}

/// `max_message` of the acceptor and connector, and masks of the caller's choice.
#[test]
fn an_upgraded_connection_heeds_what_acceptor_and_connector_were_told() {
    struct Zero;
    impl ws_driver::masks::MaskSource for Zero {
        fn next_key(&mut self) -> ws_driver::masks::MaskKey {
            ws_driver::masks::MaskKey::new([0; 4])
        }
    }
    let (transport, peer) = scripted::pair();
    let connector = Connector::<Manual>::new().masks(|| Zero).max_message(5);
    let mut ws = connector.upgraded(
        transport,
        Agreed::default(),
        wire::From::Server.text("123456"),
    );
    exec::run(ws.send("hi")).unwrap();
    assert_eq!(peer.take_output(), b"\x81\x82\0\0\0\0hi");
    peer.end();
    assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
    let (transport, peer) = scripted::pair();
    let acceptor = Acceptor::<Manual>::new().max_message(5);
    let mut ws = acceptor.upgraded(
        transport,
        Agreed::default(),
        wire::From::Client.text("123456"),
    );
    peer.end();
    assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
}
