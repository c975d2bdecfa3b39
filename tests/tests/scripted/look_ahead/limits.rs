//! The bounds of a look ahead: its work, its memory and its time. A look ahead delays no other
//! operation.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::{Config, Error};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::scripted::{End, Op, queued};
use ws_tests::wire::{self, BINARY, PING};

use super::{LARGE, SECOND, pongs};

#[test]
fn recv_ref_that_waits_for_room_ends_with_the_connection() {
    for end in End::BOTH {
        for how in ["ends", "breaks", "closes", "violates"] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.window(0);
            exec::expect_ready(exec::glance(ws.feed(vec![0; LARGE]))).unwrap();
            match how {
                "ends" => peer.end(),
                "breaks" => peer.reset(),
                "closes" => peer.push(end.peer().close(1000, "")),
                _ => peer.push(end.peer().frame(3, b"")),
            }
            let before = clock::elapsed();
            let received =
                exec::try_run(async { ws.recv_ref().await.map(|found| found.is_some()) });
            let received = received.unwrap_or_else(|| panic!("{end:?} {how}: waits forever"));
            assert!(!matches!(received, Ok(true)), "{end:?} {how}");
            let took = clock::elapsed() - before;
            match how {
                "closes" => assert!(took <= 5 * SECOND),
                "violates" => assert!(took <= SECOND),
                _ => assert_eq!(took, Duration::ZERO, "{end:?} {how}"),
            }
        }
    }
}

#[test]
fn a_ping_of_the_caller_does_not_delay_keepalive() {
    for end in End::BOTH {
        let config = Config::default().keepalive(10 * SECOND, 5 * SECOND);
        let (mut ws, peer) = end.open(&config);
        let mut pinging = pin!(ws.ping());
        let mut task = Task::new();
        assert!(exec::settle(&mut task, pinging.as_mut()).is_pending());
        assert_eq!(peer.take_frames().len(), 1);
        assert!(clock::advance_to_alarm());
        assert!(exec::settle(&mut task, pinging.as_mut()).is_pending());
        let frames = peer.take_frames();
        assert_eq!(
            frames.len(),
            1,
            "{end:?}: the keepalive Ping was not written"
        );
        assert_eq!(frames[0].opcode(), PING);
    }
}

#[test]
fn a_peer_that_sends_byte_by_byte_costs_bounded_work() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let mut task = Task::new();
        peer.window(0);
        let mut sending = pin!(ws.send(vec![0; LARGE]));
        assert!(exec::settle(&mut task, sending.as_mut()).is_pending());
        let frame = end.peer().frame(BINARY, &[1; 20_000]);
        let before = task.wakes();
        let _ = peer.take_rooms();
        let mut allocations = 0;
        for (number, byte) in frame.iter().enumerate() {
            peer.push([*byte]);
            let made = allocation_counter::measure(|| {
                assert!(exec::settle(&mut task, sending.as_mut()).is_pending());
            });
            // The allocations for the first 5,000 bytes are not counted. While the beginning of the
            // message is that short, each wait copies it to new memory of exactly its length.
            if number > 5000 {
                allocations += made.count_total;
            }
        }
        assert_eq!(
            task.wakes() - before,
            frame.len(),
            "more or less than one wake-up for each byte"
        );
        // Each byte causes two reads. The first returns the byte, and the second is pending.
        assert_eq!(peer.take_rooms().len(), 2 * frame.len(), "{end:?}");
        assert!(allocations < 100_000, "{allocations}");
    }
}

#[test]
fn endless_pings_take_bounded_memory_and_let_other_tasks_run() {
    for end in End::BOTH {
        for behind_a_message in [false, true] {
            for blocked_flush in [false, true] {
                let (mut ws, peer) = end.open(&Config::default());
                if behind_a_message {
                    peer.push(end.peer().text("in front"));
                }
                peer.push_forever(&end.peer().frame(PING, b"?").repeat(1000));
                if blocked_flush {
                    peer.block_flush(true);
                } else {
                    peer.window(0);
                }
                let mut most = 0;
                for _ in 0..300 {
                    let _ = exec::glance(ws.flush());
                    let _ = exec::glance(ws.send(vec![0; 1000]));
                    most = most.max(queued(&ws));
                }
                assert!(
                    most < 200_000,
                    "{end:?} {behind_a_message} {blocked_flush}: {most}"
                );
                if blocked_flush {
                    // A transport that takes bytes is not stalled, even if its flush is pending.
                    continue;
                }
                let mut tasks = Tasks::new(Order::Newest);
                let before = clock::elapsed();
                let sending = tasks.spawn(async {
                    loop {
                        if let Err(error) = ws.send(vec![0; LARGE]).await {
                            return error;
                        }
                    }
                });
                let other = tasks.spawn(async {
                    for _ in 0..10 {
                        let mut is_first = true;
                        std::future::poll_fn(|cx| {
                            cx.waker().wake_by_ref();
                            match std::mem::take(&mut is_first) {
                                true => Poll::Pending,
                                false => Poll::Ready(()),
                            }
                        })
                        .await;
                    }
                    // Virtual time would pass only when no task is woken, but the endless Pings
                    // wake a task forever. So the clock is advanced here.
                    clock::advance(40 * SECOND);
                });
                assert!(tasks.run());
                assert!(other.output().is_some());
                assert!(matches!(sending.output(), Some(Error::Timeout(_))));
                assert!(clock::elapsed() - before <= 71 * SECOND);
                assert!(peer.is_dropped());
            }
        }
    }
}

#[test]
fn a_send_that_waits_for_a_flush_answers_a_ping() {
    let (mut ws, peer) = End::Server.open(&Config::default());
    peer.push(wire::From::Client.frame(PING, b"?"));
    peer.block_flush(true);
    let mut task = Task::new();
    let mut sending = pin!(ws.send("x"));
    assert!(exec::settle(&mut task, sending.as_mut()).is_pending());
    peer.block_flush(false);
    assert!(task.is_woken());
    exec::expect_ready(exec::settle(&mut task, sending.as_mut())).unwrap();
    assert_eq!(pongs(&peer.take_frames()), [b"?"]);
    let reads = peer.take_log();
    assert!(reads.iter().any(|op| matches!(op, Op::Read { .. })));
}
