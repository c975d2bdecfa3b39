//! Transports in memory, and any transport as one type.

#![forbid(unsafe_code)]

mod boxed;
mod duplex;
