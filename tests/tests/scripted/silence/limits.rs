//! The idle timeout and keepalive, alone and together: when they restart, which comes first, and
//! when neither runs.

use std::pin::pin;
use std::time::Duration;

use ws_driver::{CloseCode, Config, Error, Timeout};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End};
use ws_tests::wire::{BINARY, CLOSE, CONTINUATION, PONG};

use super::{
    HOUR, INTERVAL, NANO, SECOND, Wait, assert_lost, assert_timeout, assert_times_out_after, idle,
    keepalive, one_ping,
};

#[test]
fn any_input_delays_the_ping_and_the_idle_timeout() {
    for end in End::BOTH {
        let from = end.peer();
        let message = from.text("abcdefgh");
        let mut inputs: Vec<Vec<u8>> = vec![
            from.text("text"),
            from.fragment(BINARY, b"a"),
            from.frame(PONG, b"unasked"),
            from.frame(CONTINUATION, b""),
        ];
        inputs.extend(message.chunks(1).map(<[u8]>::to_vec));
        for config in [keepalive(), idle()] {
            let (mut ws, peer) = end.open(&config);
            let mut messages = 0;
            for input in &inputs {
                while exec::attempt(ws.recv()).is_ready() {
                    messages += 1;
                }
                clock::advance(INTERVAL - NANO);
                assert!(exec::attempt(ws.recv()).is_pending());
                peer.push(input.clone());
            }
            while exec::attempt(ws.recv()).is_ready() {
                messages += 1;
            }
            assert_eq!(messages, 3);
            assert_eq!(peer.output_len(), 0, "a Ping was written");
            clock::advance(INTERVAL - NANO);
            assert!(exec::attempt(ws.recv()).is_pending());
            assert_eq!(peer.output_len(), 0);
            clock::advance(NANO);
            let polled = exec::attempt(ws.recv());
            if config == keepalive() {
                assert!(polled.is_pending());
                one_ping(end, &peer);
            } else {
                assert_timeout(exec::expect_ready(polled), Timeout::Idle, "idle");
                assert_lost(&mut ws, &peer);
            }
        }
    }
}

#[test]
fn by_default_no_timer_runs() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        for wait in Wait::ALL {
            let mut future = pin!(wait.wait(&mut ws));
            let mut task = Task::new();
            assert!(exec::settle(&mut task, future.as_mut()).is_pending());
            assert_eq!(clock::timers(), 0, "{wait:?}");
            clock::advance(10_000 * HOUR);
            assert!(!task.is_woken());
        }
        peer.push(end.peer().text("hi"));
        assert!(exec::run(ws.recv()).unwrap().is_some());
        exec::run(ws.send("hi")).unwrap();
        exec::run(ws.send_ping("hi")).unwrap();
        assert!(exec::attempt(ws.recv()).is_pending());
        assert_eq!(clock::timers(), 0);
        assert_eq!(ws.round_trip(), None);
        let (mut tx, mut rx) = ws.split();
        assert!(exec::attempt(rx.recv()).is_pending());
        assert!(exec::attempt(rx.drive()).is_pending());
        exec::run(tx.send("hi")).unwrap();
        assert!(exec::attempt(rx.recv()).is_pending());
        assert_eq!(clock::timers(), 0);
        assert_eq!(rx.round_trip(), None);
    }
}

#[test]
fn one_timer_for_each_direction_serves_all_timeouts() {
    let config = keepalive().idle_timeout(25 * SECOND);
    let (mut ws, peer) = scripted::server(&config);
    peer.window(0);
    assert!(exec::glance(ws.send("stuck")).is_pending());
    assert!(exec::attempt(ws.recv()).is_pending());
    assert_eq!(clock::timers(), 2);
    drop(ws);
    assert_eq!(clock::timers(), 0);
}

#[test]
fn the_idle_timeout_ends_a_silent_connection_exactly_in_time() {
    for end in End::BOTH {
        for wait in Wait::ALL {
            let (mut ws, peer) = end.open(&idle());
            {
                let mut future = pin!(wait.wait(&mut ws));
                let mut task = Task::new();
                assert!(exec::settle(&mut task, future.as_mut()).is_pending());
                let context = format!("{end:?} {wait:?}");
                let future = future.as_mut();
                assert_times_out_after(INTERVAL, Timeout::Idle, &mut task, future, &context);
            }
            assert_eq!(peer.output_len(), 0);
            assert_lost(&mut ws, &peer);
        }
    }
}

#[test]
fn sending_does_not_restart_the_idle_timeout() {
    let (mut ws, peer) = scripted::server(&idle());
    let start = clock::elapsed();
    for _ in 0..19 {
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(SECOND);
        exec::run(ws.send("hello?")).unwrap();
    }
    let result = exec::run(ws.recv());
    assert_timeout(result, Timeout::Idle, "");
    assert_eq!(clock::elapsed() - start, INTERVAL);
    assert_eq!(peer.take_frames().len(), 19);
}

#[test]
fn messages_that_arrived_before_a_timeout_are_received_first() {
    for end in End::BOTH {
        for config in [keepalive(), idle()] {
            let (mut ws, peer) = end.open(&config);
            peer.push([end.peer().text("a"), end.peer().text("b")].concat());
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("a".into()));
            clock::advance(HOUR);
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("b".into()));
            assert!(exec::run(ws.recv()).unwrap_err().is_timeout());
            assert_lost(&mut ws, &peer);
        }
    }
}

#[test]
fn the_earlier_of_idle_timeout_and_keepalive_ends_the_connection() {
    // Each case begins with the idle timeout, the interval of keepalive and the timeout of
    // keepalive, in seconds. Then it has the expected timeout, the time in seconds after which this
    // timeout expires, and the number of Pings.
    for (idle, interval, timeout, expected, time, pings) in [
        (10, 20, 5, Timeout::Idle, 10, 0),
        (10, 4, 3, Timeout::Pong, 7, 1),
        (10, 4, 30, Timeout::Idle, 10, 1),
        (10, 8, 2, Timeout::Pong, 10, 1),
    ] {
        for end in End::BOTH {
            let config = Config::default()
                .idle_timeout(idle * SECOND)
                .keepalive(interval * SECOND, timeout * SECOND);
            let (mut ws, peer) = end.open(&config);
            let start = clock::elapsed();
            let result = exec::run(ws.recv());
            assert_timeout(result, expected, &format!("{idle} {interval} {timeout}"));
            assert_eq!(clock::elapsed() - start, time * SECOND);
            assert_eq!(peer.take_frames().len(), pings);
        }
    }
}

#[test]
fn pongs_restart_the_idle_timeout() {
    let config = Config::default()
        .idle_timeout(10 * SECOND)
        .keepalive(4 * SECOND, 3 * SECOND);
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&config);
        for _ in 0..50 {
            assert!(exec::attempt(ws.recv()).is_pending());
            clock::advance(4 * SECOND);
            assert!(exec::attempt(ws.recv()).is_pending());
            let payload = one_ping(end, &peer);
            clock::advance(2 * SECOND);
            peer.push(end.peer().frame(PONG, &payload));
        }
        assert!(exec::attempt(ws.recv()).is_pending());
    }
}

#[test]
fn keepalive_and_idle_timeout_stop_when_the_connection_closes() {
    for end in End::BOTH {
        for pinged in [false, true] {
            let config = Config::default()
                .keepalive(2 * SECOND, SECOND)
                .idle_timeout(4 * SECOND)
                .close_timeout(50 * SECOND)
                .failure_timeout(40 * SECOND);
            for why in ["ours", "theirs", "violation"] {
                let (mut ws, peer) = end.open(&config);
                assert!(exec::attempt(ws.recv()).is_pending());
                if pinged {
                    clock::advance(2 * SECOND);
                    assert!(exec::attempt(ws.recv()).is_pending());
                    one_ping(end, &peer);
                }
                match why {
                    "ours" => ws.start_close(CloseCode::NORMAL, "").unwrap(),
                    "theirs" => peer.push(end.peer().close(1000, "")),
                    _ => peer.push(end.peer().frame(3, b"")),
                }
                let start = clock::elapsed();
                let result = exec::run(ws.recv());
                let (time, ok) = match why {
                    "ours" => (50, matches!(result, Err(Error::Timeout(Timeout::Close)))),
                    "theirs" => (0, matches!(result, Ok(None))),
                    _ => (40, matches!(result, Err(Error::Receive(_)))),
                };
                assert!(ok, "{end:?} {why}: {result:?}");
                assert_eq!(clock::elapsed() - start, time * SECOND, "{end:?} {why}");
                let frames = peer.take_frames();
                assert_eq!(frames.len(), 1, "{why}: {frames:?}");
                assert_eq!(frames[0].opcode(), CLOSE);
            }
        }
    }
}

#[test]
fn a_write_stall_before_the_first_ping_is_reported() {
    let config = keepalive().write_stall_timeout(INTERVAL - SECOND);
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&config);
        peer.window(0);
        assert!(exec::glance(ws.send("stuck")).is_pending());
        let result = exec::run(ws.recv());
        assert_timeout(result, Timeout::WriteStall, "");
        assert_lost(&mut ws, &peer);
    }
}

#[test]
fn the_longest_timeouts_never_end() {
    let config = Config::default()
        .keepalive(Duration::MAX, Duration::MAX)
        .idle_timeout(Duration::MAX);
    let (mut ws, peer) = scripted::server(&config);
    assert!(exec::attempt(ws.recv()).is_pending());
    clock::advance(10_000 * HOUR);
    assert!(exec::attempt(ws.recv()).is_pending());
    assert_eq!(peer.output_len(), 0);
    let config = Config::default().keepalive(SECOND, Duration::MAX);
    let (mut ws, peer) = scripted::server(&config);
    assert!(exec::attempt(ws.recv()).is_pending());
    clock::advance(SECOND);
    assert!(exec::attempt(ws.recv()).is_pending());
    one_ping(End::Server, &peer);
    clock::advance(10_000 * HOUR);
    assert!(exec::attempt(ws.recv()).is_pending());
}
