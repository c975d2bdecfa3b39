//! The opening handshake with a server under test.

use std::io;
use std::time::Instant;

use crate::deflate::Response;
use crate::http::{ClientRequest, Handshake, ResponseError, read_response};
use crate::script::Demand;
use crate::settings::Settings;
use crate::target::Target;
use crate::transport::Link;

/// An open connection.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) link: Link,
    /// What was agreed on compression.
    pub(super) compression: Option<Response>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum OpenError {
    Connect(io::Error),
    Io(io::Error),
    Response(ResponseError),
}

impl OpenError {
    /// Whether the server took too long.
    pub(super) fn is_timeout(&self) -> bool {
        let kind = match self {
            Self::Connect(error) | Self::Io(error) => error.kind(),
            Self::Response(_) => return false,
        };
        kind == io::ErrorKind::TimedOut
    }

    /// What the server did wrong.
    pub(super) fn violation(&self) -> Option<String> {
        match self {
            Self::Connect(_) => None,
            Self::Io(error) => Some(format!("opening handshake: {error}")),
            Self::Response(error) => Some(format!("opening handshake: {error}")),
        }
    }
}

/// Connects and shakes hands; notes what was said, however it ends.
pub(super) fn open(
    target: &Target,
    demands: &[Demand],
    settings: &Settings,
    seed: u64,
    handshake: &mut Handshake,
) -> Result<Opened, OpenError> {
    let limit = settings.scaled(settings.open_handshake_timeout);
    let deadline = Instant::now() + limit;
    let mut link = target.connect(settings).map_err(OpenError::Connect)?;
    let nonce = fastrand::Rng::with_seed(!seed).u128(..).to_be_bytes();
    let request = ClientRequest {
        host: target.authority(),
        resource: target.resource(),
        origin: target.origin(),
        protocols: target.protocols(),
        demands,
        nonce,
    };
    let head = request.head();
    handshake.request = Some(head.clone());
    link.write_all(head.as_bytes(), deadline)
        .map_err(OpenError::Io)?;
    let mut head = Vec::new();
    let read = link.read_head(&mut head, deadline);
    if !head.is_empty() {
        handshake.response = Some(String::from_utf8_lossy(&head).into_owned());
    }
    read.map_err(OpenError::Io)?;
    let (server, judgement) = read_response(&head, &request);
    handshake.server = server;
    let compression = judgement.map_err(OpenError::Response)?;
    Ok(Opened { link, compression })
}
