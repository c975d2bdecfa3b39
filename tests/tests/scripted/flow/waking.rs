//! Wake-ups of a task that waits for a connection.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::Config;
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End};
use ws_tests::wire;

#[test]
fn every_byte_wakes_a_task_that_waits_for_a_message() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let mut task = Task::new();
        let mut recv = pin!(ws.recv());
        assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
        let before = task.wakes();
        let bytes = end.peer().text("hi");
        for byte in &bytes[..bytes.len() - 1] {
            peer.push([*byte]);
            assert!(task.is_woken());
            assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
        }
        peer.push(&bytes[bytes.len() - 1..]);
        assert!(task.is_woken());
        assert!(task.wakes() > before);
        let message = exec::expect_ready(exec::settle(&mut task, recv.as_mut()));
        assert_eq!(message.unwrap(), Some("hi".into()));
    }
}

#[test]
fn a_task_that_waits_for_input_output_and_time_is_woken_by_each() {
    let config = Config::default();
    for wake in ["input", "room", "time"] {
        let (mut ws, peer) = scripted::server(&config);
        peer.window(0);
        exec::expect_ready(exec::glance(ws.feed("queued"))).unwrap();
        let mut task = Task::new();
        let mut recv = pin!(ws.recv());
        assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
        assert!(!task.is_woken());
        match wake {
            "input" => peer.push(wire::From::Client.text("hi")),
            "room" => peer.window(usize::MAX),
            _ => clock::advance(Duration::from_secs(31)),
        }
        assert!(task.is_woken(), "not woken by {wake}");
        let polled = exec::settle(&mut task, recv.as_mut());
        match (wake, polled) {
            ("input", Poll::Ready(Ok(Some(message)))) => assert_eq!(message, "hi".into()),
            ("room", Poll::Pending) => assert_eq!(peer.take_frames().len(), 1),
            ("time", Poll::Ready(Err(error))) => assert!(error.is_timeout(), "{error}"),
            (wake, polled) => panic!("{wake}: {polled:?}"),
        }
    }
}

#[test]
fn an_idle_connection_causes_no_wake_ups_and_has_no_timer() {
    for end in End::BOTH {
        let (mut ws, _peer) = end.open(&Config::default());
        let timers = clock::timers();
        let mut task = Task::new();
        let mut recv = pin!(ws.recv());
        assert!(task.poll(recv.as_mut()).is_pending());
        assert_eq!((task.wakes(), clock::timers()), (0, timers));
        assert_eq!(timers, 0, "the timer of the handshake still exists");
    }
}

#[test]
fn a_stalled_peer_costs_no_wake_ups() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.window(0);
    exec::expect_ready(exec::glance(ws.feed("x"))).unwrap();
    let mut task = Task::new();
    let mut recv = pin!(ws.recv());
    assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
    assert_eq!(task.wakes(), 0);
    assert_eq!(clock::timers(), 1);
    assert!(matches!(exec::settle(&mut task, recv), Poll::Pending));
}
