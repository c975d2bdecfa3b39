//! The end of a connection: closing handshakes, violations, losses, timeouts, and sending after the
//! end.

mod after_end;
mod deadlines;
mod handshake;
mod transport;
mod violations;

use std::time::Duration;

use ws_tests::wire::{CLOSE, Frame};

const SECOND: Duration = Duration::from_secs(1);

/// Returns the codes of the Closes among these frames.
fn close_codes(frames: &[Frame]) -> Vec<u16> {
    frames
        .iter()
        .filter(|frame| frame.opcode() == CLOSE)
        .map(Frame::close_code)
        .collect()
}
