//! The sentences that decide the cases of group 25.

use crate::case::Party::Recipient;
use crate::case::Rule;

pub(super) const PARTIAL_SEQUENCE: Rule = Rule::must(
    "RFC 6455 §5.6",
    Recipient,
    "Note that a particular text frame might include a partial UTF-8 sequence; however, the whole \
     message MUST contain valid UTF-8.",
);

pub(super) const TEXT: Rule = Rule::must(
    "RFC 6455 §5.6",
    Recipient,
    "The \"Payload data\" is text data encoded as UTF-8.",
);

pub(super) const BINARY: Rule = Rule::must(
    "RFC 6455 §5.6",
    Recipient,
    "The \"Payload data\" is arbitrary binary data whose interpretation is solely up to the \
     application layer.",
);

pub(super) const INVALID: Rule = Rule::must(
    "RFC 6455 §8.1",
    Recipient,
    "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is \
     not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.",
);
