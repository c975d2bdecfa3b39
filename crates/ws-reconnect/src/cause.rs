//! The reasons why a connection ended or did not open.

use std::error::Error as StdError;
use std::io;
use std::time::{Duration, SystemTime};

use ws_driver::http::header::{HeaderMap, RETRY_AFTER};
use ws_driver::http::{Response, StatusCode};
use ws_driver::{CloseCode, CloseFrame, ConnectError, Error, TlsError, TlsErrorKind};

use crate::rules::{CauseKind, Verdict};

/// The reason why a connection ended or did not open. [`Rules`](crate::Rules) decide what follows.
///
/// The hooks return it, too: `?` converts the errors of connections and of connecting.
/// [`retry`](Self::retry) and [`fatal`](Self::fatal) are for errors of the application.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The peer closed the connection.
    #[error("the peer closed the connection with {}{}", .0.code, reason(.0))]
    Closed(CloseFrame),
    /// The connection could not be opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection failed.
    #[error(transparent)]
    Connection(#[from] Error),
    /// A hook has decided that the client gives up.
    #[error("{0}")]
    Fatal(#[source] Box<dyn StdError + Send + Sync>),
    /// The hooks took longer than
    /// [`Reconnecting::open_timeout`](crate::Reconnecting::open_timeout).
    #[error("the connection was not ready in time: see `Reconnecting::open_timeout`")]
    OpenTimeout,
    /// A hook has decided that the client tries again.
    #[error("{0}")]
    Retry(#[source] Box<dyn StdError + Send + Sync>),
}

/// The property of a cause that a row of the table is about.
pub(crate) enum Subject {
    Close(CloseCode),
    Status(StatusCode),
    Kind(CauseKind),
    Decided(Verdict),
}

impl Cause {
    /// Makes a cause after which the client tries again. For hooks.
    pub fn retry(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Retry(error.into())
    }

    /// Makes a cause after which the client gives up. For hooks.
    pub fn fatal(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Fatal(error.into())
    }

    /// Returns the response with which the server or an HTTP proxy refused. `None` for any other
    /// cause.
    #[must_use]
    pub fn response(&self) -> Option<&Response<Vec<u8>>> {
        match self {
            Self::Connect(ConnectError::Proxy(error)) => error.response(),
            Self::Connect(error) => error.response(),
            _ => None,
        }
    }

    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Closed(close) => Subject::Close(close.code),
            Self::Connect(error) => match self.response() {
                Some(response) => Subject::Status(response.status()),
                None => Subject::Kind(connect_kind(error)),
            },
            Self::Connection(error) => connection_subject(error),
            Self::Fatal(_) => Subject::Decided(Verdict::Fatal),
            Self::Retry(_) => Subject::Decided(Verdict::Retry),
            Self::OpenTimeout => Subject::Kind(CauseKind::Timeout),
        }
    }

    /// Returns the time that the server demands before the next attempt (RFC 9110 §10.2.3).
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let response = self.response()?;
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                retry_after(response.headers(), SystemTime::now())
            }
            _ => None,
        }
    }
}

/// Parses `Retry-After`: a number of seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is longer than every bound.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

fn reason(close: &CloseFrame) -> String {
    match &*close.reason {
        "" => String::new(),
        reason => format!(": {reason:?}"),
    }
}

fn connection_subject(error: &Error) -> Subject {
    match error {
        Error::Closed(Some(close)) => Subject::Close(close.code),
        Error::Closed(None) | Error::Lost | Error::Unfinished => {
            Subject::Close(CloseCode::ABNORMAL)
        }
        Error::Io(error) => match tls_error(error) {
            Some(error) => Subject::Kind(tls_kind(error)),
            None => Subject::Close(CloseCode::ABNORMAL),
        },
        Error::Receive(error) => Subject::Close(error.close_code()),
        error if error.is_caller_fault() => Subject::Kind(CauseKind::Local),
        Error::Timeout(_) => Subject::Kind(CauseKind::Timeout),
        // A new kind of error is a failure of the connection.
        _ => Subject::Close(CloseCode::ABNORMAL),
    }
}

/// Returns the error of TLS inside an error of a transport.
fn tls_error(error: &io::Error) -> Option<&TlsError> {
    let tls = error.get_ref()?.downcast_ref::<TlsError>()?;
    (!tls.is_disconnect()).then_some(tls)
}

fn connect_kind(error: &ConnectError) -> CauseKind {
    match error {
        ConnectError::Tls(error) => tls_kind(error),
        ConnectError::Timeout(_) => CauseKind::Timeout,
        ConnectError::Request(_) | ConnectError::Target(_) | ConnectError::TlsUnavailable => {
            CauseKind::Request
        }
        ConnectError::Handshake(_) | ConnectError::Http2Unsupported | ConnectError::Redirect(_) => {
            CauseKind::Response
        }
        error if error.is_disconnect() => CauseKind::Network,
        ConnectError::Proxy(_) => CauseKind::Proxy,
        _ => CauseKind::Local,
    }
}

fn tls_kind(error: &TlsError) -> CauseKind {
    match error.kind() {
        TlsErrorKind::CertificateInvalid
        | TlsErrorKind::CertificateExpired
        | TlsErrorKind::CertificateNotYetValid
        | TlsErrorKind::CertificateRefused
        | TlsErrorKind::CertificateRequired
        | TlsErrorKind::CertificateRevoked
        | TlsErrorKind::CertificateUnknownIssuer
        | TlsErrorKind::CertificateWrongName => CauseKind::Certificate,
        TlsErrorKind::Session => CauseKind::Network,
        _ => CauseKind::Tls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (value, expected) in [
            ("0", seconds(0)),
            (" 120 ", seconds(120)),
            ("99999999999999999999999", seconds(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", seconds(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", seconds(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), expected, "{value:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
