//! The transport below HTTP/2, with the traits that h2 requires.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_driver::transport::{Half, Transport, Wakers};

/// The number of reads without a wait after which a connection yields to the executor. A peer that
/// always has input would otherwise stop the other tasks.
const READS_PER_BURST: u32 = 128;

/// A transport with the traits of tokio, without its runtime.
#[derive(Debug)]
pub(crate) struct Io<T> {
    transport: T,
    /// The number of reads since the last wait.
    burst: u32,
    /// The signals of a connection without a driver. The transport then wakes its halves.
    signals: Option<(Arc<Signals>, Waker)>,
}

/// The signals from the transport of a connection to the halves that drive it.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    wakers: Wakers,
    /// `true` if the last write or flush was pending. Only the half that drives reads and writes
    /// this, and it has locked the connection.
    is_blocked: AtomicBool,
}

impl Signals {
    /// Stores the waker of `half`. From now on, the transport can wake this half.
    pub(crate) fn register(&self, half: Half, cx: &Context<'_>) {
        self.wakers.register(half, cx.waker());
    }

    /// Removes the waker of `half`, which no longer waits.
    pub(crate) fn forget(&self, half: Half) {
        self.wakers.forget(half);
    }

    /// Wakes `half` if it waits.
    pub(crate) fn wake(&self, half: Half) {
        self.wakers.wake_half(half);
    }

    /// Returns `true` if the transport takes no more output now.
    pub(crate) fn is_blocked(&self) -> bool {
        self.is_blocked.load(Ordering::Relaxed)
    }

    pub(crate) fn set_blocked(&self, is_blocked: bool) {
        self.is_blocked.store(is_blocked, Ordering::Relaxed);
    }
}

impl Wake for Signals {
    fn wake(self: Arc<Self>) {
        self.wakers.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wakers.wake_all();
    }
}

impl<T> Io<T> {
    /// Makes the transport of a connection that a task drives.
    pub(crate) fn new(transport: T) -> Self {
        Self {
            transport,
            burst: 0,
            signals: None,
        }
    }

    /// Makes the transport of a connection that its halves drive.
    pub(crate) fn with_signals(transport: T, signals: &Arc<Signals>) -> Self {
        let waker = Waker::from(Arc::clone(signals));
        Self {
            signals: Some((Arc::clone(signals), waker)),
            ..Self::new(transport)
        }
    }

    /// Polls the transport with the common waker of the halves, or else with the waker of the task
    /// that drives. Repeats an operation that was interrupted: h2 would end the connection.
    fn poll<R>(
        &mut self,
        cx: &Context<'_>,
        mut act: impl FnMut(&mut T, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let waker = self.signals.as_ref().map_or(cx.waker(), |(_, waker)| waker);
        let mut cx = Context::from_waker(waker);
        loop {
            match act(&mut self.transport, &mut cx) {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Polls an operation of sending, and notes whether it waits.
    fn poll_output<R>(
        &mut self,
        cx: &Context<'_>,
        act: impl FnMut(&mut T, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let result = self.poll(cx, act);
        if let Some((signals, _)) = &self.signals {
            signals.set_blocked(result.is_pending());
        }
        result
    }
}

impl<T: Transport + Unpin> AsyncRead for Io<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let is_over = self.burst == READS_PER_BURST;
        let read = self.poll(cx, |transport, cx| {
            if is_over {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            transport.poll_read(cx, buffer.initialize_unfilled())
        });
        self.burst = if read.is_ready() { self.burst + 1 } else { 0 };
        buffer.advance(ready!(read)?);
        Poll::Ready(Ok(()))
    }
}

impl<T: Transport + Unpin> AsyncWrite for Io<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_output(cx, |transport, cx| {
            transport.poll_write_vectored(cx, slices)
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_output(cx, T::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_output(cx, T::poll_shutdown)
    }
}
