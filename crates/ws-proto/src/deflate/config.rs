//! The settings of one end, and the parameters that both ends agreed on (RFC 7692 §7.1). These
//! types also exist without the feature `deflate`.

use crate::role::Role;

/// The compression settings of one end.
///
/// There are three profiles, whose settings can be changed further:
///
/// * [`DeflateConfig::default`] makes JSON 5 % to 9 % longer than the usual settings of zlib do
///   (level 6, window 15, `mem_level` 8), in 60 % to 75 % of the time.
/// * [`DeflateConfig::fast`] takes about half the time of the default. Its output is 34 % to
///   61 % longer.
/// * [`DeflateConfig::small`] takes less memory than the default. Its output is 3 % to 8 % longer.
///
/// A compressor allocates its memory for the first compressed message. The size of this memory in
/// KiB depends on the window and on [`mem_level`](Self::mem_level):
///
/// | window bits | `mem_level` 1 | `mem_level` 4 | `mem_level` 6 | `mem_level` 8 |
/// |---|---|---|---|---|
/// | 9 | 134 | 140 | 161 | 245 |
/// | 12 | 148 | 154 | 175 | 259 |
/// | 13 | 164 | 170 | 191 | 275 |
/// | 15 | 260 | 266 | 287 | 371 |
///
/// A decompressor takes 47 KiB, plus up to 32 KiB for its last output. With context takeover, a
/// message may refer to earlier messages of the same direction. Without it, the memory of a
/// direction is needed only while a message is in progress, and is given back afterwards.
///
/// ```
/// use ws_proto::DeflateConfig;
///
/// // No memory between messages.
/// let config = DeflateConfig::default()
///     .own_no_context_takeover()
///     .peer_no_context_takeover();
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
    pub(crate) plain_offer: bool,
}

impl Default for DeflateConfig {
    /// Returns settings for short output in little time: level 4, a window of 13 bits and
    /// `mem_level` 6. With context takeover in both directions, a connection keeps 270 KiB.
    fn default() -> Self {
        Self {
            level: 4,
            mem_level: 6,
            threshold: 32,
            own_window_bits: 13,
            peer_window_bits: None,
            own_takeover: true,
            peer_takeover: true,
            plain_offer: false,
        }
    }
}

impl DeflateConfig {
    /// Returns settings for the least processor time: level 1, a window of 12 bits and `mem_level`
    /// 4. With context takeover in both directions, a connection keeps 233 KiB.
    ///
    /// ```
    /// use ws_proto::DeflateConfig;
    ///
    /// // Messages below 100 bytes are not even compressed.
    /// let config = DeflateConfig::fast().threshold(100);
    /// ```
    pub fn fast() -> Self {
        Self::default().level(1).own_window_bits(12).mem_level(4)
    }

    /// Returns settings for little memory with context takeover: level 4, a window of 12 bits in
    /// both directions and `mem_level` 4. A connection keeps 205 KiB, or 233 KiB if the peer does
    /// not limit its window.
    ///
    /// To keep no memory between messages, disable context takeover.
    ///
    /// ```
    /// use ws_proto::{DeflateConfig, Role};
    ///
    /// let wanted = DeflateConfig::small().wanted(Role::Server);
    /// assert_eq!((wanted.server_max_window_bits, wanted.client_max_window_bits), (12, 12));
    /// ```
    pub fn small() -> Self {
        Self::default()
            .own_window_bits(12)
            .peer_window_bits(12)
            .mem_level(4)
    }

    /// Sets the compression level, from 0 to 9: 0 means no compression, 1 is fastest, and 9 makes
    /// the smallest output. Default: 4. Higher values are replaced by 9.
    pub fn level(mut self, level: u8) -> Self {
        self.level = level.min(9);
        self
    }

    /// Sets the level of the memory that the compressor uses in addition to its window, from 1
    /// to 9. Default: 6. Other values are replaced by the nearest of these.
    pub fn mem_level(mut self, mem_level: u8) -> Self {
        self.mem_level = mem_level.clamp(1, 9);
        self
    }

    /// Sets the length in bytes below which messages are sent uncompressed. Default: 32.
    pub fn threshold(mut self, len: usize) -> Self {
        self.threshold = len;
        self
    }

    /// Sets the logarithm of the length of our compressor's window, from 9 (512 bytes) to 15 (32
    /// KiB). Default: 13. Other values are replaced by the nearest of these.
    ///
    /// The window determines the memory of our compressor. A value of 12 takes 16 KiB less
    /// than 13. Compressed JSON of 64 KiB is then 5 % longer.
    ///
    /// A compressor may always use a smaller window than agreed. So this setting needs no consent
    /// of the peer, and the handshake does not mention it. There is one exception: a client that
    /// requests a window of the server gets the smaller of both windows as the answer.
    pub fn own_window_bits(mut self, bits: u8) -> Self {
        self.own_window_bits = bits.clamp(9, 15);
        self
    }

    /// Asks the peer for a window of at most this length, as a logarithm from 8 to 15. Default: the
    /// peer chooses. Other values are replaced by the nearest of these.
    ///
    /// This is only a request, because a peer may not support the parameter. [`DeflateParams`]
    /// contains the agreed value.
    pub fn peer_window_bits(mut self, bits: u8) -> Self {
        self.peer_window_bits = Some(bits.clamp(8, 15));
        self
    }

    /// Disables context takeover for our messages: none of them refers to an earlier one (RFC 7692
    /// §7.1.1). No memory is then kept between messages, but their compressed form is longer.
    /// Default: context takeover is enabled.
    ///
    /// The handshake mentions this, so that the peer can also save the memory. The setting applies
    /// even if it is not agreed on.
    pub fn own_no_context_takeover(mut self) -> Self {
        self.own_takeover = false;
        self
    }

    /// Disables context takeover for the peer's messages: none of them refers to an earlier one
    /// (RFC 7692 §7.1.1). Default: context takeover is enabled.
    ///
    /// If the peer is a client, it must comply. If the peer is a server, this is only a request, as
    /// with [`peer_window_bits`](Self::peer_window_bits).
    pub fn peer_no_context_takeover(mut self) -> Self {
        self.peer_takeover = false;
        self
    }

    /// Offers permessage-deflate without parameters, for servers that refuse an offer with
    /// parameters. Default: the offer has `client_max_window_bits` without a value.
    ///
    /// Only clients make offers. The settings of our own messages apply all the same. The requests
    /// to the server, [`peer_window_bits`](Self::peer_window_bits) and
    /// [`peer_no_context_takeover`](Self::peer_no_context_takeover), are not sent.
    pub fn plain_offer(mut self) -> Self {
        self.plain_offer = true;
        self
    }

    /// Returns `true` if [`plain_offer`](Self::plain_offer) was called.
    pub fn is_plain_offer(&self) -> bool {
        self.plain_offer
    }

    /// Returns the parameters that this end would choose alone in this role. The negotiation starts
    /// with them (RFC 7692 §5).
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

/// The compression parameters that both ends agreed on (RFC 7692 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeflateParams {
    /// `true` if the server resets its window after each message (§7.1.1.1).
    pub server_no_context_takeover: bool,
    /// `true` if the client resets its window after each message (§7.1.1.2).
    pub client_no_context_takeover: bool,
    /// The logarithm of the server's window, 8 to 15 (§7.1.2.1).
    pub server_max_window_bits: u8,
    /// The logarithm of the client's window, 8 to 15 (§7.1.2.2).
    pub client_max_window_bits: u8,
}

impl Default for DeflateParams {
    /// Returns the parameters of a response that contains none.
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
    /// Returns `true` if messages from `role` may refer to earlier ones. For the other end, use
    /// `takeover(role.peer())`.
    pub fn takeover(&self, role: Role) -> bool {
        match role {
            Role::Client => !self.client_no_context_takeover,
            Role::Server => !self.server_no_context_takeover,
        }
    }

    /// Returns the logarithm of the window of `role`. For the other end, use
    /// `window_bits(role.peer())`.
    pub fn window_bits(&self, role: Role) -> u8 {
        match role {
            Role::Client => self.client_max_window_bits,
            Role::Server => self.server_max_window_bits,
        }
    }
}
