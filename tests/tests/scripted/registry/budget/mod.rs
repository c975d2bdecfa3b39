//! The budget of a server.

mod counting;
mod ends;
mod model;
mod pressure;

use ws_driver::{Budget, Config, Error, LimitError, Message, ReceiveError, Registry};
use ws_tests::scripted::{Manual, Peer, Ws};
use ws_tests::wire::{BINARY, CONTINUATION, From};

use super::open;

const KIB: usize = 1024;

/// The header with which clients announce a longer message than they send.
fn beginning(len: usize) -> Vec<u8> {
    From::Client.fragment(BINARY, &vec![b'b'; len])
}

fn rest(len: usize) -> Vec<u8> {
    From::Client.frame(CONTINUATION, &vec![b'r'; len])
}

fn server(budget: &Budget) -> Registry<Manual> {
    Registry::new().budget(budget)
}

fn open_default(registry: &Registry<Manual>) -> (Ws, Peer) {
    open(registry, &Config::default())
}

/// Receives until the end.
async fn receive_all(mut ws: Ws) -> Result<Vec<Message>, Error> {
    let mut messages = Vec::new();
    while let Some(message) = ws.recv().await? {
        messages.push(message);
    }
    Ok(messages)
}

/// Sends a message of this length, and then receives until the end.
async fn send_and_receive(mut ws: Ws, len: usize) -> Result<Vec<Message>, Error> {
    // A failure is found by the receive.
    let _ = ws.send(vec![b's'; len]).await;
    receive_all(ws).await
}

async fn echo(mut ws: Ws) -> Result<(), Error> {
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}

#[track_caller]
fn assert_over_budget<R: std::fmt::Debug>(result: Option<Result<R, Error>>) {
    let over = ReceiveError::Limit(LimitError::OverBudget);
    match result {
        Some(Err(Error::Receive(error))) if error == over => {}
        other => panic!("expected that the budget ends it: {other:?}"),
    }
}
