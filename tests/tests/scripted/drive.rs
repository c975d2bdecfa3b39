//! `drive`, and the messages that it finds.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::{CloseCode, Config, Error, Message, Timeout};
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::scripted::{self, End, Op, Peer, Scripted, receive_all};
use ws_tests::steps::{Receive, assert_works, driven, is_first, opcodes, timed};
use ws_tests::wire::{self, CLOSE, CONTINUATION, PING, PONG, TEXT};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn drive_writes_the_queue_and_answers_pings() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        exec::run(ws.feed("one")).unwrap();
        exec::run(ws.feed("two")).unwrap();
        let mut task = Task::new();
        let mut driving = pin!(ws.drive());
        assert!(exec::settle(&mut task, driving.as_mut()).is_pending());
        let log = peer.take_log();
        let writes = log.iter().filter(|op| matches!(op, Op::Write { .. }));
        assert_eq!(writes.count(), 1, "{log:?}");
        assert_eq!(opcodes(&peer.take_frames()), [TEXT, TEXT]);
        peer.push(end.peer().frame(PING, b"ping"));
        peer.push(end.peer().frame(PONG, b"pong"));
        assert!(task.is_woken());
        assert!(exec::settle(&mut task, driving.as_mut()).is_pending());
        let frames = peer.take_frames();
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].whole(), (PONG, &b"ping"[..]));
    }
}

#[test]
fn drive_returns_false_at_a_clean_end_and_an_error_otherwise() {
    for end in End::BOTH {
        type Act = fn(&Peer, wire::From);
        let cases: [(&str, Act); 4] = [
            ("close", |peer, from| {
                peer.push(from.close(1000, ""));
                peer.end();
            }),
            ("end", |peer, _| peer.end()),
            ("reset", |peer, _| peer.reset()),
            ("violation", |peer, from| {
                peer.push(from.frame(3, b""));
                peer.end();
            }),
        ];
        for (what, act) in cases {
            let (mut ws, peer) = end.open(&Config::default());
            act(&peer, end.peer());
            let result = exec::run(ws.drive());
            let ok = match what {
                "close" => matches!(result, Ok(false)),
                "end" => matches!(result, Err(Error::Lost)),
                "reset" => matches!(result, Err(Error::Io(_))),
                _ => matches!(result, Err(Error::Receive(_))),
            };
            assert!(ok, "{what}: {result:?}");
            for _ in 0..2 {
                assert!(matches!(exec::glance(ws.drive()), Poll::Ready(Ok(false))));
                assert!(matches!(exec::glance(ws.recv()), Poll::Ready(Ok(None))));
            }
            assert_eq!(ws.end().unwrap().clean, what == "close");
        }
    }
}

#[test]
fn drive_ends_at_the_timeouts_of_close_and_writing() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        let (result, time) = timed(|| exec::run(ws.drive()));
        assert!(matches!(result, Err(Error::Timeout(Timeout::Close))));
        assert_eq!(time, 5 * SECOND);
        assert_eq!(opcodes(&peer.take_frames()), [CLOSE]);
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        exec::run(ws.feed("stuck")).unwrap();
        let (result, time) = timed(|| exec::run(ws.drive()));
        assert!(matches!(result, Err(Error::Timeout(Timeout::WriteStall))));
        assert_eq!(time, 30 * SECOND);
        assert!(peer.is_dropped());
    }
}

#[test]
fn a_message_that_drive_found_is_received_exactly_once() {
    for end in End::BOTH {
        for how in 0..3 {
            for receive in [Receive::Recv, Receive::RecvRef, Receive::Drive] {
                for drives in [1, 5] {
                    let (mut ws, peer) = driven(end, how);
                    for _ in 1..drives {
                        let again = exec::expect_ready(exec::glance(ws.drive()));
                        assert!(again.unwrap());
                    }
                    let first = exec::run(receive.next(&mut ws)).unwrap().unwrap();
                    assert!(is_first(&first), "{how} {receive:?}");
                    let second = exec::run(receive.next(&mut ws)).unwrap();
                    assert_eq!(second, Some(b"second".to_vec()));
                    assert!(exec::attempt(ws.drive()).is_pending());
                    assert_works(&mut ws, end, &peer);
                }
            }
        }
    }
}

#[test]
fn a_message_that_drive_found_can_be_read_piece_by_piece() {
    for end in End::BOTH {
        for how in 0..3 {
            let (mut ws, _peer) = driven(end, how);
            let first = exec::try_run(Receive::Stream.next(&mut ws))
                .expect("the message that was found")
                .unwrap();
            assert!(
                first.as_deref().is_some_and(is_first),
                "{end:?} {how}: {:?}",
                first.map(|bytes| bytes.escape_ascii().to_string())
            );
            let second = exec::run(Receive::Stream.next(&mut ws)).unwrap();
            assert_eq!(second, Some(b"second".to_vec()));
        }
    }
}

/// The later messages are not lost, and the connection does not seem to have ended.
#[test]
fn receiving_continues_after_a_reader_was_dropped_after_drive() {
    for end in End::BOTH {
        for how in 0..3 {
            let (mut ws, peer) = driven(end, how);
            let glanced = exec::attempt(async { ws.recv_stream().await.map(|_| ()) });
            let context = format!("{end:?} {how} {glanced:?}");
            let mut got = Vec::new();
            peer.push(end.peer().text("third"));
            while got.last().map(Vec::as_slice) != Some(b"third") {
                match exec::try_run(ws.recv()) {
                    Some(Ok(Some(message))) => got.push(message.as_bytes().to_vec()),
                    other => panic!("{context}: {other:?} after {} messages", got.len()),
                }
            }
        }
    }
}

#[test]
fn a_message_that_drive_of_a_receiver_found_is_received_once_in_every_way() {
    for end in End::BOTH {
        for reads in ["recv", "recv_ref", "reunited", "split again", "stream"] {
            let from = end.peer();
            let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
            peer.push([from.text("first"), from.text("second")].concat());
            assert!(exec::run(rx.drive()).unwrap());
            match reads {
                "recv" => assert_eq!(exec::run(rx.recv()).unwrap(), Some("first".into())),
                "recv_ref" => {
                    let first = exec::run(rx.recv_ref()).unwrap().unwrap().to_message();
                    assert_eq!(first, "first".into());
                }
                "stream" => {
                    let mut reader = exec::run(rx.recv_stream()).unwrap().unwrap();
                    assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"first"[..]));
                    assert!(exec::run(reader.chunk()).unwrap().is_none());
                }
                _ => {
                    let mut ws = tx.reunite(rx).unwrap();
                    if reads == "reunited" {
                        assert_eq!(exec::run(ws.recv()).unwrap(), Some("first".into()));
                        (tx, rx) = ws.split();
                    } else {
                        (tx, rx) = ws.split();
                        assert_eq!(exec::run(rx.recv()).unwrap(), Some("first".into()));
                    }
                }
            }
            assert_eq!(
                exec::run(rx.recv()).unwrap(),
                Some("second".into()),
                "{reads}"
            );
            assert!(exec::attempt(rx.drive()).is_pending());
            drop(tx);
        }
    }
}

#[test]
fn drive_of_a_receiver_writes_what_the_sender_feeds() {
    for order in Order::BOTH {
        for end in End::BOTH {
            let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
            let mut tasks = Tasks::new(order);
            let driving = tasks.spawn(async { rx.drive().await });
            tasks.settle();
            exec::run(tx.feed("fed")).unwrap();
            tasks.settle();
            assert_eq!(opcodes(&peer.take_frames()), [TEXT]);
            peer.push(end.peer().text("m"));
            tasks.settle();
            assert!(matches!(driving.output(), Some(Ok(true))));
        }
    }
}

#[test]
fn drive_dropped_at_every_await_loses_and_repeats_nothing() {
    for end in End::BOTH {
        for piece in [1, 3, 1000] {
            let from = end.peer();
            let (mut ws, peer) = end.open(&Config::default());
            peer.hesitate();
            peer.pieces(piece, piece);
            for number in 0..5 {
                exec::run(ws.feed(format!("out {number}"))).unwrap();
                peer.push(
                    [
                        from.frame(PING, &[number]),
                        from.fragment(TEXT, b"in "),
                        from.frame(CONTINUATION, number.to_string().as_bytes()),
                    ]
                    .concat(),
                );
            }
            peer.push(from.close(1000, ""));
            peer.end();
            let mut got = Vec::new();
            while exec::run_dropping(&mut ws, async |ws| ws.drive().await).unwrap() {
                // A second call finds the same message.
                assert!(exec::run_dropping(&mut ws, async |ws| ws.drive().await).unwrap());
                let message = exec::run_dropping(&mut ws, async |ws| ws.recv().await);
                got.push(message.unwrap().unwrap());
            }
            let expected: Vec<Message> = (0..5).map(|n| format!("in {n}").into()).collect();
            assert_eq!(got, expected, "{end:?} {piece}");
            let frames = peer.take_frames();
            let of = |opcode: u8| -> Vec<Vec<u8>> {
                let frames = frames.iter().filter(|frame| frame.opcode() == opcode);
                frames.map(|frame| frame.payload.clone()).collect()
            };
            let sent: Vec<Vec<u8>> = (0..5).map(|n| format!("out {n}").into_bytes()).collect();
            assert_eq!(of(TEXT), sent);
            assert_eq!(of(CLOSE).len(), 1);
            assert!(of(PONG).iter().all(|payload| payload.len() == 1));
            assert_eq!(of(PONG).last(), Some(&vec![4]));
            assert!(ws.end().unwrap().clean);
        }
    }
}

#[test]
fn close_after_drive_discards_the_message() {
    for end in End::BOTH {
        let (mut ws, peer) = driven(end, 0);
        peer.push(end.peer().close(1000, ""));
        peer.end();
        exec::run(ws.close(CloseCode::NORMAL, "")).unwrap();
        assert!(ws.end().unwrap().clean);
        assert!(exec::run(ws.recv()).unwrap().is_none());
        assert!(!exec::run(ws.drive()).unwrap());
    }
}

#[test]
fn a_message_that_drive_found_is_received_after_the_end_of_the_connection() {
    for end in End::BOTH {
        let (mut ws, peer) = driven(end, 0);
        peer.window(0);
        assert!(matches!(
            exec::run(ws.send("stuck")),
            Err(Error::Timeout(Timeout::Unreceived))
        ));
        assert!(peer.is_dropped());
        let (messages, fault) = receive_all(&mut ws);
        assert_eq!(messages, ["first".into(), "second".into()]);
        assert!(matches!(fault, Some(Error::Timeout(Timeout::Unreceived))));
    }
}

/// The documentation of `drive` promises this to callers that mostly send.
#[test]
fn drive_writes_the_queue_even_while_a_message_waits() {
    for end in End::BOTH {
        let (mut ws, peer) = driven(end, 0);
        exec::run(ws.feed("queued after it")).unwrap();
        assert!(exec::run(ws.drive()).unwrap());
        let frames = peer.take_frames();
        assert!(
            frames
                .iter()
                .any(|frame| frame.payload == b"queued after it"),
            "{end:?}: {frames:?}"
        );
    }
}
