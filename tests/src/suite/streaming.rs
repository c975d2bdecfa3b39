//! Messages that are received and sent piece by piece, on real sockets.

use std::thread;
use std::time::Instant;

use ws_driver::{CloseCode, Config, Error, MessageKind};

use super::{Suite, accept, accept_with, client, connect, echo_in_pieces, server, start};
use crate::socket::{RawPeer, TOO_LONG};
use crate::wire::{self, BINARY, CONTINUATION, From, PING, PONG, TEXT};

/// Returns a message in fragments of random lengths, with a Ping before each fragment.
fn fragments(from: From, opcode: u8, payload: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut opcode = opcode;
    let mut rest = payload;
    loop {
        bytes.extend(from.frame(PING, b"p"));
        let (part, behind) = rest.split_at(random.usize(0..=rest.len().min(100_000)));
        if behind.is_empty() {
            bytes.extend(from.frame(opcode, part));
            return bytes;
        }
        bytes.extend(from.fragment(opcode, part));
        opcode = CONTINUATION;
        rest = behind;
    }
}

/// Asserts that each message is echoed. Sends the messages in pieces of random lengths, and joins
/// the fragments of each echo.
fn exchange(mut peer: RawPeer, from: From, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let text = "κόσμε 😀 ".repeat(20_000).into_bytes();
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n >> 7) as u8).collect();
    let messages = [
        (TEXT, text),
        (BINARY, Vec::new()),
        (BINARY, bytes),
        (TEXT, b"last".to_vec()),
    ];
    let mut script = Vec::new();
    for (opcode, payload) in &messages {
        script.extend(fragments(from, *opcode, payload, &mut random));
    }
    script.extend(from.close(1000, ""));
    let mut writer = RawPeer::new(peer.writer());
    let sender = thread::spawn(move || {
        writer.send_in_pieces(&script, || {
            let most = [10, 1000, 100_000][random.usize(..3)];
            random.usize(most / 10..=most)
        });
    });
    let mut echoes: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut pongs = 0;
    let mut is_whole = true;
    loop {
        let frame = peer.read_frame().expect("a Close before the end");
        assert_eq!(frame.key.is_some(), from == From::Server, "the masking key");
        match frame.opcode() {
            PONG => pongs += 1,
            wire::CLOSE => break,
            CONTINUATION => {
                assert!(!is_whole, "seed {seed}");
                let (_, bytes) = echoes.last_mut().expect("the beginning of the message");
                bytes.extend(frame.payload);
                is_whole = frame.first & 0x80 != 0;
            }
            opcode => {
                assert!(is_whole, "seed {seed}");
                echoes.push((opcode, frame.payload));
                is_whole = frame.first & 0x80 != 0;
            }
        }
    }
    assert!(is_whole && pongs > 0);
    assert!(echoes == messages, "seed {seed}");
    peer.end();
    sender.join().expect("all messages were read");
}

/// The server receives pieces that may end within a character.
pub fn messages_are_echoed_piece_by_piece_by_a_server<S: Suite>() {
    for seed in 0..2 {
        let (address, running) = server::<S, _, _>(|stream| async {
            echo_in_pieces::<S>(accept::<S>(stream).await).await
        });
        exchange(RawPeer::open(address), From::Client, seed);
        running.finish().expect("a clean end");
    }
}

/// The client also masks the pieces that it sends.
pub fn messages_are_echoed_piece_by_piece_by_a_client<S: Suite>() {
    for seed in 0..2 {
        let (mut peer, running) =
            client::<S, _, _>(
                |url| async move { echo_in_pieces::<S>(connect::<S>(&url).await).await },
            );
        peer.answer();
        exchange(peer, From::Server, seed);
        running.finish().expect("a clean end");
    }
}

/// The message is longer than both ends' limits on assembled messages. The client sends in one task
/// and receives in another.
pub fn a_message_over_the_limits_passes_both_ways_at_once<S: Suite>() {
    const ALL: usize = 24 << 20;
    let (address, served) = server::<S, _, _>(|stream| async {
        let config = Config::default().max_message(100_000);
        echo_in_pieces::<S>(accept_with::<S>(stream, config).await).await
    });
    let begin = Instant::now();
    S::block_on(async {
        let ws = connect::<S>(&format!("ws://{address}/")).await;
        let (mut tx, mut rx) = ws.split();
        let sends = start::<S, _>(async move {
            let mut writer = tx.writer(MessageKind::Binary).expect("an open connection");
            for number in 0..ALL / 65_536 {
                // The piece is on the heap. An array would make the future too long to be moved
                // into an executor by value.
                let piece = vec![number as u8; 65_536];
                writer.write(piece).await.expect("room in the queue");
            }
            writer.finish().await.expect("the message is sent");
            tx
        });
        let mut reader = rx
            .recv_stream()
            .await
            .expect("an open connection")
            .expect("the echo");
        let mut sum = 0;
        while let Some(piece) = reader.chunk().await.expect("the echo") {
            assert_eq!(piece[0], (sum / 65_536) as u8);
            sum += piece.len();
        }
        assert_eq!(sum, ALL);
        let mut tx = sends.finish::<S>().await;
        tx.start_close(CloseCode::NORMAL, "")
            .expect("an open connection");
        assert!(rx.recv().await.expect("a clean end").is_none());
    });
    served.finish().expect("a clean end");
    assert!(begin.elapsed() < TOO_LONG);
}

/// Dropping a reader skips the rest of its message. A Close within a message makes the reader
/// return an error.
pub fn a_dropped_reader_loses_only_its_message<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let mut ws = accept::<S>(stream).await;
        let mut reader = ws.recv_stream().await?.expect("a message");
        let first = reader.chunk().await?.map(<[u8]>::len);
        assert!(first.is_some_and(|len| len > 0));
        let next = ws.recv().await?.expect("a message");
        assert_eq!(next.as_text(), Some("next"));
        let mut reader = ws.recv_stream().await?.expect("a message");
        loop {
            match reader.chunk().await {
                Ok(piece) => assert!(piece.is_some(), "the message never ends"),
                Err(error) => break assert!(matches!(error, Error::Unfinished), "{error:?}"),
            }
        }
        assert!(ws.recv().await?.is_none());
        Ok::<_, Error>(ws.end().expect("the end").clean)
    });
    let mut peer = RawPeer::open(address);
    let from = From::Client;
    peer.send(&from.fragment(BINARY, &[1; 3_000_000]));
    peer.send(&from.frame(CONTINUATION, &[1; 10]));
    peer.send(&from.text("next"));
    peer.send(&from.fragment(TEXT, b"begun"));
    peer.send(&from.close(1000, ""));
    peer.expect_close(1000);
    drop(peer);
    assert!(running.finish().expect("a clean end"));
}
