//! A TLS session over a transport.

use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker, ready};

use rustls::{Connection, InvalidMessage};
use ws_driver::transport::{HttpVersion, ReadHalf, Split, Transport, WriteHalf};

use crate::error::tls_error;
use crate::scratch;

/// The longest plaintext of one record (RFC 8446 §5.1).
const RECORD_LEN: usize = 16 * 1024;

/// The number of records that are encrypted for one write. With one record, messages of 64 KiB cost
/// a quarter more processor time. rustls passes at most 64 records to one write.
const BATCH: usize = 4;

/// The shortest read of ciphertext, for callers with small buffers.
const MIN_READ_LEN: usize = 4 * 1024;

/// The number of reads without plaintext after which a session yields to the executor.
const MAX_FRUITLESS_READS: usize = 32;

/// A TLS session over a transport, in either role. It is a transport itself.
///
/// A session keeps back at most 16 KiB in each direction, and an incomplete record. It may encrypt
/// 64 KiB at a time, but reports only the records as written of which the transport below has taken
/// a part. A session that waits for input has given its other buffers back. If the peer ends the
/// transport without a `close_notify`, reading fails with [`io::ErrorKind::UnexpectedEof`].
///
/// The halves of a session share it, and lock it for each operation.
#[derive(Debug)]
pub struct TlsTransport<T> {
    io: T,
    pub(crate) tls: Connection,
    /// Ciphertext that rustls did not take, because a record of plaintext waits for the caller.
    unread: Vec<u8>,
    /// The reason why the session failed. It is reported after the plaintext before it.
    failure: Option<Box<rustls::Error>>,
    /// The longest plaintext of a record in this session.
    record_len: usize,
    /// The plaintext that was encrypted but not reported as written.
    ahead: usize,
    /// The number of records of which the transport below has taken nothing.
    untouched: usize,
    /// The waker of the last write, flush or shutdown, if it was pending.
    writer: Option<Waker>,
    /// `true` if the transport below may hold records back, because it was not flushed after them.
    is_dirty: bool,
    /// `true` once the `close_notify` is queued.
    is_notified: bool,
}

/// The result of one read from the transport below.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// This many bytes of plaintext were decrypted.
    Plaintext(usize),
    /// The transport has ended, or the session has failed.
    End,
}

impl<T: Transport> TlsTransport<T> {
    /// Makes a session whose handshake has not begun.
    ///
    /// `max_fragment_size` is that of the configuration of rustls.
    pub(crate) fn new(io: T, tls: impl Into<Connection>, max_fragment_size: Option<usize>) -> Self {
        let mut tls = tls.into();
        // The size includes the header of a record.
        let record_len = max_fragment_size.map_or(RECORD_LEN, |size| size.saturating_sub(5));
        let record_len = record_len.clamp(1, RECORD_LEN);
        tls.set_buffer_limit(Some(BATCH * record_len));
        Self {
            io,
            tls,
            record_len,
            ahead: 0,
            untouched: 0,
            unread: Vec::new(),
            failure: None,
            writer: None,
            is_dirty: false,
            is_notified: false,
        }
    }

    /// Returns the session: its version, cipher suite, protocol, and the certificates of the peer.
    pub fn session(&self) -> &Connection {
        &self.tls
    }

    /// Returns the version of HTTP that the ends have agreed on (RFC 7301). HTTP/1.1 if they have
    /// agreed on no protocol.
    pub fn http_version(&self) -> HttpVersion {
        HttpVersion::from_alpn(self.tls.alpn_protocol())
    }

    /// Returns the host name that the client requested (RFC 6066 §3). `None` on a client, and if
    /// the client sent no name.
    pub fn server_name(&self) -> Option<&str> {
        match &self.tls {
            Connection::Server(server) => server.server_name(),
            Connection::Client(_) => None,
        }
    }

    /// Returns the transport below the session.
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// Returns the transport below, without the session.
    pub(crate) fn into_inner(self) -> T {
        self.io
    }

    /// Removes the records that are queued, and returns them.
    pub(crate) fn take_records(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        while self.tls.wants_write() && self.tls.write_tls(&mut records).is_ok() {}
        records
    }

    /// Returns the reason why the session failed.
    pub(crate) fn failure(&self) -> Option<&rustls::Error> {
        self.failure.as_deref()
    }

    /// Writes all records that are queued.
    pub(crate) fn poll_write_records(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.tls.wants_write() {
            let mut records = Records {
                io: &mut self.io,
                cx,
                untouched: &mut self.untouched,
            };
            match self.tls.write_tls(&mut records) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => self.is_dirty = true,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Poll::Pending,
                    // Repeated here. The caller would repeat the write, and rustls has encrypted
                    // the bytes already.
                    io::ErrorKind::Interrupted => {}
                    _ => return Poll::Ready(Err(error)),
                },
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes all records that are queued. Flushes them, because the peer may wait for them before
    /// it sends anything.
    pub(crate) fn poll_send_records(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_records(cx))?;
        if self.is_dirty {
            ready!(self.io.poll_flush(cx))?;
            self.is_dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends the records that are queued, for a task that reads. Reading does not depend on them,
    /// so an error is left to the next write.
    fn send_left_records(&mut self, cx: &mut Context<'_>) {
        if !self.tls.wants_write() && !self.is_dirty {
            return;
        }
        let sent = self.poll_send_records(cx);
        // The transport below wakes only the task of the last call, and only if this call was
        // pending. So it may not wake the task that waits to write.
        let is_lost = |writer: &mut Waker| sent.is_ready() || !writer.will_wake(cx.waker());
        if let Some(writer) = self.writer.take_if(is_lost) {
            writer.wake();
        }
    }

    /// Stores the waker of a task that writes, if it must wait.
    fn note_writer<R>(&mut self, cx: &Context<'_>, written: Poll<R>) -> Poll<R> {
        match &mut self.writer {
            _ if written.is_ready() => self.writer = None,
            Some(writer) => writer.clone_from(cx.waker()),
            None => self.writer = Some(cx.waker().clone()),
        }
        written
    }

    /// Reads ciphertext once and decrypts it into `plaintext`. `inspect` is called with the
    /// ciphertext first.
    pub(crate) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        plaintext: &mut [u8],
        inspect: impl FnOnce(&[u8]),
    ) -> Poll<io::Result<Received>> {
        if self.failure.is_some() {
            return Poll::Ready(Ok(Received::End));
        }
        if !self.unread.is_empty() {
            let unread = std::mem::take(&mut self.unread);
            return Poll::Ready(self.decrypt(&unread, plaintext));
        }
        scratch::with(|scratch| {
            // The plaintext is not longer than the ciphertext. So at most the record that was
            // incomplete before does not fit into `plaintext`.
            let len = plaintext.len().clamp(MIN_READ_LEN, scratch.len());
            let (scratch, _) = scratch.split_at_mut(len);
            let len = loop {
                match self.io.poll_read(cx, scratch) {
                    Poll::Pending => {
                        self.release_memory();
                        return Poll::Pending;
                    }
                    Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                    Poll::Ready(read) => break read?,
                }
            };
            if len == 0 {
                // Reports the end to rustls, which then distinguishes an end by `close_notify` from
                // a truncation.
                self.tls.read_tls(&mut io::empty())?;
                return Poll::Ready(Ok(Received::End));
            }
            let ciphertext = scratch.get(..len).unwrap_or_default();
            inspect(ciphertext);
            Poll::Ready(self.decrypt(ciphertext, plaintext))
        })
    }

    /// Makes rustls return the memory of the last record, up to 20 KiB. It does so before a read,
    /// and keeps 4 KiB.
    fn release_memory(&mut self) {
        // The only result is that there is no input.
        let _ = self.tls.read_tls(&mut NoInput);
    }

    /// Decrypts `ciphertext` into `plaintext`. Stores the ciphertext for which there is no room.
    fn decrypt(&mut self, mut ciphertext: &[u8], plaintext: &mut [u8]) -> io::Result<Received> {
        let mut filled = 0;
        while !ciphertext.is_empty() {
            match self.tls.read_tls(&mut ciphertext) {
                // The session has ended with a `close_notify`. What follows it has no meaning (RFC
                // 8446 §6.1).
                Ok(0) => break,
                Ok(_) => {}
                // An incomplete message of the handshake fills the memory that rustls permits. It
                // cannot become complete.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    let error = InvalidMessage::HandshakePayloadTooLarge.into();
                    self.failure = Some(Box::new(error));
                    break;
                }
                // A record of plaintext waits for the caller.
                Err(_) => {
                    self.unread.extend_from_slice(ciphertext);
                    break;
                }
            }
            let processed = self.tls.process_new_packets();
            let rest = plaintext.get_mut(filled..).unwrap_or_default();
            filled += self.read_plaintext(rest)?;
            if let Err(error) = processed {
                self.failure = Some(Box::new(error));
                break;
            }
        }
        Ok(Received::Plaintext(filled))
    }

    /// Returns the reason for the write error `error`. This is the alert of the peer, if one has
    /// arrived.
    ///
    /// A server that demands a client certificate refuses the client after the handshake, as seen
    /// by the client (RFC 8446 §4.4.2.4). The next write may then fail before the alert is read.
    fn reason_for(&mut self, error: io::Error, cx: &mut Context<'_>) -> io::Error {
        for _ in 0..MAX_FRUITLESS_READS {
            let received = self.poll_receive(cx, &mut [], |_| ());
            let goes_on = matches!(received, Poll::Ready(Ok(Received::Plaintext(_))));
            if !goes_on || !self.unread.is_empty() {
                break;
            }
        }
        match &self.failure {
            Some(failure) => tls_error(failure).into(),
            None => error,
        }
    }

    /// Encrypts the beginning of `slices`.
    fn encrypt(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        self.ahead = self.tls.writer().write_vectored(slices)?;
        if !self.tls.wants_write() {
            // TLS 1.2 cannot replace its keys. rustls discards the plaintext once they have
            // encrypted as many records as they may.
            return Err(tls_error(&rustls::Error::EncryptError).into());
        }
        self.untouched = self.ahead.div_ceil(self.record_len);
        Ok(())
    }

    /// Returns the length of the plaintext in the records of which the transport below has taken
    /// nothing. These are the last records of the plaintext that is `ahead`.
    fn untouched_plaintext(&self) -> usize {
        let Some(full) = self.untouched.checked_sub(1) else {
            return 0;
        };
        let last = match self.ahead % self.record_len {
            0 => self.record_len,
            len => len,
        };
        self.ahead.min(last + full * self.record_len)
    }

    /// Moves decrypted plaintext into `buffer`. Returns 0 if there is none, even at the end.
    fn read_plaintext(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.tls.reader().read(rest) {
                Ok(0) => break,
                Ok(len) => filled += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

impl<T: Transport> ReadHalf for TlsTransport<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        for _ in 0..MAX_FRUITLESS_READS {
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
            if let Some(error) = &self.failure {
                return Poll::Ready(Err(tls_error(error).into()));
            }
            // Writes the records that a write left behind.
            self.send_left_records(cx);
            let received = ready!(self.poll_receive(cx, buffer, |_| ()))?;
            if self.failure.is_some() {
                // Writes the alert that gives the peer the reason.
                self.send_left_records(cx);
            }
            if let Received::Plaintext(len @ 1..) = received {
                return Poll::Ready(Ok(len));
            }
        }
        // The peer sends messages of TLS itself, without plaintext.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T: Transport> WriteHalf for TlsTransport<T> {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(error) = &self.failure {
            return Poll::Ready(Err(tls_error(error).into()));
        }
        if self.is_notified {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.ahead == 0 {
            let written = self.poll_write_records(cx);
            if let Err(error) = ready!(self.note_writer(cx, written)) {
                return Poll::Ready(Err(self.reason_for(error, cx)));
            }
            self.encrypt(slices)?;
        }
        if let Poll::Ready(Err(error)) = self.poll_write_records(cx) {
            return Poll::Ready(Err(self.reason_for(error, cx)));
        }
        let offered = slices.iter().map(|slice| slice.len()).sum();
        let taken = (self.ahead - self.untouched_plaintext()).min(offered);
        if taken == 0 {
            return self.note_writer(cx, Poll::Pending);
        }
        self.ahead -= taken;
        self.writer = None;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.poll_send_records(cx);
        self.note_writer(cx, flushed)
    }

    /// Sends a `close_notify`, and then ends the sending direction of the transport below.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // rustls sends it once.
        self.tls.send_close_notify();
        self.is_notified = true;
        ready!(self.poll_flush(cx))?;
        self.io.poll_shutdown(cx)
    }
}

impl<T: Transport> Transport for TlsTransport<T> {
    type Timer = T::Timer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.io.peer_addr()
    }

    fn is_ip(&self) -> bool {
        self.io.is_ip()
    }
}

impl<T: Transport> Split for TlsTransport<T> {
    ws_driver::locked_halves!();
}

/// A reader that has no input yet.
struct NoInput;

impl Read for NoInput {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// A transport as the writer that rustls writes its records to. Each slice is a record, or the rest
/// of one.
struct Records<'a, 'b, T> {
    io: &'a mut T,
    cx: &'a mut Context<'b>,
    /// The number of records of which the transport has taken nothing.
    untouched: &'a mut usize,
}

impl<T: Transport> Write for Records<'_, '_, T> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(record)])
    }

    fn write_vectored(&mut self, records: &[IoSlice<'_>]) -> io::Result<usize> {
        let Poll::Ready(written) = self.io.poll_write_vectored(self.cx, records) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let mut left = written?;
        let written = left;
        let touched = records.iter().take_while(|record| {
            let is_touched = left > 0;
            left = left.saturating_sub(record.len());
            is_touched
        });
        *self.untouched = records.len() - touched.count();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
