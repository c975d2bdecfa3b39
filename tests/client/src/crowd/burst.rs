//! Bursts: some connections of a crowd echo messages, one after the other, while the others are
//! idle.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{Habit, text};
use crate::compression::compressed;
use crate::wire::BINARY;
use crate::wire::From::Client;
use crate::{Peer, compression};

/// The time limit of a message. The server has to echo those of all others, too.
const PATIENCE: Duration = Duration::from_secs(30);

/// A burst of messages.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    /// The number of connections that echo.
    pub connections: usize,
    /// The number of bytes of each message.
    pub len: usize,
    /// The time in which messages are sent.
    pub time: Duration,
}

impl Burst {
    /// Returns the number of messages that were echoed in the time.
    pub(crate) fn run(self, peers: &mut [Peer], habit: Habit) -> Result<u64> {
        let message = Message::new(habit, self.len)?;
        let peers = peers
            .get_mut(..self.connections)
            .context("the crowd is smaller than the burst")?;
        let until = Instant::now() + self.time;
        thread::scope(|scope| {
            let threads: Vec<_> = peers
                .iter_mut()
                .map(|peer| scope.spawn(|| message.echo_until(peer, until)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("a burst does not panic"))
                .sum()
        })
    }
}

/// The message of a burst, and its frame.
struct Message {
    payload: Vec<u8>,
    sent: Vec<u8>,
}

impl Message {
    fn new(habit: Habit, len: usize) -> Result<Self> {
        let is_compressed = match habit {
            Habit::Echo => false,
            Habit::EchoCompressed => true,
            Habit::Interrupted => bail!("an interrupted message cannot be followed by another"),
        };
        let payload = text(len);
        let sent = match is_compressed {
            true => {
                let frame = Client.frame(BINARY, &compression::compress(&payload)?);
                compressed(frame)
            }
            false => Client.frame(BINARY, &payload),
        };
        Ok(Self { payload, sent })
    }

    /// Echoes one message after the other, at least one.
    fn echo_until(&self, peer: &mut Peer, until: Instant) -> Result<u64> {
        peer.tcp().set_read_timeout(Some(PATIENCE))?;
        peer.tcp().set_write_timeout(Some(PATIENCE))?;
        let mut echoed = 0;
        while echoed == 0 || Instant::now() < until {
            peer.send(&self.sent)?;
            let (message, is_compressed) = peer.receive_message()?;
            // Compressed messages may refer to earlier messages, which are not stored here.
            ensure!(
                is_compressed || message == self.payload,
                "the echo differs from what was sent"
            );
            echoed += 1;
        }
        Ok(echoed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_length_that_was_asked_for() {
        let plain = Message::new(Habit::Echo, 70_000).unwrap();
        assert_eq!(
            (plain.payload.len(), plain.sent.len()),
            (70_000, 70_000 + 14)
        );
        let compressed = Message::new(Habit::EchoCompressed, 70_000).unwrap();
        assert_eq!(compressed.payload, plain.payload);
        assert!(compressed.sent.len() < 60_000);
        assert!(Message::new(Habit::Interrupted, 2).is_err());
    }
}
