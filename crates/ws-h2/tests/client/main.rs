//! Sessions and single sockets with our own server, and with servers that misbehave.

#![forbid(unsafe_code)]

mod connecting;
mod endings;
mod many;
mod messages;
mod opening;
mod raw;
mod runtimes;
mod server;
mod transport;

use std::time::Duration;

/// The longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);
