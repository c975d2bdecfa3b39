//! Connections over the scripted transport after their handshake, and helpers to inspect them.

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

/// Returns the server's end of a connection after its handshake.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn server(config: &Config) -> (Ws, Peer) {
    server_with(config, &[])
}

/// Returns the server's end as [`server`] does. `leftover` is input that arrives in the same
/// segment as the request.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn server_with(config: &Config, leftover: &[u8]) -> (Ws, Peer) {
    let (transport, peer) = pair();
    (accept(config, transport, &peer, leftover), peer)
}

/// Returns the client's end of a connection after its handshake.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn client(config: &Config) -> (Ws, Peer) {
    let (transport, peer) = pair();
    (connect(config, transport, &peer), peer)
}

/// Returns both halves of the end that `end` names, after its handshake.
///
/// # Panics
///
/// If the handshake fails.
#[must_use]
pub fn halves<T: Shape>(end: End, config: &Config) -> (Sender<T>, Receiver<T>, Peer) {
    let (transport, peer) = pair();
    let transport = T::shape(transport);
    let ws = match end {
        End::Server => accept(config, transport, &peer, &[]),
        End::Client => connect(config, transport, &peer),
    };
    let (sender, receiver) = ws.split();
    (sender, receiver, peer)
}

fn accept<T: Shape>(config: &Config, transport: T, peer: &Peer, leftover: &[u8]) -> WebSocket<T> {
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
    ws
}

fn connect<T: Shape>(config: &Config, transport: T, peer: &Peer) -> WebSocket<T> {
    let connector = Connector::<Manual>::new().config(config.clone());
    let handshake = connector.handshake_on("ws://server.example.com/", transport);
    let ws = answered(handshake, peer, http::switching).expect("the handshake");
    let _ = (peer.take_log(), peer.take_rooms());
    ws
}

/// Runs the handshake of a client. `answer` returns the server's response to the request.
///
/// # Errors
///
/// The errors of the handshake.
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

/// The end of a connection that a test uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client's end.
    Client,
    /// The server's end.
    Server,
}

impl End {
    /// Both ends.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// Returns this end of a connection after its handshake.
    #[must_use]
    pub fn open(self, config: &Config) -> (Ws, Peer) {
        match self {
            Self::Client => client(config),
            Self::Server => server(config),
        }
    }

    /// Returns the role of the peer, as the sender of its frames.
    #[must_use]
    pub fn peer(self) -> wire::From {
        match self {
            Self::Client => wire::From::Server,
            Self::Server => wire::From::Client,
        }
    }
}

/// Returns the number of bytes in the queue of the connection, read from its `Debug` output.
///
/// # Panics
///
/// If the `Debug` output does not contain the number.
#[must_use]
pub fn queued(ws: &Ws) -> usize {
    let text = format!("{ws:?}");
    let (_, rest) = text.split_once("queued: ").expect("Debug shows the queue");
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits
        .and_then(|digits| digits.parse().ok())
        .expect("the number of queued bytes")
}

/// Receives until the connection ends. Returns the messages and the error that followed them, if
/// any.
///
/// # Panics
///
/// If anything is received after the end or the error, or if the task hangs.
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
            "something follows the end of the connection"
        );
        assert!(matches!(exec::glance(ws.recv_ref()), Poll::Ready(Ok(None))));
    }
    (messages, fault)
}
