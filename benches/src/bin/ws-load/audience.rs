//! Subscribers of a server that broadcasts: all wait for the same messages.
//!
//! Such a server publishes a batch when a subscriber says so, by a text `MESSAGES LEN`. There are two
//! batches on the way: when every subscriber has all of the older one, the next one is ordered. So
//! the server is never idle, and no subscriber is left behind.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::traffic::push_frame;

/// Batches that are on the way at a time.
pub(crate) const BATCHES: u64 = 2;

/// How much is read at once.
const READ_LEN: usize = 256 << 10;

/// How long the server may go without an octet.
const PATIENCE: Duration = Duration::from_secs(15);

/// All subscribers of a server.
pub(crate) struct Audience {
    poll: Poll,
    subscribers: Vec<Subscriber>,
    batches: Batches,
    /// What makes the server publish a batch.
    order: Vec<u8>,
    buffer: Vec<u8>,
    /// Octets that all have received together, since the check.
    octets: u64,
    frame_len: u64,
}

struct Subscriber {
    tcp: TcpStream,
    octets: u64,
}

impl Audience {
    /// Takes over connections that are open, once a first batch has reached each of them as it should.
    pub(crate) fn new(
        mut streams: Vec<std::net::TcpStream>,
        messages: u64,
        len: usize,
    ) -> Result<Self> {
        let order = order(messages, len);
        let batch = check(&mut streams, &order, messages, len)?;
        let poll = Poll::new().context("cannot wait for sockets")?;
        let mut subscribers = Vec::with_capacity(streams.len());
        for (index, stream) in streams.into_iter().enumerate() {
            stream.set_nonblocking(true)?;
            let mut tcp = TcpStream::from_std(stream);
            poll.registry()
                .register(&mut tcp, Token(index), Interest::READABLE)?;
            subscribers.push(Subscriber { tcp, octets: 0 });
        }
        Ok(Self {
            batches: Batches::new(subscribers.len(), batch as u64),
            poll,
            subscribers,
            order,
            buffer: vec![0; READ_LEN],
            octets: 0,
            frame_len: batch as u64 / messages,
        })
    }

    /// How many messages subscribers have received, in all.
    pub(crate) fn deliveries(&self) -> u64 {
        self.octets / self.frame_len
    }

    /// Keeps the batches coming for that long; how many messages came to how many subscribers.
    pub(crate) fn run(&mut self, time: Duration) -> Result<u64> {
        let before = self.deliveries();
        let until = Instant::now() + time;
        self.turn_until(true, |_| Instant::now() >= until)?;
        Ok(self.deliveries() - before)
    }

    /// Orders nothing and waits for what is on the way.
    pub(crate) fn drain(&mut self) -> Result<()> {
        self.turn_until(false, |batches| batches.missing.is_empty())?;
        let expected = self.batches.ordered * self.batches.len;
        ensure!(
            self.subscribers.iter().all(|one| one.octets == expected),
            "there is more than was ordered"
        );
        Ok(())
    }

    fn turn_until(&mut self, refill: bool, done: impl Fn(&Batches) -> bool) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut last_octet = Instant::now();
        while !done(&self.batches) {
            while refill && self.batches.missing.len() < BATCHES as usize {
                self.batches.order();
                let first = self.subscribers.first_mut().context("nobody listens")?;
                first.tcp.write_all(&self.order).context("cannot order")?;
            }
            match self.poll.poll(&mut events, Some(Duration::from_millis(50))) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result.context("cannot wait for sockets")?,
            }
            if !events.is_empty() {
                last_octet = Instant::now();
            } else if last_octet.elapsed() > PATIENCE {
                let seconds = PATIENCE.as_secs();
                bail!("the server has published nothing for {seconds} s");
            }
            for event in &events {
                self.read(event.token().0)?;
            }
        }
        Ok(())
    }

    /// Reads until there is no more.
    fn read(&mut self, index: usize) -> Result<()> {
        let subscriber = &mut self.subscribers[index];
        loop {
            let len = match subscriber.tcp.read(&mut self.buffer) {
                Ok(0) => bail!("the server ended a connection"),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("cannot read"),
            };
            let before = subscriber.octets;
            subscriber.octets += len as u64;
            self.octets += len as u64;
            self.batches.received(before, subscriber.octets)?;
            if len < self.buffer.len() {
                return Ok(());
            }
        }
    }
}

/// Which batches are on the way, and for how many subscribers the end of each is.
struct Batches {
    subscribers: usize,
    /// Octets of each.
    len: u64,
    ordered: u64,
    /// The oldest first.
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

    /// A subscriber had `before` octets and has `now`.
    fn received(&mut self, before: u64, now: u64) -> Result<()> {
        let complete = self.ordered - self.missing.len() as u64;
        for batch in before / self.len..now / self.len {
            let missing = batch
                .checked_sub(complete)
                .and_then(|at| self.missing.get_mut(usize::try_from(at).ok()?));
            *missing.context("the server publishes more than was ordered")? -= 1;
        }
        while self.missing.front() == Some(&0) {
            self.missing.pop_front();
        }
        Ok(())
    }
}

/// The frame that makes the server publish so many messages of `len` octets.
fn order(messages: u64, len: usize) -> Vec<u8> {
    let mut order = Vec::new();
    let text = format!("{messages} {len}");
    push_frame(&mut order, true, false, 0, text.as_bytes());
    order
}

/// Lets the server publish a batch and compares what each subscriber receives; how many octets that is.
fn check(
    streams: &mut [std::net::TcpStream],
    order: &[u8],
    messages: u64,
    len: usize,
) -> Result<usize> {
    let expected = text_frame(len).repeat(usize::try_from(messages)?);
    let first = streams.first_mut().context("nobody listens")?;
    first.write_all(order).context("cannot order")?;
    let mut received = vec![0; expected.len()];
    for stream in streams {
        stream
            .read_exact(&mut received)
            .context("a subscriber gets no messages")?;
        ensure!(received == expected, "this is not what was to be published");
    }
    Ok(expected.len())
}

/// A text of `len` times the letter a, as a server sends it: not masked.
fn text_frame(len: usize) -> Vec<u8> {
    const FIN_TEXT: u8 = 0x81;
    let mut frame = match len {
        ..126 => vec![FIN_TEXT, len as u8],
        126..65_536 => [&[FIN_TEXT, 126][..], &(len as u16).to_be_bytes()].concat(),
        _ => [&[FIN_TEXT, 127][..], &(len as u64).to_be_bytes()].concat(),
    };
    frame.resize(frame.len() + len, b'a');
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_complete_when_all_have_it() {
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
    fn more_than_was_ordered_is_noticed() {
        let mut batches = Batches::new(1, 100);
        batches.order();
        assert!(batches.received(0, 200).is_err());
        let mut batches = Batches::new(1, 100);
        assert!(batches.received(0, 100).is_err());
    }

    #[test]
    fn orders_are_masked_and_messages_are_not() {
        assert_eq!(order(16, 100)[..2], [0x81, 0x80 | 6]);
        for (len, header) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let frame = text_frame(len);
            assert_eq!(frame.len(), header + len);
            assert_eq!(frame[1] & 0x80, 0);
        }
    }
}
