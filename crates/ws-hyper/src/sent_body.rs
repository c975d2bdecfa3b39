//! The body of an answer that notices whether the answer is sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// An empty body. The connection is upgraded only if a server has asked it for its end, which hyper
/// does before it sends a response.
///
/// A layer that reads the body, and then replaces the response, defeats this. A layer that wraps
/// the body must pass the question on (`Body::is_end_stream`), or there is no connection.
#[derive(Debug, Default)]
pub struct SentBody {
    sent: Arc<AtomicBool>,
}

/// `true` once the answer is sent.
#[derive(Debug)]
pub(crate) struct Sent(Arc<AtomicBool>);

impl Sent {
    pub(crate) fn is_true(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl SentBody {
    pub(crate) fn sent(&self) -> Sent {
        Sent(Arc::clone(&self.sent))
    }
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.store(true, Ordering::Release);
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.sent.store(true, Ordering::Release);
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}
