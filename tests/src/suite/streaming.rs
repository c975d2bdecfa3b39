//! Messages piece by piece on real sockets.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ws_driver::{CloseCode, Error, MessageKind};

use super::{Acceptor, Connector, Suite, Ws, client, server};
use crate::socket::{RawPeer, TOO_LONG};
use crate::wire::{self, BINARY, CONTINUATION, From, PING, PONG, TEXT};

/// Echoes every message piece by piece, whatever its length.
async fn echo_in_pieces<S: Suite>(ws: Ws<S>) -> Result<(), Error> {
    let (mut tx, mut rx) = ws.split();
    while let Some(mut reader) = rx.recv_stream().await? {
        let mut writer = tx.writer(reader.kind())?;
        while let Some(piece) = reader.chunk().await? {
            writer.write(piece).await?;
        }
        writer.finish().await?;
    }
    Ok(())
}

/// A message in random fragments, with a Ping in front of each.
fn fragments(from: From, opcode: u8, payload: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut opcode = opcode;
    let mut rest = payload;
    loop {
        octets.extend(from.frame(PING, b"p"));
        let (part, behind) = rest.split_at(random.usize(0..=rest.len().min(100_000)));
        if behind.is_empty() {
            octets.extend(from.frame(opcode, part));
            return octets;
        }
        octets.extend(from.fragment(opcode, part));
        opcode = CONTINUATION;
        rest = behind;
    }
}

/// Sends messages in pieces of any size and compares what comes back, joined.
fn exchange(mut peer: RawPeer, from: From, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let text = "κόσμε 😀 ".repeat(20_000).into_bytes();
    let octets: Vec<u8> = (0..1_000_000_u32).map(|n| (n >> 7) as u8).collect();
    let messages = [
        (TEXT, text),
        (BINARY, Vec::new()),
        (BINARY, octets),
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
        assert_eq!(frame.key.is_some(), from == From::Server, "masking");
        match frame.opcode() {
            PONG => pongs += 1,
            wire::CLOSE => break,
            CONTINUATION => {
                assert!(!is_whole, "seed {seed}");
                let (_, octets) = echoes.last_mut().expect("a beginning");
                octets.extend(frame.payload);
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
    sender.join().expect("everything was read");
}

/// Text is cut inside characters on the way.
pub fn messages_are_echoed_piece_by_piece_by_a_server<S: Suite>() {
    for seed in 0..2 {
        let (address, running) = server::<S, _, _>(|stream| async {
            echo_in_pieces::<S>(
                Acceptor::<S>::new()
                    .accept(stream)
                    .await
                    .expect("the handshake"),
            )
            .await
        });
        exchange(RawPeer::open(address), From::Client, seed);
        running.finish().expect("a clean end");
    }
}

/// The same with masks.
pub fn messages_are_echoed_piece_by_piece_by_a_client<S: Suite>() {
    for seed in 0..2 {
        let (mut peer, running) = client::<S, _, _>(|url| async move {
            echo_in_pieces::<S>(
                Connector::<S>::new()
                    .connect(&url)
                    .await
                    .expect("the handshake"),
            )
            .await
        });
        peer.answer();
        exchange(peer, From::Server, seed);
        running.finish().expect("a clean end");
    }
}

/// Longer than what may be put together, there and back at once, in two tasks.
pub fn a_message_over_the_limits_passes_both_ways_at_once<S: Suite>() {
    const ALL: usize = 24 << 20;
    let (address, served) = server::<S, _, _>(|stream| async {
        let acceptor = Acceptor::<S>::new().max_message(100_000);
        echo_in_pieces::<S>(acceptor.accept(stream).await.expect("the handshake")).await
    });
    let start = Instant::now();
    S::block_on(async {
        let url = format!("ws://{address}/");
        let ws = Connector::<S>::new().connect(&url).await.expect("open");
        let (mut tx, mut rx) = ws.split();
        let (done, sent) = mpsc::channel();
        S::spawn(async move {
            let mut writer = tx.writer(MessageKind::Binary).expect("open");
            for number in 0..ALL / 65_536 {
                // On the heap: the future is moved by value on its way into an executor.
                let piece = vec![number as u8; 65_536];
                writer.write(piece).await.expect("room");
            }
            writer.finish().await.expect("sent");
            done.send(tx).expect("someone waits");
        });
        let mut reader = rx.recv_stream().await.expect("open").expect("the echo");
        let mut sum = 0;
        while let Some(piece) = reader.chunk().await.expect("the echo") {
            assert_eq!(piece[0], (sum / 65_536) as u8);
            sum += piece.len();
        }
        assert_eq!(sum, ALL);
        let mut tx = loop {
            match sent.try_recv() {
                Ok(tx) => break tx,
                Err(_) => S::sleep(Duration::from_millis(1)).await,
            }
        };
        tx.start_close(CloseCode::NORMAL, "").expect("open");
        assert!(rx.recv().await.expect("a clean end").is_none());
    });
    served.finish().expect("a clean end");
    assert!(start.elapsed() < TOO_LONG);
}

/// The rest of a message that is not wanted any more is skipped, and an end inside one is told.
pub fn readers_dropped_on_a_socket_lose_nothing_but_their_message<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let mut ws = Acceptor::<S>::new()
            .accept(stream)
            .await
            .expect("the handshake");
        let mut reader = ws.recv_stream().await?.expect("a message");
        let first = reader.chunk().await?.map(<[u8]>::len);
        assert!(first.is_some_and(|len| len > 0));
        let next = ws.recv().await?.expect("a message");
        assert_eq!(next.as_text(), Some("next"));
        let mut reader = ws.recv_stream().await?.expect("a message");
        loop {
            match reader.chunk().await {
                Ok(piece) => assert!(piece.is_some(), "it never becomes whole"),
                Err(error) => break assert!(matches!(error, Error::Unfinished), "{error:?}"),
            }
        }
        assert!(ws.recv().await?.is_none());
        Ok::<_, Error>(ws.end().expect("it has ended").clean)
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
