//! The hooks that prepare each connection.

use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use ws_driver::handshake::Target;
use ws_driver::transport::{AnyTransport, Runtime, Timer};
use ws_driver::{Connector, WebSocket};

use crate::cause::Cause;

/// The type of every connection of a client.
pub type Connection<R> = WebSocket<AnyTransport<R>>;

/// The hook that prepares each connection.
///
/// [`Reconnecting::on_open`](crate::Reconnecting::on_open) makes it from an async closure. The
/// trait is sealed. [`Reconnecting::boxed`](crate::Reconnecting::boxed) hides the type of the hook.
pub trait OnOpen<R: Runtime>: Hook<R> {}

impl<R: Runtime, H: Hook<R> + ?Sized> OnOpen<R> for H {}

mod sealed {
    use super::{Cause, Connection, Context, Instant, Poll, Runtime};

    /// The methods of [`OnOpen`](super::OnOpen).
    pub trait Hook<R: Runtime> {
        /// Begins to prepare a connection. It must be ready at the deadline.
        fn start(&mut self, ws: Connection<R>, deadline: Instant);

        /// Waits until the connection is prepared.
        fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Connection<R>, Cause>>;

        /// Drops the connection that is being prepared. The hook is not used again.
        fn stop(&mut self);
    }
}
pub(crate) use sealed::Hook;

/// The hook that does nothing.
#[derive(Debug)]
pub struct NoHook<R: Runtime>(Option<Connection<R>>);

impl<R: Runtime> NoHook<R> {
    pub(crate) fn new() -> Self {
        Self(None)
    }
}

impl<R: Runtime> Hook<R> for NoHook<R> {
    fn start(&mut self, ws: Connection<R>, _: Instant) {
        self.0 = Some(ws);
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<Result<Connection<R>, Cause>> {
        self.0
            .take()
            .map_or(Poll::Pending, |ws| Poll::Ready(Ok(ws)))
    }

    fn stop(&mut self) {
        self.0 = None;
    }
}

/// A hook whose type is hidden.
pub type BoxedHook<R> = Box<dyn OnOpen<R> + Send>;

impl<R: Runtime> Hook<R> for BoxedHook<R> {
    fn start(&mut self, ws: Connection<R>, deadline: Instant) {
        (**self).start(ws, deadline);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Connection<R>, Cause>> {
        (**self).poll(cx)
    }

    fn stop(&mut self) {
        (**self).stop();
    }
}

/// A hook of the caller.
///
/// An async closure cannot be stored together with the future that borrows it. So `begin` moves the
/// closure into the future, which returns it. The type of the future is a parameter: the client is
/// `Send` if the future is.
struct Closure<F, B, Fut, R> {
    begin: B,
    /// `None` while the future runs.
    closure: Option<F>,
    running: Option<Pin<Box<Fut>>>,
    runtime: PhantomData<fn(R)>,
}

/// Makes a hook from an async closure.
pub(crate) fn closure<R, F>(closure: F) -> impl OnOpen<R>
where
    R: Runtime,
    F: AsyncFnMut(&mut Connection<R>) -> Result<(), Cause>,
{
    Closure {
        begin: |mut closure: F, mut ws: Connection<R>, deadline| async move {
            let prepared = before::<R::Timer, _>(deadline, closure(&mut ws)).await;
            (closure, prepared.map(|()| ws))
        },
        closure: Some(closure),
        running: None,
        runtime: PhantomData,
    }
}

/// Waits for a hook until the deadline.
async fn before<M: Timer, T>(
    deadline: Instant,
    hook: impl Future<Output = Result<T, Cause>>,
) -> Result<T, Cause> {
    let mut hook = pin!(hook);
    let mut timer = M::at(deadline);
    poll_fn(|cx| match hook.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(result),
        Poll::Pending => timer.poll(cx).map(|()| Err(Cause::OpenTimeout)),
    })
    .await
}

impl<F, B, Fut, R> Hook<R> for Closure<F, B, Fut, R>
where
    R: Runtime,
    B: Fn(F, Connection<R>, Instant) -> Fut,
    Fut: Future<Output = (F, Result<Connection<R>, Cause>)>,
{
    fn start(&mut self, ws: Connection<R>, deadline: Instant) {
        if let Some(closure) = self.closure.take() {
            self.running = Some(Box::pin((self.begin)(closure, ws, deadline)));
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Connection<R>, Cause>> {
        let Some(running) = &mut self.running else {
            return Poll::Pending;
        };
        running.as_mut().poll(cx).map(|(closure, result)| {
            self.closure = Some(closure);
            self.running = None;
            result
        })
    }

    fn stop(&mut self) {
        self.running = None;
    }
}

/// The future of an attempt to connect.
pub(crate) type Attempt<R> = Pin<Box<dyn Future<Output = Result<Connection<R>, Cause>> + Send>>;

/// The hook that opens connections.
pub(crate) type Connect<R> = Box<dyn FnMut(Connector<R>, Target) -> Attempt<R> + Send>;

/// Limits an attempt to the time until the deadline.
pub(crate) fn limited<R: Runtime>(attempt: Attempt<R>, deadline: Instant) -> Attempt<R> {
    Box::pin(before::<R::Timer, _>(deadline, attempt))
}
