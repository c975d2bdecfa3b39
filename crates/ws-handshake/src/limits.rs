//! The limits of a handshake, and the result of one call to `receive`.
//!
//! A peer is not trusted before its handshake is complete. So everything that it can make this
//! crate store or count is limited here (RFC 6455 §10.4).

/// The longest head of a request or response that is accepted, in bytes.
///
/// The count begins with the first byte received and ends with the empty line that ends the head.
/// So one leading empty line counts too. A client counts all heads of a response together: the
/// `1xx` heads and the final head share this limit.
pub const MAX_HEAD_LEN: usize = 16 * 1024;

/// The largest number of header lines that is accepted in one head.
pub const MAX_HEADERS: usize = 100;

/// The number of bytes that a client keeps of the body of a refusal, without the chunked coding.
///
/// The framing of a chunked body (chunk sizes, extensions, trailers) may have the same number of
/// bytes again. Bytes beyond these limits are not read.
pub const MAX_REFUSAL_BODY_LEN: usize = 16 * 1024;

/// The result of one call to `receive`.
///
/// The bytes of the input after the first `consumed` bytes were not read and belong to the caller.
/// If `done` is set, these bytes follow the head on the connection: they are WebSocket frames (RFC
/// 6455 §5) that the peer has already sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<T> {
    /// The number of bytes of the input that belong to the handshake, at most the length of the
    /// input.
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
