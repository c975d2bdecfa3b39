//! Many connections at once.

mod burst;

use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use ws_test_programs::interrupt;

use crate::compression::compressed;
use crate::wire::BINARY;
use crate::wire::From::Client;
use crate::{Endpoint, Peer, compression};

pub use self::burst::Burst;

/// The small message that every connection echoes.
static SMALL: [u8; 20] = [b'e'; 20];

/// The large message that every connection echoes. It is as long as a block of the server.
static LARGE: [u8; 64 * 1024] = [b'E'; 64 * 1024];

/// The connections to open.
pub struct Plan {
    /// The server.
    pub server: Endpoint,
    /// The number of connections.
    pub connections: usize,
    /// The habit of each connection after its handshake.
    pub habit: Habit,
    /// The extensions that each connection offers. The server must agree to permessage-deflate.
    pub offer: Option<String>,
}

/// The messages of a connection after its handshake. The connection is idle after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Echo 20 B, then 64 KiB.
    Echo,
    /// Like `Echo`, but compressed, with a text instead of one repeated letter.
    EchoCompressed,
    /// Send two messages of 2 B, and 3 bytes of a third.
    Interrupted,
}

/// A large message that uses all memory of a compressor. One repeated letter would leave most of
/// the memory untouched.
static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| text(LARGE.len()));

/// Returns a text of `len` bytes that looks like JSON.
fn text(len: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut number: u32 = 1;
    while text.len() < len {
        // Knuth's multiplier. The numbers only have to differ.
        number = number.wrapping_mul(2_654_435_761).wrapping_add(1);
        text += &format!(
            r#"{{"id":{},"price":{},"open":true}},"#,
            number >> 12,
            number & 0xFFFF
        );
    }
    text.truncate(len);
    text.into_bytes()
}

/// The number of bytes of its third message that a connection with [`Habit::Interrupted`] sends.
pub const INTERRUPTED_AFTER: usize = 3;

/// A step of a habit: the bytes to send, and the messages that come back.
pub(crate) struct Step {
    sent: Vec<u8>,
    echoed: Vec<&'static [u8]>,
}

impl Habit {
    pub(crate) fn steps(self) -> Result<Vec<Step>> {
        Ok(match self {
            Self::Echo => [&SMALL[..], &LARGE[..]]
                .map(|payload| Step {
                    sent: Client.frame(BINARY, payload),
                    echoed: vec![payload],
                })
                .into(),
            Self::EchoCompressed => vec![compressed_echo(&SMALL)?, compressed_echo(&TEXT)?],
            Self::Interrupted => {
                let message = Client.text("hi");
                let (head, _) = message.split_at(INTERRUPTED_AFTER);
                vec![Step {
                    sent: [&*message, &*message, head].concat(),
                    echoed: vec![b"hi", b"hi"],
                }]
            }
        })
    }
}

/// Returns a step with an echo of this message, sent compressed.
fn compressed_echo(message: &'static [u8]) -> Result<Step> {
    let payload = compression::compress(message)?;
    Ok(Step {
        sent: compressed(Client.frame(BINARY, &payload)),
        echoed: vec![message],
    })
}

/// Opens a connection that has performed these steps.
pub(crate) fn join(server: &Endpoint, offer: Option<&str>, steps: &[Step]) -> Result<Peer> {
    let mut peer = match offer {
        Some(offer) => open_compressed(server, offer)?,
        None => Peer::open(server)?,
    };
    for step in steps {
        peer.send(&step.sent)?;
        for message in &step.echoed {
            peer.expect_message(message)?;
        }
    }
    Ok(peer)
}

/// Opens a connection on which the server agrees to this offer of compression.
fn open_compressed(server: &Endpoint, offer: &str) -> Result<Peer> {
    let (peer, agreed) = Peer::open_offering(server, offer)?;
    let agreed_parts: Vec<_> = agreed.split(';').map(str::trim).collect();
    let asked = |part: &&str| *part == "permessage-deflate" || part.starts_with("server_");
    for part in offer.split(';').map(str::trim).filter(asked) {
        // An answer without the parameter agrees to the largest window (RFC 7692 §7.1.2.1).
        if part != "server_max_window_bits=15" && !agreed_parts.contains(&part) {
            bail!("the server did not agree to `{part}`, but to `{agreed}`");
        }
    }
    Ok(peer)
}

/// Open connections, all of which are idle. Dropping it ends all of them.
pub struct Crowd {
    peers: Vec<Peer>,
    habit: Habit,
}

impl Crowd {
    /// Opens connections one after the other, each of which performs its habit. `progress` gets the
    /// number of connections.
    pub fn gather(plan: &Plan, mut progress: impl FnMut(usize)) -> Result<Self> {
        let steps = plan.habit.steps()?;
        let mut peers = Vec::with_capacity(plan.connections);
        for at in 0..plan.connections {
            if interrupt::requested() {
                bail!("interrupted");
            }
            progress(at);
            let peer = join(&plan.server, plan.offer.as_deref(), &steps);
            peers.push(peer.with_context(|| format!("connection {at} failed"))?);
        }
        Ok(Self {
            peers,
            habit: plan.habit,
        })
    }

    /// Makes some of the connections echo messages. Returns the number of messages when all are
    /// idle again.
    pub fn burst(&mut self, burst: Burst) -> Result<u64> {
        burst.run(&mut self.peers, self.habit)
    }
}
