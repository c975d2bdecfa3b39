//! The rejection of the extractor.

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use ws_hyper::Refusal;
use ws_tokio::http::StatusCode;

/// The reason why a request is not upgraded. As a response, it tells the client what to change.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Rejection(#[from] Refusal);

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

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.0.response::<Vec<u8>>().map(Body::from)
    }
}
