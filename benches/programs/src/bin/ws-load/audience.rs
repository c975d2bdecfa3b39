//! The subscribers of a broadcasting server, who all receive the same messages.
//!
//! A subscriber orders a batch of messages with the text `MESSAGES LEN`. Two batches are in flight
//! at a time. The next batch is ordered when every subscriber has received the whole older batch.
//! So the server is never idle, and no subscriber falls more than two batches behind.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest};

use crate::sockets::{READ_LEN, Sockets};
use crate::stream::Stream;
use crate::traffic::{push_frame, unmasked_frame};

/// The number of batches in flight at a time.
pub(crate) const BATCHES: u64 = 2;

/// All subscribers of a server.
pub(crate) struct Audience {
    sockets: Sockets,
    subscribers: Vec<Subscriber>,
    batches: Batches,
    /// The frame that makes the server publish a batch.
    order: Vec<u8>,
    buffer: Vec<u8>,
    /// The number of bytes that all subscribers together have received since [`check`].
    bytes: u64,
    /// The length of the frame of one message.
    frame_len: u64,
}

struct Subscriber {
    stream: Stream<TcpStream>,
    /// The number of bytes that this subscriber has received since [`check`].
    bytes: u64,
}

impl Audience {
    /// Makes an audience from open connections. Checks that each subscriber receives a first batch
    /// without errors.
    pub(crate) fn new(
        mut streams: Vec<Stream<std::net::TcpStream>>,
        messages: u64,
        len: usize,
    ) -> Result<Self> {
        let order = order(messages, len);
        let batch = check(&mut streams, &order, messages, len)?;
        let sockets = Sockets::new()?;
        let mut subscribers = Vec::with_capacity(streams.len());
        for (index, stream) in streams.into_iter().enumerate() {
            let stream = sockets.add(stream, index, Interest::READABLE)?;
            subscribers.push(Subscriber { stream, bytes: 0 });
        }
        Ok(Self {
            batches: Batches::new(subscribers.len(), batch as u64),
            sockets,
            subscribers,
            order,
            buffer: vec![0; READ_LEN],
            bytes: 0,
            frame_len: batch as u64 / messages,
        })
    }

    /// Returns the number of messages that all subscribers together have received since [`check`].
    pub(crate) fn deliveries(&self) -> u64 {
        self.bytes / self.frame_len
    }

    /// Keeps batches in flight for `time`, and returns the number of messages that all subscribers
    /// together received.
    pub(crate) fn run(&mut self, time: Duration) -> Result<u64> {
        let before = self.deliveries();
        let until = Instant::now() + time;
        self.run_until(true, |_| Instant::now() >= until)?;
        Ok(self.deliveries() - before)
    }

    /// Waits for the batches in flight, and orders no new batches.
    pub(crate) fn drain(&mut self) -> Result<()> {
        self.run_until(false, |batches| batches.missing.is_empty())?;
        let expected = self.batches.ordered * self.batches.len;
        ensure!(
            self.subscribers.iter().all(|one| one.bytes == expected),
            "the server published more than was ordered"
        );
        Ok(())
    }

    /// Reads until `done` returns `true`. With `refill`, orders new batches.
    fn run_until(&mut self, refill: bool, done: impl Fn(&Batches) -> bool) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut last_event = Instant::now();
        while !done(&self.batches) {
            while refill && self.batches.missing.len() < BATCHES as usize {
                self.batches.order();
                let first = self
                    .subscribers
                    .first_mut()
                    .context("there is no subscriber")?;
                first
                    .stream
                    .write_all(&self.order)
                    .context("cannot send the order")?;
            }
            self.sockets.wait(&mut events, &mut last_event)?;
            for event in &events {
                self.read(event.token().0)?;
            }
        }
        Ok(())
    }

    /// Reads all available bytes of one subscriber.
    fn read(&mut self, index: usize) -> Result<()> {
        let subscriber = &mut self.subscribers[index];
        loop {
            let before = subscriber.bytes;
            let received = &mut subscriber.bytes;
            let has_more = subscriber.stream.receive(&mut self.buffer, |bytes| {
                *received += bytes.len() as u64;
            })?;
            self.bytes += subscriber.bytes - before;
            self.batches.received(before, subscriber.bytes)?;
            if !has_more {
                return Ok(());
            }
        }
    }
}

/// The batches in flight.
struct Batches {
    subscribers: usize,
    /// The length of each batch in bytes.
    len: u64,
    /// The number of batches that have been ordered.
    ordered: u64,
    /// For each batch in flight, the number of subscribers that have not received all of it. The
    /// oldest batch is first.
    missing: VecDeque<usize>,
}

impl Batches {
    fn new(subscribers: usize, len: u64) -> Self {
        Self {
            subscribers,
            len,
            ordered: 0,
            missing: VecDeque::new(),
        }
    }

    fn order(&mut self) {
        self.ordered += 1;
        self.missing.push_back(self.subscribers);
    }

    /// Records a read of one subscriber, which has received `now` bytes in total. Before the read,
    /// it had received `before` bytes.
    fn received(&mut self, before: u64, now: u64) -> Result<()> {
        let complete = self.ordered - self.missing.len() as u64;
        for batch in before / self.len..now / self.len {
            let missing = batch
                .checked_sub(complete)
                .and_then(|at| self.missing.get_mut(usize::try_from(at).ok()?));
            *missing.context("the server published more than was ordered")? -= 1;
        }
        while self.missing.front() == Some(&0) {
            self.missing.pop_front();
        }
        Ok(())
    }
}

/// Returns the frame that makes the server publish `messages` messages of `len` bytes.
fn order(messages: u64, len: usize) -> Vec<u8> {
    let mut order = Vec::new();
    let text = format!("{messages} {len}");
    push_frame(&mut order, true, false, 0, text.as_bytes());
    order
}

/// Orders a batch, checks that each subscriber receives the batch, and returns the length of the
/// batch in bytes.
fn check(
    streams: &mut [Stream<std::net::TcpStream>],
    order: &[u8],
    messages: u64,
    len: usize,
) -> Result<usize> {
    // The server publishes texts that consist of the letter `a`.
    let frame = unmasked_frame(true, &vec![b'a'; len]);
    let expected = frame.repeat(usize::try_from(messages)?);
    let first = streams.first_mut().context("there is no subscriber")?;
    first.write_all(order).context("cannot send the order")?;
    let mut received = vec![0; expected.len()];
    for stream in streams {
        stream
            .read_exact(&mut received)
            .context("a subscriber did not receive the messages")?;
        ensure!(
            received == expected,
            "the messages differ from those that were ordered"
        );
    }
    Ok(expected.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_complete_when_all_subscribers_have_received_it() {
        let mut batches = Batches::new(2, 100);
        batches.order();
        batches.order();
        batches.received(0, 199).unwrap();
        assert_eq!(batches.missing, [1, 2]);
        batches.received(0, 99).unwrap();
        assert_eq!(batches.missing, [1, 2]);
        batches.received(99, 200).unwrap();
        assert_eq!(batches.missing, [1]);
        batches.order();
        batches.received(199, 250).unwrap();
        assert_eq!(batches.missing, [2]);
    }

    #[test]
    fn more_bytes_than_ordered_are_an_error() {
        let mut batches = Batches::new(1, 100);
        batches.order();
        assert!(batches.received(0, 200).is_err());
        let mut batches = Batches::new(1, 100);
        assert!(batches.received(0, 100).is_err());
    }

    #[test]
    fn orders_are_masked() {
        assert_eq!(order(16, 100)[..2], [0x81, 0x80 | 6]);
    }
}
