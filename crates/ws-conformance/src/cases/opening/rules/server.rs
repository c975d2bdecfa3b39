//! Sentences about requests that a server accepts or refuses.

use crate::case::Party::{Client, Recipient, Sender, Server};
use crate::case::Rule;

// Requests that a server accepts.

pub(crate) const ACCEPT_VALUE: Rule = Rule::must(
    "RFC 6455 §4.2.2",
    Server,
    "The value of this header field is constructed by concatenating /key/, defined above in step 4 \
     in Section 4.2.2, with the string \"258EAFA5-E914-47DA-95CA-C5AB0DC85B11\", taking the SHA-1 \
     hash of this concatenated value to obtain a 20-byte value and base64-encoding (see Section 4 \
     of [RFC4648]) this 20-byte hash.",
);
pub(crate) const UPGRADE_VALUE: Rule = Rule::must(
    "RFC 6455 §4.2.1",
    Server,
    "An |Upgrade| header field containing the value \"websocket\", treated as an ASCII \
     case-insensitive value.",
);
/// RFC 6455 §4.2.1 can be read as if the header had no list, and a server "MAY ignore a received
/// Upgrade header field".
pub(crate) const UPGRADE_LIST: Rule = Rule::should(
    "RFC 9110 §7.8",
    Client,
    "A client MAY send a list of protocol names in the Upgrade header field of a request to invite \
     the server to switch to one or more of the named protocols, in order of descending \
     preference, before sending the final response.",
);
pub(crate) const CONNECTION_TOKEN: Rule = Rule::must(
    "RFC 6455 §4.2.1",
    Server,
    "A |Connection| header field that includes the token \"Upgrade\", treated as an ASCII \
     case-insensitive value.",
);
pub(crate) const ABSOLUTE_FORM: Rule = Rule::must(
    "RFC 9112 §3.2.2",
    Server,
    "A server MUST accept the absolute-form in requests even though most HTTP/1.1 clients will \
     only send the absolute-form to a proxy.",
);
pub(crate) const EMPTY_LINE: Rule = Rule::should(
    "RFC 9112 §2.2",
    Server,
    "In the interest of robustness, a server that is expecting to receive and parse a request-line \
     SHOULD ignore at least one empty line (CRLF) received prior to the request-line.",
);
/// Binds the client. A server may fail the connection, read the message, or lose it.
pub(crate) const EARLY_DATA: Rule = Rule::open(
    "RFC 6455 §4.1",
    Client,
    "Once the client's opening handshake has been sent, the client MUST wait for a response from \
     the server before sending any further data.",
);

// Requests that a server refuses.

pub(crate) const MISMATCH: Rule = Rule::must(
    "RFC 6455 §4.2.1",
    Server,
    "If the server, while reading the handshake, finds that the client did not send a handshake \
     that matches the description below (note that as per [RFC2616], the order of the header \
     fields is not important), including but not limited to any violations of the ABNF grammar \
     specified for the components of the handshake, the server MUST stop processing the client's \
     handshake and return an HTTP response with an appropriate error code (such as 400 Bad \
     Request).",
);
/// §4.2.2 adds: "It is not necessary for the server to base64-decode the |Sec-WebSocket-Key|
/// value." A server that does not decode the key does not notice its wrong length.
pub(crate) const KEY_LENGTH: Rule = Rule::should(
    "RFC 6455 §4.2.1",
    Server,
    "A |Sec-WebSocket-Key| header field with a base64-encoded (see Section 4 of [RFC4648]) value \
     that, when decoded, is 16 bytes in length.",
);
pub(crate) const ONE_KEY: Rule = Rule::should(
    "RFC 6455 §11.3.1",
    Sender,
    "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request.",
);
pub(crate) const ONE_VERSION: Rule = Rule::should(
    "RFC 6455 §11.3.5",
    Sender,
    "The |Sec-WebSocket-Version| header field MUST NOT appear more than once in an HTTP request.",
);
pub(crate) const PAD_BITS: Rule = Rule::open(
    "RFC 4648 §3.5",
    Recipient,
    "In some environments, the alteration is critical and therefore decoders MAY chose to reject \
     an encoding if the pad bits have not been set to zero.",
);
pub(crate) const OTHER_VERSION: Rule = Rule::must(
    "RFC 6455 §4.2.2",
    Server,
    "If this version does not match a version understood by the server, the server MUST abort the \
     WebSocket handshake described in this section and instead send an appropriate HTTP error code \
     (such as 426 Upgrade Required) and a |Sec-WebSocket-Version| header field indicating the \
     version(s) the server is capable of understanding.",
);
pub(crate) const HOST: Rule = Rule::must(
    "RFC 9112 §3.2",
    Server,
    "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message \
     that lacks a Host header field and to any request message that contains more than one Host \
     header field line or a Host header field with an invalid field value.",
);
/// RFC 6455 §4.2.1 requires "HTTP/1.1 or higher", but HTTP/2 has another form.
pub(crate) const MAJOR_VERSION: Rule = Rule::open(
    "RFC 9110 §2.5",
    Server,
    "A server can send a 505 (HTTP Version Not Supported) response if it wishes, for any reason, \
     to refuse service of the client's major protocol version.",
);
pub(crate) const REQUEST_LINE: Rule = Rule::should(
    "RFC 9112 §3",
    Recipient,
    "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or \
     a 301 (Moved Permanently) redirect with the request-target properly encoded.",
);
pub(crate) const SPACE_BEFORE_COLON: Rule = Rule::must(
    "RFC 9112 §5.1",
    Server,
    "A server MUST reject, with a response status code of 400 (Bad Request), any received request \
     message that contains whitespace between a header field name and colon.",
);
pub(crate) const FOLDED_REQUEST: Rule = Rule::must(
    "RFC 9112 §5.2",
    Server,
    "A server that receives an obs-fold in a request message that is not within a \
     \"message/http\" container MUST either reject the message by sending a 400 (Bad Request), \
     preferably with a representation explaining that obsolete line folding is unacceptable, or \
     replace each received obs-fold with one or more SP octets prior to interpreting the field \
     value or forwarding the message downstream.",
);
pub(crate) const BARE_CR: Rule = Rule::must(
    "RFC 9112 §2.2",
    Recipient,
    "A recipient of such a bare CR MUST consider that element to be invalid or replace each bare \
     CR with SP before processing the element or forwarding the message.",
);
pub(crate) const NUL: Rule = Rule::must(
    "RFC 9110 §5.5",
    Recipient,
    "Field values containing CR, LF, or NUL characters are invalid and dangerous, due to the \
     varying ways that implementations might parse and interpret those characters; a recipient of \
     CR, LF, or NUL within a field value MUST either reject the message or replace each of those \
     characters with SP before further processing or forwarding of that message.",
);
/// Has no keyword. A server that treats the body as frames reads another message than was sent.
pub(crate) const BODY: Rule = Rule::should(
    "RFC 9112 §6",
    Recipient,
    "The presence of a message body in a request is signaled by a Content-Length or \
     Transfer-Encoding header field.",
);
pub(crate) const MANY_FIELDS: Rule = Rule::open(
    "RFC 9110 §5.4",
    Server,
    "HTTP does not place a predefined limit on the length of each field line, field value, or on \
     the length of a header or trailer section as a whole, as described in Section 2.",
);
pub(crate) const INCOMPLETE_REQUEST: Rule = Rule::open(
    "RFC 9112 §8",
    Server,
    "A server that receives an incomplete request message, usually due to a canceled request or a \
     triggered timeout exception, MAY send an error response prior to closing the connection.",
);
pub(crate) const UNASKED_SWITCH: Rule = Rule::must(
    "RFC 9110 §7.8",
    Server,
    "A server MUST NOT switch to a protocol that was not indicated by the client in the \
     corresponding request's Upgrade header field.",
);
pub(crate) const NOT_HTTP: Rule = Rule::should(
    "RFC 9112 §2.2",
    Server,
    "When a server listening only for HTTP request messages, or processing what appears from the \
     start-line to be an HTTP request message, receives a sequence of octets that does not match \
     the HTTP-message grammar aside from the robustness exceptions listed above, the server SHOULD \
     respond with a 400 (Bad Request) response and close the connection.",
);
