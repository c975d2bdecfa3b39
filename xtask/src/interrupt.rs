//! Ctrl-C and termination, turned into a flag.
//!
//! The programs that a conformance run starts live in process groups of their own, where Ctrl-C
//! in the terminal does not reach them: a handler sets the flag, the loop that waits for the
//! programs sees it, and unwinding ends them.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);
static INSTALL: Once = Once::new();

/// From now on, Ctrl-C and termination set the flag instead of ending the program.
pub(crate) fn install() {
    INSTALL.call_once(|| {
        if let Err(error) = ctrlc::set_handler(|| REQUESTED.store(true, Ordering::SeqCst)) {
            eprintln!("warning: Ctrl-C may leave programs running: {error}");
        }
    });
}

/// Whether the user has asked to stop.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}
