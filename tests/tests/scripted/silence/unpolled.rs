//! A connection that was not polled for some time: input that arrived in this time prevents a
//! timeout, however late the input is read.

use ws_driver::Timeout;
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::scripted::End;
use ws_tests::wire::PONG;

use super::{HOUR, INTERVAL, NANO, Wait, assert_timeout, idle, keepalive, one_ping, until_pinged};

#[test]
fn a_pong_that_arrived_between_two_polls_is_accepted_however_late() {
    for end in End::BOTH {
        for wait in Wait::ALL {
            let (mut ws, peer) = end.open(&keepalive());
            assert!(exec::attempt(wait.wait(&mut ws)).is_pending());
            clock::advance(INTERVAL);
            assert!(exec::attempt(wait.wait(&mut ws)).is_pending());
            let payload = one_ping(end, &peer);
            peer.push(end.peer().frame(PONG, &payload));
            clock::advance(HOUR);
            assert!(exec::attempt(wait.wait(&mut ws)).is_pending(), "{wait:?}");
            assert!(ws.round_trip().is_some());
            assert_eq!(peer.output_len(), 0);
            clock::advance(INTERVAL);
            assert!(exec::attempt(wait.wait(&mut ws)).is_pending());
            one_ping(end, &peer);
        }
    }
}

/// The caller may have needed the time for the messages before the Pong.
#[test]
fn a_pong_after_many_messages_is_accepted_however_late_it_is_read() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        let payload = until_pinged(&mut ws, end, &peer);
        for _ in 0..200 {
            peer.push(end.peer().text("more"));
        }
        peer.push(end.peer().frame(PONG, &payload));
        clock::advance(HOUR);
        for _ in 0..200 {
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("more".into()));
        }
        assert!(exec::attempt(ws.recv()).is_pending());
        assert!(ws.round_trip().is_some(), "{end:?}");
    }
}

#[test]
fn input_that_arrived_between_two_polls_restarts_the_idle_timeout() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&idle());
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.push(&end.peer().text("half")[..3]);
        clock::advance(HOUR);
        assert!(exec::attempt(ws.recv()).is_pending(), "{end:?}");
        peer.push(&end.peer().text("half")[3..]);
        clock::advance(HOUR);
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("half".into()));
        // The time between two waits is not part of the idle timeout.
        clock::advance(HOUR);
        let start = clock::elapsed();
        let result = exec::run(ws.recv());
        assert_timeout(result, Timeout::Idle, "");
        assert_eq!(clock::elapsed() - start, INTERVAL);
    }
}

#[test]
fn the_timeouts_start_with_the_first_wait() {
    for end in End::BOTH {
        for config in [keepalive(), idle()] {
            let (mut ws, peer) = end.open(&config);
            clock::advance(HOUR);
            exec::run(ws.send("without a wait")).unwrap();
            assert_eq!(clock::timers(), 0);
            clock::advance(HOUR);
            assert!(exec::attempt(ws.recv()).is_pending());
            assert_eq!(peer.take_frames().len(), 1);
            clock::advance(INTERVAL - NANO);
            assert!(exec::attempt(ws.recv()).is_pending());
            assert_eq!(peer.output_len(), 0);
            clock::advance(NANO);
            let polled = exec::attempt(ws.recv());
            assert_eq!(polled.is_pending(), config == keepalive());
        }
    }
}
