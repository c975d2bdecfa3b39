//! Transports in memory, and any transport as one type.

mod boxed;
mod duplex;
