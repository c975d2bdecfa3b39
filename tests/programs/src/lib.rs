//! The common parts of `xtask`, `autobahn`, `tests/interop`, `tests/hostile` and `benches/measure`.
//!
//! They build programs, start them, wait for them with a deadline, and end them.

#![forbid(unsafe_code)]

pub mod interrupt;
mod outcome;
pub mod peers;
pub mod progress;
pub mod project;
pub mod runtime;
pub mod server;
pub mod supervise;
pub mod watch;

pub use outcome::{Outcome, report};
