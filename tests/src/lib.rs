//! Tests of connections, on a scripted transport and on real sockets.
//!
//! * [`clock`], [`exec`] and [`scripted`]: virtual time, an executor that detects lost wake-ups,
//!   and a transport that stalls, shortens and fails operations on demand. Tests with these modules
//!   never wait for real time.
//! * [`wire`] and [`http`]: frames and heads that are encoded and parsed by hand. They reveal
//!   errors that an encoder and a decoder of this project share.
//! * [`steps`] and [`pairs`]: steps that several tests over the scripted transport need.
//! * [`suite`]: tests over TCP, written once for every runtime, against blocking peers made of
//!   [`socket`]s. [`runtimes`] implements the runtimes.

#![forbid(unsafe_code)]

pub mod clock;
pub mod exec;
pub mod fault;
#[cfg(doctest)]
mod guide;
pub mod http;
pub mod pairs;
pub mod runtimes;
pub mod scripted;
pub mod socket;
pub mod steps;
pub mod suite;
pub mod wire;

/// Closes a connection by its sending half and waits for the end of the connection.
///
/// A receiving half that still exists must be polled meanwhile, because it reads the peer's Close.
///
/// # Errors
///
/// Those of [`ws_driver::Sender::close`] and [`ws_driver::Sender::closed`].
pub async fn close_and_wait<T: ws_driver::transport::Split>(
    tx: &mut ws_driver::Sender<T>,
    code: ws_driver::CloseCode,
    reason: &str,
) -> Result<(), ws_driver::Error> {
    tx.close(code, reason).await?;
    tx.closed().await
}
