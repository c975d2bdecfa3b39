//! Programs that a command builds, starts, watches and ends.

pub(crate) mod peers;
pub(crate) mod server;
pub(crate) mod supervise;
pub(crate) mod watch;
