//! Every row of the default table, and the causes that the rows are about.

use std::io;

use ws_driver::http::StatusCode;
use ws_driver::{
    CloseCode, CloseFrame, CloseReason, ConnectError, Error, ProtocolError, SendError, Timeout,
    TlsError, TlsErrorKind,
};
use ws_reconnect::{Cause, CauseKind, Failure, Rules, Verdict};
use ws_tests::exec;
use ws_tests::scripted::network;

use super::{client, refusal};
use Verdict::{End, Fatal, Retry};

#[test]
fn every_close_code_has_its_verdict() {
    let rules = Rules::default();
    for code in 0..=u16::MAX {
        let expected = match code {
            1000 => End,
            1001 | 1005 | 1006 | 1011..=1014 => Retry,
            _ => Fatal,
        };
        assert_eq!(rules.on_close(CloseCode::new(code)), expected, "{code}");
        let close = CloseFrame::new(CloseCode::new(code), CloseReason::default());
        assert_eq!(rules.verdict(&Cause::Closed(close.clone())), expected);
        let closed = Cause::Connection(Error::Closed(Some(Box::new(close))));
        assert_eq!(rules.verdict(&closed), expected);
    }
}

#[test]
fn every_status_has_its_verdict() {
    let rules = Rules::default();
    for status in 100..1000 {
        let expected = match status {
            501 | 505 | 511 => Fatal,
            429 | 500..=599 => Retry,
            _ => Fatal,
        };
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(rules.on_status(status), expected, "{status}");
    }
}

#[test]
fn a_refusal_is_judged_by_its_status() {
    for (head, expected) in [
        ("400 Bad Request", Fatal),
        ("401 Unauthorized", Fatal),
        ("429 Too Many Requests", Retry),
        ("500 Internal Server Error", Retry),
        ("503 Service Unavailable", Retry),
        ("200 OK", Fatal),
        ("302 Found", Fatal),
    ] {
        network::clear();
        network::at("127.0.0.1:80", refusal(head));
        let backoff = ws_reconnect::Backoff::default().max_failures(1);
        let mut client = client().backoff(backoff);
        let gave_up = exec::run(network::serving(client.next())).unwrap_err();
        assert_eq!(Rules::default().verdict(&gave_up.cause), expected, "{head}");
        let is_fatal = gave_up.reason == ws_reconnect::Reason::Fatal;
        assert_eq!(is_fatal, expected == Fatal, "{head}");
    }
}

fn tls(kind: TlsErrorKind) -> TlsError {
    TlsError::new(kind, "a test")
}

#[test]
fn every_kind_of_cause_has_its_verdict() {
    let refused = || io::Error::from(io::ErrorKind::ConnectionReset);
    let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
    let target = ws_driver::handshake::Target::parse("http://a/").unwrap_err();
    let rules = Rules::default();
    for (cause, expected) in [
        (ConnectError::Io(refused()).into(), Retry),
        (ConnectError::Io(denied()).into(), Fatal),
        (ConnectError::Lost.into(), Retry),
        (ConnectError::Resolve(denied()).into(), Retry),
        (
            ConnectError::Timeout(ws_driver::ConnectPhase::Tls).into(),
            Retry,
        ),
        (ConnectError::Http2Unsupported.into(), Fatal),
        (ConnectError::TlsUnavailable.into(), Fatal),
        (ConnectError::Target(target).into(), Fatal),
        (ConnectError::UnixSocket(denied()).into(), Fatal),
        (
            ConnectError::Tls(tls(TlsErrorKind::CertificateExpired)).into(),
            Fatal,
        ),
        (ConnectError::Tls(tls(TlsErrorKind::NotTls)).into(), Fatal),
        (ConnectError::Tls(tls(TlsErrorKind::Session)).into(), Retry),
        (Error::Lost.into(), Retry),
        (Error::Closed(None).into(), Retry),
        (Error::Io(refused()).into(), Retry),
        (
            Error::Io(tls(TlsErrorKind::CertificateRequired).into()).into(),
            Fatal,
        ),
        (Error::Io(tls(TlsErrorKind::Session).into()).into(), Retry),
        (Error::Timeout(Timeout::Pong).into(), Retry),
        (Error::Timeout(Timeout::WriteStall).into(), Retry),
        (Error::Timeout(Timeout::Unreceived).into(), Fatal),
        (Error::Send(SendError::UnfinishedMessage).into(), Fatal),
        (Error::from(ProtocolError::InvalidUtf8).into(), Fatal),
        (Cause::OpenTimeout, Retry),
        (Cause::retry("by the hook"), Retry),
        (Cause::fatal("by the hook"), Fatal),
    ] {
        assert_eq!(rules.verdict(&cause), expected, "{cause:?}");
    }
}

#[test]
fn the_last_row_that_fits_decides() {
    let rules = Rules::default()
        .closes(4000..=4999, Retry)
        .close(4001, Fatal)
        .status(StatusCode::UNAUTHORIZED, Retry)
        .kind(CauseKind::Certificate, Retry)
        .kind(CauseKind::Network, End);
    assert_eq!(rules.on_close(CloseCode::new(4000)), Retry);
    assert_eq!(rules.on_close(CloseCode::new(4001)), Fatal);
    assert_eq!(rules.on_status(StatusCode::UNAUTHORIZED), Retry);
    assert_eq!(rules.on_kind(CauseKind::Certificate), Retry);
    assert_eq!(rules.on_kind(CauseKind::Network), End);
    let row = rules.rows().last().unwrap();
    assert_eq!(
        (&row.on, row.verdict),
        (&Failure::Kind(CauseKind::Network), End)
    );
    // Without rows, everything is fatal.
    assert_eq!(Rules::empty().on_close(CloseCode::NORMAL), Fatal);
    assert_eq!(Rules::empty().on_kind(CauseKind::Network), Fatal);
}
