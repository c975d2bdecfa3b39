//! The admission of a connection to its registry.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use super::seat::{Order, Phase, Seat};
use crate::clock::Direction;

/// The reason why a server accepts no connection now. The client is sent status 503 with a
/// `Retry-After` header (RFC 9110 §10.2.3, §15.6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The registry has as many connections as it may have.
    #[error("the server has no place for another connection: see `Registry::max_connections`")]
    Full {
        /// The time after which the client is asked to try again.
        retry_after: Duration,
    },
    /// The registry was shut down.
    #[error("the server is shutting down")]
    ShuttingDown {
        /// The time after which the client is asked to try again.
        retry_after: Duration,
    },
}

impl Unavailable {
    /// Returns the response for the client: the status 503 with `Retry-After`.
    pub fn response(&self) -> Response<Vec<u8>> {
        let (text, retry_after) = match self {
            Self::Full { retry_after } => ("the server is full\n", retry_after),
            Self::ShuttingDown { retry_after } => ("the server is shutting down\n", retry_after),
        };
        let mut response = Response::new(text.as_bytes().to_vec());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        // The header has whole seconds.
        let seconds = retry_after.as_millis().div_ceil(1000);
        let seconds = HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX));
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, seconds);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        response
    }
}

/// The place of one connection in its [`Registry`](super::Registry), from the beginning of its
/// opening handshake to its end.
///
/// [`Acceptor::admit`](crate::Acceptor::admit) returns it, for servers that read requests
/// themselves. Dropping it gives the place to another connection.
#[derive(Default)]
pub struct Admission(Option<Arc<Seat>>);

/// The order that ends an opening handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Any order. The client has no answer yet.
    Told,
    /// Only a cut. The client has its answer, and the connection will send a Close.
    Cut,
}

impl Admission {
    pub(super) fn new(seat: Arc<Seat>) -> Self {
        Self(Some(seat))
    }

    /// Waits until a shutdown ends this opening handshake, after the client was sent its answer.
    /// Pending forever without a registry.
    ///
    /// Ready at the deadline of the shutdown. Drop the transport then. Before the deadline, the
    /// connection is made, and sends a Close.
    pub fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_order(cx, Until::Cut)
    }

    fn poll_order(&self, cx: &mut Context<'_>, until: Until) -> Poll<()> {
        match (self.wait(cx, Direction::Receiving), until) {
            (Some(Order::Cut), _) | (Some(Order::Close(_)), Until::Told) => Poll::Ready(()),
            // A connection that is not open holds no memory of the budget, and is not told to fail.
            (Some(Order::Close(_)), Until::Cut) | (Some(Order::Fail) | None, _) => Poll::Pending,
        }
    }

    /// Runs a part of the opening handshake.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a shutdown ends this part.
    pub(crate) async fn limit<F: Future>(
        &self,
        until: Until,
        future: F,
    ) -> Result<F::Output, Unavailable> {
        let mut future = pin!(future);
        poll_fn(|cx| match (future.as_mut().poll(cx), &self.0) {
            (Poll::Ready(output), _) => Poll::Ready(Ok(output)),
            (Poll::Pending, Some(seat)) => {
                let told = self.poll_order(cx, until);
                told.map(|()| Err(seat.shutting_down()))
            }
            (Poll::Pending, None) => Poll::Pending,
        })
        .await
    }

    /// Checks that the connection was not told to close.
    pub(crate) fn check(&self) -> Result<(), Unavailable> {
        match &self.0 {
            Some(seat) if seat.order().is_some() => Err(seat.shutting_down()),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Stores the waker of a task that is about to wait, and returns the order of the registry.
    pub(super) fn wait(&self, cx: &Context<'_>, direction: Direction) -> Option<Order> {
        self.0.as_ref()?.wait(direction, cx.waker())
    }

    /// Returns the order of the registry, for a connection that does not wait.
    pub(super) fn order(&self) -> Option<Order> {
        self.0.as_ref()?.order()
    }

    /// Returns the instant at which the connection is closed because of its age.
    pub(super) fn expires(&self) -> Option<Instant> {
        self.0.as_ref()?.expires
    }

    /// Returns the seat.
    pub(super) fn seat(&self) -> Option<&Arc<Seat>> {
        self.0.as_ref()
    }

    pub(super) fn reach(&self, phase: Phase) {
        if let Some(seat) = &self.0 {
            seat.reach(phase);
        }
    }

    pub(super) fn lose(&self, unsent: usize) {
        if let (Some(seat), true) = (&self.0, unsent > 0) {
            seat.lose(unsent);
        }
    }

    /// Leaves the registry. Later calls have no effect.
    pub(super) fn leave(&mut self, is_clean: bool) {
        if let Some(seat) = self.0.take() {
            seat.leave(is_clean);
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.leave(false);
    }
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}
