//! The events with the feature `tracing`.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::StatusCode;
use tracing::field::display;
use tracing::{debug, info, warn};
use ws_handshake::Extension;
use ws_proto::{CloseFrame, Role, SendHalf};

use crate::error::{AcceptError, ConnectError};
use crate::serve::{Report, Unavailable};
use crate::state::Cause;
use crate::transport::Transport;
use crate::websocket::WebSocket;

/// The target of the events of connections.
const TARGET: &str = "websocket";

/// The target of the events of registries.
const REGISTRY: &str = "websocket::registry";

/// The number of the next connection of this process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The part of a connection that its events need.
#[derive(Default)]
pub(crate) struct Trace(Option<Begun>);

/// The beginning of a connection whose end has not been reported.
struct Begun {
    number: u64,
    at: Instant,
}

impl<T: Transport> WebSocket<T> {
    /// Reports that the opening handshake is complete.
    pub(crate) fn trace_open(&mut self) {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        debug!(
            target: TARGET,
            connection = number,
            role = role(self.parts.write.0.send.role()),
            peer = self.peer_addr().map(display),
            subprotocol = self.protocol(),
            extensions = list(self.extensions()).map(display),
            "opened"
        );
        let at = Instant::now();
        self.parts.write.0.send.trace = Trace(Some(Begun { number, at }));
    }
}

impl Trace {
    /// Reports the end of the connection. `outcome` is `None` if the program has dropped the
    /// connection. Only the first call has an effect.
    pub(crate) fn end(&mut self, half: &SendHalf, outcome: Option<Result<(), Cause>>) {
        let Some(Begun { number, at }) = self.0.take() else {
            return;
        };
        let end = half.end();
        let is_clean = end.as_ref().is_some_and(|end| end.clean);
        let code = |close: Option<&CloseFrame>| close.map(|close| u16::from(close.code));
        let end = end.as_ref();
        let sent = code(end.and_then(|end| end.local.as_ref()));
        let received = code(end.and_then(|end| end.peer.as_ref()));
        let duration_ms = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        macro_rules! event {
            ($level:ident, $text:literal $(, $field:ident = $value:expr)*) => {
                $level!(
                    target: TARGET,
                    connection = number,
                    role = role(half.role()),
                    clean = is_clean,
                    sent_code = sent,
                    received_code = received,
                    duration_ms,
                    $($field = $value,)*
                    $text
                )
            };
        }
        match (outcome, half.failure()) {
            (_, Some(violation)) => event!(info, "violation", error = display(violation)),
            (Some(Ok(())), _) => event!(debug, "closed"),
            (None, _) if is_clean => event!(debug, "closed"),
            (None, _) => event!(debug, "dropped"),
            (Some(Err(Cause::Timeout(timeout))), _) => {
                event!(info, "timeout", error = display(timeout));
            }
            (Some(Err(Cause::Io(kind))), _) => event!(info, "lost", error = display(kind)),
            (Some(Err(Cause::End | Cause::Failure)), _) => event!(info, "lost"),
        }
    }
}

/// Reports an opening handshake of a server that failed. Disconnects happen on every server, so
/// their level is lower.
pub(crate) fn not_accepted(error: &AcceptError) {
    match error.is_disconnect() {
        true => debug!(target: TARGET, role = "server", error = display(error), "not opened"),
        false => info!(target: TARGET, role = "server", error = display(error), "not opened"),
    }
}

/// Reports a client that the registry does not admit, for servers that read requests themselves.
pub(crate) fn unavailable(reason: &Unavailable) {
    info!(target: TARGET, role = "server", status = 503, error = display(reason), "not opened");
}

/// Reports a request that is not acceptable, for servers that read requests themselves.
pub(crate) fn rejected(rejection: &ws_handshake::Rejection) {
    let status = rejection.status().as_u16();
    let error = display(rejection.reason());
    info!(target: TARGET, role = "server", status, error, "not opened");
}

/// Reports a request that the program has refused.
pub(crate) fn refused_by_program(status: StatusCode) {
    let error = "refused by the program";
    info!(target: TARGET, role = "server", status = status.as_u16(), error, "not opened");
}

/// Reports an attempt of a client that failed.
pub(crate) fn not_connected(error: &ConnectError) {
    // The details would have a subprotocol or the name of a header, and a subprotocol may be a
    // token.
    let request = "the settings of the connector make no valid request";
    let shown: &dyn fmt::Display = match error {
        ConnectError::Request(_) => &request,
        error => error,
    };
    let status = error.response().map(|response| response.status().as_u16());
    info!(target: TARGET, role = "client", status, error = display(shown), "not opened");
}

/// Reports the first poll of a shutdown.
pub(crate) fn shutdown_begins(opening: usize, connections: usize) {
    info!(target: REGISTRY, opening, connections, "shutdown begins");
}

/// Reports the end of a shutdown.
pub(crate) fn shutdown_ends(report: &Report) {
    macro_rules! event {
        ($level:ident) => {
            $level!(
                target: REGISTRY,
                clean = report.clean,
                cut = report.cut,
                failed = report.failed,
                not_opened = report.not_opened,
                remaining = report.remaining,
                unsent_bytes = report.unsent_bytes,
                duration_ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
                "shutdown ends"
            )
        };
    }
    match report.is_clean() {
        true => event!(info),
        false => event!(warn),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

/// Returns the extensions as a header lists them. `None` if there are none.
fn list(extensions: &[Extension]) -> Option<String> {
    let shown: Vec<_> = extensions.iter().map(Extension::to_string).collect();
    (!shown.is_empty()).then(|| shown.join(", "))
}
