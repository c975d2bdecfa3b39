//! A slow peer does not count as a silent one.

use std::pin::pin;
use std::task::Poll;

use ws_driver::{Config, Error};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End, Peer, Scripted, queued};
use ws_tests::wire::{self, PING, PONG};

use super::SECOND;

/// Lets a second pass for a peer that takes 1000 bytes per second and answers every Ping at once.
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

/// The Pong cannot arrive before the Ping was written.
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

/// Runs a send to a slow peer that sends a message each second, and checks that it succeeds.
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

/// Sends for a minute to a peer that sends a message each second.
fn send_slowly(config: &Config) {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(config);
        peer.window(0);
        let message = vec![7; 60_000];
        send_to_slow_peer(end, &peer, ws.send(&message));
    }
}

/// Nothing is received during a send, so that the Pong stays unread.
#[test]
fn a_slow_peer_that_answers_pings_does_not_time_out_while_sending() {
    send_slowly(&Config::default().keepalive(5 * SECOND, 5 * SECOND));
}

/// Nothing is received during a send, so that the messages of the peer stay unread.
#[test]
fn a_slow_peer_that_sends_does_not_count_as_silent_while_sending() {
    send_slowly(&Config::default().idle_timeout(10 * SECOND));
}

/// Receives for 55 s from a peer that sends a message each second, while the queue has no room.
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
fn a_slow_peer_that_sends_does_not_count_as_silent_while_recv_ref_waits_for_room() {
    wait_for_room_slowly(Config::default().idle_timeout(10 * SECOND));
}

/// While `recv_ref` waits for room, the Pongs of the peer may stay in the transport.
#[test]
fn a_slow_peer_that_answers_pings_does_not_time_out_while_recv_ref_waits_for_room() {
    wait_for_room_slowly(Config::default().keepalive(5 * SECOND, 5 * SECOND));
}

/// Sends for a minute to a peer that sends a message each second. The receiver is not polled
/// meanwhile.
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
fn a_peer_does_not_count_as_silent_while_its_receiver_is_not_polled() {
    send_slowly_without_a_receiver(&Config::default().idle_timeout(10 * SECOND));
}

#[test]
fn a_pong_does_not_time_out_while_the_receiver_is_not_polled() {
    send_slowly_without_a_receiver(&Config::default().keepalive(5 * SECOND, 5 * SECOND));
}
