//! Control frames (RFC 6455 §5.5).

use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

#[cfg(doc)]
use crate::close::CloseCode;
use crate::close::CloseFrame;

/// The longest payload of a control frame in bytes (RFC 6455 §5.5).
pub const MAX_CONTROL_LEN: usize = 125;

/// The payload of a Ping or Pong: at most 125 bytes, stored inline.
///
/// ```
/// # use ws_proto::ControlPayload;
/// assert_eq!(&*ControlPayload::new("are you there?")?, b"are you there?");
/// assert!(ControlPayload::new([0; 126]).is_err());
/// # Ok::<(), ws_proto::ControlPayloadTooLong>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ControlPayload {
    /// The first `len` bytes are the payload. The rest is zero, so that the derived comparison is
    /// correct.
    bytes: [u8; MAX_CONTROL_LEN],
    len: u8,
}

impl ControlPayload {
    /// The empty payload.
    pub const EMPTY: Self = Self {
        bytes: [0; MAX_CONTROL_LEN],
        len: 0,
    };

    /// Creates a payload with a copy of these bytes.
    ///
    /// # Errors
    ///
    /// [`ControlPayloadTooLong`] if `payload` has more than [`MAX_CONTROL_LEN`] bytes.
    pub fn new(payload: impl AsRef<[u8]>) -> Result<Self, ControlPayloadTooLong> {
        let payload = payload.as_ref();
        let too_long = ControlPayloadTooLong { len: payload.len() };
        let len = u8::try_from(payload.len()).map_err(|_| too_long)?;
        let mut bytes = [0; MAX_CONTROL_LEN];
        bytes
            .get_mut(..payload.len())
            .ok_or(too_long)?
            .copy_from_slice(payload);
        Ok(Self { bytes, len })
    }
}

impl Default for ControlPayload {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl Deref for ControlPayload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }
}

impl AsRef<[u8]> for ControlPayload {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

macro_rules! try_from {
    ($([$($generics:tt)*] $from:ty;)+) => {$(
        impl<$($generics)*> TryFrom<$from> for ControlPayload {
            type Error = ControlPayloadTooLong;

            fn try_from(payload: $from) -> Result<Self, ControlPayloadTooLong> {
                ControlPayload::new(payload)
            }
        }
    )+};
}

try_from! {
    [] &[u8];
    [] &str;
    [] Vec<u8>;
    [const N: usize] &[u8; N];
    [const N: usize] [u8; N];
}

impl fmt::Debug for ControlPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ControlPayload({} bytes)", self.len)
    }
}

/// The payload is longer than a control frame may carry (RFC 6455 §5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes do not fit in a control frame: give at most {MAX_CONTROL_LEN}")]
#[non_exhaustive]
pub struct ControlPayloadTooLong {
    /// The number of bytes that were given.
    pub len: usize,
}

/// A received control frame (RFC 6455 §5.5).
///
/// The step that returns the frame has already queued the reply, if one is due. With
/// [`Config::manual_pongs`](crate::Config::manual_pongs), the caller must answer Pings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// A Close, which starts or answers the closing handshake. If it has no code, its code is
    /// `CloseCode::NO_STATUS`.
    Close(CloseFrame),
    /// A request for a Pong.
    Ping(ControlPayload),
    /// The answer to a Ping, or an unsolicited heartbeat.
    Pong(ControlPayload),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_fit_up_to_125_bytes() {
        assert_eq!(&*ControlPayload::new([7; 125]).unwrap(), [7; 125]);
        assert_eq!(
            ControlPayload::new([7; 126]),
            Err(ControlPayloadTooLong { len: 126 })
        );
        assert_eq!(
            ControlPayload::new([7; 300]),
            Err(ControlPayloadTooLong { len: 300 })
        );
        assert_eq!(&*ControlPayload::try_from("ping").unwrap(), b"ping");
        assert_eq!(&*ControlPayload::new(Vec::from(*b"ping")).unwrap(), b"ping");
    }
}
