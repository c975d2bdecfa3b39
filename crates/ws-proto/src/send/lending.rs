//! The part of sending that only drivers need: memory that is lent while it is in use, payloads
//! that are written without a copy, and compression in steps.

use alloc::vec::Vec;

use bytes::Bytes;

use super::SendHalf;
use crate::error::SendError;
use crate::header::FrameHeader;
use crate::message::{Outgoing, Payload};

/// The length in bytes from which owned or lent payloads are not copied. From this length on, a
/// copy would cost more than writing one more slice.
pub(super) const UNCOPIED_LEN: usize = 8 * 1024;

/// The part of a [`SendHalf`] that only drivers need.
///
/// ```text
/// before something is queued  lend(buffer) if wants_buffer(),
///                             lend_compressor(memory) if wants_compressor()
/// after a write               reclaim(), reclaim_compressor()
/// a large borrowed payload    lend_payload(message), then io_slices(rest) and
///                             advance(&mut rest, n) until rest is empty,
///                             or keep_payload(rest) if the caller cannot wait
/// long messages               compress_in_steps() once, then work() while is_busy(),
///                             yielding in between
/// ```
///
/// ```
/// use ws_proto::{Config, SendHalf};
///
/// let mut send = SendHalf::server(&Config::default());
/// let picture = vec![7; 100_000];
/// let mut rest = send.lending().lend_payload(&picture[..])?;
/// assert_eq!(rest.len(), 100_000);
/// # #[cfg(feature = "std")]
/// assert_eq!(send.lending().io_slices(rest).len(), 2); // The header and the borrowed payload.
/// // The transport took 60,000 bytes.
/// send.lending().advance(&mut rest, 60_000);
/// assert_eq!(rest.len(), 40_010);
/// // The caller cannot wait until the transport takes more.
/// send.lending().keep_payload(rest);
/// assert_eq!(send.queued(), 40_010);
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[derive(Debug)]
pub struct SendLending<'a>(pub(super) &'a mut SendHalf);

impl SendLending<'_> {
    /// Returns `true` if the queue has no buffer for frames. [Lend](Self::lend) one before the next
    /// frame. Otherwise the queue allocates one.
    #[inline]
    pub fn wants_buffer(&self) -> bool {
        !self.0.queue.has_buffer()
    }

    /// Lends a buffer for frames. Returns the buffer if the queue already has one.
    pub fn lend(&mut self, buffer: Vec<u8>) -> Option<Vec<u8>> {
        self.0.queue.lend(buffer)
    }

    /// Returns the buffer for frames if little or nothing of it is in use. With u bytes queued, at
    /// most 16u + 4 KiB remain held.
    #[inline]
    pub fn reclaim(&mut self) -> Option<Vec<u8>> {
        if self.0.deflation.is_some() && self.0.queue.is_empty() && self.0.unfinished().is_none() {
            self.0.release_output();
        }
        self.0.queue.reclaim()
    }

    /// Returns `true` if [`queue_plain`](Self::queue_plain) queues every message of less than
    /// 8 KiB: the connection is open, sends no fragments, does not compress, and is between two
    /// messages.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.0.is_plain
    }

    /// Queues a message if it is of the most frequent kind: a payload of less than 8 KiB that is
    /// sent in one uncompressed frame. Otherwise returns `false` and does nothing.
    ///
    /// Calls `buffer` and [lends](Self::lend) the result if the queue needs one.
    #[inline(always)]
    pub fn queue_plain(
        &mut self,
        message: &Outgoing<'_>,
        buffer: impl FnOnce() -> Vec<u8>,
    ) -> bool {
        self.0.plain_message(message, |queue| {
            if !queue.has_buffer() {
                queue.lend(buffer());
            }
        })
    }

    /// Returns `true` if [`lend_payload`](Self::lend_payload) would not copy the payload of this
    /// message.
    #[inline]
    pub fn lends(&self, message: &Outgoing<'_>) -> bool {
        match message.payload {
            Payload::Borrowed(payload) if payload.len() >= UNCOPIED_LEN => {
                let half = &*self.0;
                half.masks.is_none()
                    && !half.fragments(payload)
                    && !half.compresses(message)
                    && half.queue.lent() == 0
            }
            _ => false,
        }
    }

    /// Queues a message. The payload is not copied if [`lends`](Self::lends) returns `true` for the
    /// message: it has 8 KiB or more and needs no mask.
    ///
    /// Such a payload is returned, and the caller must write it after the queued bytes
    /// (`io_slices`, [`advance`](Self::advance)). An empty slice means that the message is queued
    /// completely.
    ///
    /// Until the payload has been written, or [kept](Self::keep_payload), nothing after it can be
    /// sent. During this time, [`SendHalf::queued`] includes the payload, but [`SendHalf::slices`]
    /// does not. So use only the methods of this type to write.
    ///
    /// # Errors
    ///
    /// The same as for [`SendHalf::message`].
    pub fn lend_payload<'m>(
        &mut self,
        message: impl Into<Outgoing<'m>>,
    ) -> Result<&'m [u8], SendError> {
        let message = message.into();
        match message.payload {
            Payload::Borrowed(payload) if self.lends(&message) => {
                self.0.make_free()?;
                self.0.counters.plain(payload.len());
                let header = FrameHeader::new(message.kind.opcode(), payload.len() as u64);
                self.0.header(&header);
                self.0.queue.lend_gap(payload.len());
                self.0.message_ends();
                Ok(payload)
            }
            _ => self.0.message(message).map(|()| &[][..]),
        }
    }

    /// Reports that the transport took the next `len` bytes. The written bytes of the lent payload
    /// are removed from the start of `lent`.
    #[inline(always)]
    pub fn advance(&mut self, lent: &mut &[u8], len: usize) {
        if lent.is_empty() {
            return self.0.advance(len);
        }
        let before = self.0.queue.lent();
        self.0.advance(len);
        let left = self.0.queue.lent();
        let taken = match left {
            0 => lent.len(),
            _ => before.saturating_sub(left),
        };
        *lent = lent.get(taken..).unwrap_or_default();
    }

    /// Copies the unwritten rest of a lent payload into the queue. `lent` must be exactly this
    /// rest.
    pub fn keep_payload(&mut self, lent: &[u8]) {
        if self.0.queue.lent() > 0 {
            self.0.queue.fill_gap(Bytes::copy_from_slice(lent));
        }
    }
}

/// The next bytes to send, for a vectored write.
#[cfg(feature = "std")]
#[derive(Debug)]
pub struct IoSlices<'a>(Slices<'a>);

/// The slices: in most cases there is only one.
#[cfg(feature = "std")]
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the value is returned once and never stored"
)]
enum Slices<'a> {
    One([std::io::IoSlice<'a>; 1]),
    Many([std::io::IoSlice<'a>; 16], usize),
}

#[cfg(feature = "std")]
impl<'a> core::ops::Deref for IoSlices<'a> {
    type Target = [std::io::IoSlice<'a>];

    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Slices::One(slices) => slices,
            Slices::Many(slices, used) => slices.get(..*used).unwrap_or_default(),
        }
    }
}

#[cfg(feature = "std")]
impl SendHalf {
    /// Returns the next bytes to send, for a vectored write. There are at most 16
    /// [`IoSlice`](std::io::IoSlice)s, and none if nothing is queued.
    #[inline]
    pub fn io_slices(&self) -> IoSlices<'_> {
        self.io_slices_and(&[])
    }

    #[inline]
    fn io_slices_and<'a>(&'a self, lent: &'a [u8]) -> IoSlices<'a> {
        match self.queue.contiguous() {
            Some(bytes) => IoSlices(Slices::One([std::io::IoSlice::new(bytes)])),
            None => self.many_slices(lent),
        }
    }

    fn many_slices<'a>(&'a self, lent: &'a [u8]) -> IoSlices<'a> {
        let mut slices = [&[][..]; 16];
        let mut used = self.slices(&mut slices);
        // If the output was lost, the header of the payload is gone, and the payload must not be
        // written.
        if !lent.is_empty()
            && self.queue.lent() > 0
            && let Some(slot) = slices.get_mut(used)
        {
            *slot = lent;
            used = used.saturating_add(1);
        }
        IoSlices(Slices::Many(slices.map(std::io::IoSlice::new), used))
    }
}

#[cfg(feature = "std")]
impl<'a> SendLending<'a> {
    /// Returns everything that is queued. `None` if nothing is queued, or if it is not in one
    /// slice.
    #[inline]
    pub fn contiguous(self) -> Option<&'a [u8]> {
        self.0.queue.contiguous()
    }

    /// Returns the next bytes to send, as `SendHalf::io_slices` does. The lent payload is included
    /// in its place if there are enough slices.
    #[inline]
    pub fn io_slices(self, lent: &'a [u8]) -> IoSlices<'a> {
        self.0.io_slices_and(lent)
    }
}
