//! The time limits of a close and of a write that stalls.

use std::time::Duration;

use ws_driver::{CloseCode, Config, Error, Initiator, Timeout};
use ws_tests::scripted::{self, End, Peer, receive_all};
use ws_tests::wire::{self, PING};
use ws_tests::{clock, exec};

use super::{SECOND, timed};

fn close_times_out(end: End, name: &str, misbehave: fn(&Peer, wire::From)) {
    let (mut ws, peer) = end.open(&Config::default().close_timeout(3 * SECOND));
    misbehave(&peer, end.peer());
    // Twice the time that is allowed: a close that would go on for ever meets this end.
    peer.end_after(6000);
    let before = clock::elapsed();
    let result = exec::run(ws.close(CloseCode::NORMAL, "bye"));
    assert!(
        matches!(result, Err(Error::Timeout(Timeout::Close))),
        "{end:?} {name}: {result:?}"
    );
    let time = clock::elapsed() - before;
    assert!(
        time >= 3 * SECOND && time < 4 * SECOND,
        "{end:?} {name}: {time:?}"
    );
    assert!(exec::run(ws.recv()).unwrap().is_none());
    let closed = ws.end().unwrap();
    assert_eq!(closed.initiator, Initiator::Local);
    let local = closed.local.unwrap();
    assert_eq!((local.code, &*local.reason), (CloseCode::NORMAL, "bye"));
    assert!(!closed.clean);
}

#[test]
fn close_against_a_silent_peer_returns_at_its_deadline() {
    for end in End::BOTH {
        close_times_out(end, "silent", |_, _| {});
        close_times_out(end, "never reads", |peer, _| peer.window(0));
        close_times_out(end, "trickles", |peer, from| {
            peer.push(&from.text("more")[..2]);
        });
    }
}

#[test]
fn close_against_a_peer_that_sends_messages_for_ever_returns_at_its_deadline() {
    for end in End::BOTH {
        close_times_out(end, "messages", |peer, from| {
            peer.read_time(Duration::from_millis(1));
            peer.push_for_ever(&from.text("more"));
        });
    }
}

#[test]
fn close_against_a_peer_that_pings_for_ever_returns_at_its_deadline() {
    for end in End::BOTH {
        close_times_out(end, "pings", |peer, from| {
            peer.read_time(Duration::from_millis(1));
            peer.push_for_ever(&from.frame(PING, b"more"));
        });
    }
}

#[test]
fn recv_after_start_close_ends_at_the_deadline_also_when_messages_come_for_ever() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.read_time(Duration::from_millis(1));
        peer.push_for_ever(&end.peer().text("more"));
        peer.end_after(10_000);
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        let ((messages, fault), time) = timed(|| receive_all(&mut ws));
        assert!(!messages.is_empty());
        assert!(
            matches!(fault, Some(Error::Timeout(Timeout::Close))),
            "{end:?}: {fault:?}"
        );
        assert!(time >= 5 * SECOND && time < 6 * SECOND, "{time:?}");
    }
}

#[test]
fn close_against_a_peer_that_always_has_input_ready_gives_other_tasks_a_turn() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push_for_ever(&end.peer().text("more"));
        // Ends the input if the future does not return by itself: the clock moves by the reads.
        peer.read_time(Duration::from_millis(10));
        peer.end_after(3000);
        let polled = exec::glance(ws.close(CloseCode::NORMAL, ""));
        assert!(polled.is_pending(), "{end:?}: one poll read 3000 times");
    }
}

#[test]
fn the_close_deadline_counts_from_the_close_and_not_from_each_poll() {
    let (mut ws, _peer) = scripted::server(&Config::default());
    ws.start_close(CloseCode::NORMAL, "").unwrap();
    for _ in 0..9 {
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(SECOND / 2);
    }
    assert!(exec::attempt(ws.recv()).is_pending());
    clock::advance(SECOND / 2);
    let result = exec::expect_ready(exec::attempt(ws.recv()));
    assert!(
        matches!(result, Err(Error::Timeout(Timeout::Close))),
        "{result:?}"
    );
}

#[test]
fn a_write_stall_ends_the_connection_after_30_s_without_one_octet() {
    for end in End::BOTH {
        for waiting in ["send", "flush", "ready", "recv", "recv_ref"] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.window(10);
            assert!(exec::glance(ws.send(vec![1; 100_000])).is_pending());
            let (result, time) = timed(|| match waiting {
                "send" => exec::run(ws.send("x")),
                "flush" => exec::run(ws.flush()),
                "ready" => exec::run(ws.ready()),
                "recv" => exec::run(ws.recv()).map(drop),
                _ => exec::run(ws.recv_ref()).map(drop),
            });
            assert!(
                matches!(result, Err(Error::Timeout(Timeout::WriteStall))),
                "{waiting}: {result:?}"
            );
            assert_eq!(time, 30 * SECOND, "{waiting}");
            if !waiting.starts_with("recv") {
                // What sending says, receiving says as well.
                assert!(matches!(
                    exec::run(ws.recv()),
                    Err(Error::Timeout(Timeout::WriteStall))
                ));
            }
            assert!(exec::run(ws.recv()).unwrap().is_none());
            assert_eq!(ws.end().unwrap().code(), CloseCode::ABNORMAL);
            assert!(peer.is_dropped());
        }
    }
}

#[test]
fn one_octet_is_enough_to_keep_a_slow_write_alive() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.window(0);
    assert!(exec::glance(ws.send(vec![1; 100])).is_pending());
    for _ in 0..5 {
        assert!(exec::attempt(ws.flush()).is_pending());
        clock::advance(29 * SECOND);
        peer.window(1);
    }
    peer.window(usize::MAX);
    exec::run(ws.flush()).unwrap();
    assert_eq!(peer.take_frames().len(), 1);
}

#[test]
fn a_stall_that_outlasts_the_peers_close_is_an_error_only_if_the_end_is_not_clean() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        assert!(exec::glance(ws.send("stuck")).is_pending());
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(27 * SECOND);
        peer.push(end.peer().close(1000, ""));
        let (messages, fault) = receive_all(&mut ws);
        assert!(messages.is_empty());
        let clean = ws.end().unwrap().clean;
        assert_eq!(fault.is_none(), clean, "{fault:?}");
    }
}

#[test]
fn time_limits_may_be_as_long_as_they_can() {
    let config = Config::default()
        .close_timeout(Duration::MAX)
        .failure_timeout(Duration::MAX)
        .write_stall_timeout(Duration::MAX);
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&config);
        peer.window(0);
        assert!(exec::glance(ws.send("stuck")).is_pending());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.push(end.peer().frame(3, b""));
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(100_000 * SECOND);
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.reset();
        assert!(exec::run(ws.recv()).is_err());
    }
}

#[test]
fn a_peer_that_reads_again_while_nobody_polls_has_not_stalled() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        assert!(exec::glance(ws.send("stuck")).is_pending());
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.window(usize::MAX);
        peer.push(end.peer().text("alive"));
        clock::advance(31 * SECOND);
        let received = exec::run(ws.recv());
        assert_eq!(received.unwrap(), Some("alive".into()), "{end:?}");
        exec::run(ws.flush()).unwrap();
        assert_eq!(peer.take_frames().len(), 1);
    }
}
