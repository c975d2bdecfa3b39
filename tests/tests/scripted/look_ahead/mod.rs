//! Input that arrives while a task only sends: Pings are answered, and no message is lost.

mod limits;
mod messages;
mod uploads;

use std::time::Duration;

use ws_tests::exec;
use ws_tests::scripted::{Peer, Ws};
use ws_tests::wire::{Frame, PONG};

const SECOND: Duration = Duration::from_secs(1);

/// The length of a message in bytes, above the high-water mark.
const LARGE: usize = 100_000;

/// Polls a send of `message` to a transport that takes nothing, until the send waits. Then drops
/// the future.
fn stuck(ws: &mut Ws, peer: &Peer, message: impl Into<Vec<u8>>) {
    peer.window(0);
    assert!(exec::attempt(ws.send(message.into())).is_pending());
}

/// Makes the transport take everything again, and flushes the queue.
fn unstick(ws: &mut Ws, peer: &Peer) {
    peer.window(usize::MAX);
    exec::run(ws.flush()).unwrap();
}

/// Returns the payloads of the Pongs among these frames.
fn pongs(frames: &[Frame]) -> Vec<Vec<u8>> {
    frames
        .iter()
        .filter(|frame| frame.opcode() == PONG)
        .map(|frame| frame.payload.clone())
        .collect()
}
