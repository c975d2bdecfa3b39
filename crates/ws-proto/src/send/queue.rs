//! The queue of encoded frames for the transport.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;

/// The bytes to send, in the order of sending. Most of them are in one contiguous buffer. Large
/// payloads are inserted without a copy.
#[derive(Default)]
pub(super) struct Queue {
    /// Frames and headers. `buffer[..sent]` has been written.
    buffer: Vec<u8>,
    sent: usize,
    /// The payloads between bytes of `buffer`. Each payload precedes the byte of `buffer` at its
    /// position.
    inserted: VecDeque<Inserted>,
    /// The position of a lent payload, which the caller keeps and writes. This payload precedes the
    /// byte of `buffer` at this position. No inserted payload has the same position, because a
    /// header is between two payloads.
    gap: usize,
    /// The number of unwritten bytes of the lent payload. 0 means that no payload is lent.
    lent: usize,
    /// The number of unwritten bytes, including those of the lent payload.
    len: usize,
}

struct Inserted {
    /// The position in `buffer`: `sent <= at <= buffer.len()`. Positions ascend.
    at: usize,
    /// The payload, which is never empty.
    bytes: Bytes,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the bytes of memory of the buffer, of the inserted payloads and of a lent one.
    pub(super) fn memory(&self) -> usize {
        let in_buffer = self.buffer.len().saturating_sub(self.sent);
        let payloads = self.len.saturating_sub(in_buffer);
        self.buffer.capacity().saturating_add(payloads)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Calls `write` to append to the contiguous buffer, after reserving `len` bytes.
    #[inline(always)]
    pub(super) fn append(&mut self, len: usize, write: impl FnOnce(&mut Vec<u8>)) {
        // These lengths are those of memory, so nothing here overflows.
        if self.buffer.capacity().wrapping_sub(self.buffer.len()) < len {
            self.make_room(len);
        }
        let before = self.buffer.len();
        write(&mut self.buffer);
        self.len = self
            .len
            .wrapping_add(self.buffer.len().wrapping_sub(before));
    }

    /// Appends a payload without a copy.
    pub(super) fn insert(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.len = self.len.saturating_add(bytes.len());
            self.inserted.push_back(Inserted {
                at: self.buffer.len(),
                bytes,
            });
        }
    }

    /// Leaves a gap after a header, for a lent payload of `len` bytes. Only one gap can exist at a
    /// time.
    pub(super) fn lend_gap(&mut self, len: usize) {
        self.gap = self.buffer.len();
        self.lent = len;
        self.len = self.len.saturating_add(len);
    }

    /// Returns the number of unwritten bytes of the lent payload.
    pub(super) fn lent(&self) -> usize {
        self.lent
    }

    /// Fills the gap with the rest of its payload.
    pub(super) fn fill_gap(&mut self, bytes: Bytes) {
        if self.lent == 0 || bytes.len() != self.lent {
            return;
        }
        let at = self.gap;
        let before = self.inserted.partition_point(|it| it.at < at);
        self.inserted.insert(before, Inserted { at, bytes });
        self.lent = 0;
    }

    /// Fills `slices` with the next bytes up to the gap, as many as fit. Returns the number of
    /// slices that were used.
    pub(super) fn slices<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        let mut used: usize = 0;
        let mut put = |bytes: &'a [u8]| match slices.get_mut(used) {
            _ if bytes.is_empty() => true,
            Some(slot) => {
                *slot = bytes;
                used = used.saturating_add(1);
                true
            }
            None => false,
        };
        let end = self.contiguous_end();
        let mut from = self.sent;
        for Inserted { at, bytes } in self.inserted.iter().take_while(|it| self.precedes_gap(it)) {
            if !put(self.buffer.get(from..*at).unwrap_or_default()) || !put(bytes) {
                return used;
            }
            from = *at;
        }
        put(self.buffer.get(from..end).unwrap_or_default());
        used
    }

    /// Returns all bytes if they are contiguous.
    #[cfg(feature = "std")]
    #[inline]
    pub(super) fn contiguous(&self) -> Option<&[u8]> {
        let is_whole = self.inserted.is_empty() && self.lent == 0 && self.len > 0;
        is_whole.then_some(self.buffer.get(self.sent..)?)
    }

    /// Returns `true` if this payload precedes the gap.
    fn precedes_gap(&self, payload: &Inserted) -> bool {
        self.lent == 0 || payload.at < self.gap
    }

    /// Returns the end of the bytes in `buffer` that precede the gap.
    fn contiguous_end(&self) -> usize {
        match self.lent {
            0 => self.buffer.len(),
            _ => self.gap,
        }
    }

    /// Removes the next `len` bytes, which have been written.
    #[inline]
    pub(super) fn advance(&mut self, len: usize) {
        match len >= self.len {
            true => self.clear(),
            false => self.advance_within(len),
        }
    }

    /// Removes the next `len` bytes, which are not all of them.
    #[inline(never)]
    fn advance_within(&mut self, len: usize) {
        let mut left = len;
        self.len = self.len.saturating_sub(left);
        while left > 0 {
            let next = self.inserted.front().filter(|next| self.precedes_gap(next));
            let boundary = next.map_or(self.contiguous_end(), |next| next.at);
            let is_lent = next.is_none();
            let contiguous = boundary.saturating_sub(self.sent).min(left);
            self.sent = self.sent.saturating_add(contiguous);
            left = left.saturating_sub(contiguous);
            let taken = match is_lent {
                true => self.advance_lent(left),
                false => self.advance_inserted(left),
            };
            left = left.saturating_sub(taken);
            if contiguous == 0 && taken == 0 {
                break;
            }
        }
    }

    /// Removes up to `len` bytes of the lent payload. Returns how many were removed.
    fn advance_lent(&mut self, len: usize) -> usize {
        let taken = self.lent.min(len);
        self.lent = self.lent.saturating_sub(taken);
        taken
    }

    /// Removes up to `len` bytes of the next inserted payload. Returns how many were removed.
    fn advance_inserted(&mut self, len: usize) -> usize {
        let Some(next) = self.inserted.front_mut() else {
            return 0;
        };
        let taken = next.bytes.len().min(len);
        bytes::Buf::advance(&mut next.bytes, taken);
        if next.bytes.is_empty() {
            self.inserted.pop_front();
        }
        taken
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        if !self.inserted.is_empty() {
            self.clear_inserted();
        }
        self.sent = 0;
        self.lent = 0;
        self.len = 0;
    }

    #[cold]
    fn clear_inserted(&mut self) {
        self.inserted.clear();
    }

    pub(super) fn has_buffer(&self) -> bool {
        self.buffer.capacity() > 0
    }

    /// Uses `buffer` from now on. Returns `buffer` if the queue already has a buffer.
    #[inline]
    pub(super) fn lend(&mut self, buffer: Vec<u8>) -> Option<Vec<u8>> {
        if self.buffer.capacity() > 0 {
            return Some(buffer);
        }
        self.buffer = buffer;
        self.buffer.clear();
        None
    }

    /// Returns the buffer if the queue is empty. With u unwritten bytes in the buffer, also returns
    /// it if its capacity exceeds 16u + 4 KiB. The unwritten bytes then move to a new buffer.
    #[inline]
    pub(super) fn reclaim(&mut self) -> Option<Vec<u8>> {
        if self.buffer.capacity() == 0 {
            return None;
        }
        if self.len == 0 {
            return Some(core::mem::take(&mut self.buffer));
        }
        self.reclaim_unused()
    }

    /// Returns the buffer if it is much longer than its unwritten bytes.
    #[inline(never)]
    fn reclaim_unused(&mut self) -> Option<Vec<u8>> {
        let left = self.buffer.len().saturating_sub(self.sent);
        if self.buffer.capacity() <= left.saturating_mul(16).saturating_add(4096) {
            return None;
        }
        let kept = self.buffer.get(self.sent..).unwrap_or_default().to_vec();
        self.rebase();
        Some(core::mem::replace(&mut self.buffer, kept))
    }

    /// Makes room for `len` more bytes. Written bytes are removed first, but only if they are at
    /// least as many as the unwritten bytes. Without this condition, each small write by the
    /// transport could cost a move of the whole queue.
    #[cold]
    fn make_room(&mut self, len: usize) {
        let unsent = self.buffer.len().saturating_sub(self.sent);
        if self.sent > 0 && self.sent >= unsent {
            self.buffer.drain(..self.sent);
            self.rebase();
        }
        self.buffer.reserve(len);
    }

    /// Changes all positions so that they count from the first unwritten byte.
    fn rebase(&mut self) {
        for inserted in &mut self.inserted {
            inserted.at = inserted.at.saturating_sub(self.sent);
        }
        self.gap = self.gap.saturating_sub(self.sent);
        self.sent = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(queue: &Queue) -> Vec<u8> {
        let mut slices = [&[][..]; 8];
        let used = queue.slices(&mut slices);
        slices[..used].concat()
    }

    fn filled() -> Queue {
        let mut queue = Queue::default();
        queue.append(2, |buffer| buffer.extend_from_slice(b"ab"));
        queue.insert(Bytes::from_static(b"CDE"));
        queue.insert(Bytes::from_static(b"F"));
        queue.insert(Bytes::new());
        queue.append(3, |buffer| buffer.extend_from_slice(b"ghi"));
        queue.insert(Bytes::from_static(b"J"));
        queue
    }

    #[test]
    fn any_two_partial_writes_keep_the_order() {
        let all = b"abCDEFghiJ";
        for first in 0..=all.len() {
            for second in 0..=all.len() - first {
                let mut queue = filled();
                queue.advance(first);
                assert_eq!(contents(&queue), all[first..]);
                queue.append(1, |buffer| buffer.push(b'k'));
                queue.advance(second);
                let mut rest = all[first + second..].to_vec();
                rest.push(b'k');
                assert_eq!(contents(&queue), rest, "{first} then {second}");
                assert_eq!(queue.len(), rest.len());
            }
        }
    }

    #[test]
    fn a_lent_payload_keeps_its_place() {
        for sent in 0..=9 {
            let mut queue = Queue::default();
            queue.append(2, |buffer| buffer.extend_from_slice(b"ab"));
            queue.lend_gap(5);
            queue.append(2, |buffer| buffer.extend_from_slice(b"hi"));
            assert_eq!((contents(&queue), queue.len()), (b"ab".to_vec(), 9));
            queue.advance(sent);
            let lent = b"CDEFG".get(sent.saturating_sub(2)..).unwrap_or_default();
            assert_eq!(queue.lent(), lent.len());
            queue.fill_gap(Bytes::copy_from_slice(lent));
            assert_eq!(contents(&queue), b"abCDEFGhi"[sent..]);
            assert_eq!((queue.len(), queue.lent()), (9 - sent, 0));
        }
    }

    #[test]
    fn few_slices_hold_the_beginning() {
        let queue = filled();
        let mut slices = [&[][..]; 2];
        assert_eq!(queue.slices(&mut slices), 2);
        assert_eq!(slices, [&b"ab"[..], b"CDE"]);
    }

    #[test]
    fn a_large_buffer_with_few_bytes_is_reclaimed() {
        let mut queue = Queue::default();
        assert!(queue.lend(Vec::with_capacity(64 * 1024)).is_none());
        queue.append(10, |buffer| buffer.extend_from_slice(b"0123456789"));
        queue.insert(Bytes::from_static(b"X"));
        queue.append(1, |buffer| buffer.push(b'y'));
        queue.advance(4);
        assert_eq!(
            queue.reclaim().map(|buffer| buffer.capacity()),
            Some(64 * 1024)
        );
        assert_eq!(contents(&queue), b"456789Xy");
        assert!(queue.reclaim().is_none());
        queue.advance(8);
        assert!(queue.is_empty());
        assert!(queue.reclaim().is_some());
        assert!(queue.reclaim().is_none());
    }

    #[test]
    fn memory_does_not_grow_while_the_queue_never_drains() {
        let mut queue = Queue::default();
        queue.append(100, |buffer| buffer.extend_from_slice(&[0; 100]));
        for _ in 0..10_000 {
            queue.append(100, |buffer| buffer.extend_from_slice(&[0; 100]));
            queue.advance(100);
        }
        assert_eq!(queue.len(), 100);
        assert!(queue.buffer.capacity() < 2000);
    }
}
