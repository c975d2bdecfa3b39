//! Bursts: some connections of a crowd echo messages, one after the other, while the others are
//! idle.

use std::fmt;
use std::io::{self, BufRead};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail, ensure};

use super::{Habit, text};
use crate::raw::{Opcode, Peer, compression, frame};

/// The time limit of a message. The server has to echo those of all others, too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The word that begins an order and its answer.
const WORD: &str = "burst";

/// An order to a crowd, as a line of its standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Burst {
    pub(crate) connections: usize,
    /// The number of bytes of each message.
    pub(crate) len: usize,
    pub(crate) time: Duration,
}

impl fmt::Display for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connections,
            len,
            time,
        } = self;
        write!(f, "{WORD} {connections} {len} {}", time.as_millis())
    }
}

impl FromStr for Burst {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        let [WORD, connections, len, time] = *words else {
            bail!("`{line}` is not an order to a crowd");
        };
        Ok(Self {
            connections: connections.parse()?,
            len: len.parse()?,
            time: Duration::from_millis(time.parse()?),
        })
    }
}

/// Returns the answer of a crowd when all connections are idle again.
pub(super) fn answer(messages: u64) -> String {
    format!("{WORD} {messages}")
}

/// Returns the number of echoed messages in the crowd's answer.
pub(super) fn parse_answer(line: &str) -> Option<u64> {
    line.strip_prefix(WORD)?.trim().parse().ok()
}

/// Executes the lines of standard input until its end.
pub(super) fn obey(peers: &mut [Peer], habit: Habit) -> Result<()> {
    for line in io::stdin().lock().lines() {
        let messages = run(peers, habit, line?.parse()?)?;
        println!("{}", answer(messages));
    }
    Ok(())
}

/// Returns the number of messages that were echoed in the time.
fn run(peers: &mut [Peer], habit: Habit, burst: Burst) -> Result<u64> {
    let message = Message::new(habit, burst.len)?;
    let peers = peers
        .get_mut(..burst.connections)
        .context("the crowd is smaller than the burst")?;
    let until = Instant::now() + burst.time;
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
                let frame = frame::last(Opcode::Binary, &compression::compress(&payload)?);
                frame::compressed(frame)
            }
            false => frame::last(Opcode::Binary, &payload),
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
    fn orders_and_answers_are_lines() {
        let burst = Burst {
            connections: 100,
            len: 1 << 20,
            time: Duration::from_secs(2),
        };
        assert_eq!(burst.to_string(), "burst 100 1048576 2000");
        assert_eq!(burst.to_string().parse::<Burst>().unwrap(), burst);
        for wrong in ["", "burst", "burst 1 2", "hush 1 2 3", "burst 1 2 x"] {
            assert!(wrong.parse::<Burst>().is_err(), "{wrong}");
        }
        assert_eq!(parse_answer(&answer(1234)), Some(1234));
        assert_eq!(parse_answer("1234"), None);
    }

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
