//! The reasons why a request does not become a connection.

use std::io;

use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use ws_driver::handshake::Rejection;
use ws_driver::{AnswerError, Unavailable};

/// The reason why a request is refused. [`response`](Self::response) tells the client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The answer of the server is not valid for this request. This is a mistake in the calling
    /// program. Status 500.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// hyper cannot upgrade this connection. Status 500.
    ///
    /// The server was started without upgrades, another service has already taken the upgrade, or
    /// the request was made by a test without a connection.
    #[error(
        "this connection cannot be upgraded: start the server with upgrades \
         (`with_upgrades`, `serve_connection_with_upgrades`), and upgrade a request only once"
    )]
    NotUpgradable,
    /// The request is not an acceptable opening request.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The registry of the acceptor is full or was shut down. Status 503, with `Retry-After`.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Refusal {
    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Answer(_) | Self::NotUpgradable => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Rejected(rejection) => rejection.status(),
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the response. It ends the connection of HTTP.
    ///
    /// Its body tells the client what to change. After a mistake of the server, the body has no
    /// details.
    pub fn response<B: From<Vec<u8>>>(&self) -> Response<B> {
        match self {
            Self::Rejected(rejection) => rejection.response().map(B::from),
            Self::Unavailable(reason) => {
                let mut response = reason.response().map(B::from);
                let headers = response.headers_mut();
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
                response
            }
            Self::Answer(_) | Self::NotUpgradable => {
                let mut response = Response::new(B::from(b"the server failed\n".to_vec()));
                *response.status_mut() = self.status();
                let headers = response.headers_mut();
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
                headers.insert(
                    CONTENT_TYPE,
                    HeaderValue::from_static("text/plain; charset=utf-8"),
                );
                response
            }
        }
    }
}

/// The reason why an accepted request did not become a connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The connection of HTTP ended before the upgrade.
    #[error("the connection was not upgraded: {0}")]
    Hyper(#[from] hyper::Error),
    /// Another response was sent instead of the answer, or the body of the answer was replaced or
    /// wrapped, so that nothing has shown that the answer was sent. The connection was dropped.
    #[error(
        "the connection was not upgraded: a layer of the service has sent another response instead \
         of the answer, or has wrapped the body of the answer; leave such layers out on this route"
    )]
    Replaced,
    /// The deadline of a shutdown of the registry passed before the upgrade.
    #[error("the connection was not upgraded: the server was shut down")]
    Shutdown,
    /// The connection was not upgraded within the handshake timeout of the acceptor.
    #[error(
        "the connection was not upgraded in time: see `Acceptor::handshake_timeout`, and check that \
         the response is sent unchanged"
    )]
    Timeout,
}

impl From<UpgradeError> for io::Error {
    fn from(error: UpgradeError) -> Self {
        let kind = match error {
            UpgradeError::Hyper(_) | UpgradeError::Replaced | UpgradeError::Shutdown => {
                io::ErrorKind::ConnectionAborted
            }
            UpgradeError::Timeout => io::ErrorKind::TimedOut,
        };
        Self::new(kind, error)
    }
}
