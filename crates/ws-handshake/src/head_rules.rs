//! The rules by which a head is read.

use crate::limits::{HeadLimits, MAX_HEADERS};

/// The kind of the head, which determines its start line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Response,
}

/// The rules for one head.
///
/// A server reads requests strictly. A client reads responses leniently: it accepts folded lines
/// and lines that are no header, and `field_lines` decides about them. A response ends the
/// exchange, so it cannot hide another one from an intermediary. A bare CR stays an error in both
/// roles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadRules {
    pub(crate) kind: Kind,
    /// The maximum length of the head. The heads of one response share this limit.
    pub(crate) max_len: usize,
    pub(crate) max_lines: usize,
    /// `true` if an LF without CR ends a line.
    pub(crate) bare_line_feeds: bool,
}

impl HeadRules {
    pub(crate) fn request(limits: HeadLimits) -> Self {
        Self {
            kind: Kind::Request,
            max_len: limits.len(),
            max_lines: limits.lines().unwrap_or(MAX_HEADERS),
            bare_line_feeds: false,
        }
    }

    pub(crate) fn response(limits: HeadLimits) -> Self {
        Self {
            kind: Kind::Response,
            max_len: limits.len(),
            max_lines: limits.lines().unwrap_or(usize::MAX),
            bare_line_feeds: false,
        }
    }

    /// Accepts a bare LF as a line end if `allowed` is `true` (RFC 9112 §2.2).
    pub(crate) fn with_bare_line_feeds(self, allowed: bool) -> Self {
        Self {
            bare_line_feeds: allowed,
            ..self
        }
    }

    /// Returns the rules for a head that follows `len` bytes of the same response.
    pub(crate) fn after(self, len: usize) -> Self {
        Self {
            max_len: self.max_len.saturating_sub(len),
            ..self
        }
    }

    pub(crate) fn is_lenient(self) -> bool {
        self.kind == Kind::Response
    }
}
