//! Shows how connections behave, on a transport that follows a script and on real sockets.
//!
//! * [`clock`], [`exec`] and [`scripted`]: virtual time, an executor that notices lost wake-ups, and a transport that
//!   stalls, shortens and fails on demand. No test over them waits for real time.
//! * [`wire`] and [`http`]: frames and heads written and read by hand, so that an error that an encoder and a decoder
//!   share cannot hide.
//! * [`steps`]: what tests of several subjects over the scripted transport do.
//! * [`suite`]: behaviours over TCP, written once for every runtime, against blocking peers made of
//!   [`socket`]s; [`runtimes`]: what to show them on.

#![forbid(unsafe_code)]

pub mod clock;
pub mod exec;
pub mod fault;
pub mod http;
pub mod pairs;
pub mod runtimes;
pub mod scripted;
pub mod socket;
pub mod steps;
pub mod suite;
pub mod wire;

/// Closes a connection by its sending half and waits for the end, which the other half sees.
///
/// # Errors
///
/// As for [`ws_driver::Sender::close`] and [`ws_driver::Sender::closed`].
pub async fn close_and_wait<T: ws_driver::transport::Split>(
    tx: &mut ws_driver::Sender<T>,
    code: ws_driver::CloseCode,
    reason: &str,
) -> Result<(), ws_driver::Error> {
    tx.close(code, reason).await?;
    tx.closed().await
}
