//! The connections that are measured.

use std::fmt;

use ws_test_client::crowd::Habit;

/// The most resident bytes of an idle connection in the server process: 1.5 KiB, and the additional
/// memory of the tasks of some runtimes.
pub(super) const BOUND: u64 = 1600;

/// The most resident bytes of a connection over TLS. rustls itself keeps 7.5 KB of them, which it
/// cannot return: 4 KiB for the next record, 640 B for messages of the handshake, and the keys.
const TLS_BOUND: u64 = 10 * 1024;

/// The most additional bytes of a connection without context takeover, compared with one that does
/// not compress.
const DEFLATE_BOUND: u64 = 1024;

/// The number of connections. With more connections, their shared memory counts less.
const MANY: usize = 10_000;

/// The number of connections that keep their state. Ten times as many would exceed the memory of
/// some machines.
const FEW: usize = 1_000;

/// The pairs that show the use of memory: the ends and the middle of both scales.
const SOME_WINDOWS: [u8; 3] = [9, 12, 15];
const SOME_MEM_LEVELS: [u8; 3] = [1, 4, 8];

/// The kind of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Plain,
    Tls,
    /// Compressed without context takeover, in either direction.
    NoTakeover,
    /// Compressed with context takeover, in both.
    Takeover,
    /// The same, with these parameters of the compressor.
    Pair {
        window_bits: u8,
        mem_level: u8,
    },
}

impl Setting {
    /// Returns the settings that show the memory of compression on our servers.
    pub(super) fn compressed(all_pairs: bool) -> Vec<Self> {
        let (windows, mem_levels) = match all_pairs {
            true => (Vec::from_iter(9..=15), Vec::from_iter(1..=9)),
            false => (SOME_WINDOWS.to_vec(), SOME_MEM_LEVELS.to_vec()),
        };
        let mut settings = vec![Self::Plain, Self::NoTakeover];
        for window_bits in windows {
            settings.extend(mem_levels.iter().map(|&mem_level| Self::Pair {
                window_bits,
                mem_level,
            }));
        }
        settings
    }

    /// Returns the option of our server, if it needs one.
    pub(super) fn server_option(self) -> Option<String> {
        match self {
            Self::Plain | Self::Tls => None,
            Self::NoTakeover | Self::Takeover => Some("--deflate".to_owned()),
            Self::Pair {
                window_bits,
                mem_level,
            } => Some(format!(
                "--deflate=mem_level={mem_level},window_bits={window_bits}"
            )),
        }
    }

    /// Returns the offer of the client. It asks for the window, the same for both directions, and
    /// for no context takeover. A client cannot influence the memory of the server's compressor.
    pub(super) fn offer(self) -> Option<String> {
        let parameters = match self {
            Self::Plain | Self::Tls => return None,
            Self::NoTakeover => "; server_no_context_takeover; client_no_context_takeover".into(),
            Self::Takeover => String::new(),
            Self::Pair { window_bits, .. } => format!(
                "; server_max_window_bits={window_bits}; client_max_window_bits={window_bits}"
            ),
        };
        Some(format!("permessage-deflate{parameters}"))
    }

    pub(super) fn habit(self) -> Habit {
        match self {
            Self::Plain | Self::Tls => Habit::Echo,
            Self::NoTakeover | Self::Takeover | Self::Pair { .. } => Habit::EchoCompressed,
        }
    }

    /// Returns the default number of connections.
    pub(super) fn connections(self) -> usize {
        match self {
            Self::Pair { .. } => FEW,
            Self::Plain | Self::Tls | Self::NoTakeover | Self::Takeover => MANY,
        }
    }

    /// Returns the bound of a connection to our server, where one that does not compress takes
    /// `plain` bytes.
    pub(super) fn bound(self, plain: u64) -> Option<u64> {
        match self {
            Self::Plain => Some(BOUND),
            Self::Tls => Some(TLS_BOUND),
            Self::NoTakeover => Some(plain + DEFLATE_BOUND),
            Self::Takeover | Self::Pair { .. } => None,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("not compressed"),
            Self::Tls => f.write_str("over TLS"),
            Self::NoTakeover => f.write_str("no context takeover"),
            Self::Takeover => f.write_str("context takeover"),
            Self::Pair {
                window_bits,
                mem_level,
            } => write!(f, "window {window_bits}, mem_level {mem_level}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pairs_are_every_window_with_every_mem_level() {
        let all = Setting::compressed(true);
        assert_eq!(all.len(), 2 + 7 * 9);
        assert_eq!(all[0], Setting::Plain);
        let some = Setting::compressed(false);
        assert!(some.iter().all(|setting| all.contains(setting)));
        assert_eq!(some.len(), 2 + 9);
    }

    #[test]
    fn only_connections_without_state_have_bounds() {
        let pair = Setting::Pair {
            window_bits: 9,
            mem_level: 1,
        };
        let settings = [
            Setting::Plain,
            Setting::Tls,
            Setting::NoTakeover,
            Setting::Takeover,
            pair,
        ];
        let bounds = settings.map(|setting| setting.bound(2000));
        assert_eq!(bounds, [Some(1600), Some(10_240), Some(3024), None, None]);
    }

    #[test]
    fn the_client_asks_for_the_windows_and_the_server_is_told_the_rest() {
        let pair = Setting::Pair {
            window_bits: 9,
            mem_level: 1,
        };
        let option = pair.server_option().unwrap();
        assert_eq!(option, "--deflate=mem_level=1,window_bits=9");
        let offer = pair.offer().unwrap();
        assert!(offer.ends_with("server_max_window_bits=9; client_max_window_bits=9"));
        assert_eq!(Setting::Plain.offer(), None);
    }
}
