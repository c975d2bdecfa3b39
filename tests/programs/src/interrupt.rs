//! A flag for Ctrl-C and termination.
//!
//! The programs that a command starts have their own process groups, which Ctrl-C in the terminal
//! does not reach. A handler sets the flag, the loop that waits for the programs reads it, and
//! unwinding ends the programs.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);
static INSTALL: Once = Once::new();

/// Installs a handler: from now on, Ctrl-C and termination set the flag and do not end the program.
pub fn install() {
    INSTALL.call_once(|| {
        if let Err(error) = ctrlc::set_handler(|| REQUESTED.store(true, Ordering::SeqCst)) {
            eprintln!("warning: Ctrl-C may leave programs running: {error}");
        }
    });
}

/// Returns `true` if the user has asked to stop.
#[must_use]
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}
