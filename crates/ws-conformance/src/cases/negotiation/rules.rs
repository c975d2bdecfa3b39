//! The sentences that decide group 21.
//!
//! The level is that of a check on the server. It is lower than the keyword of the sentence if the
//! sentence binds the client, or if another sentence allows more.

use crate::case::Party::{Client, Recipient, Server};
use crate::case::{Level, Rule};

// Subprotocols.

pub(super) const NO_PROTOCOL: Rule = Rule::must(
    "RFC 6455 §4.2.2",
    Server,
    "If the client's handshake did not contain such a header field or if the server does not agree \
     to any of the client's requested subprotocols, the only acceptable value is null.",
);
pub(super) const CHOSEN_PROTOCOL: Rule = Rule::must(
    "RFC 6455 §4.2.2",
    Server,
    "The value chosen MUST be derived from the client's handshake, specifically by selecting one \
     of the values from the |Sec-WebSocket-Protocol| field that the server is willing to use for \
     this connection (if any).",
);
/// Binds the client. A server without subprotocols need not read the header.
pub(super) const OFFERED_PROTOCOLS: Rule = Rule::open(
    "RFC 6455 §4.1",
    Client,
    "The elements that comprise this value MUST be non-empty strings with characters in the range \
     U+0021 to U+007E not including separator characters as defined in [RFC2616] and MUST all be \
     unique strings.",
);

// Lists of extensions.

pub(super) const REGISTERED: Rule = Rule::must(
    "RFC 6455 §9.1",
    Server,
    "Any extension-token used MUST be a registered token (see Section 11.4).",
);
/// Registered in lower case. No sentence states if case matters.
pub(super) const OTHER_CASE: Rule = Rule {
    level: Level::Informational,
    binds: Client,
    ..REGISTERED
};
/// A server may ignore the list. A server that accepts an offer in it uses the list.
pub(super) const MALFORMED: Rule = Rule::must(
    "RFC 6455 §9.1",
    Recipient,
    "If a value is received by either the client or the server during negotiation that does not \
     conform to the ABNF below, the recipient of such malformed data MUST immediately _Fail the \
     WebSocket Connection_.",
);
/// The ABNF allows neither a semicolon without a parameter after it, nor an empty list. The header
/// "follows the normal rules for HTTP header fields", of which RFC 9110 §5.6.6 allows the
/// semicolon.
pub(super) const TOLERABLE: Rule = Rule {
    level: Level::Informational,
    ..MALFORMED
};
pub(super) const EMPTY_ELEMENTS: Rule = Rule::must(
    "RFC 9110 §5.6.1.2",
    Recipient,
    "A recipient MUST parse and ignore a reasonable number of empty list elements: enough to \
     handle common mistakes by senders that merge values, but not so much that they could be used \
     as a denial-of-service mechanism.",
);

// permessage-deflate.

pub(super) const UNKNOWN_PARAMETER: Rule = Rule::must(
    "RFC 7692 §7",
    Server,
    "A server MUST decline an extension negotiation offer for this extension if any of the \
     following conditions are met: The negotiation offer contains an extension parameter not \
     defined for use in an offer.",
);
pub(super) const INVALID_VALUE: Rule = Rule::must(
    "RFC 7692 §7",
    Server,
    "A server MUST decline an extension negotiation offer for this extension if any of the \
     following conditions are met: […] The negotiation offer contains an extension parameter with \
     an invalid value.",
);
pub(super) const REPEATED_PARAMETER: Rule = Rule::must(
    "RFC 7692 §7",
    Server,
    "A server MUST decline an extension negotiation offer for this extension if any of the \
     following conditions are met: […] The negotiation offer contains multiple extension \
     parameters with the same name.",
);
pub(super) const SERVER_WINDOW: Rule = Rule::must(
    "RFC 7692 §7.1.2.1",
    Server,
    "A server accepts an extension negotiation offer with this parameter by including the \
     \"server_max_window_bits\" extension parameter in the extension negotiation response to send \
     back to the client with the same or smaller value as the offer.",
);
/// An answer without the parameter allows the same window.
pub(super) const LARGEST_SERVER_WINDOW: Rule = Rule {
    level: Level::Should,
    ..SERVER_WINDOW
};
pub(super) const CLIENT_WINDOW: Rule = Rule::must(
    "RFC 7692 §7.1.2.2",
    Server,
    "The \"client_max_window_bits\" extension parameter in an extension negotiation response has a \
     decimal integer value without leading zeroes between 8 to 15 inclusive indicating the base-2 \
     logarithm of the LZ77 sliding window size and MUST conform to the ABNF below.",
);
pub(super) const NO_CLIENT_WINDOW: Rule = Rule::must(
    "RFC 7692 §7.1.2.2",
    Server,
    "If a received extension negotiation offer doesn't have the \"client_max_window_bits\" \
     extension parameter, the corresponding extension negotiation response to the offer MUST NOT \
     include the \"client_max_window_bits\" extension parameter.",
);
pub(super) const NO_TAKEOVER: Rule = Rule::must(
    "RFC 7692 §7.1.1.1",
    Server,
    "A server accepts an extension negotiation offer that includes the \
     \"server_no_context_takeover\" extension parameter by including the \
     \"server_no_context_takeover\" extension parameter in the corresponding extension negotiation \
     response to send back to the client.",
);
