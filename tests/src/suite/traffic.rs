//! Many messages and large messages, on real sockets.

use std::future::{Future, poll_fn};
use std::io::Write;
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use ws_driver::{CloseCode, Config, Error, Timeout};

use super::{Stream, Suite, accept, accept_with, client, connect, letters, server};
use crate::socket::{self, RawPeer, TOO_LONG};
use crate::steps::echo;
use crate::wire::{self, BINARY, CONTINUATION, From, PING, PONG, TEXT};

async fn serve_echo<S: Suite>(stream: Stream<S>) -> Result<(), Error> {
    echo(&mut accept::<S>(stream).await).await
}

/// Returns the bytes that a peer sends in a session, and the messages in these bytes.
fn session(from: From, random: &mut fastrand::Rng) -> (Vec<u8>, Vec<(u8, Vec<u8>)>) {
    let mut bytes = Vec::new();
    let mut messages = Vec::new();
    for turn in 0..150 {
        let sizes = [0, 1, 125, 126, 3000, 65_535, 65_536, 200 * 1024];
        let payload = letters(random, turn, sizes);
        let opcode = if random.bool() { TEXT } else { BINARY };
        let fragments = random.usize(1..5);
        let mut rest = &payload[..];
        for number in 0..fragments {
            let opcode = if number == 0 { opcode } else { CONTINUATION };
            if number + 1 == fragments {
                bytes.extend(from.frame(opcode, rest));
                break;
            }
            let (part, behind) = rest.split_at(random.usize(0..=rest.len()));
            bytes.extend(from.fragment(opcode, part));
            rest = behind;
            if random.bool() {
                bytes.extend(from.frame(PING, &[turn as u8; 4]));
            }
        }
        messages.push((opcode, payload));
    }
    bytes.extend(from.close(1000, ""));
    (bytes, messages)
}

/// Asserts that each message of a session is echoed. A separate thread sends the session in pieces.
fn exchange(mut peer: RawPeer, from: From, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (bytes, messages) = session(from, &mut random);
    let mut writer = RawPeer::new(peer.writer());
    let sender = thread::spawn(move || {
        writer.send_in_pieces(&bytes, || {
            let most = [1, 10, 1000, 100_000][random.usize(..4)];
            random.usize(1..=most).max(most / 50)
        });
    });
    let mut echoes = messages.iter();
    let mut keys = Vec::new();
    loop {
        let frame = peer.read_frame().expect("a Close before the end");
        assert_eq!(frame.key.is_some(), from == From::Server, "the masking key");
        keys.extend(frame.key);
        match frame.opcode() {
            PONG => assert_eq!(frame.payload.len(), 4),
            wire::CLOSE => break,
            _ => {
                let (opcode, payload) = echoes.next().expect("no more echoes than messages");
                assert!(frame.whole() == (*opcode, payload), "seed {seed}");
            }
        }
    }
    assert_eq!(echoes.len(), 0, "seed {seed}");
    peer.end();
    sender.join().expect("all messages were read");
    let frames = keys.len();
    keys.sort_unstable();
    keys.dedup();
    // A random key may repeat an earlier one by chance, but more than two repetitions are very
    // unlikely.
    assert!(keys.len() + 2 >= frames, "masking keys are repeated");
}

/// The lengths of segments, fragments and messages are random.
pub fn chopped_traffic_is_echoed_unchanged_by_a_server<S: Suite>() {
    for seed in 0..3 {
        let (address, running) = server::<S, _, _>(serve_echo::<S>);
        exchange(RawPeer::open(address), From::Client, seed);
        running.finish().expect("a clean end");
    }
}

/// The client also masks each frame with a new key.
pub fn chopped_traffic_is_echoed_unchanged_by_a_client<S: Suite>() {
    for seed in 10..13 {
        let (mut peer, running) =
            client::<S, _, _>(|url| async move { echo(&mut connect::<S>(&url).await).await });
        peer.answer();
        exchange(peer, From::Server, seed);
        running.finish().expect("a clean end");
    }
}

/// 16 MiB is the default limit. Both ends use this library.
pub fn a_message_of_16_mib_is_echoed<S: Suite>() {
    let (address, served) = server::<S, _, _>(serve_echo::<S>);
    let start = Instant::now();
    S::block_on(async {
        let mut ws = connect::<S>(&format!("ws://{address}/")).await;
        let mut message: Vec<u8> = vec![0x5a; 16 << 20];
        for at in (0..message.len()).step_by(1001) {
            message[at] = at as u8;
        }
        // `feed` only queues the message. `recv` then writes the queue and reads the echo.
        ws.feed(&message).await.expect("room in the queue");
        let echoed = ws.recv().await.expect("the echo").expect("the echo");
        assert!(echoed.as_bytes() == message);
        let text = "κόσμε ".repeat(100_000);
        ws.feed(&text).await.expect("room in the queue");
        let echoed = ws.recv().await.expect("the echo").expect("the echo");
        assert!(echoed.as_text() == Some(&text));
        ws.close(CloseCode::NORMAL, "").await.expect("a clean end");
    });
    served.finish().expect("a clean end");
    assert!(start.elapsed() < TOO_LONG);
}

/// A message of the maximum length is accepted, in one frame and in fragments. One byte more causes
/// a Close with code 1009.
pub fn the_message_limit_is_exact<S: Suite>() {
    const LIMIT: usize = 100_000;
    for fragmented in [false, true] {
        for over in [0, 1] {
            let (address, running) = server::<S, _, _>(|stream| async {
                let config = Config::default().max_message(LIMIT);
                echo(&mut accept_with::<S>(stream, config).await).await
            });
            let mut peer = RawPeer::open(address);
            let payload = vec![1; LIMIT + over];
            if fragmented {
                let (first, last) = payload.split_at(LIMIT / 2);
                peer.send(&From::Client.fragment(BINARY, first));
                peer.send(&From::Client.frame(CONTINUATION, last));
            } else {
                peer.send(&From::Client.frame(BINARY, &payload));
            }
            if over == 0 {
                let echoed = peer.read_frame().expect("the echo");
                assert!(echoed.payload == payload);
                peer.send(&From::Client.close(1000, ""));
                peer.expect_close(1000);
            } else {
                peer.expect_close(1009);
            }
            drop(peer);
            assert_eq!(running.finish().is_err(), over == 1);
        }
    }
}

/// In the queue, the newest Pong replaces earlier Pongs. So neither end has to wait for the other.
pub fn pings_are_answered_although_the_peer_does_not_read<S: Suite>() {
    let (address, running) = server::<S, _, _>(serve_echo::<S>);
    let mut peer = RawPeer::open(address);
    let mut flood = Vec::new();
    let mut number = 0_u32;
    while flood.len() < 10 << 20 {
        number += 1;
        let payload = [&number.to_be_bytes()[..], &[0; 121]].concat();
        flood.extend(From::Client.frame(PING, &payload));
    }
    // The peer reads nothing until it has sent all Pings.
    peer.send(&flood);
    peer.send(&From::Client.text("end"));
    let mut last = 0;
    loop {
        let frame = peer.read_frame().expect("the echo before the end");
        if frame.opcode() == TEXT {
            break;
        }
        let newer = u32::from_be_bytes(
            frame.payload[..4]
                .try_into()
                .expect("a number of four bytes"),
        );
        assert!(newer > last, "Pong {newer} follows Pong {last}");
        last = newer;
    }
    // The newest Pong may arrive before or after the echo.
    if last != number {
        let frame = peer.read_frame().expect("the newest Pong");
        assert_eq!(frame.payload[..4], number.to_be_bytes());
    }
    peer.close();
    running.finish().expect("a clean end");
}

/// The server stops reading while the peer does not read the echoes. No message is lost.
pub fn a_peer_that_does_not_read_is_held_back<S: Suite>() {
    let (address, running) = server::<S, _, _>(serve_echo::<S>);
    let mut peer = RawPeer::open(address);
    let message = From::Client.frame(BINARY, &[7; 50_000]);
    let sent = peer.send_until_blocked(&message, Duration::from_millis(200));
    // A thread sends the rest of the incomplete message while the peer reads the echoes.
    let cut = message[sent % message.len()..].to_vec();
    let mut writer = peer.writer();
    let sender = thread::spawn(move || {
        writer
            .set_write_timeout(Some(TOO_LONG))
            .expect("the timeout is set");
        writer.write_all(&cut).expect("the server reads again");
        writer
            .write_all(&From::Client.close(1000, ""))
            .expect("the server reads again");
    });
    let mut echoes = 0;
    loop {
        let frame = peer.read_frame().expect("a Close before the end");
        if frame.opcode() == wire::CLOSE {
            break;
        }
        assert!(frame.payload == [7; 50_000]);
        echoes += 1;
    }
    assert_eq!(echoes, sent / message.len() + 1);
    sender.join().expect("all messages were read");
    drop(peer);
    running.finish().expect("a clean end");
}

/// The configured timeout applies, and the error is [`Timeout::WriteStall`].
pub fn a_stalled_write_times_out<S: Suite>() {
    let config = Config::default().write_stall_timeout(Duration::from_millis(200));
    let (address, running) = server::<S, _, _>(|stream| async move {
        let mut ws = accept_with::<S>(stream, config).await;
        let start = Instant::now();
        let result = ws.send(vec![1; 64 << 20]).await;
        (result, start.elapsed())
    });
    let _peer = RawPeer::open(address);
    let (result, time) = running.finish();
    assert!(
        matches!(result, Err(Error::Timeout(Timeout::WriteStall))),
        "{result:?}"
    );
    assert!(time >= Duration::from_millis(150), "{time:?}");
}

/// Polls a future once, and then drops the future. Returns `None` if the future was pending.
async fn glance<R>(future: impl Future<Output = R>) -> Option<R> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

/// Each future is polled once and dropped. Timeouts and `select!` also drop pending futures.
pub fn futures_dropped_on_a_socket_lose_nothing<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let mut ws = accept::<S>(stream).await;
        let mut dropped = 0;
        loop {
            let Some(received) = glance(ws.recv()).await else {
                dropped += 1;
                S::sleep(Duration::from_micros(200)).await;
                continue;
            };
            let Some(message) = received? else {
                return Ok::<_, Error>(dropped);
            };
            // If the queue has room, the first poll of `send` queues the message, so dropping the
            // future loses nothing.
            while glance(ws.ready()).await.transpose()?.is_none() {
                S::sleep(Duration::from_micros(200)).await;
            }
            glance(ws.send(message)).await.transpose()?;
        }
    });
    exchange(RawPeer::open(address), From::Client, 77);
    let dropped = running.finish().expect("a clean end");
    assert!(dropped > 0, "no future was dropped");
}

/// All clients and servers run on one runtime, in tasks that may move between threads.
pub fn many_connections_run_side_by_side<S: Suite>() {
    const CONNECTIONS: usize = 20;
    const MESSAGES: usize = 50;
    let (listener, address) = socket::listen();
    listener.set_nonblocking(true).expect("the flag is set");
    S::block_on(async {
        let (sender, receiver) = mpsc::channel();
        for number in 0..CONNECTIONS {
            let done = sender.clone();
            let url = format!("ws://{address}/{number}");
            S::spawn(async move {
                let mut ws = connect::<S>(&url).await;
                for turn in 0..MESSAGES {
                    let text = format!("{number}: {}", "x".repeat(turn * 37));
                    ws.send(&text).await.expect("the message is sent");
                    let echoed = ws.recv().await.expect("the echo").expect("the echo");
                    assert_eq!(echoed.as_text(), Some(&*text));
                }
                ws.close(CloseCode::NORMAL, "").await.expect("a clean end");
                done.send(()).expect("the test receives the signal");
            });
            let stream = loop {
                match listener.accept() {
                    Ok((stream, _)) => break S::adopt(stream),
                    Err(_) => S::sleep(Duration::from_millis(1)).await,
                }
            };
            let done = sender.clone();
            S::spawn(async move {
                serve_echo::<S>(stream).await.expect("a clean end");
                done.send(()).expect("the test receives the signal");
            });
        }
        drop(sender);
        let start = Instant::now();
        let mut done = 0;
        while done < 2 * CONNECTIONS {
            assert!(start.elapsed() < TOO_LONG, "only {done} tasks have ended");
            done += receiver.try_iter().count();
            S::sleep(Duration::from_millis(2)).await;
        }
    });
}
