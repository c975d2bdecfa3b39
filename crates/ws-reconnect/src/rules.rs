//! The table that decides what happens after a failure.

use std::ops::RangeInclusive;

use ws_driver::CloseCode;
use ws_driver::http::StatusCode;

use crate::cause::{Cause, Subject};

/// A table that decides whether a client connects again. It is a value: add rows to change it.
///
/// The last row that fits decides. If no row fits, the failure is fatal. The default rows:
///
/// | failure | verdict | reason |
/// |---|---|---|
/// | Close 1000 | end | The peer is done. |
/// | Close 1001, 1012, 1013 | retry | The server goes away, restarts, or is busy. |
/// | Close 1005 (without a code) | retry | Many servers close in this way when they stop. A feed that stays silent is worse than one connection too many. |
/// | 1006: the connection ended without a Close | retry | The network, or a server that crashed. |
/// | Close 1011, 1014 | retry | As the statuses 500 and 502. |
/// | Close 1002, 1003, 1007 to 1010, also for violations that this end finds | fatal | The same would happen again. |
/// | Close 3000 to 4999 | fatal | Only the application knows their meaning. Add a row for codes after which it should connect again. |
/// | status 429, 500, 502, 503, 504, and other 5xx | retry | The server is overloaded or broken for now. |
/// | status 501, 505, 511 | fatal | The server will not support this later. |
/// | other statuses | fatal | The request is wrong, or not authorized. |
/// | [`CauseKind::Network`], [`CauseKind::Timeout`] | retry | |
/// | every other [`CauseKind`] | fatal | |
///
/// A status of an HTTP proxy counts as that of a server.
///
/// ```
/// use ws_reconnect::{CauseKind, Rules, Verdict};
/// use ws_reconnect::{CloseCode, http::StatusCode};
///
/// let rules = Rules::default()
///     .close(4000, Verdict::Retry) // this server: the session has expired
///     .status(StatusCode::UNAUTHORIZED, Verdict::Retry) // the next token may be valid
///     .kind(CauseKind::Certificate, Verdict::Retry);
/// assert_eq!(rules.on_close(CloseCode::new(4000)), Verdict::Retry);
/// assert_eq!(rules.on_close(CloseCode::POLICY), Verdict::Fatal);
/// assert_eq!(rules.on_close(CloseCode::NORMAL), Verdict::End);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    rows: Vec<Rule>,
}

/// A row of [`Rules`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The failures that the row fits.
    pub on: Failure,
    /// The decision.
    pub verdict: Verdict,
}

/// The failures that a [`Rule`] fits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// A Close with one of these codes. 1005 stands for a Close without a code, and 1006 for the
    /// end of a connection without a Close.
    Close(RangeInclusive<u16>),
    /// A refusal with one of these statuses.
    Status(RangeInclusive<u16>),
    /// A failure of this kind.
    Kind(CauseKind),
}

/// The decision of [`Rules`] about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The client connects again, after the delay of [`Backoff`](crate::Backoff).
    Retry,
    /// The client gives up, with the error [`GaveUp`](crate::GaveUp).
    Fatal,
    /// The client ends without an error, as after a Close with 1000.
    End,
}

/// The kind of a [`Cause`] that has neither a close code nor a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CauseKind {
    /// The server or the proxy cannot be reached, or disconnected before the connection was open.
    /// Also names that cannot be resolved.
    Network,
    /// A timeout passed: of connecting, of the hook, or of an open connection.
    Timeout,
    /// A certificate is unacceptable, or missing.
    Certificate,
    /// TLS failed for another lasting reason.
    Tls,
    /// The URL or the settings are invalid. Nothing was sent.
    Request,
    /// The response is not that of a WebSocket server, or a redirect cannot be followed.
    Response,
    /// The proxy refused without an HTTP status.
    Proxy,
    /// A mistake of this program or a limit of this machine, such as a lack of permission.
    Local,
}

impl Default for Rules {
    fn default() -> Self {
        use CauseKind::{Certificate, Local, Network, Proxy, Request, Response, Timeout, Tls};
        use Verdict::{End, Fatal, Retry};

        let rules = Self::empty()
            .close(1000, End)
            .close(1001, Retry)
            .closes(1002..=1003, Fatal)
            .closes(1005..=1006, Retry)
            .closes(1007..=1010, Fatal)
            .closes(1011..=1014, Retry)
            .closes(3000..=4999, Fatal)
            .statuses(100..=499, Fatal)
            .statuses(429..=429, Retry)
            .statuses(500..=599, Retry)
            .statuses(501..=501, Fatal)
            .statuses(505..=505, Fatal)
            .statuses(511..=511, Fatal);
        let kinds = [
            (Network, Retry),
            (Timeout, Retry),
            (Certificate, Fatal),
            (Tls, Fatal),
            (Request, Fatal),
            (Response, Fatal),
            (Proxy, Fatal),
            (Local, Fatal),
        ];
        { kinds }
            .into_iter()
            .fold(rules, |rules, (kind, verdict)| rules.kind(kind, verdict))
    }
}

impl Rules {
    /// Returns a table without rows. Every failure is fatal.
    #[must_use]
    pub const fn empty() -> Self {
        Self { rows: Vec::new() }
    }

    /// Returns the rows. The last one that fits decides.
    #[must_use]
    pub fn rows(&self) -> &[Rule] {
        &self.rows
    }

    /// Adds a row for a close code.
    #[must_use]
    pub fn close(self, code: impl Into<CloseCode>, verdict: Verdict) -> Self {
        let code = code.into().number();
        self.closes(code..=code, verdict)
    }

    /// Adds a row for a range of close codes.
    #[must_use]
    pub fn closes(self, codes: RangeInclusive<u16>, verdict: Verdict) -> Self {
        self.row(Failure::Close(codes), verdict)
    }

    /// Adds a row for a status.
    #[must_use]
    pub fn status(self, status: StatusCode, verdict: Verdict) -> Self {
        self.statuses(status.as_u16()..=status.as_u16(), verdict)
    }

    /// Adds a row for a range of statuses.
    #[must_use]
    pub fn statuses(self, statuses: RangeInclusive<u16>, verdict: Verdict) -> Self {
        self.row(Failure::Status(statuses), verdict)
    }

    /// Adds a row for a kind of failure.
    #[must_use]
    pub fn kind(self, kind: CauseKind, verdict: Verdict) -> Self {
        self.row(Failure::Kind(kind), verdict)
    }

    fn row(mut self, on: Failure, verdict: Verdict) -> Self {
        self.rows.push(Rule { on, verdict });
        self
    }

    /// Returns the verdict on a Close with this code.
    #[must_use]
    pub fn on_close(&self, code: CloseCode) -> Verdict {
        self.find(|on| matches!(on, Failure::Close(codes) if codes.contains(&code.number())))
    }

    /// Returns the verdict on a refusal with this status.
    #[must_use]
    pub fn on_status(&self, status: StatusCode) -> Verdict {
        let status = status.as_u16();
        self.find(|on| matches!(on, Failure::Status(statuses) if statuses.contains(&status)))
    }

    /// Returns the verdict on a failure of this kind.
    #[must_use]
    pub fn on_kind(&self, kind: CauseKind) -> Verdict {
        self.find(|on| matches!(on, Failure::Kind(row) if *row == kind))
    }

    /// Returns the verdict on a cause. A hook has decided about [`Cause::Retry`] and
    /// [`Cause::Fatal`] already.
    #[must_use]
    pub fn verdict(&self, cause: &Cause) -> Verdict {
        match cause.subject() {
            Subject::Close(code) => self.on_close(code),
            Subject::Status(status) => self.on_status(status),
            Subject::Kind(kind) => self.on_kind(kind),
            Subject::Decided(verdict) => verdict,
        }
    }

    fn find(&self, fits: impl Fn(&Failure) -> bool) -> Verdict {
        let mut rows = self.rows.iter().rev();
        rows.find(|row| fits(&row.on))
            .map_or(Verdict::Fatal, |row| row.verdict)
    }
}
