//! A message for many connections: encoded once, compressed once per window size.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::header::{FrameHeader, MAX_HEADER_LEN};
use crate::message::{Compression, IntoOutgoing, MessageKind, Outgoing, Payload};

/// A message that is encoded once and can be sent on any number of connections with any settings. A
/// clone is cheap.
///
/// All connections of a server share the encoded frames. There is one plain frame, and one
/// compressed frame for each window size. The first connection that needs a compressed frame
/// creates that frame with its own compression level. A client masks each frame with a new key (RFC
/// 6455 §5.3), so its connections share only the compressed payload. A connection that sends the
/// message in fragments shares no frame.
///
/// The compressed frame refers to no earlier message, so it suits every connection. With context
/// takeover, the next ordinary message of the connection does not refer to earlier messages either
/// (RFC 7692 §7.1.1). This costs nothing on a connection that sends only prepared messages. On a
/// connection that mixes both kinds, the ordinary messages compress less.
///
/// ```
/// use ws_proto::{Config, Prepared, SendHalf};
///
/// let news = Prepared::new("to all of you");
/// let mut subscribers = [(); 3].map(|()| SendHalf::server(&Config::default()));
/// for send in &mut subscribers {
///     send.message(&news)?;
/// }
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[derive(Clone)]
pub struct Prepared {
    shared: Arc<Shared>,
}

struct Shared {
    kind: MessageKind,
    compression: Compression,
    plain: PreparedFrame,
    #[cfg(feature = "deflate")]
    compressed: CompressedFrames,
}

/// One entry per window size, from [`MIN_WINDOW_BITS`] on. An entry is set to `None` if compression
/// does not shorten the message.
#[cfg(feature = "deflate")]
type CompressedFrames = [std::sync::OnceLock<Option<PreparedFrame>>; 7];

/// The logarithm of the smallest window of the compressor. The compressor also uses this window if
/// a smaller one was agreed.
#[cfg(feature = "deflate")]
const MIN_WINDOW_BITS: u8 = 9;

/// The frame of a message that is sent in one frame, as a server sends it: without a mask.
pub(crate) struct PreparedFrame {
    pub(crate) bytes: Bytes,
    header_len: usize,
}

impl PreparedFrame {
    fn new(kind: MessageKind, rsv1: bool, payload: &[u8]) -> Self {
        let header = FrameHeader {
            rsv1,
            ..FrameHeader::new(kind.opcode(), payload.len() as u64)
        };
        let mut bytes = Vec::with_capacity(payload.len().saturating_add(MAX_HEADER_LEN));
        header.encode(&mut bytes);
        let header_len = bytes.len();
        bytes.extend_from_slice(payload);
        Self {
            bytes: bytes.into(),
            header_len,
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.bytes.get(self.header_len..).unwrap_or_default()
    }
}

impl Prepared {
    /// Encodes a message. The choice of compression is taken from the message: see
    /// [`Outgoing::compressed`] and [`Outgoing::uncompressed`].
    pub fn new<'a>(message: impl IntoOutgoing<'a>) -> Self {
        let message = message.into_outgoing();
        if let Payload::Prepared(prepared) = message.payload
            && prepared.shared.compression == message.compression
        {
            return prepared.clone();
        }
        Self {
            shared: Arc::new(Shared {
                kind: message.kind,
                compression: message.compression,
                plain: PreparedFrame::new(message.kind, false, message.as_bytes()),
                #[cfg(feature = "deflate")]
                compressed: CompressedFrames::default(),
            }),
        }
    }

    /// Returns the kind of the message.
    pub fn kind(&self) -> MessageKind {
        self.shared.kind
    }

    /// Returns the payload bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.plain().payload()
    }

    /// Returns the payload bytes without a copy.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let plain = self.plain();
        plain.bytes.slice(plain.header_len..)
    }

    pub(crate) fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            kind: self.kind(),
            payload: Payload::Prepared(self),
            compression: self.shared.compression,
        }
    }

    pub(crate) fn plain(&self) -> &PreparedFrame {
        &self.shared.plain
    }

    /// Returns the compressed frame, or `None` if compression does not shorten the payload.
    /// `compress` is called at most once for each window size.
    #[cfg(feature = "deflate")]
    pub(crate) fn compressed(
        &self,
        window_bits: u8,
        compress: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> Option<&PreparedFrame> {
        let index = usize::from(window_bits.saturating_sub(MIN_WINDOW_BITS));
        let slot = self.shared.compressed.get(index)?;
        slot.get_or_init(|| {
            let payload = self.as_bytes();
            let bytes = compress(payload);
            (bytes.len() < payload.len()).then(|| PreparedFrame::new(self.kind(), true, &bytes))
        })
        .as_ref()
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} bytes)", self.kind(), self.as_bytes().len())
    }
}
