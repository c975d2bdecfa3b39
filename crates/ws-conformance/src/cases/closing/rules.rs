//! The sentences that decide the cases of group 24.

use crate::case::Party::{Client, Endpoint, Recipient, Sender, Server};
use crate::case::Rule;

pub(super) const ANSWER: Rule = Rule::must(
    "RFC 6455 §5.5.1",
    Recipient,
    "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint \
     MUST send a Close frame in response.",
);

pub(super) const USUAL_CODE: Rule = Rule::open(
    "RFC 6455 §5.5.1",
    Recipient,
    "(When sending a Close frame in response, the endpoint typically echos the status code it \
     received.)",
);

pub(super) const CODE_1015: Rule = Rule::should(
    "RFC 6455 §7.4.1",
    Sender,
    "1015 is a reserved value and MUST NOT be set as a status code in a Close control frame by an \
     endpoint.",
);

pub(super) const CODE_1010: Rule = Rule::open(
    "RFC 6455 §7.4.1",
    Server,
    "Note that this status code is not used by the server, because it can fail the WebSocket \
     handshake instead.",
);

pub(super) const UNUSED_CODES: Rule = Rule::should(
    "RFC 6455 §7.4.2",
    Sender,
    "Status codes in the range 0-999 are not used.",
);

pub(super) const RESERVED_CODES: Rule = Rule::should(
    "RFC 6455 §7.4.2",
    Sender,
    "Status codes in the range 1000-2999 are reserved for definition by this protocol, its future \
     revisions, and extensions specified in a permanent and readily available public \
     specification.",
);

/// No range includes the codes from 5000 on.
pub(super) const OTHER_CODES: Rule = Rule::open(
    "RFC 6455 §7.4",
    Sender,
    "This specification defines a set of pre-defined status codes and specifies which ranges may \
     be used by extensions, frameworks, and end applications.",
);

pub(super) const INVALID_REASON: Rule = Rule::must(
    "RFC 6455 §8.1",
    Recipient,
    "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is \
     not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.",
);

pub(super) const NO_MORE_DATA: Rule = Rule::must(
    "RFC 6455 §5.5.1",
    Endpoint,
    "The application MUST NOT send any more data frames after sending a Close frame.",
);

pub(super) const FAILED: Rule = Rule::must(
    "RFC 6455 §7.1.7",
    Endpoint,
    "An endpoint MUST NOT continue to attempt to process data (including a responding Close frame) \
     from the remote endpoint after being instructed to _Fail the WebSocket Connection_.",
);

/// The sentence sets no time limit, so a testee that is slower than the case allows is not wrong.
pub(super) const FAILED_TCP: Rule = Rule::should(
    "RFC 6455 §7.1.7",
    Endpoint,
    "To do so, the client MUST _Close the WebSocket Connection_, and MAY report the problem to the \
     user (which would be especially useful for developers) in an appropriate manner.  Similarly, \
     to do so, the server MUST _Close the WebSocket Connection_, and SHOULD log the problem.",
);

pub(super) const BOTH_CLOSED: Rule = Rule::must(
    "RFC 6455 §5.5.1",
    Endpoint,
    "After both sending and receiving a Close message, an endpoint considers the WebSocket \
     connection closed and MUST close the underlying TCP connection.",
);

const WHO_ENDS_TCP: &str = "The server MUST close the underlying TCP connection immediately; the \
    client SHOULD wait for the server to close the connection but MAY close the connection at any \
    time after sending and receiving a Close message, e.g., if it has not received a TCP Close \
    from the server in a reasonable time period.";

pub(super) const SERVER_ENDS_TCP: Rule = Rule::must("RFC 6455 §5.5.1", Server, WHO_ENDS_TCP);

pub(super) const CLIENT_WAITS: Rule = Rule::open("RFC 6455 §5.5.1", Client, WHO_ENDS_TCP);

/// Binds only clients. A connection with one open direction may not be lost.
pub(super) const LOST: Rule = Rule::should(
    "RFC 6455 §7.2.1",
    Client,
    "If at any point the underlying transport layer connection is unexpectedly lost, the client \
     MUST _Fail the WebSocket Connection_.",
);

pub(super) const ANY_MEANS: Rule = Rule::open(
    "RFC 6455 §7.1.1",
    Endpoint,
    "An endpoint MAY close the connection via any means available when necessary, such as when \
     under attack.",
);
