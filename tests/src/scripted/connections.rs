//! Connections over the transport, behind their handshake, and what tests ask of them.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use ws_driver::{
    Acceptor, Config, ConnectError, Connector, Error, Message, Receiver, Sender, WebSocket,
};

use super::{Manual, Peer, Scripted, Shape, pair};
use crate::exec::{self, Task};
use crate::http;
use crate::wire;

/// A WebSocket over the scripted transport.
pub type Ws = WebSocket<Scripted>;

/// A server's end with this configuration, behind its handshake.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn server(config: &Config) -> (Ws, Peer) {
    server_with(config, &[])
}

/// [`server`], with input right behind the request.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn server_with(config: &Config, leftover: &[u8]) -> (Ws, Peer) {
    let (transport, peer) = pair();
    peer.push([&http::request(), leftover].concat());
    let acceptor = Acceptor::<Manual>::new().config(config.clone());
    let ws = exec::run(acceptor.accept_on(transport)).expect("the handshake");
    let output = peer.take_output();
    assert!(
        output.starts_with(b"HTTP/1.1 101 "),
        "{}",
        output.escape_ascii()
    );
    let _ = (peer.take_log(), peer.take_rooms());
    (ws, peer)
}

/// A client's end with this configuration, behind its handshake.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn client(config: &Config) -> (Ws, Peer) {
    let (transport, peer) = pair();
    let connector = Connector::<Manual>::new().config(config.clone());
    let ws = answered(
        connector.handshake_on("ws://server.example.com/", transport),
        &peer,
        http::switching,
    )
    .expect("the handshake");
    let _ = (peer.take_log(), peer.take_rooms());
    (ws, peer)
}

/// Both halves of our end, behind its handshake.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn halves<T: Shape>(end: End, config: &Config) -> (Sender<T>, Receiver<T>, Peer) {
    let (transport, peer) = pair();
    let transport = T::shape(transport);
    let ws = match end {
        End::Server => {
            peer.push(http::request());
            let acceptor = Acceptor::<Manual>::new().config(config.clone());
            exec::run(acceptor.accept_on(transport)).expect("the handshake")
        }
        End::Client => {
            let connector = Connector::<Manual>::new().config(config.clone());
            let handshake = connector.handshake_on("ws://server.example.com/", transport);
            answered(handshake, &peer, http::switching).expect("the handshake")
        }
    };
    let _ = (peer.take_output(), peer.take_log(), peer.take_rooms());
    let (sender, receiver) = ws.split();
    (sender, receiver, peer)
}

/// Runs a client's handshake against an answer made of its request.
///
/// # Panics
///
/// If the client sends anything but one request.
pub fn answered<R>(
    handshake: impl Future<Output = Result<R, ConnectError>>,
    peer: &Peer,
    answer: impl FnOnce(&str) -> Vec<u8>,
) -> Result<R, ConnectError> {
    let mut handshake = pin!(handshake);
    if let Poll::Ready(result) = exec::settle(&mut Task::new(), handshake.as_mut()) {
        return result;
    }
    let output = peer.take_output();
    let (head, rest) = http::split_head(&output).expect("a request");
    assert!(rest.is_empty());
    peer.push(answer(&head));
    exec::run(handshake)
}

/// Either end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Ours is the client.
    Client,
    /// Ours is the server.
    Server,
}

impl End {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// Our end, behind its handshake.
    #[must_use]
    pub fn open(self, config: &Config) -> (Ws, Peer) {
        match self {
            Self::Client => client(config),
            Self::Server => server(config),
        }
    }

    /// Who speaks to us.
    #[must_use]
    pub fn peer(self) -> wire::From {
        match self {
            Self::Client => wire::From::Server,
            Self::Server => wire::From::Client,
        }
    }
}

/// Octets that the connection has queued, as its `Debug` tells.
///
/// # Panics
///
/// If it does not tell.
#[must_use]
pub fn queued(ws: &Ws) -> usize {
    let text = format!("{ws:?}");
    let (_, rest) = text.split_once("queued: ").expect("Debug tells the queue");
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits
        .and_then(|digits| digits.parse().ok())
        .expect("a number")
}

/// Receives to the end: the messages, and the error behind them.
///
/// # Panics
///
/// If anything but the end follows the error, or the task hangs.
pub fn receive_all(ws: &mut Ws) -> (Vec<Message>, Option<Error>) {
    let mut messages = Vec::new();
    let mut fault = None;
    loop {
        match exec::run(ws.recv()) {
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
            matches!(exec::glance(ws.recv()), Poll::Ready(Ok(None))),
            "something follows the end"
        );
        assert!(matches!(exec::glance(ws.recv_ref()), Poll::Ready(Ok(None))));
    }
    (messages, fault)
}
