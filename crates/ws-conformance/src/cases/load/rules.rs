//! The sentences that decide the cases of group 27.

use crate::case::{Party, Rule};

pub(super) const FRAMES: Rule = Rule::must(
    "RFC 6455 §6.2",
    Party::Recipient,
    "Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.",
);

pub(super) const NEXT_MESSAGE: Rule = Rule::must(
    "RFC 6455 §6.2",
    Party::Recipient,
    "Subsequent data frames MUST be interpreted as belonging to a new WebSocket message.",
);

pub(super) const FRAGMENTS: Rule = Rule::must(
    "RFC 6455 §5.4",
    Party::Recipient,
    "Clients and servers MUST support receiving both fragmented and unfragmented messages.",
);

pub(super) const PONG: Rule = Rule::must(
    "RFC 6455 §5.5.2",
    Party::Recipient,
    "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it \
     already received a Close frame.",
);
