//! The attacks. Each is limited in number and time, and returns its findings.

mod budget;
mod compressed;
mod crowds;
mod endings;
mod handshakes;
mod http2;
mod tls;
mod unfinished;
mod unread;

use std::time::Duration;

use anyhow::Result;
use ws_test_client::subject::Target;

use super::finding::Finding;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The time beyond the deadlines of the server, for scheduling and for checks.
const SLACK: Duration = Duration::from_millis(500);

/// An attack, which has a server of its own.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// The time limit of the whole attack.
    pub(crate) limit: Duration,
    /// The bound on the growth of the server's resident memory at any time.
    pub(crate) growth: Option<u64>,
    pub(crate) setup: Setup,
    /// The attack itself. An error means that it was not possible.
    pub(crate) act: fn(&Field) -> Result<Vec<Finding>>,
}

/// The target and the conditions of an attack.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) target: Target,
    /// The most connections that the limit of descriptors allows.
    pub(crate) room: usize,
}

/// The options of the attacked server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    /// With all defaults.
    Plain,
    /// It agrees to compression.
    Deflate,
    /// It agrees to compression, and has a budget for the memory of all connections.
    Budget,
    /// It uses TLS.
    Tls,
    /// It is the echo server on axum, which serves HTTP/1.1 and HTTP/2.
    Http2,
}

impl Setup {
    /// Returns the options of the server besides its port and its certificate.
    pub(crate) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Plain | Self::Tls | Self::Http2 => &[],
            Self::Deflate => &["--deflate"],
            Self::Budget => budget::OPTIONS,
        }
    }
}

/// All attacks.
pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        name: "unread-pings",
        about: "128 MiB of pings from a peer that never reads",
        limit: Duration::from_secs(60),
        growth: Some(MIB),
        setup: Setup::Plain,
        act: unread::pings,
    },
    Attack {
        name: "unread-small",
        about: "128 MiB of messages of 100 B from a peer that never reads",
        limit: Duration::from_secs(60),
        growth: Some(MIB),
        setup: Setup::Plain,
        act: unread::small_messages,
    },
    Attack {
        name: "unread-large",
        about: "128 MiB of messages of 1 MiB from a peer that never reads",
        limit: Duration::from_secs(60),
        // The message as it was received, and as it is queued.
        growth: Some(MIB + 2 * MIB),
        setup: Setup::Plain,
        act: unread::large_messages,
    },
    Attack {
        name: "never-read",
        about: "a peer that sends until the server stops reading, and never reads",
        limit: Duration::from_secs(60),
        growth: Some(MIB),
        setup: Setup::Plain,
        act: unread::never_read,
    },
    Attack {
        name: "announced",
        about: "16 MiB announced and 3 bytes sent, on 100 connections",
        limit: Duration::from_secs(30),
        growth: Some(unfinished::ANNOUNCED_ON * 64 * KIB + MIB),
        setup: Setup::Plain,
        act: unfinished::announced,
    },
    Attack {
        name: "empty-fragments",
        about: "a message in empty fragments without end",
        limit: Duration::from_secs(30),
        growth: Some(256 * KIB),
        setup: Setup::Plain,
        act: unfinished::empty_fragments,
    },
    Attack {
        name: "byte-fragments",
        about: "a message in fragments of one byte, on 50 connections",
        limit: Duration::from_secs(60),
        growth: Some(unfinished::BYTES_ON * (2 * unfinished::BYTES + 64 * KIB) + MIB),
        setup: Setup::Plain,
        act: unfinished::byte_fragments,
    },
    Attack {
        name: "endless-message",
        about: "256 MiB in fragments of 64 KiB",
        limit: Duration::from_secs(60),
        growth: Some(2 * unfinished::MAX_MESSAGE + 64 * KIB),
        setup: Setup::Plain,
        act: unfinished::endless_message,
    },
    Attack {
        name: "bomb",
        about: "1 MiB that inflates to 1 GiB, in one frame and in fragments",
        limit: Duration::from_secs(60),
        growth: Some(2 * unfinished::MAX_MESSAGE + MIB),
        setup: Setup::Deflate,
        act: compressed::bomb,
    },
    Attack {
        name: "empty-blocks",
        about: "compressed bytes without end that inflate to nothing",
        limit: Duration::from_secs(60),
        growth: Some(MIB),
        setup: Setup::Deflate,
        act: compressed::empty_blocks,
    },
    Attack {
        name: "endless-head",
        about: "a request head that never ends, in large pieces and in single bytes",
        limit: Duration::from_secs(90),
        growth: Some(256 * KIB),
        setup: Setup::Plain,
        act: handshakes::endless_head,
    },
    Attack {
        name: "head-work",
        about: "work per byte for heads of 4, 8 and 16 KiB in single bytes",
        limit: Duration::from_secs(120),
        growth: Some(2 * MIB),
        setup: Setup::Plain,
        act: handshakes::head_work,
    },
    Attack {
        name: "stalled-handshakes",
        about: "200 handshakes that stall or trickle, beside live traffic",
        limit: Duration::from_secs(60),
        growth: Some(handshakes::STALLED as u64 * 20 * KIB + MIB),
        setup: Setup::Plain,
        act: handshakes::stalled,
    },
    Attack {
        name: "silent-after-violation",
        about: "peers that break a rule, then neither read nor close",
        limit: Duration::from_secs(30),
        growth: Some(2 * MIB),
        setup: Setup::Plain,
        act: endings::silent_after_violation,
    },
    Attack {
        name: "talking-after-violation",
        about: "a peer that breaks a rule, then sends without end",
        limit: Duration::from_secs(30),
        growth: Some(256 * KIB),
        setup: Setup::Plain,
        act: endings::talking_after_violation,
    },
    Attack {
        name: "silent-after-close",
        about: "peers that send a Close and keep TCP open",
        limit: Duration::from_secs(30),
        growth: Some(2 * MIB),
        setup: Setup::Plain,
        act: endings::silent_after_close,
    },
    Attack {
        name: "reset",
        about: "resets in the middle of a frame, of a header and of a request",
        limit: Duration::from_secs(30),
        growth: Some(2 * MIB),
        setup: Setup::Plain,
        act: endings::resets,
    },
    Attack {
        name: "tiny-messages",
        about: "10,000 connections with two tiny messages and the head of a third each",
        limit: Duration::from_secs(120),
        growth: None,
        setup: Setup::Plain,
        act: crowds::tiny_messages,
    },
    Attack {
        name: "churn",
        about: "10,000 connects and disconnects",
        limit: Duration::from_secs(120),
        growth: None,
        setup: Setup::Plain,
        act: crowds::churn,
    },
    Attack {
        name: "budget",
        about: "2,000 connections that try all attacks at once on a budget of 64 MiB, beside live traffic",
        limit: Duration::from_secs(120),
        growth: Some(budget::GROWTH),
        setup: Setup::Budget,
        act: budget::everything,
    },
    Attack {
        name: "tls-stalled",
        about: "200 connections that stall or trickle before, in and after the TLS handshake, beside live traffic",
        limit: Duration::from_secs(60),
        growth: Some(handshakes::STALLED as u64 * 20 * KIB + MIB),
        setup: Setup::Tls,
        act: tls::stalled,
    },
    Attack {
        name: "tls-endless-handshake",
        about: "messages of TLS that never end, in the handshake and after it",
        limit: Duration::from_secs(60),
        growth: Some(tls::HELLOS * tls::HELD_BY_HELLO + MIB),
        setup: Setup::Tls,
        act: tls::endless_handshake,
    },
    Attack {
        name: "tls-plain",
        about: "HTTP and other bytes that are not TLS, on a port for TLS",
        limit: Duration::from_secs(30),
        growth: Some(256 * KIB),
        setup: Setup::Tls,
        act: tls::plain,
    },
    Attack {
        name: "tls-unfinished-record",
        about: "a record of 16 KiB without its last byte, on 100 connections",
        limit: Duration::from_secs(30),
        growth: Some(tls::UNFINISHED_ON * tls::HELD_BY_RECORD + MIB),
        setup: Setup::Tls,
        act: tls::unfinished_record,
    },
    Attack {
        name: "tls-key-updates",
        about: "key updates without end, alone and between pings, from a peer that never reads",
        limit: Duration::from_secs(60),
        growth: Some(MIB),
        setup: Setup::Tls,
        act: tls::key_updates,
    },
    Attack {
        name: "tls-empty-records",
        about: "records without content, on 4 connections beside live traffic",
        limit: Duration::from_secs(60),
        growth: Some(MIB),
        setup: Setup::Tls,
        act: tls::empty_records,
    },
    Attack {
        name: "tls-unread",
        about: "unread-small over TLS",
        limit: Duration::from_secs(60),
        growth: Some(MIB),
        setup: Setup::Tls,
        act: unread::small_messages,
    },
    Attack {
        name: "tls-churn",
        about: "2,000 connects and disconnects, before, in and after the TLS handshake",
        limit: Duration::from_secs(120),
        growth: None,
        setup: Setup::Tls,
        act: tls::churn,
    },
    Attack {
        name: "http2-rapid-reset",
        about: "100,000 WebSockets over HTTP/2, opened and reset at once",
        limit: Duration::from_secs(60),
        growth: Some(2 * MIB),
        setup: Setup::Http2,
        act: http2::rapid_reset,
    },
    Attack {
        name: "http2-settings",
        about: "32 MiB of SETTINGS from a client that never reads",
        limit: Duration::from_secs(60),
        growth: Some(2 * MIB),
        setup: Setup::Http2,
        act: http2::settings,
    },
    Attack {
        name: "http2-pings",
        about: "32 MiB of PINGs from a client that never reads",
        limit: Duration::from_secs(60),
        growth: Some(2 * MIB),
        setup: Setup::Http2,
        act: http2::pings,
    },
    Attack {
        name: "http2-empty-data",
        about: "32 MiB of DATA frames without content to one WebSocket",
        limit: Duration::from_secs(60),
        growth: Some(2 * MIB),
        setup: Setup::Http2,
        act: http2::empty_data,
    },
    Attack {
        name: "http2-continuations",
        about: "a request whose header fields never end",
        limit: Duration::from_secs(30),
        growth: Some(2 * MIB),
        setup: Setup::Http2,
        act: http2::continuations,
    },
    Attack {
        name: "http2-zero-windows",
        about: "10 WebSockets that send 900 KiB each and grant no window",
        limit: Duration::from_secs(60),
        growth: Some(http2::HELD),
        setup: Setup::Http2,
        act: http2::zero_windows,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_a_command_line() {
        for (at, attack) in ATTACKS.iter().enumerate() {
            let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            let fits = |byte: u8| is_word(byte) || byte == b'-';
            assert!(attack.name.bytes().all(fits), "{}", attack.name);
            let mut rest = ATTACKS[at + 1..].iter();
            assert!(rest.all(|other| other.name != attack.name));
        }
    }
}
