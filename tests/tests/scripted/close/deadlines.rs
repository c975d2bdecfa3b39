//! The timeouts of a close and of a stalled write.

use std::time::Duration;

use ws_driver::{CloseCode, Config, Error, Initiator, Timeout};
use ws_tests::scripted::{self, End, Peer, receive_all};
use ws_tests::steps::timed;
use ws_tests::wire::{self, PING};
use ws_tests::{clock, exec};

use super::SECOND;

fn close_times_out(end: End, name: &str, misbehave: fn(&Peer, wire::From)) {
    let (mut ws, peer) = end.open(&Config::default().close_timeout(3 * SECOND));
    misbehave(&peer, end.peer());
    // Endless input ends after 6,000 reads of 1 ms, which take twice the timeout. So a `close`
    // without a timeout fails the test instead of running forever.
    peer.end_after(6000);
    let (result, time) = timed(|| exec::run(ws.close(CloseCode::NORMAL, "bye")));
    assert!(
        matches!(result, Err(Error::Timeout(Timeout::Close))),
        "{end:?} {name}: {result:?}"
    );
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
fn close_against_a_peer_that_sends_messages_forever_returns_at_its_deadline() {
    for end in End::BOTH {
        close_times_out(end, "messages", |peer, from| {
            peer.read_time(Duration::from_millis(1));
            peer.push_forever(&from.text("more"));
        });
    }
}

#[test]
fn close_against_a_peer_that_pings_forever_returns_at_its_deadline() {
    for end in End::BOTH {
        close_times_out(end, "pings", |peer, from| {
            peer.read_time(Duration::from_millis(1));
            peer.push_forever(&from.frame(PING, b"more"));
        });
    }
}

#[test]
fn recv_after_start_close_ends_at_the_deadline_even_if_messages_arrive_forever() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.read_time(Duration::from_millis(1));
        peer.push_forever(&end.peer().text("more"));
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
fn close_against_endless_input_yields_to_other_tasks() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push_forever(&end.peer().text("more"));
        // Each read takes 10 ms. The input ends after 3,000 reads, in case the future never yields.
        peer.read_time(Duration::from_millis(10));
        peer.end_after(3000);
        let polled = exec::glance(ws.close(CloseCode::NORMAL, ""));
        assert!(polled.is_pending(), "{end:?}: one poll read 3000 times");
    }
}

#[test]
fn the_close_timeout_starts_with_the_close_and_not_with_each_poll() {
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
fn a_write_stall_ends_the_connection_after_30_s_without_progress() {
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
                // Receiving reports the same error as sending.
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
fn one_byte_restarts_the_write_stall_timeout() {
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
fn recv_reports_a_stall_after_the_peers_close_only_if_the_end_is_not_clean() {
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
fn timeouts_may_be_duration_max() {
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
fn a_peer_that_reads_again_between_two_polls_has_not_stalled() {
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
