//! Waiting with a limit, on the timer of a runtime.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::transport::Timer;

/// Waits for `future`. `None` if `time` passes first.
pub(crate) async fn timeout<T: Timer, F: Future>(time: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = T::at(T::after(time));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => timer.poll(cx).map(|()| None),
    })
    .await
}

/// Waits until `time` has passed.
pub(crate) async fn sleep<T: Timer>(time: Duration) {
    timeout::<T, _>(time, std::future::pending::<()>()).await;
}
