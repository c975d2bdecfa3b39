//! Answers to the request that open no WebSocket.

use std::time::Duration;

use ws_driver::ConnectError;
use ws_tests::http2::{self, MAX_WINDOW};
use ws_tests::scripted;
use ws_tests::steps::timed;

use super::{Client, Form, try_answer};

/// Returns the error of opening, and the time that it took.
fn refused(form: Form, answer: Vec<u8>) -> (ConnectError, Duration) {
    let (transport, peer) = scripted::pair();
    let opening = Client::open(form, transport);
    let (result, time) = timed(|| try_answer(opening, &peer, MAX_WINDOW, answer));
    assert!(peer.is_dropped());
    (result.expect("an end").err().expect("an error"), time)
}

#[test]
fn a_refusal_has_its_body() {
    for form in Form::BOTH {
        let answer = [http2::refusal(b"not "), http2::data(b"here"), http2::end()].concat();
        let (error, time) = refused(form, answer);
        let response = error.response().expect("a refusal");
        assert_eq!(
            (response.status().as_u16(), &response.body()[..]),
            (403, &b"not here"[..])
        );
        assert_eq!(time, Duration::ZERO);
    }
}

#[test]
fn a_refusal_whose_body_does_not_end_is_reported_after_a_second() {
    for form in Form::BOTH {
        let (error, time) = refused(form, http2::refusal(b"not"));
        let response = error.response().expect("a refusal");
        assert_eq!(response.body(), b"not");
        assert_eq!(time, Duration::from_secs(1));
    }
}

#[test]
fn a_server_that_requires_http_1_1_does_not_support_http_2() {
    for form in Form::BOTH {
        // HTTP_1_1_REQUIRED, and REFUSED_STREAM (RFC 9113 §7).
        let (error, _) = refused(form, http2::reset(13));
        assert!(matches!(error, ConnectError::Http2Unsupported), "{error}");
        let (error, _) = refused(form, http2::reset(7));
        assert!(error.is_disconnect(), "{error}");
    }
}
