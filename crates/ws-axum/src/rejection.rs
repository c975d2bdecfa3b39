//! The rejection of the extractor.

use std::fmt;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use ws_hyper::Refusal;
use ws_tokio::http::StatusCode;

/// The reason why a request is not upgraded. As a response, it tells the client what to change.
#[derive(Debug)]
pub struct Rejection(Refusal);

impl Rejection {
    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// Returns the details.
    pub fn refusal(&self) -> &Refusal {
        &self.0
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.0.response::<Vec<u8>>().map(Body::from)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}
