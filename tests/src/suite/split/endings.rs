//! Connections that end in several ways. Either half can begin to close, and both halves report the
//! end.

use std::time::{Duration, Instant};

use ws_driver::{CloseCode, Config, End, Error, Message, Timeout};

use super::Rx;
use crate::suite::roles::{FAR, ROLES, Signal, reset};
use crate::suite::{Suite, Ws, start};
use crate::wire::{self, CLOSE};

fn config() -> Config {
    Config::default().close_timeout(FAR).failure_timeout(FAR)
}

/// Receives until the connection ends. Returns the messages, and the error if receiving failed.
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

/// A receiver refuses the content of a message while another task waits in `closed` of the sender.
pub fn a_receiver_closes_with_code_and_reason<S: Suite>() {
    for role in ROLES {
        for (code, reason) in [(1007, "bad JSON"), (4000, ""), (1005, "")] {
            let seen = Signal::default();
            let is_seen = seen.clone();
            let act = move |ws: Ws<S>| async move {
                let (mut tx, mut rx) = ws.split();
                let closed = start::<S, _>(async move {
                    // This task only waits for the end of the connection.
                    tx.closed().await.map(|()| tx.end())
                });
                let first = rx.recv().await?;
                // The message may have woken the other task as well. Give that task time to wait
                // again before this half closes.
                S::sleep(Duration::from_millis(20)).await;
                rx.start_close(CloseCode::new(code), reason)?;
                let again = rx.start_close(CloseCode::NORMAL, "");
                assert!(matches!(again, Err(Error::Closed(None))), "{again:?}");
                // The task in `closed` writes the Close, because this half does not poll the
                // connection.
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
            assert_eq!(end.local.expect("our Close").code.number(), code);
        }
    }
}

/// A way in which a connection ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    PeersClose,
    OurClose,
    Loss,
    Reset,
    Violation,
}

/// One task waits in `closed` of the sender while another task receives. Both calls return.
pub fn closed_returns_however_the_connection_ends<S: Suite>() {
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
                    // A second call returns the same result at once.
                    assert_eq!(tx.closed().await.is_ok(), closed.is_ok());
                    (closed, tx.send("late").await, tx.end())
                });
                is_waiting.wait::<S>().await;
                if let Ending::OurClose = ending {
                    rx.start_close(CloseCode::NORMAL, "")
                        .expect("an open connection");
                }
                let (_, received) = drain::<S>(rx).await;
                (received, closed.finish::<S>().await)
            };
            let (mut peer, running) = role.open::<S, _, _>(config(), act);
            waits.await_here();
            // Give `closed` time to begin to wait.
            std::thread::sleep(Duration::from_millis(20));
            let from = role.peer();
            match ending {
                Ending::PeersClose => peer.send(&from.close(4001, "bye")),
                Ending::OurClose => {
                    peer.read_close(1000);
                    peer.send(&from.close(1000, ""));
                }
                Ending::Violation => {
                    peer.send(&from.frame(3, b""));
                    peer.read_close(1002);
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
            // The receiver returns the same result.
            check(ending, &received, &end, &case);
            let late = late.expect_err("a closed connection");
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

/// `close` does not wait for the receiver. The receiver is polled later, in the same task.
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
            let close = peer.read_close(1001);
            assert_eq!(close.payload, wire::close_payload(1001, "bye"));
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

/// The close timeout applies to `close`, to `closed`, and to receiving in another task.
pub fn a_close_of_the_sender_times_out_if_the_peer_does_not_read<S: Suite>() {
    let limit = Duration::from_millis(300);
    for role in ROLES {
        for receives in [false, true] {
            let config = Config::default()
                .close_timeout(limit)
                .write_stall_timeout(FAR);
            let act = move |ws: Ws<S>| async move {
                let (mut tx, rx) = ws.split();
                tx.feed(vec![7; 20 << 20]).await.expect("room in the queue");
                let start_of_close = Instant::now();
                let (receiving, kept) = match receives {
                    true => (Some(start::<S, _>(drain::<S>(rx))), None),
                    false => (None, Some(rx)),
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
