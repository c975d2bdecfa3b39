//! Faults of the transport: nothing hangs, and messages that arrived before a fault are received.

mod closing;
mod operations;
mod receiving;
mod writing;

use std::io;
use std::time::Duration;

use ws_driver::Error;

const SECOND: Duration = Duration::from_secs(1);

fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::Io(e) if e.kind() == io::ErrorKind::BrokenPipe)
}
