//! The wishes of one end, and the agreement of both (RFC 7692 §7.1). Plain data, there also without the feature `deflate`.

use crate::role::Role;

/// How one end wants messages compressed.
///
/// Memory of a connection that compresses, in KiB by window and [`mem_level`](Self::mem_level), from its first compressed
/// message on:
///
/// | window bits | `mem_level` 1 | 4 | 8 |
/// |---|---|---|---|
/// | 9 | 134 | 140 | 245 |
/// | 12 | 148 | 154 | 259 |
/// | 15 | 260 | 266 | 371 |
///
/// One that decompresses takes 47 KiB, and up to 32 KiB of what it saw last. Where context takeover is off, a direction
/// gives its memory back when nothing is under way.
///
/// ```
/// use ws_proto::DeflateConfig;
///
/// // Little memory: no state between messages, small windows.
/// let config = DeflateConfig::default()
///     .own_no_context_takeover()
///     .peer_no_context_takeover()
///     .own_window_bits(10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct DeflateConfig {
    pub(crate) level: u8,
    pub(crate) mem_level: u8,
    pub(crate) threshold: usize,
    pub(crate) own_window_bits: u8,
    pub(crate) peer_window_bits: Option<u8>,
    pub(crate) own_takeover: bool,
    pub(crate) peer_takeover: bool,
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self {
            level: 1,
            mem_level: 4,
            threshold: 32,
            own_window_bits: 12,
            peer_window_bits: None,
            own_takeover: true,
            peer_takeover: true,
        }
    }
}

impl DeflateConfig {
    /// How hard to try, from 0, not at all, over 1, fast, to 9, small. Default: 1. What is above counts as 9.
    pub fn level(mut self, level: u8) -> Self {
        self.level = level.min(9);
        self
    }

    /// How much memory the compressor uses beside its window, from 1 to 9. Default: 4. What is outside counts as the
    /// nearest.
    pub fn mem_level(mut self, mem_level: u8) -> Self {
        self.mem_level = mem_level.clamp(1, 9);
        self
    }

    /// Messages of fewer bytes are sent as they are. Default: 32.
    pub fn threshold(mut self, len: usize) -> Self {
        self.threshold = len;
        self
    }

    /// The logarithm of our compressor's window, 9 to 15: memory here, and what the peer needs to read us. Default: 12,
    /// which takes 112 KiB less than 15 and makes JSON of 64 KiB 9 % longer.
    /// What is outside counts as the nearest.
    pub fn own_window_bits(mut self, bits: u8) -> Self {
        self.own_window_bits = bits.clamp(9, 15);
        self
    }

    /// Asks the peer for a window of at most this size, 8 to 15. Default: it may choose. What is outside counts as the
    /// nearest.
    ///
    /// A wish: a peer that does not know the parameter gets its way, and [`DeflateParams`] say what was agreed.
    pub fn peer_window_bits(mut self, bits: u8) -> Self {
        self.peer_window_bits = Some(bits.clamp(8, 15));
        self
    }

    /// Keeps our messages from referring to those before: no memory is kept between messages, and they are longer
    /// (RFC 7692 §7.1.1). Default: they may.
    pub fn own_no_context_takeover(mut self) -> Self {
        self.own_takeover = false;
        self
    }

    /// Keeps the peer's messages from referring to those before (RFC 7692 §7.1.1). Default: they may.
    ///
    /// Binds a client. To a server it is a wish, as with [`peer_window_bits`](Self::peer_window_bits).
    pub fn peer_no_context_takeover(mut self) -> Self {
        self.peer_takeover = false;
        self
    }

    /// The parameters that would be agreed on if this end, in this role, had the say: where the negotiation starts (RFC 7692 §5).
    ///
    /// ```
    /// use ws_proto::{DeflateConfig, Role};
    ///
    /// let wanted = DeflateConfig::default()
    ///     .own_window_bits(10)
    ///     .peer_no_context_takeover()
    ///     .wanted(Role::Client);
    /// assert_eq!((wanted.client_max_window_bits, wanted.server_max_window_bits), (10, 15));
    /// assert_eq!((wanted.takeover(Role::Client), wanted.takeover(Role::Server)), (true, false));
    /// ```
    pub fn wanted(&self, role: Role) -> DeflateParams {
        let own = (!self.own_takeover, self.own_window_bits);
        let peer = (!self.peer_takeover, self.peer_window_bits.unwrap_or(15));
        let (client, server) = match role {
            Role::Client => (own, peer),
            Role::Server => (peer, own),
        };
        DeflateParams {
            server_no_context_takeover: server.0,
            client_no_context_takeover: client.0,
            server_max_window_bits: server.1,
            client_max_window_bits: client.1,
        }
    }
}

/// The agreement of both ends (RFC 7692 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeflateParams {
    /// The server resets its window after each message (§7.1.1.1).
    pub server_no_context_takeover: bool,
    /// The client resets its window after each message (§7.1.1.2).
    pub client_no_context_takeover: bool,
    /// The logarithm of the server's window, 8 to 15 (§7.1.2.1).
    pub server_max_window_bits: u8,
    /// The logarithm of the client's window, 8 to 15 (§7.1.2.2).
    pub client_max_window_bits: u8,
}

impl Default for DeflateParams {
    /// The parameters of an answer that names none.
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        }
    }
}

impl DeflateParams {
    /// Tells whether messages of `role` may refer to those before. Those of the other end: `takeover(role.peer())`.
    pub fn takeover(&self, role: Role) -> bool {
        match role {
            Role::Client => !self.client_no_context_takeover,
            Role::Server => !self.server_no_context_takeover,
        }
    }

    /// The logarithm of the window of `role`. That of the other end: `window_bits(role.peer())`.
    pub fn window_bits(&self, role: Role) -> u8 {
        match role {
            Role::Client => self.client_max_window_bits,
            Role::Server => self.server_max_window_bits,
        }
    }
}
