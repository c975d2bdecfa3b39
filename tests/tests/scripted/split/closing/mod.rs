//! The end of a connection with halves: closing handshakes, violations, losses and dropped halves,
//! whichever half is polled.

mod handshake;
mod losses;
mod violations;

use std::time::Duration;

use ws_driver::{CloseCode, Error, Message, Receiver, Sender, TryFeedError};
use ws_tests::exec;
use ws_tests::scripted::Shape;
use ws_tests::steps::is_closing;

use super::halves;

const SECOND: Duration = Duration::from_secs(1);

/// Asserts that nothing follows the end of the connection. Returns the messages and the error
/// before the end.
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
            "a message or an error follows the end"
        );
        assert!(matches!(rx.recv_ref().await, Ok(None)));
    }
    (messages, fault)
}

/// Asserts that every way to send fails at once.
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
    assert!(matches!(tried, Err(TryFeedError::Closed("late"))));
}
