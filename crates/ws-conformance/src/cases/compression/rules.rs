//! The sentences that decide the cases of group 26.

use crate::case::{Party, Rule};

/// Decides every case with a validly compressed message.
pub(super) const RECEIVE: Rule = Rule::must(
    "RFC 7692 §6.2",
    Party::Recipient,
    "An endpoint MUST use the following algorithm to receive a message in the form of a \
     compressed message. […] Decompress the concatenation by following the decompression \
     procedure of the PMCE.",
);

pub(super) const RECEIVE_UNCOMPRESSED: Rule = Rule::must(
    "RFC 7692 §6.2",
    Party::Recipient,
    "An endpoint MUST use the following algorithm to receive a message in the form of an \
     uncompressed message.",
);

pub(super) const CONTROL_BETWEEN_FRAGMENTS: Rule = Rule::must(
    "RFC 6455 §5.4",
    Party::Recipient,
    "An endpoint MUST be capable of handling control frames in the middle of a fragmented message.",
);

pub(super) const LAST_BYTE: Rule = Rule::open(
    "RFC 7692 §7.2.1",
    Party::Sender,
    "After this step, the last octet of the compressed data contains (possibly part of) the \
     DEFLATE header bits with the \"BTYPE\" bits set to 00.",
);

pub(super) const COMPRESSED_BIT: Rule = Rule::must(
    "RFC 7692 §6.1",
    Party::Recipient,
    "An endpoint MUST NOT set the \"Per-Message Compressed\" bit of control frames and non-first \
     fragments of a data message. An endpoint receiving such a frame MUST _Fail the WebSocket \
     Connection_.",
);

pub(super) const RESERVED_BITS: Rule = Rule::must(
    "RFC 6455 §5.2",
    Party::Recipient,
    "If a nonzero value is received and none of the negotiated extensions defines the meaning of \
     such a nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_.",
);

pub(super) const UTF8: Rule = Rule::must(
    "RFC 6455 §8.1",
    Party::Recipient,
    "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is \
     not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.",
);

pub(super) const NEXT_BLOCK: Rule = Rule::open(
    "RFC 7692 §7.2.1",
    Party::Sender,
    "When any DEFLATE block with the \"BFINAL\" bit set to 1 doesn't end at a byte boundary, an \
     endpoint MUST add minimal padding bits of 0 to make it end at a byte boundary. The next \
     DEFLATE block follows the padded data if any.",
);

/// Neither standard states if a block after a final block begins another output stream.
pub(super) const BEGINNING: Rule = Rule::open(
    "RFC 1951 §3.2.3",
    Party::Sender,
    "However a distance cannot refer past the beginning of the output stream.",
);

pub(super) const KEEP_CONTEXT: Rule = Rule::must(
    "RFC 7692 §7.2.2",
    Party::Recipient,
    "Otherwise, the client MUST decompress each new message using the LZ77 sliding window used to \
     process the last compressed message. […] Otherwise, the server MUST decompress each new \
     message using the LZ77 sliding window used to process the last compressed message.",
);

pub(super) const FORGET_CONTEXT: Rule = Rule::open(
    "RFC 7692 §7.2.2",
    Party::Recipient,
    "If the \"agreed parameters\" contain the \"server_no_context_takeover\" extension parameter, \
     the client MAY decompress each new message with an empty LZ77 sliding window. […] If the \
     \"agreed parameters\" contain the \"client_no_context_takeover\" extension parameter, the \
     server MAY decompress each new message with an empty LZ77 sliding window.",
);

pub(super) const LARGEST_WINDOW: Rule = Rule::must(
    "RFC 7692 §7.2.2",
    Party::Recipient,
    "Otherwise, the client MUST use a 32,768-byte LZ77 sliding window to decompress received \
     messages. […] Otherwise, the server MUST use a 32,768-byte LZ77 sliding window to decompress \
     received messages.",
);

pub(super) const LIMITS: Rule = Rule::should(
    "RFC 6455 §10.4",
    Party::Recipient,
    "Such an implementation SHOULD impose a limit on frame sizes and the total message size after \
     reassembly from multiple frames.",
);

pub(super) const SEND: Rule = Rule::must(
    "RFC 7692 §6.1",
    Party::Sender,
    "An endpoint MUST use the following algorithm to send a message in the form of a compressed \
     message. […] build frame(s) using the compressed data instead of the original data for the \
     message payload, set the \"Per-Message Compressed\" bit of the first frame […]",
);

pub(super) const COMPRESS_OR_NOT: Rule = Rule::open(
    "RFC 7692 §1",
    Party::Sender,
    "PMCEs use the RSV1 bit of the WebSocket frame header to indicate whether a message is \
     compressed or not so that an endpoint can choose not to compress messages with \
     incompressible contents.",
);

pub(super) const START_EMPTY: Rule = Rule::must(
    "RFC 7692 §7.2.1",
    Party::Sender,
    "If the \"agreed parameters\" contain the \"client_no_context_takeover\" extension parameter, \
     the client MUST start compressing each new message with an empty LZ77 sliding window. […] If \
     the \"agreed parameters\" contain the \"server_no_context_takeover\" extension parameter, the \
     server MUST start compressing each new message with an empty LZ77 sliding window.",
);

pub(super) const AGREED_WINDOW: Rule = Rule::must(
    "RFC 7692 §7.2.1",
    Party::Sender,
    "If the \"agreed parameters\" contain the \"client_max_window_bits\" extension parameter with \
     a value of w, the client MUST NOT use an LZ77 sliding window longer than the w-th power of 2 \
     bytes to compress messages to send. […] If the \"agreed parameters\" contain the \
     \"server_max_window_bits\" extension parameter with a value of w, the server MUST NOT use an \
     LZ77 sliding window longer than the w-th power of 2 bytes to compress messages to send.",
);
