//! Steps that tests of several subjects take.

use std::time::Duration;

use ws_driver::handshake::Agreed;
use ws_driver::transport::Transport;
use ws_driver::{Acceptor, Config, Connector, Error, Message, WebSocket};

use crate::clock::{self, ManualTimer};
use crate::exec;
use crate::scripted::{End, Manual, Peer, Ws};
use crate::wire::{CONTINUATION, Frame, PING, TEXT};

/// A connection over `transport`, whose handshake someone else did.
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

/// What `act` returns, and the virtual time that it took.
pub fn timed<R>(act: impl FnOnce() -> R) -> (R, Duration) {
    let before = clock::elapsed();
    let result = act();
    (result, clock::elapsed() - before)
}

/// What the frames are.
#[must_use]
pub fn opcodes(frames: &[Frame]) -> Vec<u8> {
    frames.iter().map(Frame::opcode).collect()
}

/// Checks that both directions still work.
///
/// # Panics
///
/// If one does not.
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
    /// Messages to keep.
    Recv,
    /// Messages to look at.
    RecvRef,
    /// Piece by piece.
    Stream,
    /// Found by driving, and then received.
    Drive,
}

impl Receive {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Recv, Self::RecvRef, Self::Stream, Self::Drive];

    /// The next message, whichever way.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    pub async fn next(self, ws: &mut Ws) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Recv => Ok(ws.recv().await?.map(octets)),
            Self::RecvRef => {
                let message = ws.recv_ref().await?;
                Ok(message.map(|(message, _)| octets(message.to_message())))
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
                Ok(ws.recv().await?.map(octets))
            }
        }
    }
}

/// The octets of a message.
#[must_use]
pub fn octets(message: Message) -> Vec<u8> {
    match message {
        Message::Text(text) => text.as_bytes().to_vec(),
        Message::Binary(octets) => octets.to_vec(),
    }
}

/// A connection where [`WebSocket::drive`] found `first`, which waits in one block with `second` (0), was put together
/// of fragments (1), or is larger than a block (2).
///
/// # Panics
///
/// If none was found.
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

/// Whether this is the message that [`driven`] found.
#[must_use]
pub fn is_first(octets: &[u8]) -> bool {
    octets == b"first" || octets == "first".repeat(20_000).as_bytes()
}

/// Answers every message with itself, without a copy to keep.
///
/// # Errors
///
/// Those of the connection.
pub async fn echo<T: Transport>(ws: &mut WebSocket<T>) -> Result<(), Error> {
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
