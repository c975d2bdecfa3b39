//! Futures that are dropped at every await: no message is lost or repeated, and no frame is cut.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::{Acceptor, CloseCode, Config, Connector, Error, Message, TryFeedError};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::http;
use ws_tests::scripted::{self, End, Manual, Peer, Ws};
use ws_tests::steps::echo_one;
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

const PIECES: [usize; 4] = [1, 2, 7, 4096];

/// Returns input, and the messages in it. The messages have every shape. Control frames are between
/// the messages and inside one message.
fn session(from: wire::From) -> (Vec<u8>, Vec<Message>) {
    let large = vec![0xa5; 70_000];
    let bytes = [
        from.text("first"),
        from.fragment(TEXT, "κόσ".as_bytes()),
        from.frame(PING, b"between"),
        from.fragment(CONTINUATION, b""),
        from.frame(CONTINUATION, "με".as_bytes()),
        from.frame(BINARY, b""),
        from.frame(BINARY, &large),
        from.frame(PONG, b"unasked"),
        from.text("last"),
        from.close(1000, "bye"),
    ]
    .concat();
    let messages = vec![
        Message::from("first"),
        Message::from("κόσμε"),
        Message::from(vec![]),
        Message::from(large),
        Message::from("last"),
    ];
    (bytes, messages)
}

/// Returns a connection over a slow transport. Each operation is pending once, and then moves at
/// most `piece` bytes.
fn reluctant(end: End, piece: usize) -> (Ws, Peer) {
    let (ws, peer) = end.open(&Config::default());
    peer.hesitate();
    peer.pieces(piece, piece);
    (ws, peer)
}

/// Returns a [`reluctant`] connection, and its peer, which has sent a [`session`]. Also returns the
/// messages of the session.
fn in_session(end: End, piece: usize) -> (Ws, Peer, Vec<Message>) {
    let (bytes, expected) = session(end.peer());
    let (ws, peer) = reluctant(end, piece);
    peer.push(bytes);
    peer.end();
    (ws, peer, expected)
}

/// The opcodes and the payloads of frames.
type Frames = Vec<(u8, Vec<u8>)>;

/// Returns the messages and the control frames that were written.
fn sent(peer: &Peer) -> (Frames, Frames) {
    let frames = peer.take_frames();
    let whole = frames.iter().map(|frame| {
        let (opcode, payload) = frame.whole();
        (opcode, payload.to_vec())
    });
    whole.partition(|(opcode, _)| *opcode < CLOSE)
}

#[test]
fn recv_dropped_at_every_await_returns_each_message_once() {
    for end in End::BOTH {
        for piece in PIECES {
            let (mut ws, peer, expected) = in_session(end, piece);
            let mut messages = Vec::new();
            while let Some(message) =
                exec::run_dropping(&mut ws, async |ws| ws.recv().await).unwrap()
            {
                messages.push(message);
            }
            assert!(messages == expected, "{end:?} in pieces of {piece}");
            assert!(ws.end().unwrap().clean);
            let (data, control) = sent(&peer);
            assert!(data.is_empty());
            let close = (CLOSE, wire::close_payload(1000, ""));
            assert_eq!(control, [(PONG, b"between".to_vec()), close]);
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

#[test]
fn an_echo_loop_dropped_at_every_await_answers_each_message_once() {
    for end in End::BOTH {
        for piece in PIECES {
            let (mut ws, peer, expected) = in_session(end, piece);
            while exec::run_dropping(&mut ws, async |ws| echo_one(ws).await).unwrap() {}
            let (data, _) = sent(&peer);
            let payloads: Vec<&[u8]> = data.iter().map(|(_, payload)| &payload[..]).collect();
            let expected: Vec<&[u8]> = expected.iter().map(Message::as_bytes).collect();
            assert!(payloads == expected, "{end:?} in pieces of {piece}");
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

#[test]
fn send_dropped_after_any_number_of_polls_has_sent_the_message_once() {
    let long = "long ".repeat(40);
    for end in End::BOTH {
        for polls in 1.. {
            let (mut ws, peer) = reluctant(end, 3);
            let mut done = false;
            {
                let mut send = pin!(ws.send(&long));
                for _ in 0..polls {
                    done = Task::new().poll(send.as_mut()).is_ready();
                    if done {
                        break;
                    }
                }
            }
            if done {
                assert!(polls > 10, "the send was never dropped half way");
                assert_eq!(sent(&peer).0, [(TEXT, long.clone().into_bytes())]);
                break;
            }
            exec::run(ws.send("next")).unwrap();
            let expected = [(TEXT, long.clone().into_bytes()), (TEXT, b"next".to_vec())];
            assert_eq!(sent(&peer).0, expected, "dropped after {polls} polls");
        }
    }
}

#[test]
fn a_future_dropped_while_it_waits_for_room_sends_nothing() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        let message = vec![0x55; 10_000];
        let mut queued = 0;
        while ws.has_room() {
            ws.try_feed(&message).unwrap();
            queued += 1;
        }
        assert_eq!(ws.try_feed(&message), Err(TryFeedError::Full(&message)));
        assert_eq!(queued, 7, "room did not end at 64 KiB");
        for _ in 0..3 {
            assert!(exec::glance(ws.send("not sent")).is_pending());
            assert!(exec::glance(ws.feed("not queued")).is_pending());
            assert!(exec::glance(ws.ready()).is_pending());
            assert!(exec::glance(ws.flush()).is_pending());
            assert!(exec::glance(ws.send_ping("no ping")).is_pending());
            assert!(exec::glance(ws.recv()).is_pending());
            assert!(exec::glance(ws.recv_ref()).is_pending());
        }
        peer.window(usize::MAX);
        exec::run(ws.flush()).unwrap();
        let (data, control) = sent(&peer);
        assert_eq!(data.len(), queued);
        assert!(data.iter().all(|(_, payload)| *payload == [0x55; 10_000]));
        assert!(control.is_empty());
    }
}

#[test]
fn a_send_that_is_dropped_after_it_found_room_is_sent() {
    for end in End::BOTH {
        // The queue has room for some of the sends and not for others.
        let (mut ws, peer) = reluctant(end, 1);
        let mut promised = Vec::new();
        for number in 0..200_u32 {
            let message = [&number.to_be_bytes()[..], &[7; 2000]].concat();
            let room = exec::glance(ws.ready()).is_ready();
            assert!(exec::glance(ws.send(&message)).is_pending());
            if room {
                promised.push(number);
            }
            for _ in 0..number * 10 {
                let _ = exec::glance(ws.flush());
            }
        }
        assert!(promised.len() > 64 * 1024 / 2004 && promised.len() < 190);
        exec::run(ws.flush()).unwrap();
        let numbers: Vec<u32> = sent(&peer)
            .0
            .iter()
            .map(|(opcode, payload)| {
                let (number, rest) = payload.split_at(4);
                assert_eq!((*opcode, rest), (BINARY, &[7; 2000][..]));
                u32::from_be_bytes(number.try_into().unwrap())
            })
            .collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        // A `send` that found no room at first may also have queued its message, because it writes
        // the queue before it waits.
        assert!(promised.iter().all(|number| numbers.contains(number)));
        assert!(numbers.len() < 200, "every send found room");
    }
}

#[test]
fn ready_then_try_feed_never_loses_a_message() {
    for end in End::BOTH {
        let (mut ws, peer) = reluctant(end, 5000);
        let mut expected = Vec::new();
        for number in 0..100_u32 {
            let message = [&number.to_be_bytes()[..], &[1; 9000]].concat();
            exec::run_dropping(&mut ws, async |ws| ws.ready().await).unwrap();
            ws.try_feed(message.clone()).unwrap();
            expected.push((BINARY, message));
        }
        exec::run_dropping(&mut ws, async |ws| ws.flush().await).unwrap();
        assert!(sent(&peer).0 == expected);
    }
}

#[test]
fn try_feed_returns_the_message_while_closing() {
    let (mut ws, peer) = scripted::server(&Config::default());
    ws.start_close(CloseCode::NORMAL, "").unwrap();
    match ws.try_feed(String::from("late")) {
        Err(error @ TryFeedError::Closed(_)) => assert_eq!(error.into_message(), "late"),
        other => panic!("{other:?}"),
    }
    let closing = |result| matches!(result, Poll::Ready(Err(Error::Closed(_))));
    assert!(closing(exec::glance(ws.send("late"))));
    assert!(closing(exec::glance(ws.feed("late"))));
    assert!(closing(exec::glance(ws.ready())));
    assert!(closing(exec::glance(ws.send_ping("late"))));
    assert!(closing(exec::glance(ws.send_pong("late"))));
    exec::expect_ready(exec::glance(ws.flush())).unwrap();
    let frames = peer.take_frames();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].whole(), (CLOSE, &[0x03, 0xe8][..]));
}

#[test]
fn close_dropped_at_every_await_closes_once() {
    for end in End::BOTH {
        for piece in PIECES {
            let (mut ws, peer) = reluctant(end, piece);
            peer.push(end.peer().text("under way"));
            peer.push(end.peer().close(1001, "you too"));
            peer.end();
            exec::run_dropping(&mut ws, async |ws| {
                ws.close(CloseCode::GOING_AWAY, "bye").await
            })
            .unwrap();
            let (data, control) = sent(&peer);
            assert!(data.is_empty());
            assert_eq!(control, [(CLOSE, wire::close_payload(1001, "bye"))]);
            let closed = ws.end().unwrap();
            assert!(closed.clean);
            assert_eq!(&*closed.local.unwrap().reason, "bye");
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

#[test]
fn a_violation_is_answered_and_reported_even_if_recv_is_dropped_at_every_await() {
    for end in End::BOTH {
        for piece in PIECES {
            let (mut ws, peer) = reluctant(end, piece);
            peer.push([end.peer().text("good"), end.peer().frame(3, b"bad")].concat());
            peer.end();
            let recv = async |ws: &mut Ws| ws.recv().await;
            let message = exec::run_dropping(&mut ws, recv).unwrap();
            assert_eq!(message, Some("good".into()));
            let error = exec::run_dropping(&mut ws, recv).unwrap_err();
            assert_eq!(error.violation_code(), Some(CloseCode::PROTOCOL_ERROR));
            assert!(exec::run_dropping(&mut ws, recv).unwrap().is_none());
            let (_, control) = sent(&peer);
            assert_eq!(control, [(CLOSE, wire::close_payload(1002, ""))]);
            assert!(peer.is_shut_down() && peer.is_dropped());
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

#[test]
fn an_accept_dropped_at_any_await_drops_the_transport() {
    for polls in 1.. {
        let (transport, peer) = scripted::pair();
        peer.hesitate();
        peer.pieces(5, 5);
        peer.push(http::request());
        let acceptor = Acceptor::<Manual>::new();
        let mut done = false;
        {
            let mut accept = pin!(acceptor.accept(transport));
            for _ in 0..polls {
                done = Task::new().poll(accept.as_mut()).is_ready();
                if done {
                    break;
                }
            }
        }
        assert!(peer.is_dropped());
        if done {
            assert!(polls > 40);
            break;
        }
        assert!(!peer.is_shut_down());
        assert_eq!(clock::timers(), 0);
    }
}

#[test]
fn a_client_handshake_dropped_at_any_await_drops_the_transport() {
    let mut complete = false;
    for polls in 1..200 {
        let (transport, peer) = scripted::pair();
        peer.hesitate();
        peer.pieces(5, 5);
        let connector = Connector::<Manual>::new();
        {
            let mut handshake = pin!(connector.handshake("ws://h/", transport));
            for _ in 0..polls {
                let _ = Task::new().poll(handshake.as_mut());
            }
        }
        assert!(peer.is_dropped());
        complete |= http::split_head(&peer.take_output()).is_some();
    }
    assert!(complete);
}
