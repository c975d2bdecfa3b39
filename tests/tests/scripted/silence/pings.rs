//! Keepalive Pings: their times, their place among other frames, and their answers.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ws_driver::{Config, Control, Error, MessageKind, Timeout};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End, Op, queued};
use ws_tests::wire::{BINARY, CONTINUATION, Frame, PING, PONG, TEXT};

use super::{
    HOUR, INTERVAL, NANO, SECOND, TIMEOUT, Wait, assert_lost, assert_timeout,
    assert_times_out_after, keepalive, one_ping, stir, until_pinged,
};

#[test]
fn a_ping_is_written_after_exactly_the_interval_and_the_wait_continues() {
    for end in End::BOTH {
        for wait in Wait::ALL {
            let (mut ws, peer) = end.open(&keepalive());
            {
                let mut future = pin!(wait.wait(&mut ws));
                let mut task = Task::new();
                assert!(exec::settle(&mut task, future.as_mut()).is_pending());
                assert_eq!(clock::timers(), 1);
                clock::advance(INTERVAL - NANO);
                assert!(!task.is_woken(), "too early");
                assert_eq!(peer.output_len(), 0);
                clock::advance(NANO);
                assert!(task.is_woken(), "the task is not woken for the Ping");
                assert!(stir(&mut task, future.as_mut()).is_pending());
                let payload = one_ping(end, &peer);
                assert!(
                    peer.take_log().ends_with(&[Op::Flush]),
                    "the Ping was not flushed"
                );
                // The peer answers. The next Ping is written after the interval.
                clock::advance(SECOND);
                peer.push(end.peer().frame(PONG, &payload));
                assert!(stir(&mut task, future.as_mut()).is_pending());
                assert_eq!(peer.output_len(), 0);
                clock::advance(INTERVAL - NANO);
                assert!(stir(&mut task, future.as_mut()).is_pending());
                assert_eq!(peer.output_len(), 0, "too early");
                clock::advance(NANO);
                assert!(stir(&mut task, future.as_mut()).is_pending());
                assert_ne!(
                    one_ping(end, &peer),
                    payload,
                    "both Pings have the same payload"
                );
                // The peer does not answer this Ping.
                let context = format!("{end:?} {wait:?}");
                let future = future.as_mut();
                assert_times_out_after(TIMEOUT, Timeout::Pong, &mut task, future, &context);
            }
            assert_eq!(
                peer.output_len(),
                0,
                "a Close was written for a peer that does not answer"
            );
            assert_lost(&mut ws, &peer);
            assert_eq!(ws.round_trip(), Some(SECOND));
            drop(ws);
            assert_eq!(clock::timers(), 0);
        }
    }
}

#[test]
fn a_wait_dropped_at_every_await_keeps_its_deadlines() {
    for end in End::BOTH {
        for wait in Wait::ALL {
            let (mut ws, peer) = end.open(&keepalive());
            peer.hesitate();
            peer.pieces(1, 1);
            let start = clock::elapsed();
            let result = exec::run_dropping(&mut ws, async |ws| wait.wait(ws).await);
            assert_timeout(result, Timeout::Pong, "");
            assert_eq!(clock::elapsed() - start, INTERVAL + TIMEOUT, "{wait:?}");
            one_ping(end, &peer);
            assert_lost(&mut ws, &peer);
        }
    }
}

#[test]
fn round_trips_are_measured_and_every_ping_has_its_own_payload() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        let pongs = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&pongs);
        ws.observe(move |control| {
            if let Control::Pong(payload) = control {
                sink.lock().unwrap().push(payload.to_vec());
            }
        });
        assert_eq!(ws.round_trip(), None);
        let mut payloads: Vec<Vec<u8>> = Vec::new();
        let mut before = None;
        for delay in [0, 1, 999_999_999, 3_000_000_000, 6_999_999_999, 5] {
            let delay = Duration::from_nanos(delay);
            let payload = until_pinged(&mut ws, end, &peer);
            assert!(!payloads.contains(&payload));
            assert_eq!(
                ws.round_trip(),
                before,
                "not the round trip of the Ping before"
            );
            clock::advance(delay);
            peer.push(end.peer().frame(PONG, &payload));
            assert!(exec::attempt(ws.recv()).is_pending());
            before = Some(delay);
            assert_eq!(ws.round_trip(), before);
            payloads.push(payload);
        }
        assert_eq!(
            *pongs.lock().unwrap(),
            payloads,
            "the observer did not get each Pong once"
        );
    }
}

#[test]
fn a_pong_at_the_deadline_is_in_time() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        let payload = until_pinged(&mut ws, end, &peer);
        clock::advance(TIMEOUT);
        peer.push(end.peer().frame(PONG, &payload));
        assert!(exec::attempt(ws.recv()).is_pending());
        assert_eq!(ws.round_trip(), Some(TIMEOUT));
    }
}

#[test]
fn no_second_ping_is_written_before_the_pong() {
    for end in End::BOTH {
        let config = Config::default().keepalive(SECOND, HOUR);
        let (mut ws, peer) = end.open(&config);
        let start = clock::elapsed();
        let result = exec::run(ws.recv());
        assert_timeout(result, Timeout::Pong, "");
        assert_eq!(clock::elapsed() - start, HOUR + SECOND);
        one_ping(end, &peer);
    }
}

#[test]
fn waiting_for_a_pong_causes_no_wake_ups() {
    let config = Config::default().keepalive(SECOND, HOUR);
    let (mut ws, _peer) = scripted::server(&config);
    let mut task = Task::new();
    let mut future = pin!(ws.recv());
    loop {
        if exec::settle(&mut task, future.as_mut()).is_ready() {
            break;
        }
        task.wait();
    }
    assert!(
        task.wakes() <= 3,
        "{} wake-ups, although one for the Ping and one for the end are enough",
        task.wakes()
    );
}

/// No second Ping is written while the Pong is missing.
#[test]
fn pongs_that_do_not_answer_the_ping_do_not_prevent_the_timeout() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        let payload = until_pinged(&mut ws, end, &peer);
        let from = end.peer();
        peer.push(from.frame(PONG, b""));
        peer.push(from.frame(PONG, &[&payload[..], b"!"].concat()));
        peer.push(from.frame(PING, &payload));
        let result = exec::run(ws.recv());
        assert_timeout(result, Timeout::Pong, "Pongs that answer nothing");
        assert!(ws.round_trip().is_none());
        let frames = peer.take_frames();
        assert!(
            frames.iter().all(|frame| frame.opcode() == PONG),
            "{frames:?}"
        );
    }
}

#[test]
fn a_ping_is_written_after_the_queue_and_never_inside_a_frame() {
    for end in End::BOTH {
        let config = Config::default().keepalive(SECOND, 10 * SECOND);
        let (mut ws, peer) = end.open(&config);
        peer.window(1000);
        assert!(exec::glance(ws.send(vec![7; 5000])).is_pending());
        assert!(exec::attempt(ws.recv()).is_pending());
        let before = queued(&ws);
        for _ in 0..5 {
            clock::advance(SECOND);
            assert!(exec::attempt(ws.recv()).is_pending());
        }
        let ping = queued(&ws) - before;
        assert!(
            (2..=131).contains(&ping),
            "{ping} bytes are queued instead of one Ping"
        );
        peer.window(usize::MAX);
        assert!(exec::attempt(ws.recv()).is_pending());
        let frames = peer.take_frames();
        let opcodes: Vec<u8> = frames.iter().map(Frame::opcode).collect();
        assert_eq!(opcodes, [BINARY, PING]);
        assert_eq!(frames[0].payload, [7; 5000]);
        let payload = frames[1].payload.clone();
        peer.push(end.peer().frame(PONG, &payload));
        assert!(exec::attempt(ws.recv()).is_pending());
        assert!(ws.round_trip().is_some());
    }
}

#[test]
fn a_ping_is_written_between_the_pieces_of_a_message() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        let mut writer = ws.writer(MessageKind::Text).unwrap();
        exec::run(writer.write("one ")).unwrap();
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(INTERVAL);
        assert!(exec::attempt(ws.recv()).is_pending());
        let mut writer = ws.resume_writer().unwrap();
        exec::run(writer.write("two")).unwrap();
        exec::run(writer.finish()).unwrap();
        let opcodes: Vec<u8> = peer.take_frames().iter().map(Frame::opcode).collect();
        assert_eq!(opcodes[..3], [TEXT, PING, CONTINUATION]);
        assert!(opcodes[3..].iter().all(|opcode| *opcode == CONTINUATION));
    }
}

#[test]
fn keepalive_works_inside_a_streamed_message() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        peer.push(end.peer().fragment(BINARY, b"abc"));
        {
            let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
            assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"abc"[..]));
            assert!(exec::attempt(async { reader.chunk().await.map(|_| ()) }).is_pending());
            clock::advance(INTERVAL);
            assert!(exec::attempt(async { reader.chunk().await.map(|_| ()) }).is_pending());
            one_ping(end, &peer);
            let start = clock::elapsed();
            assert_timeout(exec::run(reader.chunk()), Timeout::Pong, "");
            assert_eq!(clock::elapsed() - start, TIMEOUT);
            assert!(matches!(exec::run(reader.chunk()), Err(Error::Unfinished)));
        }
        assert_lost(&mut ws, &peer);
    }
}

#[test]
fn a_pong_timeout_expires_while_flushing_is_blocked() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        peer.block_flush(true);
        assert!(exec::glance(ws.send("blocked")).is_pending());
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(INTERVAL);
        assert!(exec::attempt(ws.recv()).is_pending());
        let opcodes: Vec<u8> = peer.take_frames().iter().map(Frame::opcode).collect();
        assert_eq!(opcodes, [TEXT, PING]);
        clock::advance(TIMEOUT);
        let result = exec::expect_ready(exec::attempt(ws.recv()));
        assert_timeout(result, Timeout::Pong, "");
    }
}

#[test]
fn a_ping_is_written_while_flushing_is_blocked() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        peer.block_flush(true);
        assert!(exec::glance(ws.send("blocked")).is_pending());
        assert!(exec::attempt(ws.flush()).is_pending());
        clock::advance(INTERVAL);
        assert!(exec::attempt(ws.flush()).is_pending());
        assert_eq!(queued(&ws), 0, "the Ping was not written");
    }
}

#[test]
fn no_ping_is_queued_for_a_transport_whose_output_is_broken() {
    for end in End::BOTH {
        let config = Config::default().keepalive(SECOND, HOUR);
        let (mut ws, peer) = end.open(&config);
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.break_writes();
        assert!(matches!(exec::run(ws.send("x")), Err(Error::Io(_))));
        peer.read_time(SECOND);
        for _ in 0..100 {
            peer.push(end.peer().text("m"));
        }
        for _ in 0..100 {
            assert!(exec::run(ws.recv()).unwrap().is_some());
            assert_eq!(queued(&ws), 0);
        }
        assert!(matches!(exec::run(ws.recv()), Err(Error::Io(_))));
        assert!(exec::run(ws.recv()).unwrap().is_none());
        assert_eq!(peer.output_len(), 0);
    }
}

/// The peer has always sent more input, so no read waits.
#[test]
fn a_peer_that_sends_forever_without_a_pong_times_out() {
    let config = Config::default().keepalive(SECOND, TIMEOUT);
    let [client, server] = End::BOTH;
    let cases = [
        (server, false),
        (client, false),
        (server, true),
        (client, true),
    ];
    for (end, waits_before_reads) in cases {
        let (mut ws, peer) = end.open(&config);
        if waits_before_reads {
            peer.wait_before_reads();
        }
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(SECOND);
        assert!(exec::attempt(ws.recv()).is_pending());
        one_ping(end, &peer);
        peer.read_time(SECOND / 100);
        peer.push_forever(&end.peer().text("la"));
        let start = clock::elapsed();
        let error = loop {
            assert!(
                clock::elapsed() - start < 2 * TIMEOUT,
                "the connection does not end"
            );
            if let Err(error) = exec::run(ws.recv()) {
                break error;
            }
        };
        assert!(matches!(error, Error::Timeout(Timeout::Pong)), "{error:?}");
    }
}

/// With an interval of zero, the next Ping is due as soon as the peer has answered.
#[test]
fn an_interval_of_zero_does_not_hang_the_thread() {
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let config = Config::default().keepalive(Duration::ZERO, SECOND);
        let (mut ws, _peer) = scripted::server(&config);
        let result = exec::run(ws.recv());
        let _ = done.send(matches!(result, Err(Error::Timeout(Timeout::Pong))));
    });
    let timed_out = wait.recv_timeout(Duration::from_secs(5));
    assert_eq!(timed_out, Ok(true), "the thread hangs");
}
