//! Uploads to a peer that sends messages and Pings at the same time.

use std::time::Duration;

use ws_driver::{Config, Message};
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::scripted::{End, Fault, Peer, receive_all};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

use super::{SECOND, pongs};

const FAULTS: [Fault; 4] = [Fault::Fail, Fault::Stick, Fault::Shorten, Fault::Interrupt];

/// Returns input, the messages in it, and the payloads of its Pings. The messages have every shape.
/// The Pings are between the messages and inside one message.
fn session(from: wire::From) -> (Vec<u8>, Vec<Message>, Vec<Vec<u8>>) {
    let bytes = [
        from.frame(PING, b"1"),
        from.text("first"),
        from.frame(PING, b"2"),
        from.fragment(TEXT, "κόσ".as_bytes()),
        from.frame(PING, b"3"),
        from.fragment(CONTINUATION, b""),
        from.frame(PONG, b"unasked"),
        from.frame(CONTINUATION, "με".as_bytes()),
        from.frame(BINARY, &[0xa5; 20_000]),
        from.frame(PING, b"4"),
        from.frame(BINARY, b""),
        from.frame(BINARY, &vec![0x5a; 90_000]),
        from.frame(PING, b"5"),
        from.text("last"),
    ];
    let messages = vec![
        Message::from("first"),
        Message::from("κόσμε"),
        Message::from(vec![0xa5; 20_000]),
        Message::from(vec![]),
        Message::from(vec![0x5a; 90_000]),
        Message::from("last"),
    ];
    let pings = [b"1", b"2", b"3", b"4", b"5"].map(|payload| payload.to_vec());
    (bytes.concat(), messages, pings.to_vec())
}

/// Makes the message with this number in an upload.
fn upload(number: u8) -> Vec<u8> {
    vec![number; 300 * 1024]
}

/// Asserts that the first `expected` messages of an upload were written whole, in order and once.
/// Returns the payloads of the Pongs between the messages.
fn uploaded(peer: &Peer, expected: u8) -> Vec<Vec<u8>> {
    let frames = peer.take_frames();
    let data: Vec<_> = frames
        .iter()
        .filter(|frame| frame.opcode() < CLOSE)
        .collect();
    assert_eq!(data.len(), usize::from(expected));
    for (number, frame) in data.iter().enumerate() {
        assert!(frame.whole() == (BINARY, &upload(number as u8)[..]));
    }
    pongs(&frames)
}

#[test]
fn an_upload_dropped_at_every_await_loses_and_repeats_nothing() {
    for end in End::BOTH {
        for (read, write) in [(1, 4096), (7, 1000), (4096, 10_000), (usize::MAX, 65_536)] {
            let (bytes, expected, pings) = session(end.peer());
            let (mut ws, peer) = end.open(&Config::default());
            peer.hesitate();
            peer.pieces(read, write);
            peer.push(bytes);
            for number in 0..4 {
                exec::run_dropping(&mut ws, async |ws| ws.ready().await).unwrap();
                // There is room, so one poll queues the message.
                assert!(exec::glance(ws.send(upload(number))).is_pending());
                exec::run_dropping(&mut ws, async |ws| ws.flush().await).unwrap();
            }
            peer.push(end.peer().close(1000, ""));
            peer.end();
            let mut messages = Vec::new();
            while let Some(message) =
                exec::run_dropping(&mut ws, async |ws| ws.recv().await).unwrap()
            {
                messages.push(message);
            }
            let context = format!("{end:?} {read} {write}");
            assert!(messages == expected, "{context}");
            let answered = uploaded(&peer, 4);
            // While the transport takes nothing, only the newest Ping is answered.
            assert!(
                answered.is_sorted_by(|a, b| a < b),
                "{context}: {answered:?}"
            );
            assert!(answered.iter().all(|pong| pings.contains(pong)));
            assert_eq!(answered.last(), pings.last(), "{context}");
            assert!(ws.end().unwrap().clean);
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

#[test]
fn an_upload_that_never_waits_answers_each_ping_once() {
    for end in End::BOTH {
        for read in [1000, usize::MAX] {
            let (bytes, expected, pings) = session(end.peer());
            let (mut ws, peer) = end.open(&Config::default());
            peer.pieces(read, usize::MAX);
            peer.push(bytes);
            for number in 0..4 {
                exec::expect_ready(exec::glance(ws.send(upload(number)))).unwrap();
            }
            exec::run(ws.flush()).unwrap();
            peer.push(end.peer().close(1000, ""));
            peer.end();
            let (messages, fault) = receive_all(&mut ws);
            assert!(fault.is_none() && messages == expected, "{end:?} {read}");
            assert_eq!(uploaded(&peer, 4), pings, "{end:?} {read}");
        }
    }
}

#[test]
fn an_upload_survives_any_fault() {
    for end in End::BOTH {
        for fault in FAULTS {
            for at in 0.. {
                assert!(at < 300, "the run does not end");
                let (bytes, expected, pings) = session(end.peer());
                let (mut ws, peer) = end.open(&Config::default());
                let before = clock::elapsed();
                peer.pieces(30_000, 100_000);
                peer.hesitate();
                peer.push(bytes);
                peer.fault(at, fault);
                let mut sent = 0;
                let mut send_fault = None;
                for number in 0..3 {
                    match exec::run(ws.send(upload(number))) {
                        Ok(()) => sent = number + 1,
                        Err(error) => {
                            send_fault = Some(error);
                            break;
                        }
                    }
                }
                peer.push(end.peer().close(1000, ""));
                peer.end();
                let mut messages = Vec::new();
                let mut receive_fault = None;
                loop {
                    match exec::try_run(ws.recv()) {
                        Some(Ok(Some(message))) => messages.push(message),
                        Some(Ok(None)) => break,
                        Some(Err(error)) => {
                            receive_fault = Some(error);
                            break;
                        }
                        // Nothing is left that could wake the task. Only a stuck read may cause
                        // this.
                        None => {
                            assert_eq!(fault, Fault::Stick);
                            break;
                        }
                    }
                }
                let context = format!(
                    "{end:?} {fault:?} {at}: sent {sent}, {send_fault:?}, {receive_fault:?}"
                );
                assert!(expected.starts_with(&messages), "{context}");
                assert!(clock::elapsed() - before <= 41 * SECOND, "{context}");
                let output = peer.take_output();
                let (frames, cut) = wire::parse(&output);
                let answered = pongs(&frames);
                assert!(
                    answered.is_sorted_by(|a, b| a < b),
                    "{context}: {answered:?}"
                );
                if matches!(fault, Fault::Shorten | Fault::Interrupt) || peer.fault_waits() {
                    assert!(send_fault.is_none() && receive_fault.is_none(), "{context}");
                    assert!(messages == expected && sent == 3 && cut == 0, "{context}");
                    assert_eq!(answered.last(), pings.last(), "{context}");
                    let closes = frames.iter().filter(|frame| frame.opcode() == CLOSE);
                    assert_eq!(closes.count(), 1, "{context}");
                    assert_eq!(frames.last().map(wire::Frame::opcode), Some(CLOSE));
                    assert!(ws.end().unwrap().clean, "{context}");
                    assert_eq!(clock::elapsed(), before, "{context}");
                }
                if peer.fault_waits() {
                    assert!(at > 15, "{context}");
                    break;
                }
            }
        }
    }
}
