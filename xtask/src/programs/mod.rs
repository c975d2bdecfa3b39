//! Programs that a command builds, starts, watches and ends.

pub(crate) mod server;
pub(crate) mod watch;

pub(crate) use ws_test_programs::{peers, supervise};
