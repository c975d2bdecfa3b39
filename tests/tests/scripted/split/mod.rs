//! The halves of a connection: sending, wake-ups, faults, closing, reuniting, `Stream` and `Sink`.

mod closing;
mod faults;
mod news;
mod reuniting;
mod sending;
mod traits;
mod waking;

use ws_driver::{Config, Receiver, Sender, TryFeedError};
use ws_tests::scripted::{self, End, Peer, Shape};
use ws_tests::wire::Frame;

type Halves<T> = (Sender<T>, Receiver<T>, Peer);

fn halves<T: Shape>(end: End) -> Halves<T> {
    scripted::halves(end, &Config::default())
}

/// Returns the payloads of the frames with this opcode.
fn payloads(frames: &[Frame], opcode: u8) -> Vec<&[u8]> {
    let of_kind = frames.iter().filter(|frame| frame.opcode() == opcode);
    of_kind.map(|frame| frame.whole().1).collect()
}

/// Queues messages until there is no room, and returns their number.
fn fill<T: Shape>(tx: &mut Sender<T>) -> usize {
    let message = vec![0x55; 10_000];
    let mut queued = 0;
    while tx.has_room() {
        tx.try_feed(&message).unwrap();
        queued += 1;
    }
    assert_eq!(tx.try_feed(&message), Err(TryFeedError::Full(&message)));
    queued
}
