//! A slow peer: the timeouts for a silent peer do not expire.

use std::pin::pin;
use std::task::Poll;

use ws_driver::{Config, Error};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End, Peer, Scripted, queued};
use ws_tests::wire::{self, PING, PONG};

use super::SECOND;

/// Advances the clock by one second. The peer takes 1,000 bytes per second and answers every Ping
/// at once.
fn slow_second(end: End, peer: &Peer, output: &mut Vec<u8>) {
    clock::advance(SECOND);
    peer.window(1000);
    output.extend(peer.take_output());
    let (frames, left) = wire::parse(output);
    output.drain(..output.len() - left);
    for frame in frames {
        if frame.opcode() == PING {
            peer.push(end.peer().frame(PONG, &frame.payload));
        }
    }
}

/// The Pong cannot arrive before the Ping has been written, and the slow peer delays that.
#[test]
fn a_slow_peer_that_answers_pings_does_not_time_out_while_receiving() {
    for end in End::BOTH {
        let config = Config::default().keepalive(5 * SECOND, 5 * SECOND);
        let (mut ws, peer) = end.open(&config);
        peer.window(0);
        assert!(exec::glance(ws.send(vec![7; 60_000])).is_pending());
        let mut output = Vec::new();
        for second in 0..100 {
            let polled = exec::attempt(ws.recv());
            assert!(polled.is_pending(), "{end:?}, {second} s: {polled:?}");
            slow_second(end, &peer, &mut output);
        }
        assert_eq!(queued(&ws), 0);
    }
}

/// Asserts that a send to a slow peer succeeds. The peer sends a message each second.
fn send_to_slow_peer(end: End, peer: &Peer, send: impl Future<Output = Result<(), Error>>) {
    let mut output = Vec::new();
    let mut task = Task::new();
    let mut send = pin!(send);
    for second in 0.. {
        peer.push(end.peer().text("here I am"));
        match exec::settle(&mut task, send.as_mut()) {
            Poll::Pending => slow_second(end, peer, &mut output),
            Poll::Ready(result) => {
                assert!(result.is_ok(), "{end:?}, {second} s: {result:?}");
                break;
            }
        }
    }
}

/// Asserts that a send that takes a minute succeeds. The peer sends a message each second.
fn send_slowly(config: &Config) {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(config);
        peer.window(0);
        let message = vec![7; 60_000];
        send_to_slow_peer(end, &peer, ws.send(&message));
    }
}

/// A send may leave the Pong unread, so `send` ignores the Pong timeout.
#[test]
fn a_slow_peer_that_answers_pings_does_not_time_out_while_sending() {
    send_slowly(&Config::default().keepalive(5 * SECOND, 5 * SECOND));
}

/// A send may leave the messages of the peer unread, so `send` ignores the idle timeout.
#[test]
fn the_idle_timeout_does_not_expire_while_sending_to_a_slow_peer() {
    send_slowly(&Config::default().idle_timeout(10 * SECOND));
}

/// Asserts that `recv_ref` can wait for room for 55 s. The peer sends a message each second.
fn wait_for_room_slowly(config: Config) {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&config.clone().high_water_mark(1000));
        peer.window(0);
        assert!(exec::glance(ws.send(vec![7; 60_000])).is_pending());
        let mut output = Vec::new();
        for second in 0..55 {
            peer.push(end.peer().text("here I am"));
            let polled = exec::attempt(async { ws.recv_ref().await.map(|_| ()) });
            assert!(polled.is_pending(), "{end:?}, {second} s: {polled:?}");
            slow_second(end, &peer, &mut output);
        }
    }
}

/// While `recv_ref` waits for room, the messages of the peer may stay in the transport.
#[test]
fn the_idle_timeout_does_not_expire_while_recv_ref_waits_for_room() {
    wait_for_room_slowly(Config::default().idle_timeout(10 * SECOND));
}

/// While `recv_ref` waits for room, the Pongs of the peer may stay in the transport.
#[test]
fn a_slow_peer_that_answers_pings_does_not_time_out_while_recv_ref_waits_for_room() {
    wait_for_room_slowly(Config::default().keepalive(5 * SECOND, 5 * SECOND));
}

/// Asserts that a sender can send for a minute while its receiver is not polled. The peer sends a
/// message each second.
fn send_slowly_without_a_receiver(config: &Config) {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, config);
        assert!(exec::attempt(rx.recv()).is_pending());
        peer.window(0);
        send_to_slow_peer(end, &peer, tx.send(vec![7; 60_000]));
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("here I am".into()));
    }
}

#[test]
fn the_idle_timeout_does_not_expire_while_the_receiver_is_not_polled() {
    send_slowly_without_a_receiver(&Config::default().idle_timeout(10 * SECOND));
}

#[test]
fn a_pong_does_not_time_out_while_the_receiver_is_not_polled() {
    send_slowly_without_a_receiver(&Config::default().keepalive(5 * SECOND, 5 * SECOND));
}
