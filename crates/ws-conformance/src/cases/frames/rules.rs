//! The sentences that decide the cases of group 23.

use crate::case::Party::{Client, Endpoint, Recipient, Sender, Server};
use crate::case::Rule;

pub(super) const SHORTEST_LENGTH: Rule = Rule::should(
    "RFC 6455 §5.2",
    Sender,
    "Note that in all cases, the minimal number of bytes MUST be used to encode the length, for \
     example, the length of a 124-byte-long string can't be encoded as the sequence 126, 0, 124.",
);

pub(super) const HIGHEST_BIT: Rule = Rule::should(
    "RFC 6455 §5.2",
    Sender,
    "If 127, the following 8 bytes interpreted as a 64-bit unsigned integer (the most significant \
     bit MUST be 0) are the payload length.",
);

pub(super) const LIMIT: Rule = Rule::should(
    "RFC 6455 §10.4",
    Recipient,
    "Such an implementation SHOULD impose a limit on frame sizes and the total message size after \
     reassembly from multiple frames.",
);

pub(super) const PROTECTION: Rule = Rule::must(
    "RFC 6455 §10.4",
    Recipient,
    "Implementations that have implementation- and/or platform-specific limitations regarding the \
     frame size or total message size after reassembly from multiple frames MUST protect \
     themselves against exceeding those limits.",
);

/// Binds recipients, too: "If a control frame (Section 5.5) is received, the frame MUST be handled
/// as defined by Section 5.5." (§6.2)
pub(super) const CONTROL_FRAME: Rule = Rule::must(
    "RFC 6455 §5.5",
    Endpoint,
    "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.",
);

pub(super) const NOT_MASKED: Rule = Rule::must(
    "RFC 6455 §5.1",
    Server,
    "The server MUST close the connection upon receiving a frame that is not masked.",
);

pub(super) const MASKED: Rule = Rule::must(
    "RFC 6455 §5.1",
    Client,
    "A client MUST close a connection if it detects a masked frame.",
);

pub(super) const UNMASKING: Rule = Rule::must(
    "RFC 6455 §6.2",
    Server,
    "A server MUST remove masking for data frames received from a client as described in Section \
     5.3.",
);

pub(super) const KEYS: Rule = Rule::must(
    "RFC 6455 §5.3",
    Client,
    "The masking key needs to be unpredictable; thus, the masking key MUST be derived from a \
     strong source of entropy, and the masking key for a given frame MUST NOT make it simple for a \
     server/proxy to predict the masking key for a subsequent frame.",
);

pub(super) const OPCODE: Rule = Rule::must(
    "RFC 6455 §5.2",
    Recipient,
    "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket \
     Connection_.",
);

pub(super) const RESERVED_BIT: Rule = Rule::must(
    "RFC 6455 §5.2",
    Recipient,
    "If a nonzero value is received and none of the negotiated extensions defines the meaning of \
     such a nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_.",
);

pub(super) const INTERLEAVED: Rule = Rule::should(
    "RFC 6455 §5.4",
    Sender,
    "The fragments of one message MUST NOT be interleaved between the fragments of another message \
     unless an extension has been negotiated that can interpret the interleaving.",
);

pub(super) const FIRST_FRAGMENT: Rule = Rule::should(
    "RFC 6455 §5.4",
    Sender,
    "A fragmented message consists of a single frame with the FIN bit clear and an opcode other \
     than 0, followed by zero or more frames with the FIN bit clear and the opcode set to 0, and \
     terminated by a single frame with the FIN bit set and an opcode of 0.",
);

pub(super) const PARSED_AS_FRAMES: Rule = Rule::must(
    "RFC 6455 §6.2",
    Recipient,
    "Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.",
);

pub(super) const NEXT_MESSAGE: Rule = Rule::must(
    "RFC 6455 §6.2",
    Recipient,
    "Subsequent data frames MUST be interpreted as belonging to a new WebSocket message.",
);

pub(super) const FRAGMENTS: Rule = Rule::must(
    "RFC 6455 §5.4",
    Recipient,
    "Clients and servers MUST support receiving both fragmented and unfragmented messages.",
);

pub(super) const BETWEEN_FRAGMENTS: Rule = Rule::must(
    "RFC 6455 §5.4",
    Recipient,
    "An endpoint MUST be capable of handling control frames in the middle of a fragmented message.",
);

pub(super) const PONG: Rule = Rule::must(
    "RFC 6455 §5.5.2",
    Recipient,
    "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it \
     already received a Close frame.",
);

pub(super) const PONG_SOON: Rule = Rule::should(
    "RFC 6455 §5.5.2",
    Recipient,
    "It SHOULD respond with Pong frame as soon as is practical.",
);

/// No sentence prescribes what happens to the other connections of a server.
pub(super) const TCP_CLOSED: Rule = Rule::open(
    "RFC 6455 §7.1.4",
    Endpoint,
    "When the underlying TCP connection is closed, it is said that _The WebSocket Connection is \
     Closed_ and that the WebSocket connection is in the CLOSED state.",
);
