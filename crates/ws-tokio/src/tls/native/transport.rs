//! A TLS session of native-tls as a transport.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use native_tls::{Certificate, TlsStream};
use ws_driver::transport::{HttpVersion, ReadHalf, Transport, WriteHalf};

use super::error;
use super::link::{Fault, Link, Report};
use crate::transport::{AnyTransport, TokioTimer};

/// The plaintext of one record (RFC 8446 §5.1). This is the most that a session keeps back in each
/// direction.
const RECORD_LEN: usize = 16 * 1024;

/// A TLS session of [`NativeTls`](super::NativeTls).
///
/// If the server ends the transport without a `close_notify`, reading fails with
/// [`io::ErrorKind::UnexpectedEof`].
pub struct NativeTlsTransport {
    tls: TlsStream<Link>,
    report: Report,
    /// Plaintext that native-tls has not taken yet. OpenSSL requires that a write is repeated with
    /// the same bytes. So they are kept here, and the caller may continue with other bytes.
    unsent: Vec<u8>,
    /// `true` once the `close_notify` is sent. On some platforms, a second call of
    /// [`TlsStream::shutdown`] waits for the peer.
    is_notified: bool,
}

impl NativeTlsTransport {
    pub(super) fn new(tls: TlsStream<Link>, report: Report) -> Self {
        Self {
            tls,
            report,
            unsent: Vec::new(),
            is_notified: false,
        }
    }

    /// Returns the certificate of the server. It was verified, unless the settings of native-tls
    /// prevent that.
    ///
    /// # Errors
    ///
    /// The error of native-tls if the certificate cannot be read.
    pub fn peer_certificate(&self) -> native_tls::Result<Option<Certificate>> {
        self.tls.peer_certificate()
    }

    /// Returns the version of HTTP that the ends have agreed on (RFC 7301). HTTP/1.1 if they have
    /// agreed on no protocol.
    pub fn http_version(&self) -> HttpVersion {
        let protocol = self.tls.negotiated_alpn().ok().flatten();
        HttpVersion::from_alpn(protocol.as_deref())
    }

    /// Returns the transport below the session.
    pub fn get_ref(&self) -> &AnyTransport {
        self.tls.get_ref().get_ref()
    }

    /// Calls native-tls.
    fn poll<R>(
        &mut self,
        cx: &Context<'_>,
        act: impl FnOnce(&mut TlsStream<Link>) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.tls.get_mut().set_waker(cx.waker());
        match act(&mut self.tls) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(error) => Poll::Ready(Err(error::of_session(error, self.report.get()))),
            result => Poll::Ready(result),
        }
    }

    /// Passes the bytes that are kept back to native-tls.
    fn poll_write_unsent(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut unsent = std::mem::take(&mut self.unsent);
        let written = loop {
            if unsent.is_empty() {
                return Poll::Ready(Ok(()));
            }
            match self.poll(cx, |tls| tls.write(&unsent)) {
                Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(len)) => {
                    unsent.drain(..len.min(unsent.len()));
                }
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        self.unsent = unsent;
        written
    }
}

impl ReadHalf for NativeTlsTransport {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let len = ready!(self.poll(cx, |tls| tls.read(buffer)))?;
        // Most platforms report the end of the transport as if it were a `close_notify`. After a
        // `close_notify`, they no longer read from the transport.
        if len == 0 && self.report.get() == Some(Fault::Ended) {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        Poll::Ready(Ok(len))
    }
}

impl WriteHalf for NativeTlsTransport {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_write_unsent(cx))?;
        for slice in slices {
            let room = RECORD_LEN - self.unsent.len();
            let part = slice.get(..room).unwrap_or(slice);
            self.unsent.extend_from_slice(part);
        }
        let len = self.unsent.len();
        // The part that the transport does not take now is kept back.
        match self.poll_write_unsent(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(len)),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_unsent(cx))?;
        ready!(self.poll(cx, Write::flush))?;
        self.tls.get_mut().poll_flush(cx)
    }

    /// Sends a `close_notify`, and then ends the sending direction of the transport below.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_unsent(cx))?;
        if !self.is_notified {
            ready!(self.poll(cx, TlsStream::shutdown))?;
            self.is_notified = true;
        }
        ready!(self.poll_flush(cx))?;
        self.tls.get_mut().poll_shutdown(cx)
    }
}

impl Transport for NativeTlsTransport {
    type Timer = TokioTimer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.get_ref().peer_addr()
    }

    fn is_ip(&self) -> bool {
        self.get_ref().is_ip()
    }
}

/// Prints no plaintext.
impl fmt::Debug for NativeTlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeTlsTransport").finish_non_exhaustive()
    }
}
