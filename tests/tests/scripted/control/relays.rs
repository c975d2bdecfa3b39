//! `recv_any`: messages and control frames in the order of their arrival, and Pongs that only the
//! caller sends.

use std::task::Poll;

use ws_driver::{CloseCode, Config, Control, Error, Incoming, Message};
use ws_tests::exec;
use ws_tests::scripted::{self, End, Peer, Scripted, Ws};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

/// Returns the opcode and the payload. For a Close, the payload is its reason.
fn short(incoming: Incoming) -> (u8, Vec<u8>) {
    match incoming {
        Incoming::Message(Message::Text(text)) => (TEXT, text.as_bytes().to_vec()),
        Incoming::Message(Message::Binary(bytes)) => (BINARY, bytes.to_vec()),
        Incoming::Control(Control::Ping(payload)) => (PING, payload.to_vec()),
        Incoming::Control(Control::Pong(payload)) => (PONG, payload.to_vec()),
        Incoming::Control(Control::Close(close)) => (CLOSE, close.reason.as_bytes().to_vec()),
    }
}

/// Returns input, and the results that `recv_any` must return for it.
fn conversation(from: wire::From) -> (Vec<u8>, Vec<(u8, Vec<u8>)>) {
    let bytes = [
        from.frame(PING, b"1"),
        from.frame(PONG, b"2"),
        from.text("3"),
        from.frame(PING, b"4"),
        from.fragment(BINARY, b"7a"),
        from.frame(PING, b"5"),
        from.fragment(CONTINUATION, b"7b"),
        from.frame(PONG, b"6"),
        from.frame(CONTINUATION, b"7c"),
        from.frame(PING, b"8"),
        from.frame(PING, b"9"),
        from.close(1000, "end"),
    ];
    let expected = [
        (PING, &b"1"[..]),
        (PONG, b"2"),
        (TEXT, b"3"),
        (PING, b"4"),
        (PING, b"5"),
        (PONG, b"6"),
        (BINARY, b"7a7b7c"),
        (PING, b"8"),
        (PING, b"9"),
        (CLOSE, b"end"),
    ];
    let expected = expected.map(|(opcode, payload)| (opcode, payload.to_vec()));
    (bytes.concat(), expected.to_vec())
}

/// The payloads of the Pings in [`conversation`].
const PINGS: [&[u8]; 5] = [b"1", b"4", b"5", b"8", b"9"];

/// Returns the configurations with automatic and with manual Pongs. The `bool` is `true` for manual
/// Pongs.
fn configs() -> [(bool, Config); 2] {
    [
        (false, Config::default()),
        (true, Config::default().manual_pongs()),
    ]
}

/// Makes the connection look ahead: polls a `send` to a transport that takes nothing, and drops the
/// future. The message stays in the queue.
fn look(ws: &mut Ws, peer: &Peer) {
    peer.window(0);
    let _ = exec::attempt(ws.send("sent"));
    peer.window(usize::MAX);
}

/// Returns the payloads of the Pongs that were written.
fn pongs(peer: &Peer) -> Vec<Vec<u8>> {
    let frames = peer.take_frames().into_iter();
    frames
        .filter(|frame| frame.opcode() == PONG)
        .map(|frame| frame.payload)
        .collect()
}

#[test]
fn recv_any_returns_messages_and_control_frames_in_order() {
    for end in End::BOTH {
        for (is_manual, config) in configs() {
            for piece in [1, 2, 5, usize::MAX] {
                let (bytes, expected) = conversation(end.peer());
                let (mut ws, peer) = end.open(&config);
                peer.pieces(piece, usize::MAX);
                peer.push(bytes);
                peer.end();
                let mut seen = Vec::new();
                while let Some(incoming) =
                    exec::run_dropping(&mut ws, async |ws| ws.recv_any().await).unwrap()
                {
                    seen.push(short(incoming));
                }
                assert_eq!(seen, expected, "{end:?} {is_manual} {piece}");
                let answered: &[&[u8]] = if is_manual { &[] } else { &PINGS };
                assert_eq!(pongs(&peer), answered, "{end:?} {is_manual} {piece}");
            }
        }
    }
}

#[test]
fn recv_any_of_a_half_returns_messages_and_control_frames_in_order() {
    for end in End::BOTH {
        for (is_manual, config) in configs() {
            for piece in [1, 2, 5, usize::MAX] {
                let (bytes, expected) = conversation(end.peer());
                let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &config);
                peer.pieces(piece, usize::MAX);
                peer.push(bytes);
                peer.end();
                let mut seen = Vec::new();
                while let Some(incoming) =
                    exec::run_dropping(&mut rx, async |rx| rx.recv_any().await).unwrap()
                {
                    let incoming = short(incoming);
                    if is_manual && incoming == (PING, b"4".to_vec()) {
                        exec::run(tx.send_pong(b"4")).unwrap();
                    }
                    seen.push(incoming);
                }
                assert_eq!(seen, expected, "{end:?} {is_manual} {piece}");
                let answered: &[&[u8]] = if is_manual { &[b"4"] } else { &PINGS };
                assert_eq!(pongs(&peer), answered, "{end:?} {is_manual} {piece}");
            }
        }
    }
}

#[test]
fn a_look_ahead_keeps_control_frames_for_recv_any() {
    for end in End::BOTH {
        for (is_manual, config) in configs() {
            for piece in [1, 2, 3, 5, 64, usize::MAX] {
                // The number of receives before the look ahead.
                for receives in 0..12 {
                    let (bytes, expected) = conversation(end.peer());
                    let (mut ws, peer) = end.open(&config);
                    if !is_manual {
                        // From this call on, control frames are kept for the caller.
                        assert!(exec::attempt(ws.recv_any()).is_pending());
                    }
                    peer.pieces(piece, usize::MAX);
                    peer.push(bytes);
                    let mut seen = Vec::new();
                    for number in 0.. {
                        if number == receives {
                            look(&mut ws, &peer);
                        }
                        match exec::attempt(ws.recv_any()) {
                            Poll::Ready(Ok(Some(incoming))) => seen.push(short(incoming)),
                            Poll::Ready(Ok(None)) => break,
                            other => panic!("{other:?} after {seen:?}"),
                        }
                    }
                    let context = format!("{end:?} {is_manual} {piece} {receives}");
                    assert_eq!(seen, expected, "{context}");
                    assert!(ws.end().unwrap().clean, "{context}");
                    let pongs = pongs(&peer);
                    if is_manual {
                        assert!(pongs.is_empty(), "{context}: {pongs:?}");
                    } else {
                        // While the transport takes nothing, only the newest Ping is answered.
                        assert!(pongs.is_sorted());
                        assert!(pongs.iter().all(|pong| PINGS.contains(&&**pong)));
                    }
                }
            }
        }
    }
}

#[test]
fn a_close_that_send_reports_is_still_returned_by_recv_any() {
    for end in End::BOTH {
        for (is_manual, config) in configs() {
            let (mut ws, peer) = end.open(&config);
            if !is_manual {
                assert!(exec::attempt(ws.recv_any()).is_pending());
            }
            peer.window(0);
            exec::expect_ready(exec::glance(ws.feed(vec![0; 100_000]))).unwrap();
            peer.push(end.peer().close(4000, "bye"));
            match exec::attempt(ws.send("late")) {
                Poll::Ready(Err(Error::Closed(Some(close)))) => assert_eq!(&*close.reason, "bye"),
                other => panic!("{end:?} {is_manual}: {other:?}"),
            }
            peer.window(usize::MAX);
            let incoming = exec::run(ws.recv_any()).unwrap().unwrap();
            assert_eq!(short(incoming), (CLOSE, b"bye".to_vec()));
            assert!(exec::run(ws.recv_any()).unwrap().is_none());
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 2, "not exactly one message and one Close");
            assert_eq!((frames[1].opcode(), frames[1].close_code()), (CLOSE, 4000));
        }
    }
}

#[test]
fn with_manual_pongs_only_the_pongs_of_the_caller_are_sent() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default().manual_pongs());
        peer.push(end.peer().frame(PING, b"before any receive").repeat(3));
        look(&mut ws, &peer);
        exec::run(ws.flush()).unwrap();
        assert!(pongs(&peer).is_empty());
        for number in 0..3 {
            let incoming = exec::run(ws.recv_any()).unwrap().unwrap();
            assert_eq!(short(incoming), (PING, b"before any receive".to_vec()));
            exec::run(ws.send_pong([number])).unwrap();
            assert_eq!(pongs(&peer), [[number]]);
        }
        assert!(exec::attempt(ws.recv()).is_pending());
        assert!(pongs(&peer).is_empty());
        exec::run(async { ws.start_close(CloseCode::NORMAL, "") }).unwrap();
    }
}
