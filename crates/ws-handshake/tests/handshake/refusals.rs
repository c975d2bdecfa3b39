//! The error of a client for a response other than 101 (RFC 6455 §4.1).

use ws_handshake::{MAX_REFUSAL_BODY_LEN, Request};

use crate::common::{HeadText, client, connect};

#[test]
fn other_statuses_are_reported_with_head_and_body() {
    for status in [200, 204, 301, 302, 400, 401, 403, 426, 500, 503, 599] {
        let head = HeadText::response()
            .start(format!("HTTP/1.1 {status} Whatever"))
            .with("Location: /other")
            .with("Content-Length: 4");
        let bytes = [&head.bytes()[..], b"bodyrest"].concat();
        let error = connect(&bytes).unwrap_err();
        let response = error.refusal().expect("the error must be a refusal");
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["location"], "/other");
        let body: &[u8] = if status == 204 { b"" } else { b"body" };
        assert_eq!(response.body(), body);
        assert!(error.to_string().contains(&status.to_string()), "{error}");
    }
}

#[test]
fn a_refusal_is_reported_when_its_head_is_complete() {
    let mut handshake = client(&Request::new());
    assert!(handshake.receive(b"HTTP/1.1 403 Forbidden\r\n").is_ok());
    assert!(!handshake.is_refused());
    assert!(handshake.receive(b"\r\n").is_ok() && handshake.is_refused());
    assert!(handshake.receive(b"no").is_ok() && handshake.is_refused());
    assert!(handshake.end_of_input().refusal().is_some() && handshake.is_refused());

    let mut handshake = client(&Request::new());
    assert!(handshake.receive(&HeadText::response().bytes()).is_ok());
    assert!(!handshake.is_refused());

    let mut handshake = client(&Request::new());
    assert!(handshake.receive(b"SSH-2.0").is_err());
    assert!(!handshake.is_refused());
}

#[test]
fn a_refusal_is_returned_when_its_body_is_complete() {
    let head = HeadText::response().start("HTTP/1.1 403 Forbidden");
    let refused = |handshake: &mut ws_handshake::ClientHandshake, bytes: &[u8]| {
        handshake
            .receive(bytes)
            .err()
            .map(|error| error.refusal().unwrap().body().clone())
    };
    let mut handshake = client(&Request::new());
    assert_eq!(
        refused(
            &mut handshake,
            &head.clone().with("Content-Length: 4").bytes()
        ),
        None
    );
    assert_eq!(refused(&mut handshake, b"bod"), None);
    assert_eq!(refused(&mut handshake, b"y"), Some(b"body".to_vec()));
    // Later calls return the same error.
    assert_eq!(refused(&mut handshake, b"more"), Some(b"body".to_vec()));

    let mut handshake = client(&Request::new());
    let chunked = head.clone().with("Transfer-Encoding: chunked").bytes();
    assert_eq!(refused(&mut handshake, &chunked), None);
    assert_eq!(refused(&mut handshake, b"2\r\nbo\r\n2;x\r\ndy\r\n"), None);
    assert_eq!(refused(&mut handshake, b"0\r\n"), Some(b"body".to_vec()));

    let empty = head.clone().with("Content-Length: 0").bytes();
    assert_eq!(refused(&mut client(&Request::new()), &empty), Some(vec![]));

    let mut handshake = client(&Request::new());
    assert_eq!(
        refused(&mut handshake, &[&head.bytes()[..], b"bo"].concat()),
        None
    );
    assert_eq!(refused(&mut handshake, b"dy"), None);
    assert_eq!(handshake.end_of_input().refusal().unwrap().body(), b"body");
    assert_eq!(handshake.end_of_input().refusal().unwrap().body(), b"body");
}

#[test]
fn a_long_body_is_truncated() {
    let head = HeadText::response().start("HTTP/1.1 500 Oops").bytes();
    let body = vec![b'x'; MAX_REFUSAL_BODY_LEN + 1];
    let cut = |length| connect(&[&head[..], &body[..length]].concat());
    assert!(cut(MAX_REFUSAL_BODY_LEN - 1).is_ok());
    for length in [MAX_REFUSAL_BODY_LEN, MAX_REFUSAL_BODY_LEN + 1] {
        let error = cut(length).unwrap_err();
        assert_eq!(error.refusal().unwrap().body().len(), MAX_REFUSAL_BODY_LEN);
    }
}

#[test]
fn refusals_of_http_1_0_are_reported() {
    let head = HeadText::response()
        .start("HTTP/1.0 403 Forbidden")
        .with("Content-Length: 0");
    let error = connect(&head.bytes()).unwrap_err();
    assert_eq!(error.refusal().unwrap().version(), http::Version::HTTP_10);
}

#[test]
fn debug_of_a_refusal_shows_neither_cookies_nor_the_body() {
    let head = HeadText::response()
        .start("HTTP/1.1 403 Forbidden")
        .with("Set-Cookie: hidden")
        .with("Content-Length: 6");
    let error = connect(&[&head.bytes()[..], b"hidden"].concat()).unwrap_err();
    let shown = format!("{error:?}");
    assert!(
        shown.contains("403") && shown.contains("body_len: 6"),
        "{shown}"
    );
    assert!(
        !shown.contains("hidden") && !shown.contains("104"),
        "{shown}"
    );
}
