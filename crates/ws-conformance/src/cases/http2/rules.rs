//! The sentences that decide group 28.

use crate::case::Party::{Client, Endpoint, Recipient, Sender, Server};
use crate::case::Rule;

// The opening handshake.

pub(super) const ENABLE_CONNECT: Rule = Rule::must(
    "RFC 8441 §3",
    Server,
    "Upon receipt of SETTINGS_ENABLE_CONNECT_PROTOCOL with a value of 1, a client MAY use the \
     Extended CONNECT as defined in this document when creating new streams.",
);
pub(super) const WAIT_FOR_SETTING: Rule = Rule::must(
    "RFC 8441 §3",
    Client,
    "Upon receipt of SETTINGS_ENABLE_CONNECT_PROTOCOL with a value of 1, a client MAY use the \
     Extended CONNECT as defined in this document when creating new streams.",
);
pub(super) const NOT_TAKEN_BACK: Rule = Rule::must(
    "RFC 8441 §3",
    Server,
    "A sender MUST NOT send a SETTINGS_ENABLE_CONNECT_PROTOCOL parameter with the value of 0 after \
     previously sending a value of 1.",
);
pub(super) const NO_IMPACT: Rule = Rule::must(
    "RFC 8441 §3",
    Server,
    "Receipt of this parameter by a server does not have any impact.",
);
pub(super) const ACKNOWLEDGE: Rule = Rule::must(
    "RFC 9113 §6.5.3",
    Recipient,
    "Once all values have been processed, the recipient MUST immediately emit a SETTINGS frame \
     with the ACK flag set.",
);
pub(super) const UNKNOWN_SETTING: Rule = Rule::must(
    "RFC 9113 §6.5.2",
    Recipient,
    "An endpoint that receives a SETTINGS frame with any unknown or unsupported identifier MUST \
     ignore that setting.",
);
pub(super) const WEBSOCKET: Rule = Rule::must(
    "RFC 8441 §5",
    Endpoint,
    "The :protocol pseudo-header field MUST be included in the CONNECT request, and it MUST have a \
     value of \"websocket\" to initiate a WebSocket connection on an HTTP/2 stream.",
);
pub(super) const SCHEME_AND_PATH: Rule = Rule::must(
    "RFC 8441 §4",
    Endpoint,
    "On requests that contain the :protocol pseudo-header field, the :scheme and :path \
     pseudo-header fields of the target URI (see Section 5) MUST also be included.",
);
/// A server need not enforce what binds the client.
pub(super) const AUTHORITY: Rule = Rule::should(
    "RFC 8441 §5",
    Client,
    "The Host information is conveyed as part of the :authority pseudo-header field, which is \
     required on every HTTP/2 transaction.",
);
pub(super) const EMPTY_PATH: Rule = Rule::must(
    "RFC 9113 §8.3.1",
    Endpoint,
    "This pseudo-header field MUST NOT be empty for \"http\" or \"https\" URIs",
);
pub(super) const REPEATED: Rule = Rule::must(
    "RFC 9113 §8.3",
    Recipient,
    "A field block for an HTTP request or response that contains a repeated pseudo-header field \
     name MUST be treated as malformed (Section 8.1.1).",
);
pub(super) const PSEUDO_FIRST: Rule = Rule::must(
    "RFC 9113 §8.3",
    Recipient,
    "Any request or response that contains a pseudo-header field that appears in a field block \
     after a regular field line MUST be treated as malformed (Section 8.1.1).",
);
pub(super) const CONNECTION_FIELDS: Rule = Rule::must(
    "RFC 9113 §8.2.2",
    Recipient,
    "Any message containing connection-specific header fields MUST be treated as malformed \
     (Section 8.1.1).",
);
pub(super) const LOWER_CASE: Rule = Rule::must(
    "RFC 9113 §8.2.1",
    Recipient,
    "A request or response that contains a field that violates any of these conditions MUST be \
     treated as malformed (Section 8.1.1).",
);
pub(super) const OTHER_HOST: Rule = Rule::should(
    "RFC 9113 §8.3.1",
    Server,
    "A server SHOULD treat a request as malformed if it contains a Host header field that \
     identifies an entity that differs from the entity in the \":authority\" pseudo-header field.",
);
pub(super) const NO_KEY: Rule = Rule::should(
    "RFC 8441 §5",
    Endpoint,
    "Implementations using this extended CONNECT to bootstrap WebSockets do not do the processing \
     of the Sec-WebSocket-Key and Sec-WebSocket-Accept header fields of [RFC6455], as that \
     functionality has been superseded by the :protocol pseudo-header field.",
);
pub(super) const SAME_FIELDS: Rule = Rule::must(
    "RFC 8441 §5",
    Endpoint,
    "The Origin [RFC6454], Sec-WebSocket-Version, Sec-WebSocket-Protocol, and \
     Sec-WebSocket-Extensions header fields are used in the CONNECT request and response-header \
     fields as they are in [RFC6455].",
);
pub(super) const CONTINUED: Rule = Rule::must(
    "RFC 9113 §6.10",
    Recipient,
    "The CONTINUATION frame (type=0x09) is used to continue a sequence of field block fragments \
     (Section 4.3).",
);
pub(super) const PADDED_HEAD: Rule = Rule::must(
    "RFC 9113 §6.2",
    Recipient,
    "The HEADERS frame payload has the following fields: Pad Length: An 8-bit field containing the \
     length of the frame padding in units of octets.",
);
pub(super) const INTERIM: Rule = Rule::must(
    "RFC 9110 §15.2",
    Client,
    "A client MUST be able to parse one or more 1xx responses received prior to a final response, \
     even if the client does not expect one.",
);
pub(super) const NO_101: Rule = Rule::must(
    "RFC 9113 §8.6",
    Recipient,
    "HTTP/2 removes support for the 101 (Switching Protocols) informational status code (Section \
     15.2.2 of [HTTP]).",
);
pub(super) const STATUS: Rule = Rule::must(
    "RFC 9113 §8.3.2",
    Recipient,
    "This pseudo-header field MUST be included in all responses, including interim responses; \
     otherwise, the response is malformed (Section 8.1.1).",
);
pub(super) const SUCCESS: Rule = Rule::must(
    "RFC 9110 §9.3.6",
    Endpoint,
    "Any 2xx (Successful) response indicates that the sender (and all inbound proxies) will switch \
     to tunnel mode immediately after the response header section",
);
pub(super) const NOT_OFFERED: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "If the response includes a |Sec-WebSocket-Protocol| header field and this header field \
     indicates the use of a subprotocol that was not present in the client's handshake (the server \
     has indicated a subprotocol not requested by the client), the client MUST _Fail the WebSocket \
     Connection_.",
);

// Frames.

pub(super) const AS_TCP: Rule = Rule::must(
    "RFC 8441 §5",
    Endpoint,
    "After successfully processing the opening handshake, the peers should proceed with the \
     WebSocket Protocol [RFC6455] using the HTTP/2 stream from the CONNECT transaction as if it \
     were the TCP connection referred to in [RFC6455].",
);
pub(super) const PADDING: Rule = Rule::must(
    "RFC 9113 §6.1",
    Recipient,
    "If the length of the padding is the length of the frame payload or greater, the recipient \
     MUST treat this as a connection error (Section 5.4.1) of type PROTOCOL_ERROR.",
);
pub(super) const LONGEST_FRAME: Rule = Rule::must(
    "RFC 9113 §4.2",
    Endpoint,
    "The size of a frame payload is limited by the maximum size that a receiver advertises in the \
     SETTINGS_MAX_FRAME_SIZE setting.",
);
pub(super) const WINDOW: Rule = Rule::must(
    "RFC 9113 §6.9.1",
    Endpoint,
    "The sender MUST NOT send a flow-controlled frame with a length that exceeds the space \
     available in either of the flow-control windows advertised by the receiver.",
);
pub(super) const NEGATIVE_WINDOW: Rule = Rule::must(
    "RFC 9113 §6.9.2",
    Endpoint,
    "A sender MUST track the negative flow-control window and MUST NOT send new flow-controlled \
     frames until it receives WINDOW_UPDATE frames that cause the flow-control window to become \
     positive.",
);
pub(super) const ZERO_INCREMENT: Rule = Rule::must(
    "RFC 9113 §6.9",
    Recipient,
    "A receiver MUST treat the receipt of a WINDOW_UPDATE frame with a flow-control window \
     increment of 0 as a stream error (Section 5.4.2) of type PROTOCOL_ERROR",
);
pub(super) const LARGEST_WINDOW: Rule = Rule::must(
    "RFC 9113 §6.9.1",
    Endpoint,
    "If a sender receives a WINDOW_UPDATE that causes a flow-control window to exceed this \
     maximum, it MUST terminate either the stream or the connection, as appropriate.",
);
pub(super) const CREDIT: Rule = Rule::must(
    "RFC 9113 §6.9.1",
    Recipient,
    "The receiver of a frame sends a WINDOW_UPDATE frame as it consumes data and frees up space in \
     flow-control windows.",
);
pub(super) const CONNECTED_STREAM: Rule = Rule::must(
    "RFC 9113 §8.5",
    Recipient,
    "Frame types other than DATA or stream management frames (RST_STREAM, WINDOW_UPDATE, and \
     PRIORITY) MUST NOT be sent on a connected stream and MUST be treated as a stream error \
     (Section 5.4.2) if received.",
);
pub(super) const HALF_CLOSED: Rule = Rule::must(
    "RFC 9113 §5.1",
    Recipient,
    "If an endpoint receives additional frames, other than WINDOW_UPDATE, PRIORITY, or RST_STREAM, \
     for a stream that is in this state, it MUST respond with a stream error (Section 5.4.2) of \
     type STREAM_CLOSED.",
);

// The end of streams and connections.

const CLOSURE: &str = "Orderly TCP-level closures are represented as END_STREAM flags ([RFC7540], \
    Section 6.1).";
pub(super) const ORDERLY: Rule = Rule::must("RFC 8441 §5", Endpoint, CLOSURE);
/// RFC 6455 binds only clients to react to a lost connection.
pub(super) const ORDERLY_LOST: Rule = Rule::should("RFC 8441 §5", Endpoint, CLOSURE);
pub(super) const RESET: Rule = Rule::must(
    "RFC 8441 §5",
    Endpoint,
    "RST exceptions are represented with the RST_STREAM frame ([RFC7540], Section 6.4) with the \
     CANCEL error code ([RFC7540], Section 7).",
);
pub(super) const AFTER_RESET: Rule = Rule::must(
    "RFC 9113 §6.4",
    Recipient,
    "After receiving a RST_STREAM on a stream, the receiver MUST NOT send additional frames for \
     that stream, except for PRIORITY.",
);
pub(super) const INDEPENDENT: Rule = Rule::must(
    "RFC 9113 §5",
    Endpoint,
    "A single HTTP/2 connection can contain multiple concurrently open streams, with either \
     endpoint interleaving frames from multiple streams.",
);
pub(super) const NO_INTERFERENCE: Rule = Rule::must(
    "RFC 9113 §5.2",
    Endpoint,
    "A flow-control scheme ensures that streams on the same connection do not destructively \
     interfere with each other.",
);
pub(super) const UNPROCESSED: Rule = Rule::must(
    "RFC 9113 §6.8",
    Endpoint,
    "Once the GOAWAY is sent, the sender will ignore frames sent on streams initiated by the \
     receiver if the stream has an identifier higher than the included last stream identifier.",
);
pub(super) const GO_AWAY: Rule = Rule::should(
    "RFC 9113 §6.8",
    Sender,
    "GOAWAY allows an endpoint to gracefully stop accepting new streams while still finishing \
     processing of previously established streams.",
);
pub(super) const PING: Rule = Rule::must(
    "RFC 9113 §6.7",
    Recipient,
    "Receivers of a PING frame that does not include an ACK flag MUST send a PING frame with the \
     ACK flag set in response, with an identical frame payload.",
);
pub(super) const UNKNOWN_FRAME: Rule = Rule::must(
    "RFC 9113 §4.1",
    Recipient,
    "Implementations MUST ignore and discard frames of unknown types.",
);
