//! The time that opening may take.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::transport::Timer;

/// The time for the body of a refusal, after its head. `ws-driver` has the same over HTTP/1.1.
pub(crate) const REFUSAL_BODY: Duration = Duration::from_secs(1);

/// Waits for `future`. `None` if it takes longer than `time`.
pub(crate) async fn within<M: Timer, F: Future>(time: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = M::at(M::after(time));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => timer.poll(cx).map(|()| None),
    })
    .await
}
