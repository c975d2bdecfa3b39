//! Tests of connections, on a scripted transport and on real sockets.
//!
//! * [`clock`], [`exec`] and [`scripted`]: virtual time, an executor that detects lost wake-ups,
//!   and a transport that stalls, shortens and fails operations on demand. Tests that use these
//!   modules never wait for real time.
//! * [`wire`], [`http`] and [`http2`]: frames and heads that are encoded and parsed by hand. These
//!   modules reveal errors that an encoder and its decoder have in common.
//! * [`steps`] and [`pairs`]: common steps and connected pairs of ends, for tests over the scripted
//!   transport.
//! * [`proxy`]: small proxies in threads.
//! * [`suite`]: tests over TCP that run on every runtime. Most of them use blocking peers from
//!   [`socket`]. [`runtimes`] implements the runtimes.

#![forbid(unsafe_code)]

pub mod clock;
pub mod exec;
pub mod fault;
#[cfg(doctest)]
mod guide;
pub mod http;
pub mod http2;
pub mod pairs;
pub mod proxy;
pub mod runtimes;
pub mod scripted;
pub mod socket;
pub mod steps;
pub mod suite;
pub mod tls;

pub use ws_test_client::wire;

/// Closes a connection by its sending half and waits for the end of the connection.
///
/// If the receiving half still exists, another task must poll it at the same time, because the
/// receiving half reads the peer's Close.
///
/// # Errors
///
/// The errors of [`ws_driver::Sender::close`] and [`ws_driver::Sender::closed`].
pub async fn close_and_wait<T: ws_driver::transport::Split>(
    tx: &mut ws_driver::Sender<T>,
    code: ws_driver::CloseCode,
    reason: &str,
) -> Result<(), ws_driver::Error> {
    tx.close(code, reason).await?;
    tx.closed().await
}
