//! TLS over a scripted transport, with rustls as the peer.

mod cancel;
mod faults;
mod handshake;
mod limits;
mod session;
mod truncation;
mod wakes;

use ws_driver::{Error, Message};
use ws_tests::scripted::End;
use ws_tests::tls::{TlsPeer, Wss};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

/// A message of three records.
const LARGE: usize = 40_000;

/// Returns the frames of a peer, ending with its Close, and the messages in them. One message has
/// `large` bytes.
fn conversation(from: wire::From, large: usize) -> (Vec<Vec<u8>>, Vec<Message>) {
    let large = vec![0xa5; large];
    let frames = vec![
        from.text("first"),
        from.fragment(TEXT, "κόσ".as_bytes()),
        from.frame(PING, b"between"),
        from.frame(CONTINUATION, "με".as_bytes()),
        from.frame(BINARY, &large),
        from.text("last"),
        from.close(1000, "bye"),
    ];
    let messages = vec![
        Message::from("first"),
        Message::from("κόσμε"),
        Message::from(large),
        Message::from("last"),
    ];
    (frames, messages)
}

/// Returns the frames that `end` must write when it echoes a [`conversation`].
fn echoes(end: End) -> Vec<(u8, Vec<u8>)> {
    let (_, messages) = conversation(end.peer(), LARGE);
    let mut echoes: Vec<_> = messages
        .iter()
        .map(|message| {
            let opcode = message.as_text().map_or(BINARY, |_| TEXT);
            (opcode, message.as_bytes().to_vec())
        })
        .collect();
    echoes.push((CLOSE, wire::close_payload(1000, "")));
    echoes
}

/// Takes the complete frames that arrived at the peer, without Pongs.
fn frames(peer: &mut TlsPeer) -> Vec<(u8, Vec<u8>)> {
    let (frames, _) = wire::parse(&peer.take_output());
    let whole = frames.iter().map(|frame| {
        let (opcode, payload) = frame.whole();
        (opcode, payload.to_vec())
    });
    whole.filter(|(opcode, _)| *opcode != PONG).collect()
}

/// Echoes every message until the connection ends. Adds the messages to `received`.
async fn echo(ws: &mut Wss, received: &mut Vec<Message>) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        received.push(message.clone());
        ws.feed(message).await?;
    }
    Ok(())
}
