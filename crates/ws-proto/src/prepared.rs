//! One message for many connections: encoded once, compressed once per window size.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::header::{FrameHeader, MAX_HEADER_LEN};
use crate::message::{Compression, IntoOutgoing, MessageKind, Outgoing, Payload};

/// A message that is encoded once and sent on any number of connections, whatever they agreed on. Cheap to clone.
///
/// A server's frames are shared by all connections: the plain one, and where compression was agreed one for each size
/// of window, made when the first connection needs it, at that connection's level. A client masks each frame anew
/// (RFC 6455 §5.3), and shares the compression alone. A connection that cuts messages into fragments shares nothing.
///
/// The frame refers to no message before it, so that it suits every connection. Where context takeover was agreed, the
/// next message of the connection's own starts anew, too (RFC 7692 §7.1.1): a connection that only sends prepared
/// messages loses nothing by that, one that mixes them with messages of its own compresses the latter less.
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

/// By window, from [`MIN_WINDOW_BITS`] on. `None` inside: it would not be shorter.
#[cfg(feature = "deflate")]
type CompressedFrames = [std::sync::OnceLock<Option<PreparedFrame>>; 7];

/// The window that the compressor takes in place of a smaller one.
#[cfg(feature = "deflate")]
const MIN_WINDOW_BITS: u8 = 9;

/// The one frame of a message, as a server sends it.
pub(crate) struct PreparedFrame {
    pub(crate) octets: Bytes,
    header_len: usize,
}

impl PreparedFrame {
    fn new(kind: MessageKind, rsv1: bool, payload: &[u8]) -> Self {
        let header = FrameHeader {
            rsv1,
            ..FrameHeader::new(kind.opcode(), payload.len() as u64)
        };
        let mut octets = Vec::with_capacity(payload.len().saturating_add(MAX_HEADER_LEN));
        header.encode(&mut octets);
        let header_len = octets.len();
        octets.extend_from_slice(payload);
        Self {
            octets: octets.into(),
            header_len,
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.octets.get(self.header_len..).unwrap_or_default()
    }
}

impl Prepared {
    /// Encodes a message. Whether it is to be compressed is taken over from it.
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

    /// Text or binary.
    pub fn kind(&self) -> MessageKind {
        self.shared.kind
    }

    /// The payload bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.plain().payload()
    }

    /// The payload bytes, without a copy.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let plain = self.plain();
        plain.octets.slice(plain.header_len..)
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

    /// The frame with what `compress` makes of the payload, unless that is no shorter. `compress` is called once for
    /// each size of window.
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
