//! Encoded frames on their way to the transport.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;

/// Octets in order: mostly one contiguous buffer, with large payloads between that were never copied.
#[derive(Default)]
pub(super) struct Queue {
    /// Frames and headers. `buffer[..sent]` has gone out.
    buffer: Vec<u8>,
    sent: usize,
    /// Payloads that stand between octets of `buffer`, each before the octet at its position.
    inserted: VecDeque<Inserted>,
    /// Octets that have not gone out.
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

    /// Lets `write` append to the contiguous buffer, which gets room for `len` octets first.
    #[inline]
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

    /// Writes the next octets to `slices`, as far as those reach; returns how many were used.
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
        let mut from = self.sent;
        for Inserted { at, octets } in &self.inserted {
            if !put(self.buffer.get(from..*at).unwrap_or_default()) || !put(octets) {
                return used;
            }
            from = *at;
        }
        put(self.buffer.get(from..).unwrap_or_default());
        used
    }

    /// The next `len` octets have gone out.
    pub(super) fn advance(&mut self, len: usize) {
        let mut left = len.min(self.len);
        self.len = self.len.saturating_sub(left);
        while left > 0 {
            let boundary = self
                .inserted
                .front()
                .map_or(self.buffer.len(), |next| next.at);
            let contiguous = boundary.saturating_sub(self.sent).min(left);
            self.sent = self.sent.saturating_add(contiguous);
            left = left.saturating_sub(contiguous);
            if left == 0 {
                break;
            }
            let Some(next) = self.inserted.front_mut() else {
                break;
            };
            let taken = next.octets.len().min(left);
            bytes::Buf::advance(&mut next.octets, taken);
            left = left.saturating_sub(taken);
            if next.octets.is_empty() {
                self.inserted.pop_front();
            }
        }
        if self.len == 0 {
            self.buffer.clear();
            self.sent = 0;
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.advance(self.len);
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

    /// Gives the buffer up: at once if it is empty, else if its octets fit 16 times in it, moving them.
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

    /// Room for `len` more octets. Octets that have gone out make way before memory grows, once they are no fewer than
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

    /// Counts positions from the first octet that has not gone out.
    fn rebase(&mut self) {
        for inserted in &mut self.inserted {
            inserted.at = inserted.at.saturating_sub(self.sent);
        }
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
