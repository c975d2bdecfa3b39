//! Steps that several tests have in common.

use std::time::Duration;

use ws_driver::handshake::Agreed;
use ws_driver::transport::Transport;
use ws_driver::{Acceptor, Config, Connector, Error, Message, WebSocket};

use crate::clock::{self, ManualTimer};
use crate::exec;
use crate::scripted::{End, Manual, Peer, Ws};
use crate::wire::{CONTINUATION, Frame, PING, TEXT};

/// Returns a connection over `transport`, after a handshake that was done elsewhere. `leftover` is
/// the data that was read after the head.
#[must_use]
pub fn take_over<T: Transport<Timer = ManualTimer>>(
    end: End,
    config: &Config,
    transport: T,
    leftover: impl Into<Vec<u8>>,
) -> WebSocket<T> {
    match end {
        End::Server => Acceptor::<Manual>::new()
            .config(config.clone())
            .upgraded_on(transport, Agreed::default(), leftover),
        End::Client => Connector::<Manual>::new()
            .config(config.clone())
            .upgraded_on(transport, Agreed::default(), leftover),
    }
}

/// Runs `act`. Returns the result of `act`, and the virtual time that has passed.
pub fn timed<R>(act: impl FnOnce() -> R) -> (R, Duration) {
    let before = clock::elapsed();
    let result = act();
    (result, clock::elapsed() - before)
}

/// Returns the opcodes of the frames.
#[must_use]
pub fn opcodes(frames: &[Frame]) -> Vec<u8> {
    frames.iter().map(Frame::opcode).collect()
}

/// Asserts that both directions still work: flushes the queue, receives a message, and sends a
/// message.
///
/// # Panics
///
/// If a direction does not work.
pub fn assert_works<T: Transport>(ws: &mut WebSocket<T>, end: End, peer: &Peer) {
    exec::run(ws.flush()).unwrap();
    let _ = peer.take_output();
    peer.push(end.peer().text("still"));
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("still".into()));
    exec::run(ws.send("here")).unwrap();
    let frames = peer.take_frames();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].whole(), (TEXT, &b"here"[..]));
    assert_eq!(frames[0].key.is_some(), end == End::Client);
}

/// A way to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receive {
    /// Receives owned messages with `recv`.
    Recv,
    /// Receives borrowed messages with `recv_ref`.
    RecvRef,
    /// Receives pieces with `recv_stream`.
    Stream,
    /// Finds each message with `drive`, and then receives it with `recv`.
    Drive,
}

impl Receive {
    /// All ways to receive.
    pub const ALL: [Self; 4] = [Self::Recv, Self::RecvRef, Self::Stream, Self::Drive];

    /// Receives the next message. Returns `None` at the end of the connection.
    ///
    /// # Errors
    ///
    /// The errors of the connection.
    pub async fn next(self, ws: &mut Ws) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Recv => Ok(ws.recv().await?.map(bytes)),
            Self::RecvRef => {
                let message = ws.recv_ref().await?;
                Ok(message.map(|(message, _)| bytes(message.to_message())))
            }
            Self::Stream => {
                let Some(mut reader) = ws.recv_stream().await? else {
                    return Ok(None);
                };
                let mut all = Vec::new();
                while let Some(chunk) = reader.chunk().await? {
                    all.extend_from_slice(chunk);
                }
                Ok(Some(all))
            }
            Self::Drive => {
                if !ws.drive().await? {
                    return Ok(None);
                }
                Ok(ws.recv().await?.map(bytes))
            }
        }
    }
}

/// Returns the payload of a message.
#[must_use]
pub fn bytes(message: Message) -> Vec<u8> {
    match message {
        Message::Text(text) => text.as_bytes().to_vec(),
        Message::Binary(bytes) => bytes.to_vec(),
    }
}

/// Returns a connection whose [`WebSocket::drive`] has found a first message. The message "second"
/// follows the first.
///
/// `how` selects the first message: 0 is one frame in the same block as `second`, 1 is assembled
/// from fragments, and any other value is larger than a block.
///
/// # Panics
///
/// If [`WebSocket::drive`] finds no message.
#[must_use]
pub fn driven(end: End, how: usize) -> (Ws, Peer) {
    let from = end.peer();
    let (mut ws, peer) = end.open(&Config::default());
    let first = match how {
        0 => from.text("first"),
        1 => [
            from.fragment(TEXT, b"fi"),
            from.frame(PING, b"p"),
            from.frame(CONTINUATION, b"rst"),
        ]
        .concat(),
        _ => from.frame(TEXT, "first".repeat(20_000).as_bytes()),
    };
    peer.push([first, from.text("second")].concat());
    assert!(exec::run(ws.drive()).unwrap());
    (ws, peer)
}

/// Returns `true` if `bytes` is one of the first messages that [`driven`] can select.
#[must_use]
pub fn is_first(bytes: &[u8]) -> bool {
    bytes == b"first" || bytes == "first".repeat(20_000).as_bytes()
}

/// Returns `true` if the operation failed because the connection is closing or closed.
pub fn is_closing<R>(result: &Result<R, Error>) -> bool {
    matches!(result, Err(Error::Closed(_)))
}

/// Sends each message back without copying it into an owned message, until the connection ends.
///
/// # Errors
///
/// The errors of the connection.
pub async fn echo<T: Transport>(ws: &mut WebSocket<T>) -> Result<(), Error> {
    while echo_one(ws).await? {}
    Ok(())
}

/// Sends one message back without copying it into an owned message. Returns `false` if the
/// connection has ended.
///
/// # Errors
///
/// The errors of the connection.
pub async fn echo_one<T: Transport>(ws: &mut WebSocket<T>) -> Result<bool, Error> {
    let Some((message, out)) = ws.recv_ref().await? else {
        return Ok(false);
    };
    out.feed(message).await?;
    Ok(true)
}
