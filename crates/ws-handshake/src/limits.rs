//! The bounds of a handshake, and how a step reports what it read.
//!
//! A peer that has not finished its handshake has proven nothing, so everything it can make us
//! store or count is bounded here (RFC 6455 §10.4).

/// Bytes of a request or response head, inclusive: a head of exactly this length is read.
///
/// Counted from the first byte received to the end of the empty line that closes the head, so
/// one leading empty line counts too. A client counts all heads of a response together: the
/// `1xx` heads in front of the final one share this budget.
pub const MAX_HEAD_LEN: usize = 16 * 1024;

/// Header field lines in one head, inclusive.
pub const MAX_HEADERS: usize = 100;

/// Bytes that a client keeps of the body of a refusal, after the chunked coding is removed.
///
/// The same number of bytes again may go into the framing of a chunked body (chunk sizes,
/// extensions, trailers). Whatever lies beyond is never read.
pub const MAX_REFUSAL_BODY_LEN: usize = 16 * 1024;

/// The result of one call to `receive`.
///
/// Bytes of the input behind `consumed` were not looked at and belong to the caller. When
/// `done` is set they are what follows the head on the connection: WebSocket frames
/// (RFC 6455 §5), if the peer sent any already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<T> {
    /// How many bytes of the input now belong to the handshake, `0 <= consumed <= input.len()`.
    pub consumed: usize,
    /// The result, once the head is complete; `None` asks for more input.
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
