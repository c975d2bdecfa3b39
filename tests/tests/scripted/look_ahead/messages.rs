//! Bytes that were read ahead are neither lost nor reordered, however they are received.

use std::task::Poll;

use ws_driver::{Config, DeflateConfig, Message};
use ws_tests::exec;
use ws_tests::pairs;
use ws_tests::scripted::{End, receive_all};
use ws_tests::wire::{BINARY, CONTINUATION, PING, TEXT};

use super::{LARGE, pongs, stuck, unstick};

#[test]
fn the_rest_of_a_streamed_message_is_skipped_after_a_look_ahead() {
    for end in End::BOTH {
        for (first, behind) in [
            (40_000, 100),
            (60_000, 10),
            (5, 5),
            (5000, 4000),
            (30_000, 20_000),
        ] {
            let from = end.peer();
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(
                [
                    from.fragment(BINARY, &vec![1; first]),
                    from.fragment(CONTINUATION, &vec![2; behind]),
                ]
                .concat(),
            );
            {
                let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
                let mut received = 0;
                while received < first {
                    let piece = exec::run(reader.chunk()).unwrap().unwrap();
                    assert!(piece.iter().all(|byte| *byte == 1));
                    received += piece.len();
                }
                assert_eq!(received, first);
            }
            stuck(&mut ws, &peer, vec![0; LARGE]);
            peer.push([from.frame(CONTINUATION, &[3; 7]), from.text("next")].concat());
            stuck(&mut ws, &peer, "more");
            unstick(&mut ws, &peer);
            assert_eq!(
                exec::run(ws.recv()).unwrap(),
                Some("next".into()),
                "{end:?} {first} {behind}"
            );
        }
    }
}

#[test]
fn into_parts_returns_the_bytes_of_a_look_ahead() {
    for end in End::BOTH {
        let from = end.peer();
        for piece in [1, 3, usize::MAX] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.pieces(piece, usize::MAX);
            let rest = [
                from.text("one"),
                from.frame(PING, b"2"),
                from.fragment(TEXT, b"th"),
            ];
            let rest = [&rest.concat()[..], &[0x80]].concat();
            peer.push([from.frame(PING, b"0"), rest.clone()].concat());
            stuck(&mut ws, &peer, "sent");
            unstick(&mut ws, &peer);
            let (transport, bytes) = ws
                .into_parts()
                .unwrap_or_else(|_| panic!("{end:?} {piece}"));
            assert_eq!(
                bytes.escape_ascii().to_string(),
                rest.escape_ascii().to_string()
            );
            drop(transport);
            assert!(!pongs(&peer.take_frames()).is_empty());
        }
    }
}

#[test]
fn bytes_read_ahead_survive_split_and_reunite() {
    for end in End::BOTH {
        for reunites in [false, true] {
            let from = end.peer();
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(
                [
                    from.text("one"),
                    from.frame(PING, b"2"),
                    from.fragment(TEXT, b"thr"),
                ]
                .concat(),
            );
            stuck(&mut ws, &peer, "sent");
            unstick(&mut ws, &peer);
            assert_eq!(pongs(&peer.take_frames()), [b"2"]);
            let (tx, mut rx) = ws.split();
            peer.push([from.frame(PING, b"4"), from.frame(CONTINUATION, b"ee")].concat());
            peer.push(from.close(1000, ""));
            peer.end();
            let expected = [Message::from("one"), Message::from("three")];
            if reunites {
                let mut ws = tx.reunite(rx).unwrap();
                let (messages, fault) = receive_all(&mut ws);
                assert!(fault.is_none() && messages == expected);
            } else {
                for message in &expected {
                    assert_eq!(exec::run(rx.recv()).unwrap().as_ref(), Some(message));
                }
                assert!(exec::run(rx.recv()).unwrap().is_none());
                drop(tx);
            }
            assert_eq!(pongs(&peer.take_frames()), [b"4"]);
        }
    }
}

#[test]
fn a_message_found_by_drive_is_received_before_bytes_read_ahead() {
    for end in End::BOTH {
        for len in [5, 5000, 70_000, 300_000] {
            let from = end.peer();
            let (mut ws, peer) = end.open(&Config::default());
            peer.push([from.frame(BINARY, &vec![7; len]), from.frame(PING, b"?")].concat());
            assert!(exec::run(ws.drive()).unwrap());
            stuck(&mut ws, &peer, vec![0; LARGE]);
            peer.push(
                [
                    from.text("next"),
                    from.frame(PING, b"!"),
                    from.close(1000, ""),
                ]
                .concat(),
            );
            peer.end();
            stuck(&mut ws, &peer, "more");
            unstick(&mut ws, &peer);
            assert!(exec::run(ws.drive()).unwrap());
            let (messages, fault) = receive_all(&mut ws);
            assert!(fault.is_none(), "{end:?} {len}: {fault:?}");
            assert!(
                messages == [vec![7; len].into(), "next".into()],
                "{end:?} {len}"
            );
            let answered = pongs(&peer.take_frames());
            assert!(
                answered.is_sorted_by(|a, b| a != b),
                "{end:?} {len}: {answered:?}"
            );
            assert_eq!(
                answered.last().map(Vec::as_slice),
                Some(&b"!"[..]),
                "{end:?} {len}"
            );
        }
    }
}

#[test]
fn looks_ahead_between_compressed_messages_change_nothing() {
    for end in End::BOTH {
        for takeover in [false, true] {
            let mut config = DeflateConfig::default();
            if !takeover {
                config = config.own_no_context_takeover().peer_no_context_takeover();
            }
            let config = Config::default().deflate(config);
            let ((mut ws, peer), (mut other, other_peer)) =
                pairs::compressing(end, &config, &config);
            let mut random = fastrand::Rng::with_seed(u64::from(takeover));
            let mut expected = Vec::new();
            for number in 0..60_u32 {
                let word = format!("number {number} of many ");
                let most = [3, 300, 4000][random.usize(..3)];
                let text = word.repeat(random.usize(1..most));
                exec::run(other.send(&text)).unwrap();
                if number % 3 == 0 {
                    exec::run(other.send_ping(number.to_be_bytes())).unwrap();
                }
                expected.push(Message::from(text));
            }
            let mut arriving = other_peer.take_output();
            let mut messages = Vec::new();
            while !arriving.is_empty() {
                let len = random.usize(1..3000).min(arriving.len());
                let rest = arriving.split_off(len);
                peer.push(std::mem::replace(&mut arriving, rest));
                match random.u8(..3) {
                    0 => {
                        stuck(&mut ws, &peer, vec![0; LARGE]);
                        unstick(&mut ws, &peer);
                    }
                    1 => {
                        if let Poll::Ready(found) = exec::attempt(ws.recv_stream()) {
                            let mut reader = found.unwrap().unwrap();
                            let mut all = Vec::new();
                            // If the rest of the message has not arrived yet, the reader is
                            // dropped, and the rest is skipped.
                            while let Poll::Ready(piece) = exec::attempt(reader.chunk()) {
                                match piece.unwrap() {
                                    Some(piece) => all.extend_from_slice(piece),
                                    None => break,
                                }
                            }
                            messages
                                .push(Message::from(String::from_utf8_lossy(&all).into_owned()));
                        }
                    }
                    _ => {
                        if let Poll::Ready(message) = exec::attempt(ws.recv()) {
                            messages.push(message.unwrap().unwrap());
                        }
                    }
                }
            }
            while let Poll::Ready(message) = exec::attempt(ws.recv()) {
                messages.push(message.unwrap().unwrap());
            }
            assert_eq!(messages.len(), expected.len(), "{end:?} {takeover}");
            for (message, expected) in messages.iter().zip(&expected) {
                assert!(expected.as_bytes().starts_with(message.as_bytes()));
            }
        }
    }
}

#[test]
fn small_messages_with_a_look_ahead_before_each_are_received_in_order() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let count = 60_000 / end.peer().text("").len();
        peer.push(end.peer().text("").repeat(count));
        peer.push(end.peer().frame(PING, b"behind"));
        stuck(&mut ws, &peer, vec![0; LARGE]);
        let mut messages = 0;
        while let Poll::Ready(message) = exec::attempt(ws.recv()) {
            assert_eq!(message.unwrap(), Some("".into()));
            messages += 1;
            let _ = exec::glance(ws.flush());
        }
        assert_eq!(messages, count);
        unstick(&mut ws, &peer);
        assert_eq!(pongs(&peer.take_frames()), [b"behind"]);
    }
}
