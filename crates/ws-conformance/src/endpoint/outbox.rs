//! Octets on their way out, cut into TCP writes.

use std::collections::VecDeque;

use crate::channel::Log;
use crate::script::Pacing;

/// What is to be written.
///
/// Plain octets are written as soon as they can. Paced ones queue, and everything after them
/// queues behind them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// May be written now, from `written` on.
    ready: Vec<u8>,
    written: usize,
    queue: VecDeque<Queued>,
    /// The octets in `queue`.
    queued: usize,
}

#[derive(Debug)]
struct Queued {
    octets: Vec<u8>,
    taken: usize,
    /// The most octets of a write.
    chop: usize,
    paced: bool,
}

impl Outbox {
    pub(crate) fn push(&mut self, octets: Vec<u8>, pacing: Pacing, log: &mut Log) {
        if pacing == Pacing::Plain && self.queue.is_empty() {
            log.bytes_sent(&octets, false);
            if self.ready.is_empty() {
                self.ready = octets;
            } else {
                self.ready.extend_from_slice(&octets);
            }
            return;
        }
        let chop = match pacing {
            Pacing::Chop(size) => size.max(1),
            Pacing::Plain | Pacing::OwnWrite => octets.len(),
        };
        self.queued += octets.len();
        self.queue.push_back(Queued {
            octets,
            taken: 0,
            chop,
            paced: pacing != Pacing::Plain,
        });
    }

    /// How many octets it holds, written ones included that are not given back yet.
    pub(crate) fn held(&self) -> usize {
        self.ready.len() + self.queued
    }

    /// The octets of the next write, if there are any.
    pub(crate) fn next_write(&mut self, log: &mut Log) -> Option<&[u8]> {
        if self.ready.is_empty() {
            self.take_queued(log);
        }
        let rest = &self.ready[self.written..];
        (!rest.is_empty()).then_some(rest)
    }

    /// So many octets of [`next_write`](Self::next_write) were written.
    pub(crate) fn wrote(&mut self, count: usize) {
        self.written += count;
        if self.written >= self.ready.len() {
            // Large buffers are given back, small ones used again.
            self.ready.clear();
            self.ready.shrink_to(64 * 1024);
            self.written = 0;
        }
    }

    /// What is queued will never be written: the connection is over.
    pub(crate) fn forget_queued(&mut self) {
        self.queue.clear();
        self.queued = 0;
    }

    fn take_queued(&mut self, log: &mut Log) {
        let Some(queued) = self.queue.front_mut() else {
            return;
        };
        let end = queued.octets.len().min(queued.taken + queued.chop);
        let piece = &queued.octets[queued.taken..end];
        log.bytes_sent(piece, queued.paced);
        self.ready.extend_from_slice(piece);
        queued.taken = end;
        if end == queued.octets.len() {
            self.queued -= end;
            self.queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes(outbox: &mut Outbox, log: &mut Log) -> Vec<Vec<u8>> {
        let mut writes = Vec::new();
        while let Some(octets) = outbox.next_write(log).map(<[u8]>::to_vec) {
            outbox.wrote(octets.len());
            writes.push(octets);
        }
        writes
    }

    #[test]
    fn plain_octets_go_together_and_paced_ones_apart() {
        let (mut outbox, mut log) = (Outbox::default(), Log::new());
        for text in ["ab", "cd"] {
            outbox.push(text.into(), Pacing::Plain, &mut log);
        }
        outbox.push(b"efg".to_vec(), Pacing::Chop(2), &mut log);
        outbox.push(b"hi".to_vec(), Pacing::OwnWrite, &mut log);
        outbox.push(b"j".to_vec(), Pacing::Plain, &mut log);
        assert_eq!(outbox.held(), 10);
        let expected: [&[u8]; 5] = [b"abcd", b"ef", b"g", b"hi", b"j"];
        assert_eq!(writes(&mut outbox, &mut log), expected);
        assert_eq!(outbox.held(), 0);
        assert_eq!(log.tx_bytes, [(1, 2), (2, 4)].into());
    }

    #[test]
    fn a_write_may_take_several_turns() {
        let (mut outbox, mut log) = (Outbox::default(), Log::new());
        outbox.push(b"abc".to_vec(), Pacing::Plain, &mut log);
        outbox.wrote(1);
        assert_eq!(outbox.next_write(&mut log), Some(&b"bc"[..]));
        outbox.forget_queued();
        assert_eq!(writes(&mut outbox, &mut log), [b"bc"]);
    }
}
