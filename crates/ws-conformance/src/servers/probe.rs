//! The probe of a server: it has to echo two messages.

use std::fmt;
use std::io;
use std::time::Instant;

use super::opening::{OpenError, Opened, open};
use crate::endpoint::{Connection, Endpoint, Handler, State};
use crate::http::{Handshake, ResponseFault};
use crate::role::Role;
use crate::script::{Event, Pacing, Payload};
use crate::settings::Settings;
use crate::target::Target;
use crate::tls::HandshakeError;

/// The result of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// The `Server` header.
    pub server: Option<String>,
    /// The name in reports: the target's agent, else the `Server` header, else [`UNKNOWN_SERVER`].
    pub agent: String,
}

/// The name of a server that does not send its name.
pub const UNKNOWN_SERVER: &str = "UnknownServer";

/// The reason why a server cannot be tested.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProbeError {
    /// TCP was not connected.
    Unreachable(io::Error),
    /// The TLS handshake failed.
    Tls(HandshakeError),
    /// The server answered the opening handshake with this status.
    Refused(u16),
    /// The server did not answer the opening handshake.
    NoAnswer(io::Error),
    /// The server's answer to the opening handshake is wrong.
    Handshake(String),
    /// The server did not echo a text and a binary message.
    NoEcho(String),
}

impl ProbeError {
    /// Returns `true` if the cause may be that the server has not started completely.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::NoAnswer(_) | Self::Tls(HandshakeError::Ended) => true,
            Self::Refused(status) => matches!(status, 502..=504),
            Self::Tls(_) | Self::Handshake(_) | Self::NoEcho(_) => false,
        }
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => write!(f, "cannot connect: {error}; start it first"),
            Self::Tls(error @ HandshakeError::Certificate(_)) => {
                write!(f, "cannot connect: {error}")
            }
            Self::Tls(error) => write!(
                f,
                "cannot connect: {error}; check that the server uses TLS on this port"
            ),
            Self::Refused(status) => write!(
                f,
                "the server refused the opening handshake with status {status}; check the path"
            ),
            Self::NoAnswer(error) => write!(f, "the opening handshake failed: {error}"),
            Self::Handshake(what) => write!(f, "the opening handshake failed: {what}"),
            Self::NoEcho(what) => write!(
                f,
                "the server does not echo ({what}); it has to send back every text and binary \
                 message"
            ),
        }
    }
}

// The text includes the cause. A `source` would print the cause twice.
impl std::error::Error for ProbeError {}

/// Opens a connection and expects the echo of one text and one binary message.
pub fn probe(target: &Target, settings: &Settings) -> Result<Probe, ProbeError> {
    let mut handshake = Handshake::default();
    let Opened { link, .. } = open(target, &[], settings, settings.seed, &mut handshake)?;
    let now = Instant::now();
    let connection = Connection::new(Role::Server, settings, settings.seed);
    let limit = settings.scaled(settings.open_handshake_timeout);
    let echoes = EchoTest { missing: both() };
    let mut endpoint = Endpoint::new(connection, echoes, now, now + limit);
    let end = link.drive(&mut endpoint);
    if let Some(Event::Message { binary, .. }) = endpoint.handler.missing.first() {
        let kind = if *binary { "binary" } else { "text" };
        let why = end.err().map(|error| format!(": {error}"));
        let why = why.unwrap_or_default();
        return Err(ProbeError::NoEcho(format!(
            "no echo of a {kind} message arrived{why}"
        )));
    }
    let server = handshake.server;
    let agent = target.agent().map(str::to_owned).or(server.clone());
    Ok(Probe {
        agent: agent.unwrap_or_else(|| UNKNOWN_SERVER.to_owned()),
        server,
    })
}

impl From<OpenError> for ProbeError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Connect(error) => match error.downcast() {
                Ok(error) => Self::Tls(error),
                Err(error) => Self::Unreachable(error),
            },
            OpenError::Io(error) => Self::NoAnswer(error),
            OpenError::Response(ResponseFault::Status(status)) => Self::Refused(status),
            OpenError::Response(fault) => Self::Handshake(fault.to_string()),
            OpenError::Compression(error) => Self::Handshake(error.to_string()),
        }
    }
}

/// Sends messages and waits for their echoes.
#[derive(Debug)]
struct EchoTest {
    missing: Vec<Event>,
}

fn both() -> Vec<Event> {
    let message = |binary| Event::Message {
        binary,
        payload: Payload::text("Hello"),
    };
    vec![message(false), message(true)]
}

impl Handler for EchoTest {
    fn opened(&mut self, connection: &mut Connection, _: Instant) {
        for binary in [false, true] {
            connection.send_message(binary, &Payload::text("Hello"), None, Pacing::Plain);
        }
    }

    /// A greeting of the server is neither an echo nor a fault.
    fn received(&mut self, event: Event, connection: &mut Connection, now: Instant) {
        if self.missing.first() == Some(&event) {
            self.missing.remove(0);
        }
        if self.missing.is_empty() && connection.state() == State::Open {
            connection.close(Some(1000), &Payload::EMPTY, now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn time_passed(&mut self, _: &mut Connection, _: Instant) {}
}
