//! The limits of a handshake, and the result of one call to `receive`.
//!
//! A peer is not trusted before its handshake is complete. So these limits apply to everything that
//! a peer can make this crate store or count (RFC 6455 §10.4).

/// The default maximum length of the head of a request or response, in bytes.
///
/// The head begins with the first byte received, and ends with the empty line after the header
/// lines. So an empty line before the start line is included. On a client, the `1xx` heads and the
/// final head of a response share this limit. [`HeadLimits::max_len`] changes the limit.
pub const MAX_HEAD_LEN: usize = 16 * 1024;

/// The default maximum number of header lines in the head of a request.
///
/// A client has no such limit by default, because the limit of the length is enough to bound its
/// work. [`HeadLimits::max_lines`] changes the limit of either role.
pub const MAX_HEADERS: usize = 100;

/// The limits of the head that a peer sends. At a limit, a server responds with status 431 or 414
/// (RFC 6585 §5), and a client fails.
///
/// ```
/// use ws_handshake::{HeadLimits, ServerHandshake, ServerRules};
///
/// // Some clients send cookies of more than 16 KiB.
/// let rules = ServerRules::new().head_limits(HeadLimits::new().max_len(64 * 1024));
/// let server = ServerHandshake::new(rules);
/// # drop(server);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct HeadLimits {
    max_len: usize,
    max_lines: Option<usize>,
}

impl HeadLimits {
    /// Creates the default limits: [`MAX_HEAD_LEN`] for both roles, and [`MAX_HEADERS`] for
    /// servers.
    pub fn new() -> Self {
        Self {
            max_len: MAX_HEAD_LEN,
            max_lines: None,
        }
    }

    /// Sets the maximum length of a head in bytes. Default: [`MAX_HEAD_LEN`].
    ///
    /// A peer can make this end store a head of this length, and headers that take several times as
    /// much memory.
    pub fn max_len(self, bytes: usize) -> Self {
        Self {
            max_len: bytes,
            ..self
        }
    }

    /// Sets the maximum number of header lines. Default: [`MAX_HEADERS`] on a server, no limit on a
    /// client.
    pub fn max_lines(self, lines: usize) -> Self {
        Self {
            max_lines: Some(lines),
            ..self
        }
    }

    pub(crate) fn len(self) -> usize {
        self.max_len
    }

    pub(crate) fn lines(self) -> Option<usize> {
        self.max_lines
    }
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self::new()
    }
}

/// The maximum length of the body that a client keeps of a refusal, in bytes, without the chunked
/// coding.
///
/// The framing of a chunked body (chunk sizes, extensions, line ends) may have the same number of
/// bytes in addition. The client stops reading the body at either limit.
pub const MAX_REFUSAL_BODY_LEN: usize = 16 * 1024;

/// The result of one call to `receive`.
///
/// The bytes of the input after the first `consumed` bytes were not read and belong to the caller.
/// If `done` is set, these bytes follow the head on the connection: they are WebSocket frames (RFC
/// 6455 §5) that the peer has already sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<T> {
    /// The number of input bytes that belong to the handshake, at most the length of the input.
    pub consumed: usize,
    /// The result if the head is complete. `None` if more input is needed.
    pub done: Option<T>,
}

impl<T> Progress<T> {
    pub(crate) fn pending(consumed: usize) -> Self {
        Self {
            consumed,
            done: None,
        }
    }

    pub(crate) fn done(consumed: usize, value: T) -> Self {
        Self {
            consumed,
            done: Some(value),
        }
    }
}
