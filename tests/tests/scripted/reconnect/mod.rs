//! Clients that connect again, over the scripted transport and in virtual time.

mod cancel;
mod compression;
mod delivery;
mod events;
mod halves;
mod ledger;
mod rules;
mod schedule;
mod seeded;
mod world;

use std::time::Duration;

use ws_driver::Connector;
use ws_reconnect::Reconnecting;
use ws_tests::scripted::network::Answer;
use ws_tests::scripted::{Manual, Server};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// Returns a client of the server at 127.0.0.1:80 of the scripted network.
fn client() -> Reconnecting<Manual> {
    Reconnecting::new(Connector::new(), "ws://127.0.0.1/")
}

/// A server that refuses. `head` is the status and headers.
fn refusal(head: &str) -> Answer<Server> {
    let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n");
    Answer::success(Server::new().answer(answer))
}
