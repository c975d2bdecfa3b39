//! The parts that `xtask` and the checks of `tests/interop` share.
//!
//! They build programs, start them, wait for them with a deadline, and end them. The checks also
//! share the frames of RFC 6455, written without any of our libraries, so that a fault of the
//! libraries cannot hide itself.

#![forbid(unsafe_code)]

pub mod frame;
pub mod interrupt;
mod outcome;
pub mod peers;
pub mod project;
pub mod runtime;
pub mod supervise;

pub use outcome::{Outcome, report};
