//! Tests of the example programs, and of the texts of errors that the guide quotes.
//!
//! Other programs test the examples about listening and about hyper.

#![forbid(unsafe_code)]

mod connections;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_echo_server.rs"]
mod echo_server;
mod guide_errors;
mod metrics;
mod network;
mod reconnecting;
mod smoke;
mod tls;

use std::path::{Path, PathBuf};

use tokio::time;
use ws_tests::socket::TOO_LONG;

/// Awaits a future, and fails the test if this takes longer than [`TOO_LONG`].
async fn soon<T>(future: impl Future<Output = T>) -> T {
    time::timeout(TOO_LONG, future).await.expect("in time")
}

/// Returns a path for the files of one test. `name` is unique in this program.
fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", env!("CARGO_CRATE_NAME")))
}
