//! How halves of a connection end, whoever begins it and whichever of them is polled.

#![forbid(unsafe_code)]

mod handshake;
mod losses;
mod violations;

use std::time::Duration;

use ws_driver::{CloseCode, Config, Error, Message, Receiver, Sender};
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::scripted::{self, End, Peer, Shape};

const SECOND: Duration = Duration::from_secs(1);

/// Virtual time that `act` takes.
fn timed<R>(act: impl FnOnce() -> R) -> (R, Duration) {
    let before = clock::elapsed();
    let result = act();
    (result, clock::elapsed() - before)
}

fn halves<T: Shape>(end: End) -> (Sender<T>, Receiver<T>, Peer) {
    scripted::halves(end, &Config::default())
}

/// Receives to the end, and once more.
async fn drain<T: Shape>(rx: &mut Receiver<T>) -> (Vec<Message>, Option<Error>) {
    let mut messages = Vec::new();
    let mut fault = None;
    loop {
        match rx.recv().await {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => break,
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    for _ in 0..2 {
        assert!(
            matches!(rx.recv().await, Ok(None)),
            "something follows the end"
        );
        assert!(matches!(rx.recv_ref().await, Ok(None)));
    }
    (messages, fault)
}

fn is_closing<R>(result: &Result<R, Error>) -> bool {
    matches!(result, Err(Error::Closed(_)))
}

/// Every way to send fails at once.
fn assert_closing<T: Shape>(tx: &mut Sender<T>) {
    let results = [
        exec::expect_ready(exec::glance(tx.send("late"))),
        exec::expect_ready(exec::glance(tx.feed("late"))),
        exec::expect_ready(exec::glance(tx.ready())),
        exec::expect_ready(exec::glance(tx.send_ping("late"))),
        exec::expect_ready(exec::glance(tx.send_pong("late"))),
        tx.start_close(CloseCode::NORMAL, ""),
    ];
    for result in &results {
        assert!(is_closing(result), "{result:?}");
    }
    let tried = tx.try_feed("late");
    assert!(matches!(
        tried,
        Err(ws_driver::TryFeedError::Closed("late"))
    ));
}
