//! Observers of control frames.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use ws_driver::{CloseCode, Config, Control};
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{self, End, Peer, Scripted, Ws};
use ws_tests::steps::Receive;
use ws_tests::wire::{CLOSE, CONTINUATION, PING, PONG, TEXT};

#[test]
fn an_observer_gets_every_control_frame_once_however_it_is_received() {
    for end in End::BOTH {
        for receive in Receive::ALL {
            for piece in [1, 2, 5, usize::MAX] {
                for drops in [false, true] {
                    let from = end.peer();
                    let (mut ws, peer) = end.open(&Config::default());
                    let seen = Arc::new(Mutex::new(Vec::new()));
                    let sink = Arc::clone(&seen);
                    ws.observe(move |control| {
                        sink.lock().unwrap().push(match control {
                            Control::Ping(payload) => (PING, payload.to_vec()),
                            Control::Pong(payload) => (PONG, payload.to_vec()),
                            Control::Close(_) => (CLOSE, Vec::new()),
                        });
                    });
                    peer.pieces(piece, piece);
                    if drops {
                        peer.hesitate();
                    }
                    let input = [
                        from.frame(PING, b"1"),
                        from.fragment(TEXT, b"a"),
                        from.frame(PONG, b"2"),
                        from.frame(CONTINUATION, b"b"),
                        from.frame(PING, b"3"),
                        from.text("c"),
                        from.frame(PING, &[4; 125]),
                        from.close(1000, ""),
                        from.frame(PING, b"nothing follows a Close"),
                    ];
                    peer.push(input.concat());
                    peer.end();
                    let mut messages = 0;
                    let next = async |ws: &mut Ws| receive.next(ws).await;
                    // The rest of a message is skipped if its reader is dropped. So the futures of
                    // a reader must complete here.
                    let cancels = drops && receive != Receive::Stream;
                    while if cancels {
                        exec::run_dropping(&mut ws, next).unwrap().is_some()
                    } else {
                        exec::run(receive.next(&mut ws)).unwrap().is_some()
                    } {
                        messages += 1;
                    }
                    assert_eq!(messages, 2, "{end:?} {receive:?} {piece} {drops}");
                    let seen = seen.lock().unwrap();
                    let expected = [
                        (PING, b"1".to_vec()),
                        (PONG, b"2".to_vec()),
                        (PING, b"3".to_vec()),
                        (PING, vec![4; 125]),
                        (CLOSE, Vec::new()),
                    ];
                    assert_eq!(*seen, expected, "{end:?} {receive:?} {piece} {drops}");
                }
            }
        }
    }
}

#[test]
fn an_observer_stays_with_the_connection_through_split_and_reunite() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let count = Arc::new(AtomicUsize::new(0));
        let sink = Arc::clone(&count);
        ws.observe(move |_| {
            sink.fetch_add(1, Ordering::Relaxed);
        });
        peer.push(end.peer().frame(PING, b"1"));
        assert!(exec::attempt(ws.recv()).is_pending());
        let (tx, mut rx) = ws.split();
        peer.push(end.peer().frame(PING, b"2"));
        assert!(exec::attempt(rx.recv()).is_pending());
        assert!(exec::attempt(rx.drive()).is_pending());
        let mut ws = tx.reunite(rx).unwrap();
        peer.push(end.peer().frame(PING, b"3"));
        assert!(exec::attempt(ws.drive()).is_pending());
        assert_eq!(count.load(Ordering::Relaxed), 3);
        // A second observer replaces the first observer, and gets all later control frames, even
        // during `close`.
        let other = Arc::new(AtomicUsize::new(0));
        let sink = Arc::clone(&other);
        ws.observe(move |_| {
            sink.fetch_add(1, Ordering::Relaxed);
        });
        peer.push([end.peer().frame(PING, b"4"), end.peer().close(1000, "")].concat());
        peer.end();
        exec::run(ws.close(CloseCode::NORMAL, "")).unwrap();
        assert_eq!(other.load(Ordering::Relaxed), 2);
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }
}

/// The number of Pings that the peer sends at once.
const FLOOD: usize = 100_000;

/// The most Pings that may be observed between two polls of another task. A higher limit would be
/// acceptable if it was far below [`FLOOD`].
const MOST: usize = 1000;

/// Counts the Pings that are observed between two polls of another task.
#[derive(Default)]
struct Turns {
    seen: AtomicUsize,
    /// `seen` at the last poll of the other task.
    seen_at_turn: AtomicUsize,
    /// The number of polls of the other task.
    turns: AtomicUsize,
    /// The most Pings between two polls of the other task.
    most: AtomicUsize,
    waiting: Mutex<Option<Waker>>,
}

impl Turns {
    /// Returns an observer that counts Pings and wakes the other task.
    fn observer(self: &Arc<Self>) -> impl FnMut(&Control) + Send + 'static {
        let turns = Arc::clone(self);
        move |control| {
            if let Control::Ping(_) = control {
                turns.count_ping();
            }
        }
    }

    fn count_ping(&self) {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        let since = seen - self.seen_at_turn.load(Ordering::Relaxed);
        self.most.fetch_max(since, Ordering::Relaxed);
        if let Some(waker) = self.waiting.lock().unwrap().take() {
            waker.wake();
        }
    }

    /// The other task. Counts its polls, and ends when all Pings have been observed.
    async fn take_turns(&self) {
        poll_fn(|cx| {
            let seen = self.seen.load(Ordering::Relaxed);
            self.seen_at_turn.store(seen, Ordering::Relaxed);
            self.turns.fetch_add(1, Ordering::Relaxed);
            if seen >= FLOOD {
                return Poll::Ready(());
            }
            *self.waiting.lock().unwrap() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn assert_fair(&self, polls: usize, context: &str) {
        assert_eq!(self.seen.load(Ordering::Relaxed), FLOOD, "{context}");
        let most = self.most.load(Ordering::Relaxed);
        assert!(
            most <= MOST,
            "{context}: {most} between two polls of the other task"
        );
        let turns = self.turns.load(Ordering::Relaxed);
        assert!(
            turns >= FLOOD / MOST,
            "{context}: {turns} polls of the other task"
        );
        // The receiver does not yield after every Ping, either.
        assert!(
            polls <= FLOOD / 10,
            "{context}: {polls} polls of the receiver"
        );
    }
}

fn flood(end: End, payload: &[u8]) -> Vec<u8> {
    end.peer().frame(PING, payload).repeat(FLOOD)
}

fn flood_and_close(end: End, peer: &Peer) {
    peer.push([flood(end, b""), end.peer().close(1000, "")].concat());
    peer.end();
}

#[test]
fn observing_a_flood_of_pings_yields_to_other_tasks() {
    for end in End::BOTH {
        for receive in Receive::ALL {
            for (payload, reads) in [(&b""[..], true), (b"12345678", false)] {
                if receive == Receive::RecvRef && !reads {
                    // `recv_ref` receives nothing while the queued Pongs exceed the high-water
                    // mark.
                    continue;
                }
                let context = format!("{end:?} {receive:?} {} {reads}", payload.len());
                let (mut ws, peer) = end.open(&Config::default());
                let turns = Arc::new(Turns::default());
                ws.observe(turns.observer());
                if !reads {
                    peer.window(0);
                }
                peer.push([flood(end, payload), end.peer().text("behind")].concat());
                // The other task was spawned first. So once the other task is woken, it is polled
                // as soon as the receiver yields.
                let mut tasks = Tasks::new(Order::Oldest);
                let other = tasks.spawn(turns.take_turns());
                let receives = tasks.spawn(async { receive.next(&mut ws).await });
                assert!(tasks.run(), "{context}: a task waits forever");
                assert!(other.output().is_some());
                let message = receives.output().unwrap().unwrap();
                assert_eq!(message.as_deref(), Some(&b"behind"[..]), "{context}");
                turns.assert_fair(tasks.polls(&receives), &context);
            }
        }
    }
}

#[test]
fn observing_a_flood_of_pings_on_halves_yields_to_other_tasks() {
    for end in End::BOTH {
        for closes in ["the peer", "the caller", "a sender alone"] {
            let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
            let turns = Arc::new(Turns::default());
            rx.observe(turns.observer());
            flood_and_close(end, &peer);
            let mut tasks = Tasks::new(Order::Oldest);
            let other = tasks.spawn(turns.take_turns());
            let ends = tasks.spawn(async {
                if closes == "a sender alone" {
                    drop(rx);
                    return tx.close(CloseCode::NORMAL, "").await;
                }
                if closes == "the caller" {
                    tx.start_close(CloseCode::NORMAL, "")?;
                }
                assert!(rx.recv().await?.is_none());
                Ok(())
            });
            assert!(tasks.run(), "{end:?} {closes}: a task waits forever");
            assert!(other.output().is_some());
            ends.output().unwrap().unwrap();
            turns.assert_fair(tasks.polls(&ends), &format!("{end:?} {closes}"));
        }
    }
}

#[test]
fn observing_a_flood_of_pings_while_closing_yields_to_other_tasks() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let turns = Arc::new(Turns::default());
        ws.observe(turns.observer());
        flood_and_close(end, &peer);
        let mut tasks = Tasks::new(Order::Oldest);
        let other = tasks.spawn(turns.take_turns());
        let closing = tasks.spawn(async { ws.close(CloseCode::NORMAL, "").await });
        assert!(tasks.run(), "{end:?}: a task waits forever");
        assert!(other.output().is_some());
        closing.output().unwrap().unwrap();
        turns.assert_fair(tasks.polls(&closing), &format!("{end:?}"));
    }
}
