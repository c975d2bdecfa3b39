//! The limits of a handshake, and the result of one call to `receive`.
//!
//! A peer is not trusted before its handshake is complete. So these limits apply to everything that
//! a peer can make this crate store or count (RFC 6455 §10.4).

/// The maximum length of the head of a request or response, in bytes.
///
/// The head begins with the first byte received, and ends with the empty line after the header
/// lines. So an empty line before the start line is included. On a client, the `1xx` heads and the
/// final head of a response share this limit.
pub const MAX_HEAD_LEN: usize = 16 * 1024;

/// The maximum number of header lines in one head.
pub const MAX_HEADERS: usize = 100;

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
