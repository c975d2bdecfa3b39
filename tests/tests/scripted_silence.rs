//! A peer that says nothing: keepalive Pings, their Pongs, and the idle time limit, to the nanosecond.

#![forbid(unsafe_code)]

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use ws_driver::{
    CloseCode, Config, Control, Error, Initiator, MessageKind, Phase, SendError, WebSocket,
};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::scripted::{self, End, Op, Peer, Scripted, Shape, Whole, Ws, queued};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, TEXT};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const NANO: Duration = Duration::from_nanos(1);

const INTERVAL: Duration = Duration::from_secs(20);
const TIMEOUT: Duration = Duration::from_secs(7);

fn keepalive() -> Config {
    Config::default().keepalive(INTERVAL, TIMEOUT)
}

fn idle() -> Config {
    Config::default().idle_timeout(INTERVAL)
}

/// What can wait for the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Recv,
    RecvRef,
    RecvStream,
    Drive,
}

impl Wait {
    const ALL: [Wait; 4] = [Wait::Recv, Wait::RecvRef, Wait::RecvStream, Wait::Drive];

    /// Whether there was a message.
    async fn wait(self, ws: &mut Ws) -> Result<bool, Error> {
        match self {
            Wait::Recv => Ok(ws.recv().await?.is_some()),
            Wait::RecvRef => Ok(ws.recv_ref().await?.is_some()),
            Wait::RecvStream => Ok(ws.recv_stream().await?.is_some()),
            Wait::Drive => ws.drive().await,
        }
    }
}

/// Polls only if woken.
fn stir<F: Future + ?Sized>(task: &mut Task, mut future: Pin<&mut F>) -> Poll<F::Output> {
    while task.is_woken() {
        let polled = task.poll(future.as_mut());
        if polled.is_ready() {
            return polled;
        }
    }
    Poll::Pending
}

/// The one keepalive Ping that was written; its payload.
fn one_ping(end: End, peer: &Peer) -> Vec<u8> {
    let frames = peer.take_frames();
    assert_eq!(frames.len(), 1, "{frames:?}");
    let (opcode, payload) = frames[0].whole();
    assert_eq!(opcode, PING);
    assert_eq!(frames[0].key.is_some(), end == End::Client, "masked");
    payload.to_vec()
}

/// Waits until the first keepalive Ping is written; its payload.
fn until_pinged(ws: &mut Ws, end: End, peer: &Peer) -> Vec<u8> {
    assert!(exec::attempt(ws.recv()).is_pending());
    clock::advance(INTERVAL);
    assert!(exec::attempt(ws.recv()).is_pending());
    one_ping(end, peer)
}

fn assert_timeout<R: std::fmt::Debug>(result: Result<R, Error>, phase: Phase, context: &str) {
    match &result {
        Err(error @ Error::Timeout(which)) if *which == phase => {
            assert!(error.is_timeout() && error.close_code().is_none());
        }
        _ => panic!("{context}: {result:?}"),
    }
}

/// Nothing comes any more, and the end was not clean.
fn assert_lost(ws: &mut Ws, peer: &Peer) {
    for _ in 0..2 {
        assert!(matches!(exec::glance(ws.recv()), Poll::Ready(Ok(None))));
        assert!(matches!(exec::glance(ws.recv_ref()), Poll::Ready(Ok(None))));
        assert!(matches!(exec::glance(ws.drive()), Poll::Ready(Ok(false))));
        assert!(matches!(
            exec::glance(ws.recv_stream()),
            Poll::Ready(Ok(None))
        ));
    }
    let end = ws.end().expect("it has ended");
    assert_eq!(end.code, CloseCode::ABNORMAL);
    assert!(!end.clean);
    assert_eq!(end.initiator, Initiator::Peer);
    assert!(ws.get_ref().is_none() && peer.is_dropped());
    let sent = exec::expect_ready(exec::glance(ws.send("late")));
    assert!(matches!(sent, Err(Error::Send(SendError::Closing))));
    assert_eq!(queued(ws), 0);
}

#[test]
fn a_ping_goes_out_after_exactly_the_interval_and_the_wait_goes_on() {
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
                assert!(task.is_woken(), "nobody is woken for the Ping");
                assert!(stir(&mut task, future.as_mut()).is_pending());
                let payload = one_ping(end, &peer);
                assert!(peer.take_log().ends_with(&[Op::Flush]), "flushed");
                // The answer, and the next.
                clock::advance(SECOND);
                peer.push(end.peer().frame(PONG, &payload));
                assert!(stir(&mut task, future.as_mut()).is_pending());
                assert_eq!(peer.output_len(), 0);
                clock::advance(INTERVAL - NANO);
                assert!(stir(&mut task, future.as_mut()).is_pending());
                assert_eq!(peer.output_len(), 0, "too early");
                clock::advance(NANO);
                assert!(stir(&mut task, future.as_mut()).is_pending());
                assert_ne!(one_ping(end, &peer), payload, "told apart");
                // No answer.
                clock::advance(TIMEOUT - NANO);
                assert!(stir(&mut task, future.as_mut()).is_pending());
                clock::advance(NANO);
                let result = exec::expect_ready(stir(&mut task, future.as_mut()));
                assert_timeout(result, Phase::Pong, &format!("{end:?} {wait:?}"));
            }
            assert_eq!(peer.output_len(), 0, "no Close for a peer that is gone");
            assert_lost(&mut ws, &peer);
            assert_eq!(ws.round_trip(), Some(SECOND));
            drop(ws);
            assert_eq!(clock::timers(), 0);
        }
    }
}

#[test]
fn a_wait_dropped_at_every_await_keeps_the_dates() {
    for end in End::BOTH {
        for wait in Wait::ALL {
            let (mut ws, peer) = end.open(&keepalive());
            peer.hesitate();
            peer.pieces(1, 1);
            let start = clock::elapsed();
            let result = exec::run_dropping(&mut ws, async |ws| wait.wait(ws).await);
            assert_timeout(result, Phase::Pong, "");
            assert_eq!(clock::elapsed() - start, INTERVAL + TIMEOUT, "{wait:?}");
            one_ping(end, &peer);
            assert_lost(&mut ws, &peer);
        }
    }
}

#[test]
fn a_peer_that_talks_is_not_pinged_whatever_it_says() {
    for end in End::BOTH {
        let from = end.peer();
        let message = from.text("abcdefgh");
        let mut sayings: Vec<Vec<u8>> = vec![
            from.text("text"),
            from.fragment(BINARY, b"a"),
            from.frame(PONG, b"unasked"),
            from.frame(CONTINUATION, b""),
        ];
        sayings.extend(message.chunks(1).map(<[u8]>::to_vec));
        for config in [keepalive(), idle()] {
            let (mut ws, peer) = end.open(&config);
            let mut messages = 0;
            for saying in &sayings {
                while exec::attempt(ws.recv()).is_ready() {
                    messages += 1;
                }
                clock::advance(INTERVAL - NANO);
                assert!(exec::attempt(ws.recv()).is_pending());
                peer.push(saying.clone());
            }
            while exec::attempt(ws.recv()).is_ready() {
                messages += 1;
            }
            assert_eq!(messages, 3);
            assert_eq!(peer.output_len(), 0, "it was pinged");
            clock::advance(INTERVAL - NANO);
            assert!(exec::attempt(ws.recv()).is_pending());
            assert_eq!(peer.output_len(), 0);
            clock::advance(NANO);
            let polled = exec::attempt(ws.recv());
            if config == keepalive() {
                assert!(polled.is_pending());
                one_ping(end, &peer);
            } else {
                assert_timeout(exec::expect_ready(polled), Phase::Idle, "idle");
                assert_lost(&mut ws, &peer);
            }
        }
    }
}

#[test]
fn round_trips_are_measured_and_every_ping_is_another() {
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
            assert_eq!(ws.round_trip(), before, "of the Ping before");
            clock::advance(delay);
            peer.push(end.peer().frame(PONG, &payload));
            assert!(exec::attempt(ws.recv()).is_pending());
            before = Some(delay);
            assert_eq!(ws.round_trip(), before);
            payloads.push(payload);
        }
        assert_eq!(*pongs.lock().unwrap(), payloads, "seen once each");
    }
}

#[test]
fn a_pong_at_the_very_last_moment_counts() {
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
fn one_ping_is_under_way_at_most() {
    for end in End::BOTH {
        let config = Config::default().keepalive(SECOND, HOUR);
        let (mut ws, peer) = end.open(&config);
        let start = clock::elapsed();
        let result = exec::run(ws.recv());
        assert_timeout(result, Phase::Pong, "");
        assert_eq!(clock::elapsed() - start, HOUR + SECOND);
        one_ping(end, &peer);
    }
}

#[test]
fn a_ping_under_way_costs_no_wake_ups() {
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
        "{} wake-ups: one for the Ping and one for the end would do",
        task.wakes()
    );
}

#[test]
fn a_pong_that_arrived_while_nobody_polled_counts_however_late() {
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

/// The user was busy with what came before it.
#[test]
fn a_pong_behind_many_messages_counts_however_late_it_is_looked_at() {
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

/// While a Ping is under way, no other goes out.
#[test]
fn pongs_that_answer_nothing_do_not_count() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        let payload = until_pinged(&mut ws, end, &peer);
        let from = end.peer();
        peer.push(from.frame(PONG, b""));
        peer.push(from.frame(PONG, &[&payload[..], b"!"].concat()));
        peer.push(from.frame(PING, &payload));
        let result = exec::run(ws.recv());
        assert_timeout(result, Phase::Pong, "foreign Pongs");
        assert!(ws.round_trip().is_none());
        let frames = peer.take_frames();
        assert!(
            frames.iter().all(|frame| frame.opcode() == PONG),
            "{frames:?}"
        );
    }
}

#[test]
fn what_arrived_while_nobody_polled_is_no_silence() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&idle());
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.push(&end.peer().text("half")[..3]);
        clock::advance(HOUR);
        assert!(exec::attempt(ws.recv()).is_pending(), "{end:?}");
        peer.push(&end.peer().text("half")[3..]);
        clock::advance(HOUR);
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("half".into()));
        // Time that nobody waited through does not count before the first wait either.
        clock::advance(HOUR);
        let start = clock::elapsed();
        let result = exec::run(ws.recv());
        assert_timeout(result, Phase::Idle, "");
        assert_eq!(clock::elapsed() - start, INTERVAL);
    }
}

#[test]
fn the_first_silence_begins_with_the_first_wait() {
    for end in End::BOTH {
        for config in [keepalive(), idle()] {
            let (mut ws, peer) = end.open(&config);
            clock::advance(HOUR);
            exec::run(ws.send("not a wait")).unwrap();
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

#[test]
fn nothing_runs_unless_configured() {
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
fn one_timer_for_each_direction_serves_all_limits() {
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
fn the_idle_limit_ends_a_silent_connection_exactly_then() {
    for end in End::BOTH {
        for wait in Wait::ALL {
            let (mut ws, peer) = end.open(&idle());
            {
                let mut future = pin!(wait.wait(&mut ws));
                let mut task = Task::new();
                assert!(exec::settle(&mut task, future.as_mut()).is_pending());
                clock::advance(INTERVAL - NANO);
                assert!(!task.is_woken());
                clock::advance(NANO);
                let result = exec::expect_ready(stir(&mut task, future.as_mut()));
                assert_timeout(result, Phase::Idle, &format!("{end:?} {wait:?}"));
            }
            assert_eq!(peer.output_len(), 0);
            assert_lost(&mut ws, &peer);
        }
    }
}

#[test]
fn what_we_send_does_not_make_the_peer_talk() {
    let (mut ws, peer) = scripted::server(&idle());
    let start = clock::elapsed();
    for _ in 0..19 {
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(SECOND);
        exec::run(ws.send("anybody?")).unwrap();
    }
    let result = exec::run(ws.recv());
    assert_timeout(result, Phase::Idle, "");
    assert_eq!(clock::elapsed() - start, INTERVAL);
    assert_eq!(peer.take_frames().len(), 19);
}

#[test]
fn messages_before_the_limit_come_first() {
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
fn the_earlier_of_idle_limit_and_keepalive_wins() {
    // Idle limit, interval, timeout: which ends it, when, and after how many Pings.
    for (idle, interval, timeout, phase, time, pings) in [
        (10, 20, 5, Phase::Idle, 10, 0),
        (10, 4, 3, Phase::Pong, 7, 1),
        (10, 4, 30, Phase::Idle, 10, 1),
        (10, 8, 2, Phase::Pong, 10, 1),
    ] {
        for end in End::BOTH {
            let config = Config::default()
                .idle_timeout(idle * SECOND)
                .keepalive(interval * SECOND, timeout * SECOND);
            let (mut ws, peer) = end.open(&config);
            let start = clock::elapsed();
            let result = exec::run(ws.recv());
            assert_timeout(result, phase, &format!("{idle} {interval} {timeout}"));
            assert_eq!(clock::elapsed() - start, time * SECOND);
            assert_eq!(peer.take_frames().len(), pings);
        }
    }
}

#[test]
fn pongs_keep_an_idle_connection_alive() {
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
fn both_stop_when_the_connection_closes() {
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
                    "ours" => (50, matches!(result, Err(Error::Timeout(Phase::Close)))),
                    "theirs" => (50, matches!(result, Ok(None))),
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
fn a_ping_waits_behind_what_is_queued_and_is_never_inside_a_frame() {
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
        assert!((2..=131).contains(&ping), "one Ping: {ping}");
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

#[test]
fn a_ping_passes_between_the_pieces_of_a_message() {
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
fn a_message_read_piece_by_piece_is_pinged_for_and_timed_too() {
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
            assert_timeout(exec::run(reader.chunk()), Phase::Pong, "");
            assert_eq!(clock::elapsed() - start, TIMEOUT);
            assert!(matches!(exec::run(reader.chunk()), Err(Error::Unfinished)));
        }
        assert_lost(&mut ws, &peer);
    }
}

fn a_receiver_pings_and_times_out_for_both<T: Shape>()
where
    scripted::Manual: ws_driver::Wrap<T, Transport = T>,
{
    for end in End::BOTH {
        for drives in [false, true] {
            let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &keepalive());
            {
                let mut future: Pin<Box<dyn Future<Output = Result<bool, Error>>>> = if drives {
                    Box::pin(rx.drive())
                } else {
                    Box::pin(async { Ok(rx.recv().await?.is_some()) })
                };
                let mut task = Task::new();
                assert!(exec::settle(&mut task, future.as_mut()).is_pending());
                clock::advance(INTERVAL - NANO);
                assert!(!task.is_woken());
                exec::run(tx.send("a sender that sends")).unwrap();
                clock::advance(NANO);
                assert!(stir(&mut task, future.as_mut()).is_pending());
                let frames = peer.take_frames();
                assert_eq!(frames.len(), 2);
                let (opcode, payload) = frames[1].whole();
                assert_eq!(opcode, PING);
                clock::advance(2 * SECOND);
                peer.push(end.peer().frame(PONG, payload));
                assert!(stir(&mut task, future.as_mut()).is_pending());
                clock::advance(INTERVAL);
                assert!(stir(&mut task, future.as_mut()).is_pending());
                one_ping(end, &peer);
                clock::advance(TIMEOUT - NANO);
                assert!(stir(&mut task, future.as_mut()).is_pending());
                clock::advance(NANO);
                let result = exec::expect_ready(stir(&mut task, future.as_mut()));
                assert_timeout(result, Phase::Pong, &format!("{end:?} drive: {drives}"));
            }
            assert_eq!(rx.round_trip(), Some(2 * SECOND));
            assert!(matches!(exec::glance(rx.recv()), Poll::Ready(Ok(None))));
            assert!(matches!(exec::glance(rx.drive()), Poll::Ready(Ok(false))));
            let sent = exec::expect_ready(exec::glance(tx.send("late")));
            assert!(matches!(sent, Err(Error::Send(SendError::Closing))));
            let closed = exec::expect_ready(exec::glance(tx.close(CloseCode::NORMAL, "")));
            assert_timeout(closed, Phase::Pong, "close tells it too");
            assert_eq!(tx.end(), rx.end());
            assert_eq!(tx.end().unwrap().code, CloseCode::ABNORMAL);
            assert!(peer.is_dropped());
            let ws: WebSocket<T> = tx.reunite(rx).unwrap();
            assert!(ws.get_ref().is_none());
        }
    }
}

#[test]
fn a_receiver_pings_and_times_out_for_both_apart() {
    a_receiver_pings_and_times_out_for_both::<Scripted>();
}

#[test]
fn a_receiver_pings_and_times_out_for_both_locked() {
    a_receiver_pings_and_times_out_for_both::<Whole>();
}

/// Both halves wait for the same timer, and whichever was polled last holds it.
#[test]
fn both_halves_wait_and_the_ping_goes_out_in_any_order() {
    for order in Order::BOTH {
        for end in End::BOTH {
            let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &keepalive());
            peer.window(0);
            let mut tasks = Tasks::new(order);
            let receiving = tasks.spawn(async { (rx.recv().await, rx) });
            let sending = tasks.spawn(async { (tx.send("blocked").await, tx) });
            tasks.settle();
            clock::advance(INTERVAL);
            tasks.settle();
            peer.window(usize::MAX);
            tasks.settle();
            let frames = peer.take_frames();
            let opcodes: Vec<u8> = frames.iter().map(Frame::opcode).collect();
            assert_eq!(opcodes, [TEXT, PING], "{order:?} {end:?}");
            let (sent, mut tx) = sending.output().expect("it was written");
            sent.unwrap();
            clock::advance(SECOND);
            peer.push(end.peer().frame(PONG, &frames[1].payload));
            tasks.settle();
            peer.window(0);
            let sending = tasks.spawn(async { (tx.send("blocked").await, tx) });
            tasks.settle();
            assert!(tasks.run(), "somebody is left");
            let (received, rx) = receiving.output().unwrap();
            let (sent, tx) = sending.output().unwrap();
            let faults = [received.err(), sent.err()];
            // The second Ping is stuck behind the message: which limit that hits is told elsewhere.
            assert!(faults.iter().flatten().any(Error::is_timeout), "{faults:?}");
            assert_eq!(rx.round_trip(), Some(SECOND));
            assert!(!tx.end().unwrap().clean);
            assert!(peer.is_dropped());
        }
    }
}

/// The fault is told once: here to the sender, and the receiver sees the end and asks how it came.
#[test]
fn a_limit_that_the_sender_notices_ends_the_receiver_too() {
    for end in End::BOTH {
        let config = Config::default().write_stall_timeout(SECOND);
        let (tx, mut rx, peer) = scripted::halves::<Scripted>(end, &config);
        let mut tx = tx;
        let mut tasks = Tasks::new(Order::Newest);
        peer.window(0);
        let receiving = tasks.spawn(async { (rx.recv().await, rx) });
        let sending = tasks.spawn(async { tx.send("stuck").await });
        assert!(tasks.run(), "somebody is left");
        let sent = sending.output().unwrap();
        let (received, rx) = receiving.output().unwrap();
        assert!(sent.is_err());
        let faults = [sent.err(), received.err()];
        assert!(
            faults
                .iter()
                .flatten()
                .any(|fault| matches!(fault, Error::Timeout(Phase::WriteStall))),
            "{faults:?}"
        );
        let ended = rx.end().unwrap();
        assert_eq!((ended.code, ended.clean), (CloseCode::ABNORMAL, false));
    }
}

#[test]
fn a_limit_is_kept_while_flushes_are_held_back() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        peer.block_flush(true);
        assert!(exec::glance(ws.send("kept back")).is_pending());
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(INTERVAL);
        assert!(exec::attempt(ws.recv()).is_pending());
        let opcodes: Vec<u8> = peer.take_frames().iter().map(Frame::opcode).collect();
        assert_eq!(opcodes, [TEXT, PING]);
        clock::advance(TIMEOUT);
        let result = exec::expect_ready(exec::attempt(ws.recv()));
        assert_timeout(result, Phase::Pong, "");
    }
}

#[test]
fn no_ping_lies_about_while_a_flush_waits_and_writes_would_go_through() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        peer.block_flush(true);
        assert!(exec::glance(ws.send("kept back")).is_pending());
        assert!(exec::attempt(ws.flush()).is_pending());
        clock::advance(INTERVAL);
        assert!(exec::attempt(ws.flush()).is_pending());
        assert_eq!(
            queued(&ws),
            0,
            "its Pong is awaited, and it was not offered"
        );
    }
}

/// Both halves share one alarm, and a blocked sender waits for a later date than the receiver.
#[test]
fn a_blocked_sender_does_not_put_off_what_the_receiver_waits_for() {
    for order in Order::BOTH {
        for end in End::BOTH {
            let config = Config::default().idle_timeout(10 * SECOND);
            let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &config);
            peer.window(0);
            let mut tasks = Tasks::new(order);
            let start = clock::elapsed();
            let receiving = tasks.spawn(async { rx.recv().await });
            tasks.settle();
            let sending = tasks.spawn(async { tx.send("blocked").await });
            assert!(tasks.run(), "somebody is left");
            assert_eq!(clock::elapsed() - start, 10 * SECOND, "{order:?} {end:?}");
            let faults = [
                receiving.output().unwrap().err(),
                sending.output().unwrap().err(),
            ];
            assert!(
                faults
                    .iter()
                    .flatten()
                    .any(|fault| matches!(fault, Error::Timeout(Phase::Idle))),
                "{faults:?}"
            );
        }
    }
}

#[test]
fn a_write_stall_that_comes_first_is_what_is_reported() {
    let config = keepalive().write_stall_timeout(INTERVAL - SECOND);
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&config);
        peer.window(0);
        assert!(exec::glance(ws.send("stuck")).is_pending());
        let result = exec::run(ws.recv());
        assert_timeout(result, Phase::WriteStall, "");
        assert_lost(&mut ws, &peer);
    }
}

#[test]
fn no_ping_for_a_transport_that_takes_nothing_any_more() {
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

/// A peer that streams without a pause but never answers the Ping does not outlast the limit.
#[test]
fn a_peer_that_talks_for_ever_and_never_answers_is_given_up() {
    let config = Config::default().keepalive(SECOND, TIMEOUT);
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&config);
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(SECOND);
        assert!(exec::attempt(ws.recv()).is_pending());
        one_ping(end, &peer);
        peer.read_time(SECOND / 100);
        peer.push_for_ever(&end.peer().text("la"));
        let start = clock::elapsed();
        let error = loop {
            assert!(clock::elapsed() - start < 2 * TIMEOUT, "no end");
            if let Err(error) = exec::run(ws.recv()) {
                break error;
            }
        };
        assert!(matches!(error, Error::Timeout(Phase::Pong)), "{error:?}");
    }
}

#[test]
fn the_longest_times_are_for_ever() {
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

/// Without an interval a silent peer is pinged again as soon as it has answered; nothing says that the thread hangs.
#[test]
fn no_interval_at_all_does_not_hang_the_thread() {
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let config = Config::default().keepalive(Duration::ZERO, SECOND);
        let (mut ws, _peer) = scripted::server(&config);
        let result = exec::run(ws.recv());
        let _ = done.send(matches!(result, Err(Error::Timeout(Phase::Pong))));
    });
    let timed_out = wait.recv_timeout(Duration::from_secs(5));
    assert_eq!(timed_out, Ok(true), "caught in a loop");
}
