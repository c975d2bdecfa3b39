//! Sentences about the request of a client, and about responses that it accepts or refuses.

use crate::case::Party::{Client, Recipient, Sender, Server};
use crate::case::{Level, Rule};

// The request of a client.

pub(crate) const METHOD: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1.",
);
pub(crate) const TARGET: Rule = Rule::must(
    "RFC 6455 §3",
    Client,
    "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used on \
     these URIs.",
);
pub(crate) const SENT_HOST: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "The request MUST contain a |Host| header field whose value contains /host/ plus optionally \
     \":\" followed by /port/ (when not using the default port).",
);
pub(crate) const SENT_UPGRADE: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "The request MUST contain an |Upgrade| header field whose value MUST include the \
     \"websocket\" keyword.",
);
pub(crate) const SENT_CONNECTION: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "The request MUST contain a |Connection| header field whose value MUST include the \
     \"Upgrade\" token.",
);
pub(crate) const SENT_KEY: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "The value of this header field MUST be a nonce consisting of a randomly selected 16-byte \
     value that has been base64-encoded (see Section 4 of [RFC4648]).",
);
pub(crate) const NEW_KEY: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "The nonce MUST be selected randomly for each connection.",
);
pub(crate) const SENT_VERSION: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "The request MUST include a header field with the name |Sec-WebSocket-Version|. The value of \
     this header field MUST be 13.",
);
pub(crate) const SENT_PROTOCOLS: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "The elements that comprise this value MUST be non-empty strings with characters in the range \
     U+0021 to U+007E not including separator characters as defined in [RFC2616] and MUST all be \
     unique strings.",
);
pub(crate) const ONE_ORIGIN: Rule = Rule::must(
    "RFC 6454 §7.3",
    Client,
    "The user agent MUST NOT include more than one Origin header field in any HTTP request.",
);

// Responses that a client accepts.

pub(crate) const INTERIM: Rule = Rule::must(
    "RFC 9110 §15.2",
    Client,
    "A client MUST be able to parse one or more 1xx responses received prior to a final response, \
     even if the client does not expect one.",
);
pub(crate) const ESTABLISHED: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "If the server's response is validated as provided for above, it is said that _The WebSocket \
     Connection is Established_ and that the WebSocket Connection is in the OPEN state.",
);
pub(crate) const STATUS_LINE: Rule = Rule::must(
    "RFC 9112 §4",
    Recipient,
    "The first line of a response message is the status-line, consisting of the protocol version, \
     a space (SP), the status code, and another space and ending with an OPTIONAL textual phrase \
     describing the status code.",
);
pub(crate) const REASON_PHRASE: Rule = Rule::should(
    "RFC 9112 §4",
    Client,
    "A client SHOULD ignore the reason-phrase content because it is not a reliable channel for \
     information (it might be translated for a given locale, overwritten by intermediaries, or \
     discarded when the message is forwarded via other versions of HTTP).",
);
/// Binds the server. A recipient "MAY instead parse on whitespace-delimited word boundaries".
pub(crate) const SPACE_BEFORE_REASON: Rule = Rule::open(
    "RFC 9112 §4",
    Server,
    "A server MUST send the space that separates the status-code from the reason-phrase even when \
     the reason-phrase is absent (i.e., the status-line would end with the space).",
);
pub(crate) const FOLDED_RESPONSE: Rule = Rule::must(
    "RFC 9112 §5.2",
    Client,
    "A user agent that receives an obs-fold in a response message that is not within a \
     \"message/http\" container MUST replace each received obs-fold with one or more SP octets \
     prior to interpreting the field value.",
);
/// A response with this header is wrong (RFC 9110 §8.6), and yet has no body. A client may refuse
/// the response. It cannot wait for a body.
pub(crate) const NO_BODY: Rule = Rule::open(
    "RFC 9112 §6.3",
    Recipient,
    "Any response to a HEAD request and any response with a 1xx (Informational), 204 (No Content), \
     or 304 (Not Modified) status code is always terminated by the first empty line after the \
     header fields, regardless of the header fields present in the message, and thus cannot \
     contain a message body or trailer section.",
);

// Responses that a client refuses.

pub(crate) const STATUS: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "If the status code received from the server is not 101, the client handles the response per \
     HTTP [RFC2616] procedures.",
);
pub(crate) const CHECKED_UPGRADE: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "If the response lacks an |Upgrade| header field or the |Upgrade| header field contains a value \
     that is not an ASCII case-insensitive match for the value \"websocket\", the client MUST \
     _Fail the WebSocket Connection_.",
);
pub(crate) const CHECKED_CONNECTION: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "If the response lacks a |Connection| header field or the |Connection| header field doesn't \
     contain a token that is an ASCII case-insensitive match for the value \"Upgrade\", the \
     client MUST _Fail the WebSocket Connection_.",
);
pub(crate) const CHECKED_ACCEPT: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "If the response lacks a |Sec-WebSocket-Accept| header field or the |Sec-WebSocket-Accept| \
     contains a value other than the base64-encoded SHA-1 of the concatenation of the \
     |Sec-WebSocket-Key| (as a string, not base64-decoded) with the string \
     \"258EAFA5-E914-47DA-95CA-C5AB0DC85B11\" but ignoring any leading and trailing whitespace, \
     the client MUST _Fail the WebSocket Connection_.",
);
/// Binds the server. The first of two accept values is correct.
pub(crate) const ONE_ACCEPT: Rule = Rule::should(
    "RFC 6455 §11.3.3",
    Sender,
    "The |Sec-WebSocket-Accept| header MUST NOT appear more than once in an HTTP response.",
);
pub(crate) const CHECKED_EXTENSIONS: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "If the response includes a |Sec-WebSocket-Extensions| header field and this header field \
     indicates the use of an extension that was not present in the client's handshake (the server \
     has indicated an extension not requested by the client), the client MUST _Fail the WebSocket \
     Connection_.",
);
pub(crate) const CHECKED_PROTOCOL: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "If the response includes a |Sec-WebSocket-Protocol| header field and this header field \
     indicates the use of a subprotocol that was not present in the client's handshake (the server \
     has indicated a subprotocol not requested by the client), the client MUST _Fail the WebSocket \
     Connection_.",
);
pub(crate) const CONFORMING: Rule = Rule::must(
    "RFC 6455 §4.1",
    Client,
    "If the server's response does not conform to the requirements for the server's handshake as \
     defined in this section and in Section 4.2.2, the client MUST _Fail the WebSocket \
     Connection_.",
);
/// Binds the server. HTTP/1.0 has no status 101.
pub(crate) const RESPONSE_VERSION: Rule = Rule::should(
    "RFC 9110 §2.5",
    Sender,
    "A server SHOULD send a response version equal to the highest version to which the server is \
     conformant that has a major version less than or equal to the one received in the request.",
);
pub(crate) const LOST_CONNECTION: Rule = Rule::must(
    "RFC 6455 §7.2.1",
    Client,
    "If at any point the underlying transport layer connection is unexpectedly lost, the client \
     MUST _Fail the WebSocket Connection_.",
);
/// The sentence does not limit the wait.
pub(crate) const WAIT: Rule = Rule::open(
    "RFC 6455 §4.1",
    Client,
    "Once the client's opening handshake has been sent, the client MUST wait for a response from \
     the server before sending any further data.",
);
/// Binds the server. A client may treat such a header as absent, as it does with an empty list.
pub(crate) const EMPTY_PROTOCOL: Rule = Rule::open(
    "RFC 6455 §4.2.2",
    Server,
    "The empty string is not the same as the null value for these purposes and is not a legal \
     value for this field.",
);

/// Asks for one value. RFC 9110 §7.8 has a list, whose empty elements a recipient ignores.
pub(crate) const LISTED_UPGRADE: Rule = Rule {
    level: Level::Informational,
    ..CHECKED_UPGRADE
};
pub(crate) const WELL_FORMED_LIST: Rule = Rule::must(
    "RFC 6455 §9.1",
    Recipient,
    "If a value is received by either the client or the server during negotiation that does not \
     conform to the ABNF below, the recipient of such malformed data MUST immediately _Fail the \
     WebSocket Connection_.",
);
/// An empty list does not conform. It offers and agrees to nothing.
pub(crate) const EXTENSION_LIST: Rule = Rule {
    level: Level::Informational,
    ..WELL_FORMED_LIST
};

// permessage-deflate in a response.

pub(crate) const VALID_RESPONSE: Rule = Rule::must(
    "RFC 7692 §5",
    Client,
    "If a server gives an invalid response, such as accepting a PMCE that the client did not \
     offer, the client MUST _Fail the WebSocket Connection_.",
);
pub(crate) const KNOWN_PARAMETER: Rule = Rule::must(
    "RFC 7692 §7",
    Client,
    "A client MUST _Fail the WebSocket Connection_ if the peer server accepted an extension \
     negotiation offer for this extension with an extension negotiation response meeting any of \
     the following conditions: The negotiation response contains an extension parameter not \
     defined for use in a response.",
);
pub(crate) const VALID_PARAMETER: Rule = Rule::must(
    "RFC 7692 §7",
    Client,
    "A client MUST _Fail the WebSocket Connection_ if the peer server accepted an extension \
     negotiation offer for this extension with an extension negotiation response meeting any of \
     the following conditions: […] The negotiation response contains an extension parameter with \
     an invalid value.",
);
pub(crate) const PARAMETER_ONCE: Rule = Rule::must(
    "RFC 7692 §7",
    Client,
    "A client MUST _Fail the WebSocket Connection_ if the peer server accepted an extension \
     negotiation offer for this extension with an extension negotiation response meeting any of \
     the following conditions: […] The negotiation response contains multiple extension parameters \
     with the same name.",
);
