//! The sentences that decide groups 20 and 22.
//!
//! The level is that of a check on the testee. It is lower than the keyword of the sentence if the
//! sentence binds the other side, or leaves a limit to the testee.

mod client;
mod server;

pub(super) use client::*;
pub(super) use server::*;

use crate::case::Party::Recipient;
use crate::case::Rule;

// Heads of requests and responses.

pub(crate) const BYTES: Rule = Rule::must(
    "RFC 9112 §2.2",
    Recipient,
    "A recipient MUST parse an HTTP message as a sequence of octets in an encoding that is a \
     superset of US-ASCII [USASCII].",
);
pub(crate) const FIELD_NAMES: Rule = Rule::must(
    "RFC 9110 §5.1",
    Recipient,
    "Field names are case-insensitive and ought to be registered within the \"Hypertext Transfer \
     Protocol (HTTP) Field Name Registry\"; see Section 16.3.1.",
);
pub(crate) const WHITESPACE: Rule = Rule::must(
    "RFC 9110 §5.5",
    Recipient,
    "When a specific version of HTTP allows such whitespace to appear in a message, a field \
     parsing implementation MUST exclude such whitespace prior to evaluating the field value.",
);
pub(crate) const REPEATED_FIELD: Rule = Rule::must(
    "RFC 9110 §5.2",
    Recipient,
    "When a field name is repeated within a section, its combined field value consists of the list \
     of corresponding field line values within that section, concatenated in order, with each \
     field line value separated by a comma.",
);
pub(crate) const EMPTY_ELEMENTS: Rule = Rule::must(
    "RFC 9110 §5.6.1.2",
    Recipient,
    "A recipient MUST parse and ignore a reasonable number of empty list elements: enough to \
     handle common mistakes by senders that merge values, but not so much that they could be used \
     as a denial-of-service mechanism.",
);
pub(crate) const UNKNOWN_FIELDS: Rule = Rule::should(
    "RFC 9110 §5.1",
    Recipient,
    "Other recipients SHOULD ignore unrecognized header and trailer fields.",
);
pub(crate) const OBS_TEXT: Rule = Rule::should(
    "RFC 9110 §5.5",
    Recipient,
    "A recipient SHOULD treat other allowed octets in field content (i.e., obs-text) as opaque \
     data.",
);
/// No standard sets a number. A recipient that reads 1 MiB of headers and more has no limit.
pub(crate) const LIMITS: Rule = Rule::should(
    "RFC 9110 §17.5",
    Recipient,
    "Recipients ought to carefully limit the extent to which they process other protocol elements, \
     including (but not limited to) request methods, response status phrases, field names, numeric \
     values, and chunk lengths.",
);
