//! Halves of a connection: the contract of sending, and who is woken by what.

#![forbid(unsafe_code)]

mod joining;
mod sending;
mod waking;

use ws_driver::{Config, Receiver, Sender, TryFeedError};
use ws_tests::scripted::{self, End, Peer, Shape};
use ws_tests::wire::Frame;

type Halves<T> = (Sender<T>, Receiver<T>, Peer);

fn halves<T: Shape>(end: End) -> Halves<T> {
    scripted::halves(end, &Config::default())
}

fn payloads(frames: &[Frame], opcode: u8) -> Vec<&[u8]> {
    let of_kind = frames.iter().filter(|frame| frame.opcode() == opcode);
    of_kind.map(|frame| frame.whole().1).collect()
}

/// Queues messages until there is no room, and says how many.
fn fill<T: Shape>(tx: &mut Sender<T>) -> usize {
    for queued in 0.. {
        let has_room = tx.has_room();
        match tx.try_feed(vec![0x55; 10_000]) {
            Ok(()) => assert!(has_room),
            Err(TryFeedError::Full(message)) => {
                assert!(!has_room);
                assert_eq!(message, vec![0x55; 10_000]);
                return queued;
            }
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!()
}
