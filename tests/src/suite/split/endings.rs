//! Either half begins the end, and both learn of it.

use std::time::{Duration, Instant};

use ws_driver::{CloseCode, Config, End, Error, Message, Timeout};

use super::{Rx, start};
use crate::suite::roles::{FAR, ROLES, Signal, reset};
use crate::suite::{Suite, Ws};
use crate::wire::{self, CLOSE};

fn config() -> Config {
    Config::default().close_timeout(FAR).failure_timeout(FAR)
}

/// Receives to the end, and the error if there is one.
async fn drain<S: Suite>(mut rx: Rx<S>) -> (Vec<Message>, Result<(), Error>) {
    let mut messages = Vec::new();
    loop {
        match rx.recv().await {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => return (messages, Ok(())),
            Err(error) => return (messages, Err(error)),
        }
    }
}

/// The receiving half finds out that a message makes no sense.
pub fn a_receiver_tells_the_peer_why_it_closes<S: Suite>() {
    for role in ROLES {
        for (code, reason) in [(1007, "bad JSON"), (4000, ""), (1005, "")] {
            let seen = Signal::default();
            let is_seen = seen.clone();
            let act = move |ws: Ws<S>| async move {
                let (mut tx, mut rx) = ws.split();
                let closed = start::<S, _>(async move {
                    // Waits for something to send, which never comes.
                    tx.closed().await.map(|()| tx.end())
                });
                let first = rx.recv().await?;
                // What woke this half has woken the other as well: that is over when it closes.
                S::sleep(Duration::from_millis(20)).await;
                rx.start_close(CloseCode::new(code), reason)?;
                let again = rx.start_close(CloseCode::NORMAL, "");
                assert!(matches!(again, Err(Error::Closed(None))), "{again:?}");
                // It leaves although this half does something else: the other one waits.
                is_seen.wait::<S>().await;
                let (rest, end) = drain::<S>(rx).await;
                end?;
                Ok::<_, Error>((first, rest, closed.finish::<S>().await?))
            };
            let (mut peer, running) = role.open::<S, _, _>(config(), act);
            let from = role.peer();
            peer.send(&from.text("{"));
            let close = peer.read_frame().expect("the Close");
            let expected = match code {
                1005 => Vec::new(),
                code => wire::close_payload(code, reason),
            };
            assert_eq!(close.whole(), (CLOSE, &expected[..]));
            seen.give();
            peer.send(&[from.text("under way"), from.close(1000, "")].concat());
            peer.end();
            let (first, rest, end) = running.finish().expect("a clean end");
            assert_eq!((first, rest), (Some("{".into()), vec!["under way".into()]));
            let end = end.expect("the end");
            assert!(end.clean);
            assert_eq!(end.local.expect("ours").code.number(), code);
        }
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    PeersClose,
    OurClose,
    Loss,
    Reset,
    Violation,
}

/// A task that waits for something to send, another for something to receive: neither is left behind.
pub fn a_sender_that_waits_learns_of_every_end<S: Suite>() {
    for role in ROLES {
        for ending in [
            Ending::PeersClose,
            Ending::OurClose,
            Ending::Loss,
            Ending::Reset,
            Ending::Violation,
        ] {
            let case = format!("{role:?}, {ending:?}");
            let waits = Signal::default();
            let is_waiting = waits.clone();
            let act = move |ws: Ws<S>| async move {
                let (mut tx, mut rx) = ws.split();
                let waiting = is_waiting.clone();
                let closed = start::<S, _>(async move {
                    waiting.give();
                    let closed = tx.closed().await;
                    // And again, at once.
                    assert_eq!(tx.closed().await.is_ok(), closed.is_ok());
                    (closed, tx.send("late").await, tx.end())
                });
                is_waiting.wait::<S>().await;
                if let Ending::OurClose = ending {
                    rx.start_close(CloseCode::NORMAL, "").expect("open");
                }
                let (_, received) = drain::<S>(rx).await;
                (received, closed.finish::<S>().await)
            };
            let (mut peer, running) = role.open::<S, _, _>(config(), act);
            waits.await_here();
            // So that it does wait.
            std::thread::sleep(Duration::from_millis(20));
            let from = role.peer();
            match ending {
                Ending::PeersClose => peer.send(&from.close(4001, "bye")),
                Ending::OurClose => {
                    assert_eq!(peer.read_frame().expect("the Close").close_code(), 1000);
                    peer.send(&from.close(1000, ""));
                }
                Ending::Violation => {
                    peer.send(&from.frame(3, b""));
                    assert_eq!(peer.read_frame().expect("the Close").close_code(), 1002);
                }
                Ending::Loss | Ending::Reset => {}
            }
            match ending {
                Ending::Reset => reset(peer),
                _ => peer.end(),
            }
            let (received, (closed, late, end)) = running.finish();
            let end = end.expect("the end");
            check(ending, &closed, &end, &case);
            // Those who receive hear the same.
            check(ending, &received, &end, &case);
            let late = late.expect_err("closed");
            assert!(late.is_disconnect(), "{case}: {late:?}");
        }
    }
}

fn check(ending: Ending, result: &Result<(), Error>, end: &End, case: &str) {
    let is_as_expected = match (ending, result) {
        (Ending::PeersClose, Ok(())) => end.clean && end.code().number() == 4001,
        (Ending::OurClose, Ok(())) => end.clean && end.code() == CloseCode::NORMAL,
        (Ending::Loss, Err(Error::Lost)) => !end.clean,
        (Ending::Reset, Err(Error::Lost | Error::Io(_))) => !end.clean,
        (Ending::Violation, Err(error)) => {
            error.violation_code() == Some(CloseCode::PROTOCOL_ERROR)
        }
        _ => false,
    };
    assert!(is_as_expected, "{case}: {result:?}, {end:?}");
}

/// A receiver of the same task, polled later, is not waited for.
pub fn a_close_of_the_sender_returns_once_it_was_written<S: Suite>() {
    for role in ROLES {
        for queued in [0, 3, 2000] {
            let written = Signal::default();
            let is_written = written.clone();
            let act = move |ws: Ws<S>| async move {
                let (mut tx, rx) = ws.split();
                for _ in 0..queued {
                    tx.feed("x".repeat(1000)).await?;
                }
                let start = Instant::now();
                tx.close(CloseCode::GOING_AWAY, "bye").await?;
                let time = start.elapsed();
                is_written.give();
                let (messages, end) = drain::<S>(rx).await;
                end?;
                Ok::<_, Error>((time, messages, tx.end()))
            };
            let (mut peer, running) = role.open::<S, _, _>(config(), act);
            for _ in 0..queued {
                assert_eq!(peer.read_frame().expect("a message").payload.len(), 1000);
            }
            let close = peer.read_frame().expect("the Close");
            assert_eq!(
                close.whole(),
                (CLOSE, &wire::close_payload(1001, "bye")[..])
            );
            written.await_here();
            let from = role.peer();
            peer.send(&[from.text("under way"), from.close(1001, "")].concat());
            peer.end();
            let (time, messages, end) = running.finish().expect("a clean end");
            assert!(time < FAR / 5, "{time:?}");
            assert_eq!(messages, ["under way".into()]);
            assert!(end.expect("the end").clean);
        }
    }
}

/// A peer that takes nothing keeps it no longer than any other close.
pub fn a_close_of_the_sender_that_nobody_takes_times_out<S: Suite>() {
    let limit = Duration::from_millis(300);
    for role in ROLES {
        for receives in [false, true] {
            let config = Config::default()
                .close_timeout(limit)
                .write_stall_timeout(FAR);
            let act = move |ws: Ws<S>| async move {
                let (mut tx, rx) = ws.split();
                tx.feed(vec![7; 20 << 20]).await.expect("room");
                let start_of_close = Instant::now();
                let mut kept = Some(rx);
                let receiving = match (receives, kept.take()) {
                    (true, Some(rx)) => Some(start::<S, _>(drain::<S>(rx))),
                    (_, rx) => {
                        kept = rx;
                        None
                    }
                };
                let closed = tx.close(CloseCode::NORMAL, "").await;
                let time = start_of_close.elapsed();
                let verdict = tx.closed().await;
                if let Some(receiving) = receiving {
                    let (_, received) = receiving.finish::<S>().await;
                    assert!(is_close_timeout(&received), "{received:?}");
                }
                drop(kept);
                (closed, time, verdict)
            };
            let (peer, running) = role.open::<S, _, _>(config, act);
            let (closed, time, verdict) = running.finish();
            assert!(is_close_timeout(&closed), "{closed:?}");
            assert!(is_close_timeout(&verdict), "{verdict:?}");
            assert!(time >= limit / 2, "{time:?}");
            drop(peer);
        }
    }
}

fn is_close_timeout(result: &Result<(), Error>) -> bool {
    matches!(result, Err(Error::Timeout(Timeout::Close)))
}
