//! Endless traffic: the connection yields to other tasks.

use std::task::Poll;

use ws_driver::Config;
use ws_tests::exec;
use ws_tests::scripted::End;
use ws_tests::wire::PONG;

use super::reads;

#[test]
fn endless_reads_without_a_message_yield_to_other_tasks() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push_forever(&end.peer().frame(PONG, b""));
        peer.end_after(10_000);
        let mut task = exec::Task::new();
        let mut recv = std::pin::pin!(ws.recv());
        assert!(task.poll(recv.as_mut()).is_pending());
        assert!(task.is_woken());
        assert!(reads(&peer.take_log()) <= 64);
    }
}

#[test]
fn endless_messages_yield_to_other_tasks() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push_forever(&end.peer().text("more"));
        peer.end_after(10_000);
        let mut task = exec::Task::new();
        let mut polls = 0;
        let mut receives = std::pin::pin!(async {
            let mut received = 0;
            while ws.recv_ref().await.is_ok_and(|message| message.is_some()) {
                received += 1;
            }
            received
        });
        let received = loop {
            if let Poll::Ready(received) = task.poll(receives.as_mut()) {
                break received;
            }
            assert!(task.is_woken(), "{end:?}");
            polls += 1;
            assert!(reads(&peer.take_log()) <= 256, "{end:?}");
        };
        assert!(polls >= 10_000 / 256, "{end:?}: {polls}");
        assert_eq!(received, 10_000, "{end:?}");
    }
}

#[test]
fn endless_sends_yield_to_other_tasks_and_send_each_message_once() {
    for end in End::BOTH {
        for (len, feeds) in [(1, false), (100_000, false), (1, true), (100_000, true)] {
            let (mut ws, peer) = end.open(&Config::default());
            let message = vec![7; len];
            let mut task = exec::Task::new();
            let mut polls = 0;
            let mut sends = std::pin::pin!(async {
                for _ in 0..1000 {
                    if feeds {
                        ws.feed(&message).await.unwrap();
                        ws.flush().await.unwrap();
                    } else {
                        ws.send(&message).await.unwrap();
                    }
                }
            });
            while task.poll(sends.as_mut()).is_pending() {
                assert!(task.is_woken(), "{end:?}");
                polls += 1;
            }
            assert!(polls >= 1000 / 256, "{end:?}: {polls}");
            assert_eq!(peer.take_frames().len(), 1000, "{end:?}");
        }
    }
}
