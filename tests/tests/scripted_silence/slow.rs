//! A peer that is slow is not taken for one that is gone.

use std::pin::pin;
use std::task::Poll;

use ws_driver::Config;
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End, Peer, Scripted, queued};
use ws_tests::wire::{self, PING, PONG};

use super::SECOND;

/// A peer on a slow line, which takes 1000 octets a second and answers every Ping at once.
fn slow_peer(end: End, peer: &Peer, said: &mut Vec<u8>) {
    clock::advance(SECOND);
    peer.window(1000);
    said.extend(peer.take_output());
    let (frames, left) = wire::parse(said);
    said.drain(..said.len() - left);
    for frame in frames {
        if frame.opcode() == PING {
            peer.push(end.peer().frame(PONG, &frame.payload));
        }
    }
}

/// The Pong cannot come before the Ping has left.
#[test]
fn a_slow_peer_that_answers_at_once_is_not_taken_for_dead_while_receiving() {
    for end in End::BOTH {
        let config = Config::default().keepalive(5 * SECOND, 5 * SECOND);
        let (mut ws, peer) = end.open(&config);
        peer.window(0);
        assert!(exec::glance(ws.send(vec![7; 60_000])).is_pending());
        let mut said = Vec::new();
        for second in 0..100 {
            let polled = exec::attempt(ws.recv());
            assert!(polled.is_pending(), "{end:?}, {second} s: {polled:?}");
            slow_peer(end, &peer, &mut said);
        }
        assert_eq!(queued(&ws), 0);
    }
}

/// Sends for a minute to a peer that talks all the time.
fn send_slowly(config: &Config) {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(config);
        peer.window(0);
        let mut said = Vec::new();
        let mut task = Task::new();
        let message = vec![7; 60_000];
        let mut sending = pin!(ws.send(&message));
        for second in 0.. {
            peer.push(end.peer().text("here I am"));
            match exec::settle(&mut task, sending.as_mut()) {
                Poll::Pending => slow_peer(end, &peer, &mut said),
                Poll::Ready(result) => {
                    assert!(result.is_ok(), "{end:?}, {second} s: {result:?}");
                    break;
                }
            }
        }
    }
}

/// Whoever sends does not receive, so nobody can see the Pong.
#[test]
fn a_slow_peer_that_answers_at_once_is_not_taken_for_dead_while_sending() {
    send_slowly(&Config::default().keepalive(5 * SECOND, 5 * SECOND));
}

/// Whoever sends does not receive, so nobody can hear the peer.
#[test]
fn a_slow_peer_that_talks_is_not_taken_for_silent_while_sending() {
    send_slowly(&Config::default().idle_timeout(10 * SECOND));
}

fn wait_for_room_slowly(config: Config) {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&config.clone().high_water_mark(1000));
        peer.window(0);
        assert!(exec::glance(ws.send(vec![7; 60_000])).is_pending());
        let mut said = Vec::new();
        for second in 0..55 {
            peer.push(end.peer().text("here I am"));
            let polled = exec::attempt(async { ws.recv_ref().await.map(|_| ()) });
            assert!(polled.is_pending(), "{end:?}, {second} s: {polled:?}");
            slow_peer(end, &peer, &mut said);
        }
    }
}

/// While `recv_ref` waits for room, what the peer says lies in the transport.
#[test]
fn a_slow_peer_that_talks_is_not_taken_for_silent_while_recv_ref_waits_for_room() {
    wait_for_room_slowly(Config::default().idle_timeout(10 * SECOND));
}

/// As above, for its Pongs.
#[test]
fn a_slow_peer_that_answers_is_not_taken_for_dead_while_recv_ref_waits_for_room() {
    wait_for_room_slowly(Config::default().keepalive(5 * SECOND, 5 * SECOND));
}

/// The receiver's task is busy, the sender's sends to a slow peer that talks.
fn send_slowly_without_a_receiver(config: &Config) {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, config);
        assert!(exec::attempt(rx.recv()).is_pending());
        peer.window(0);
        let mut said = Vec::new();
        let mut task = Task::new();
        let mut sending = pin!(tx.send(vec![7; 60_000]));
        for second in 0.. {
            peer.push(end.peer().text("here I am"));
            match exec::settle(&mut task, sending.as_mut()) {
                Poll::Pending => slow_peer(end, &peer, &mut said),
                Poll::Ready(result) => {
                    assert!(result.is_ok(), "{end:?}, {second} s: {result:?}");
                    break;
                }
            }
        }
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("here I am".into()));
    }
}

#[test]
fn a_sender_does_not_take_a_peer_for_silent_that_nobody_listens_to() {
    send_slowly_without_a_receiver(&Config::default().idle_timeout(10 * SECOND));
}

#[test]
fn a_sender_does_not_take_a_peer_for_dead_that_nobody_listens_to() {
    send_slowly_without_a_receiver(&Config::default().keepalive(5 * SECOND, 5 * SECOND));
}
