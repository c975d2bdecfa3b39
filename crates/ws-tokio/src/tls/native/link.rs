//! A transport as the stream that native-tls reads and writes.

use std::io::{self, IoSlice, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use ws_driver::transport::{ReadHalf, WriteHalf};

use crate::transport::AnyTransport;

/// A transport as the stream that native-tls reads and writes. The error `WouldBlock` stands for
/// [`Poll::Pending`].
#[derive(Debug)]
pub(super) struct Link {
    io: AnyTransport,
    /// The waker of the current poll.
    waker: Waker,
    report: Report,
    /// `true` once the first input has been inspected.
    is_inspected: bool,
    /// `true` if a write may be in a buffer of the transport.
    is_dirty: bool,
}

/// The last fault of a link, or the end of its transport. It outlives the link, because native-tls
/// drops the link if the handshake fails. Only some platforms return the error of the link.
#[derive(Clone, Debug, Default)]
pub(super) struct Report(Arc<Mutex<Option<Fault>>>);

/// A fault of the transport or of its first input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The peer ended the transport.
    Ended,
    /// The transport failed.
    Failed(io::ErrorKind),
    /// The first input is not TLS.
    NotTls,
}

impl Report {
    /// Stores a fault. Other faults follow from the end of the transport, and do not replace it.
    fn set(&self, fault: Fault) {
        let mut stored = self.lock();
        if *stored != Some(Fault::Ended) {
            *stored = Some(fault);
        }
    }

    pub(super) fn get(&self) -> Option<Fault> {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    pub(super) fn new(io: AnyTransport, waker: Waker, report: Report) -> Self {
        Self {
            io,
            waker,
            report,
            is_inspected: false,
            is_dirty: false,
        }
    }

    pub(super) fn get_ref(&self) -> &AnyTransport {
        &self.io
    }

    /// Sets the waker for the next operations.
    pub(super) fn set_waker(&mut self, waker: &Waker) {
        self.waker.clone_from(waker);
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.io.poll_flush(cx);
        self.is_dirty &= !matches!(flushed, Poll::Ready(Ok(())));
        flushed
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_shutdown(cx)
    }

    /// Polls the transport with the waker of the current poll.
    fn poll<R>(
        &mut self,
        mut act: impl FnMut(&mut AnyTransport, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> io::Result<R> {
        let mut cx = Context::from_waker(&self.waker);
        loop {
            match act(&mut self.io, &mut cx) {
                // OpenSSL ends the session after any error but `WouldBlock`.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => {
                    let error = lasting(error);
                    self.report.set(Fault::Failed(error.kind()));
                    return Err(error);
                }
                Poll::Ready(result) => return result,
                Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
            }
        }
    }

    /// Checks that the first input is TLS. All records of a handshake begin with a content type
    /// from 20 to 23 (RFC 8446 §5.1).
    fn inspect(&mut self, input: &[u8]) -> io::Result<()> {
        if !self.is_inspected && !matches!(input, [20..=23, ..]) {
            self.report.set(Fault::NotTls);
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.is_inspected = true;
        Ok(())
    }
}

/// Returns an error that OpenSSL does not mistake for a wait. It repeats the operation after the
/// kinds `NotConnected` and `WouldBlock`.
fn lasting(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::NotConnected | io::ErrorKind::WouldBlock => {
            io::Error::new(io::ErrorKind::ConnectionAborted, error)
        }
        _ => error,
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_dirty {
            // The peer may wait for this output before it answers. The flush continues in the next
            // poll, so only an error matters here.
            let flushed = self.poll(|io, cx| io.poll_flush(cx));
            self.is_dirty = flushed.is_err();
            match flushed {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
        let len = self.poll(|io, cx| io.poll_read(cx, buffer))?;
        match len {
            0 => self.report.set(Fault::Ended),
            _ => self.inspect(buffer.get(..len).unwrap_or_default())?,
        }
        Ok(len)
    }
}

impl Write for Link {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.is_dirty = true;
        self.poll(|io, cx| io.poll_write_vectored(cx, &[IoSlice::new(buffer)]))
    }

    /// Does nothing, because OpenSSL cannot wait for it. [`Link::poll_flush`] flushes the
    /// transport, and so does a read.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
