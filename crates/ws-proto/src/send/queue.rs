//! Encoded frames on their way to the transport.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;

/// Bytes in order: mostly one contiguous buffer, with large payloads between that were never copied.
#[derive(Default)]
pub(super) struct Queue {
    /// Frames and headers. `buffer[..sent]` has gone out.
    buffer: Vec<u8>,
    sent: usize,
    /// Payloads that stand between bytes of `buffer`, each before the byte at its position.
    inserted: VecDeque<Inserted>,
    /// A payload that its owner keeps and writes itself has its place before the byte of `buffer` at this position,
    /// where no other payload stands: its header is before it.
    gap: usize,
    /// Bytes of that payload that have not gone out. 0: there is none.
    lent: usize,
    /// Bytes that have not gone out, lent ones included.
    len: usize,
}

struct Inserted {
    /// `sent <= at <= buffer.len()`, ascending.
    at: usize,
    /// Never empty.
    octets: Bytes,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Lets `write` append to the contiguous buffer, which gets room for `len` bytes first.
    #[inline(always)]
    pub(super) fn append(&mut self, len: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if self.buffer.capacity().saturating_sub(self.buffer.len()) < len {
            self.make_room(len);
        }
        let before = self.buffer.len();
        write(&mut self.buffer);
        self.len = self
            .len
            .saturating_add(self.buffer.len().saturating_sub(before));
    }

    /// Appends a payload without a copy.
    pub(super) fn insert(&mut self, octets: Bytes) {
        if !octets.is_empty() {
            self.len = self.len.saturating_add(octets.len());
            self.inserted.push_back(Inserted {
                at: self.buffer.len(),
                octets,
            });
        }
    }

    /// Leaves a gap behind a header, for a payload of `len` bytes whose owner keeps it. There is one at a time.
    pub(super) fn lend_gap(&mut self, len: usize) {
        self.gap = self.buffer.len();
        self.lent = len;
        self.len = self.len.saturating_add(len);
    }

    /// Bytes of the gap that have not gone out.
    pub(super) fn lent(&self) -> usize {
        self.lent
    }

    /// Fills the gap with what is left of its payload.
    pub(super) fn fill_gap(&mut self, octets: Bytes) {
        if self.lent == 0 || octets.len() != self.lent {
            return;
        }
        let at = self.gap;
        let before = self.inserted.partition_point(|it| it.at < at);
        self.inserted.insert(before, Inserted { at, octets });
        self.lent = 0;
    }

    /// Writes the next bytes to `slices`, as far as those reach, or the gap; returns how many were used.
    pub(super) fn slices<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        let mut used: usize = 0;
        let mut put = |octets: &'a [u8]| match slices.get_mut(used) {
            _ if octets.is_empty() => true,
            Some(slot) => {
                *slot = octets;
                used = used.saturating_add(1);
                true
            }
            None => false,
        };
        let end = self.contiguous_end();
        let mut from = self.sent;
        for Inserted { at, octets } in self.inserted.iter().take_while(|it| self.shows(it)) {
            if !put(self.buffer.get(from..*at).unwrap_or_default()) || !put(octets) {
                return used;
            }
            from = *at;
        }
        put(self.buffer.get(from..end).unwrap_or_default());
        used
    }

    /// All bytes, if they are in one piece.
    #[cfg(feature = "std")]
    #[inline]
    pub(super) fn contiguous(&self) -> Option<&[u8]> {
        let is_whole = self.inserted.is_empty() && self.lent == 0 && self.len > 0;
        is_whole.then_some(self.buffer.get(self.sent..)?)
    }

    /// Whether this payload stands before the gap.
    fn shows(&self, payload: &Inserted) -> bool {
        self.lent == 0 || payload.at < self.gap
    }

    /// How far `buffer` reaches before the gap.
    fn contiguous_end(&self) -> usize {
        match self.lent {
            0 => self.buffer.len(),
            _ => self.gap,
        }
    }

    /// The next `len` bytes have gone out.
    pub(super) fn advance(&mut self, len: usize) {
        if len >= self.len {
            self.clear();
            return;
        }
        let mut left = len;
        self.len = self.len.saturating_sub(left);
        while left > 0 {
            let next = self.inserted.front().filter(|next| self.shows(next));
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

    /// Of the next `len` bytes, those that are lent have gone out: how many.
    fn advance_lent(&mut self, len: usize) -> usize {
        let taken = self.lent.min(len);
        self.lent = self.lent.saturating_sub(taken);
        taken
    }

    /// Of the next `len` bytes, those of the next payload have gone out: how many.
    fn advance_inserted(&mut self, len: usize) -> usize {
        let Some(next) = self.inserted.front_mut() else {
            return 0;
        };
        let taken = next.octets.len().min(len);
        bytes::Buf::advance(&mut next.octets, taken);
        if next.octets.is_empty() {
            self.inserted.pop_front();
        }
        taken
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.inserted.clear();
        self.sent = 0;
        self.lent = 0;
        self.len = 0;
    }

    pub(super) fn has_buffer(&self) -> bool {
        self.buffer.capacity() > 0
    }

    /// Uses `buffer` from now on, if there is none.
    pub(super) fn lend(&mut self, buffer: Vec<u8>) -> Option<Vec<u8>> {
        if self.buffer.capacity() > 0 {
            return Some(buffer);
        }
        self.buffer = buffer;
        self.buffer.clear();
        None
    }

    /// Gives the buffer up: at once if it is empty, else if its bytes fit 16 times in it, moving them.
    pub(super) fn reclaim(&mut self) -> Option<Vec<u8>> {
        if self.buffer.capacity() == 0 {
            return None;
        }
        if self.len == 0 {
            return Some(core::mem::take(&mut self.buffer));
        }
        let left = self.buffer.len().saturating_sub(self.sent);
        if self.buffer.capacity() <= left.saturating_mul(16).saturating_add(4096) {
            return None;
        }
        let kept = self.buffer.get(self.sent..).unwrap_or_default().to_vec();
        self.rebase();
        Some(core::mem::replace(&mut self.buffer, kept))
    }

    /// Room for `len` more bytes. Bytes that have gone out make way before memory grows, once they are no fewer than
    /// those that move: else each small write by the transport could cost a move of everything queued.
    #[cold]
    fn make_room(&mut self, len: usize) {
        let unsent = self.buffer.len().saturating_sub(self.sent);
        if self.sent > 0 && self.sent >= unsent {
            self.buffer.drain(..self.sent);
            self.rebase();
        }
        self.buffer.reserve(len);
    }

    /// Counts positions from the first byte that has not gone out.
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
    fn what_is_lent_keeps_its_place() {
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
    fn few_slices_show_the_beginning() {
        let queue = filled();
        let mut slices = [&[][..]; 2];
        assert_eq!(queue.slices(&mut slices), 2);
        assert_eq!(slices, [&b"ab"[..], b"CDE"]);
    }

    #[test]
    fn a_large_buffer_with_few_octets_is_given_up() {
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
