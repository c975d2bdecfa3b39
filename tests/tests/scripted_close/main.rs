//! How connections end: violations, closing handshakes, losses, and the time limits of each.

#![forbid(unsafe_code)]

mod deadlines;
mod handshake;
mod transport;
mod violations;

use std::time::Duration;

use ws_tests::clock;
use ws_tests::wire::{CLOSE, Frame};

const SECOND: Duration = Duration::from_secs(1);

/// Virtual time that `act` takes.
fn timed<R>(act: impl FnOnce() -> R) -> (R, Duration) {
    let before = clock::elapsed();
    let result = act();
    (result, clock::elapsed() - before)
}

fn close_codes(frames: &[Frame]) -> Vec<u16> {
    frames
        .iter()
        .filter(|frame| frame.opcode() == CLOSE)
        .map(Frame::close_code)
        .collect()
}
