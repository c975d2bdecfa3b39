//! The opening handshake with a server under test.

use std::io;
use std::time::Instant;

use crate::deflate::{self, ExtensionError};
use crate::http::{Handshake, Response, ResponseFault};
use crate::script::Demand;
use crate::settings::Settings;
use crate::target::Target;
use crate::transport::Link;

/// An open connection.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) link: Link,
    /// The agreement on compression.
    pub(super) compression: Option<deflate::AgreedResponse>,
}

/// The reason why no connection was opened.
#[derive(Debug)]
pub(super) enum OpenError {
    Connect(io::Error),
    Io(io::Error),
    Response(ResponseFault),
    Compression(ExtensionError),
}

impl OpenError {
    /// Returns `true` if the server exceeded the time limit.
    pub(super) fn is_timeout(&self) -> bool {
        let kind = match self {
            Self::Connect(error) | Self::Io(error) => error.kind(),
            Self::Response(_) | Self::Compression(_) => return false,
        };
        kind == io::ErrorKind::TimedOut
    }

    /// Returns the violation of the server.
    pub(super) fn violation(&self) -> Option<String> {
        match self {
            Self::Connect(_) => None,
            Self::Io(error) => Some(format!("opening handshake: {error}")),
            Self::Response(fault) => Some(format!("opening handshake: {fault}")),
            Self::Compression(error) => Some(format!("opening handshake: {error}")),
        }
    }
}

/// Connects and performs the opening handshake. Also notes the heads of a failed handshake.
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
    let request = target.request(nonce).with(|head| match demands {
        [] => head,
        demands => head.add("Sec-WebSocket-Extensions", &deflate::offers(demands)),
    });
    let head = request.bytes();
    handshake.request = Some(String::from_utf8_lossy(&head).into_owned());
    link.write_all(&head, deadline).map_err(OpenError::Io)?;
    let mut head = Vec::new();
    let read = link.read_head(&mut head, deadline);
    if !head.is_empty() {
        handshake.response = Some(String::from_utf8_lossy(&head).into_owned());
    }
    read.map_err(OpenError::Io)?;
    let response = Response::read(&head).ok_or(OpenError::Response(ResponseFault::Malformed))?;
    handshake.server = response.all("Server").first().map(|&name| name.to_owned());
    if let Some(fault) = response.fault(&request) {
        return Err(OpenError::Response(fault));
    }
    let extensions = response.all("Sec-WebSocket-Extensions");
    let compression = match demands {
        [] => None,
        demands => deflate::read_response(&extensions, demands).map_err(OpenError::Compression)?,
    };
    Ok(Opened { link, compression })
}
