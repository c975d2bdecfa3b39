//! The queue of outgoing bytes, cut into TCP writes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::channel::Log;
use crate::script::Pacing;

/// The shortest time between a write and the next one of the queue.
///
/// It is the original's timer between two queued writes. The time that the thread needs to wake up
/// comes on top, as the time of its event loop does in the original: 19 µs for a loop that is warm,
/// 40 µs for one that is not. With 13 µs to wake up, 16,384 writes to a server in C++ take 0.6 s,
/// and 0.5 s in the original. Without the gap they take 0.05 s, and a testee that needs 50 µs for
/// an echo reads the violation that follows first.
const GAP: Duration = Duration::from_micros(10);
/// The number of pieces of the queue in the first write of a connection. The original queues the
/// second piece before its event loop writes the first one.
const FIRST_PIECES: usize = 2;

/// The queue of outgoing bytes.
///
/// Plain bytes are written as soon as possible. Paced bytes are queued, and all later bytes are
/// queued after them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// The bytes that may be written now, from `written` on.
    ready: Vec<u8>,
    written: usize,
    /// The time from which the queue may be written. `None` before the first write.
    due: Option<Instant>,
    queue: VecDeque<Queued>,
    /// The bytes in `queue`.
    queued: usize,
}

#[derive(Debug)]
struct Queued {
    bytes: Vec<u8>,
    taken: usize,
    /// The most bytes of a write.
    chop: usize,
    paced: bool,
}

impl Outbox {
    pub(crate) fn push(&mut self, bytes: Vec<u8>, pacing: Pacing, log: &mut Log) {
        if pacing == Pacing::Plain && self.queue.is_empty() {
            log.bytes_sent(&bytes, false);
            if self.ready.is_empty() {
                self.ready = bytes;
            } else {
                self.ready.extend_from_slice(&bytes);
            }
            return;
        }
        let chop = match pacing {
            Pacing::Chop(size) => size.max(1),
            Pacing::Plain | Pacing::OwnWrite => bytes.len(),
        };
        self.queued += bytes.len();
        self.queue.push_back(Queued {
            bytes,
            taken: 0,
            chop,
            paced: pacing != Pacing::Plain,
        });
    }

    /// Returns the number of stored bytes, including written ones that were not freed yet.
    pub(crate) fn held(&self) -> usize {
        self.ready.len() + self.queued
    }

    /// Returns the bytes of the next write, if one is due.
    pub(crate) fn next_write(&mut self, now: Instant, log: &mut Log) -> Option<&[u8]> {
        if self.ready.is_empty() {
            match self.due {
                None => (0..FIRST_PIECES).for_each(|_| self.take_queued(log)),
                Some(due) if due <= now => self.take_queued(log),
                Some(_) => {}
            }
        }
        let rest = &self.ready[self.written..];
        (!rest.is_empty()).then_some(rest)
    }

    /// Returns the time of the next write, if the gap delays it.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let delayed = self.ready.is_empty() && !self.queue.is_empty();
        self.due.filter(|_| delayed)
    }

    /// Notes that `count` bytes of [`next_write`](Self::next_write) were written.
    pub(crate) fn wrote(&mut self, count: usize, now: Instant) {
        self.written += count;
        if self.written >= self.ready.len() {
            self.due = Some(now + GAP);
            // Large buffers are freed, small ones used again.
            self.ready.clear();
            self.ready.shrink_to(64 * 1024);
            self.written = 0;
        }
    }

    /// Drops the queue, because the connection is over.
    pub(crate) fn forget_queued(&mut self) {
        self.queue.clear();
        self.queued = 0;
    }

    fn take_queued(&mut self, log: &mut Log) {
        let Some(queued) = self.queue.front_mut() else {
            return;
        };
        let end = queued.bytes.len().min(queued.taken + queued.chop);
        let piece = &queued.bytes[queued.taken..end];
        log.bytes_sent(piece, queued.paced);
        self.ready.extend_from_slice(piece);
        queued.taken = end;
        if end == queued.bytes.len() {
            self.queued -= end;
            self.queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An outbox, and a clock that advances to each deadline.
    struct Bench {
        outbox: Outbox,
        log: Log,
        now: Instant,
    }

    impl Bench {
        fn new(pushed: &[(&str, Pacing)]) -> Self {
            let mut bench = Self {
                outbox: Outbox::default(),
                log: Log::new(),
                now: Instant::now(),
            };
            bench.push(pushed);
            bench
        }

        fn push(&mut self, pushed: &[(&str, Pacing)]) {
            for (text, pacing) in pushed {
                self.outbox.push((*text).into(), *pacing, &mut self.log);
            }
        }

        /// Returns the writes that are due, each whole.
        fn due(&mut self) -> Vec<String> {
            let mut writes = Vec::new();
            while let Some(bytes) = self.outbox.next_write(self.now, &mut self.log) {
                writes.push(String::from_utf8(bytes.to_vec()).unwrap());
                self.outbox.wrote(writes.last().unwrap().len(), self.now);
            }
            writes
        }

        /// Returns all writes. There is no gap between those of one inner list.
        fn all(&mut self) -> Vec<Vec<String>> {
            let mut writes = vec![self.due()];
            while let Some(deadline) = self.outbox.deadline() {
                assert!(self.now < deadline);
                self.now = deadline;
                writes.push(self.due());
            }
            writes
        }
    }

    #[test]
    fn plain_bytes_go_together_and_paced_ones_apart() {
        let mut bench = Bench::new(&[("ab", Pacing::Plain), ("cd", Pacing::Plain)]);
        bench.push(&[("efg", Pacing::Chop(2)), ("hi", Pacing::OwnWrite)]);
        bench.push(&[("j", Pacing::Plain)]);
        assert_eq!(bench.outbox.held(), 10);
        assert_eq!(bench.all(), [["abcd"], ["ef"], ["g"], ["hi"], ["j"]]);
        assert_eq!(bench.outbox.held(), 0);
        assert_eq!(bench.log.tx_bytes, [(1, 2), (2, 4)].into());
    }

    #[test]
    fn the_first_write_has_two_pieces() {
        let mut bench = Bench::new(&[("abcd", Pacing::Chop(1))]);
        assert_eq!(bench.all(), [["ab"], ["c"], ["d"]]);
        assert_eq!(bench.log.tx_bytes, [(1, 4)].into());
        bench.now += GAP;
        bench.push(&[("ef", Pacing::Chop(1))]);
        assert_eq!(bench.all(), [["e"], ["f"]]);
    }

    #[test]
    fn a_piece_waits_for_the_gap_after_the_end_of_the_write_before() {
        let mut bench = Bench::new(&[("abc", Pacing::Chop(1))]);
        assert_eq!(bench.outbox.deadline(), None);
        let (start, outbox, log) = (bench.now, &mut bench.outbox, &mut bench.log);
        assert_eq!(outbox.next_write(start, log), Some(&b"ab"[..]));
        outbox.wrote(1, start);
        assert_eq!(outbox.deadline(), None);
        assert_eq!(outbox.next_write(start, log), Some(&b"b"[..]));
        outbox.wrote(1, start + GAP);
        assert_eq!(outbox.deadline(), Some(start + 2 * GAP));
        let early = start + 2 * GAP - Duration::from_nanos(1);
        assert_eq!(outbox.next_write(early, log), None);
        let late = start + 9 * GAP;
        assert_eq!(outbox.next_write(late, log), Some(&b"c"[..]));
        outbox.wrote(1, late);
        assert_eq!(outbox.deadline(), None);
    }

    #[test]
    fn plain_bytes_wait_behind_paced_ones_only() {
        let mut bench = Bench::new(&[("ab", Pacing::Plain)]);
        assert_eq!(bench.due(), ["ab"]);
        bench.push(&[("c", Pacing::Plain)]);
        assert_eq!(bench.due(), ["c"]);
        bench.push(&[("d", Pacing::OwnWrite), ("e", Pacing::Plain)]);
        assert_eq!(bench.all(), [vec![], vec!["d"], vec!["e"]]);
    }

    #[test]
    fn bytes_that_were_begun_are_written_after_the_queue_was_forgotten() {
        let mut bench = Bench::new(&[("abc", Pacing::Plain), ("d", Pacing::OwnWrite)]);
        bench.outbox.wrote(1, bench.now);
        bench.outbox.forget_queued();
        assert_eq!(bench.all(), [["bc"]]);
    }
}
