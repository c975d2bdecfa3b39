//! Relays and observers: messages and control frames in the order of the wire, and Pongs that are left to the caller.

#![forbid(unsafe_code)]

use std::task::Poll;

use ws_driver::{CloseCode, Config, Control, Error, Incoming, Message};
use ws_tests::exec;
use ws_tests::scripted::{self, End, Peer, Scripted, Ws};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

/// The events, in short.
fn short(incoming: Incoming) -> (u8, Vec<u8>) {
    match incoming {
        Incoming::Message(Message::Text(text)) => (TEXT, text.as_bytes().to_vec()),
        Incoming::Message(Message::Binary(bytes)) => (BINARY, bytes.to_vec()),
        Incoming::Control(Control::Ping(payload)) => (PING, payload.to_vec()),
        Incoming::Control(Control::Pong(payload)) => (PONG, payload.to_vec()),
        Incoming::Control(Control::Close(close)) => (CLOSE, close.reason.as_bytes().to_vec()),
    }
}

/// A conversation, and what is received of it.
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

fn configs() -> [(bool, Config); 2] {
    [
        (false, Config::default()),
        (true, Config::default().manual_pongs()),
    ]
}

/// Lets a send wait that sees what has arrived, and gives it up. Nothing is left of it but the message, once.
fn look(ws: &mut Ws, peer: &Peer) {
    peer.window(0);
    let _ = exec::attempt(ws.send("sent"));
    peer.window(usize::MAX);
}

/// The payloads of the Pongs that were written.
fn pongs(peer: &Peer) -> Vec<Vec<u8>> {
    let frames = peer.take_frames().into_iter();
    frames
        .filter(|frame| frame.opcode() == PONG)
        .map(|frame| frame.payload)
        .collect()
}

#[test]
fn everything_is_received_in_the_order_of_the_wire() {
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
                let pings: &[&[u8]] = if is_manual {
                    &[]
                } else {
                    &[b"1", b"4", b"5", b"8", b"9"]
                };
                assert_eq!(pongs(&peer), pings, "{end:?} {is_manual} {piece}");
            }
        }
    }
}

#[test]
fn everything_is_received_in_the_order_of_the_wire_by_a_half() {
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
                let pings: &[&[u8]] = if is_manual {
                    &[b"4"]
                } else {
                    &[b"1", b"4", b"5", b"8", b"9"]
                };
                assert_eq!(pongs(&peer), pings, "{end:?} {is_manual} {piece}");
            }
        }
    }
}

#[test]
fn a_look_ahead_of_a_send_takes_nothing_away_from_those_who_want_all() {
    for end in End::BOTH {
        for (is_manual, config) in configs() {
            for piece in [1, 2, 3, 5, 64, usize::MAX] {
                // Where one send looks, for each place between two receives.
                for looks_at in 0..12 {
                    let (bytes, expected) = conversation(end.peer());
                    let (mut ws, peer) = end.open(&config);
                    if !is_manual {
                        // It is only now known that control frames are wanted.
                        assert!(exec::attempt(ws.recv_any()).is_pending());
                    }
                    peer.pieces(piece, usize::MAX);
                    peer.push(bytes);
                    let mut seen = Vec::new();
                    for number in 0.. {
                        if number == looks_at {
                            look(&mut ws, &peer);
                        }
                        match exec::attempt(ws.recv_any()) {
                            Poll::Ready(Ok(Some(incoming))) => seen.push(short(incoming)),
                            Poll::Ready(Ok(None)) => break,
                            other => panic!("{other:?} behind {seen:?}"),
                        }
                    }
                    let context = format!("{end:?} {is_manual} {piece} {looks_at}");
                    assert_eq!(seen, expected, "{context}");
                    assert!(ws.end().unwrap().clean, "{context}");
                    let pongs = pongs(&peer);
                    if is_manual {
                        assert!(pongs.is_empty(), "{context}: {pongs:?}");
                    } else {
                        let pings: [&[u8]; 5] = [b"1", b"4", b"5", b"8", b"9"];
                        // While the transport takes nothing, only the newest is answered.
                        assert!(
                            pongs.is_sorted() && pongs.iter().all(|pong| pings.contains(&&**pong))
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn whoever_sends_hears_of_a_close_in_front_and_receives_it_all_the_same() {
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
            assert_eq!(frames.len(), 2, "one message, one Close");
            assert_eq!((frames[1].opcode(), frames[1].close_code()), (CLOSE, 4000));
        }
    }
}

#[test]
fn no_pong_leaves_but_those_that_are_sent() {
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
