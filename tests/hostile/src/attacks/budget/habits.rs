//! The bytes of each kind of attacker.

use std::sync::Arc;

use anyhow::Result;
use ws_test_client::compression::{compress, compressed};
use ws_test_client::wire::From::Client;
use ws_test_client::wire::{self, BINARY, CONTINUATION, PING, TEXT};

use super::super::{KIB, MIB};

/// The bytes that an attacker sends.
#[derive(Clone, Default)]
pub(super) struct Habit {
    /// `true` if the attacker offers compression.
    pub(super) compresses: bool,
    /// `true` if the attacker begins with an opening handshake.
    pub(super) upgrades: bool,
    /// The bytes that are sent first.
    pub(super) head: Arc<[u8]>,
    /// The bytes that are then repeated. If there are none, the attacker is silent.
    pub(super) unit: Arc<[u8]>,
    /// `true` if the attacker resets the connection after a while, and comes back.
    pub(super) resets: bool,
}

fn plain(head: Vec<u8>, unit: Vec<u8>) -> Habit {
    Habit {
        upgrades: true,
        head: head.into(),
        unit: unit.into(),
        ..Habit::default()
    }
}

fn deflated(head: Vec<u8>, unit: Vec<u8>) -> Habit {
    Habit {
        compresses: true,
        ..plain(head, unit)
    }
}

/// Returns the beginning of a message that announces more.
fn begun(announced: u64, sent: usize) -> Vec<u8> {
    let mut wire = wire::header(0x80 | BINARY, Some(wire::KEY), announced);
    wire.resize(wire.len() + sent, 0);
    wire
}

/// Returns all kinds of attackers. They do what the other attacks do, without TLS and HTTP/2.
pub(super) fn all() -> Result<Vec<Habit>> {
    const KIB_LEN: usize = KIB as usize;
    let fragments = |len: usize| Client.fragment(CONTINUATION, &vec![b'f'; len]);
    let message = |len: usize| Client.frame(BINARY, &vec![b'm'; len]);
    let opening = Client.fragment(BINARY, b"");
    let text = vec![b't'; 256 * KIB_LEN];
    // The end of the block is not part of a whole message (RFC 7692 §7.2.1).
    let zeros = [&*compress(&vec![0; 1 << 20])?, b"\x00\x00\xff\xff"].concat();
    let blocks = b"\x00\x00\x00\xff\xff".repeat(10_000);
    Ok(vec![
        // announced
        plain(begun(16 * MIB, 3), Vec::new()),
        // a message that stops in its middle
        plain(begun(16 * MIB, 1 << 20), Vec::new()),
        plain(begun(100 * KIB, 50 * KIB_LEN), Vec::new()),
        // a message that never ends, in one frame of 16 MiB
        plain(begun(16 * MIB, 0), vec![0; 64 * KIB_LEN]),
        // endless-message, byte-fragments, empty-fragments
        plain(opening.clone(), fragments(64 * KIB_LEN)),
        plain(opening.clone(), fragments(1).repeat(10_000)),
        plain(opening, fragments(0).repeat(10_000)),
        // unread-large, unread-small, unread-pings
        plain(Vec::new(), message(1 << 20)),
        plain(Vec::new(), message(60 * KIB_LEN)),
        plain(Vec::new(), message(100).repeat(500)),
        plain(Vec::new(), Client.frame(PING, &[b'p'; 125]).repeat(500)),
        // bomb, empty-blocks
        deflated(
            compressed(Client.fragment(BINARY, &zeros)),
            Client.fragment(CONTINUATION, &zeros),
        ),
        deflated(
            compressed(Client.fragment(BINARY, &blocks)),
            Client.fragment(CONTINUATION, &blocks),
        ),
        // contexts that are kept, and answers that are compressed and not read
        deflated(
            compressed(Client.frame(TEXT, &compress(&text)?)),
            Vec::new(),
        ),
        deflated(Vec::new(), message(200 * KIB_LEN)),
        // silent-after-violation, talking-after-violation, silent-after-close
        plain(Client.frame(3, b""), Vec::new()),
        plain(Client.frame(3, b""), message(1000).repeat(50)),
        plain(Client.close(1000, ""), Vec::new()),
        // endless-head, stalled-handshakes
        Habit {
            head: b"GET / HTTP/1.1\r\n".to_vec().into(),
            unit: b"X-Endless: endless\r\n".repeat(10).into(),
            ..Habit::default()
        },
        Habit {
            head: b"GET / HT".to_vec().into(),
            ..Habit::default()
        },
        // reset, in the middle of a message
        Habit {
            resets: true,
            ..plain(begun(16 * MIB, 300 * KIB_LEN), Vec::new())
        },
    ])
}
