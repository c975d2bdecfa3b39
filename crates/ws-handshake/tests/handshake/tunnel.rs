//! The tunnel through an HTTP proxy (RFC 9110 §9.3.6).

use proptest::prelude::*;
use ws_handshake::{
    Credentials, CredentialsError, HeadError, MAX_HEAD_LEN, MAX_REFUSAL_BODY_LEN, Tunnel,
    TunnelError,
};

use crate::common::feed;

fn tunnel() -> Tunnel {
    Tunnel::new("example.com", 443, None).unwrap()
}

/// Passes the pieces to a tunnel. Returns the number of bytes consumed, or the error and its
/// refusal, as text.
fn run<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> String {
    let mut tunnel = tunnel();
    let result = match feed(pieces, |piece| tunnel.receive(piece)) {
        Ok((consumed, done)) => format!("{consumed} {done:?}"),
        Err(error) => format!(
            "{error:?} {:?}",
            error.refusal().map(|refusal| refusal.body())
        ),
    };
    // The error at the end of the stream must not depend on the split either.
    let end = tunnel.end_of_input();
    format!("{result} {end:?} {}", tunnel.is_refused())
}

/// Asserts that every split has the same result: whole, in two at each position, and in single
/// bytes. Returns the result.
fn run_in_every_split(bytes: &[u8]) -> String {
    let whole = run([bytes].into_iter());
    for at in 0..=bytes.len() {
        let (first, second) = bytes.split_at(at);
        let split = run([first, second].into_iter());
        assert_eq!(split, whole, "{} split at {at}", bytes.escape_ascii());
    }
    assert_eq!(run(bytes.chunks(1)), whole, "{}", bytes.escape_ascii());
    whole
}

#[test]
fn the_request_names_host_and_port() {
    for (host, authority) in [
        ("example.com", "example.com:443"),
        ("127.0.0.1", "127.0.0.1:443"),
        ("2001:db8::1", "[2001:db8::1]:443"),
        ("[::1]", "[::1]:443"),
    ] {
        let tunnel = Tunnel::new(host, 443, None).unwrap();
        let expected = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        assert_eq!(
            tunnel.request().escape_ascii().to_string(),
            expected.escape_default().to_string()
        );
    }
    let credentials = Credentials::new("Aladdin", "open sesame");
    let tunnel = Tunnel::new("h", 80, Some(&credentials)).unwrap();
    let expected = "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\
        Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
    assert_eq!(tunnel.request(), expected.as_bytes());
}

#[test]
fn strings_that_could_add_lines_are_refused() {
    let controls = (0..=0x20_u8).chain([0x7f]).map(char::from);
    for character in controls.chain(['@', '/', '?', '#', '%', ':', '\u{e9}', '\u{85}']) {
        for host in [
            format!("a{character}"),
            format!("{character}a"),
            format!("a{character}b"),
        ] {
            let error = Tunnel::new(&host, 80, None).unwrap_err();
            assert!(matches!(error, TunnelError::InvalidHost), "{host:?}");
        }
    }
    assert!(matches!(
        Tunnel::new("", 80, None),
        Err(TunnelError::InvalidHost)
    ));
    for (user, password, expected) in [
        ("a\r\nX", "b", CredentialsError::ControlCharacter),
        ("a", "b\n", CredentialsError::ControlCharacter),
        ("a", "b\0", CredentialsError::ControlCharacter),
        ("a:b", "c", CredentialsError::ColonInUser),
    ] {
        let result = Tunnel::new("h", 80, Some(&Credentials::new(user, password)));
        assert!(matches!(result, Err(TunnelError::Credentials(error)) if error == expected));
    }
}

#[test]
fn every_2xx_opens_the_tunnel_and_leaves_the_bytes_after_its_head() {
    for head in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 204 x\r\n\r\n",
        "HTTP/1.1 299 x\r\n\r\n",
        "\r\nHTTP/1.1 200 x\r\n\r\n",
        "HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 x\r\n\r\n",
    ] {
        let bytes = [head.as_bytes(), b"\x16\x03\x01hello"].concat();
        let expected = format!("{} Some(()) ConnectionClosed false", head.len());
        assert_eq!(run_in_every_split(&bytes), expected, "{head:?}");
    }
    let mut tunnel = tunnel();
    assert!(
        tunnel
            .receive(b"HTTP/1.1 200 x\r\n\r\n")
            .unwrap()
            .done
            .is_some()
    );
    assert_eq!(tunnel.receive(b"more").unwrap().consumed, 0);
}

#[test]
fn a_refusal_has_status_headers_and_body() {
    for status in [101, 301, 400, 403, 407, 500, 502, 599] {
        let bytes = format!(
            "HTTP/1.1 {status} x\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 4\r\n\
             \r\nbodyrest"
        );
        run_in_every_split(bytes.as_bytes());
        let mut tunnel = tunnel();
        let error = tunnel.receive(bytes.as_bytes()).unwrap_err();
        let refusal = error.refusal().expect("the error must be a refusal");
        assert_eq!(refusal.status(), status);
        assert_eq!(refusal.headers()["proxy-authenticate"], "Basic realm=\"p\"");
        assert_eq!(refusal.body(), b"body");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert!(!format!("{error:?}").contains("bodyrest"));
        assert!(tunnel.is_refused() && tunnel.receive(b"more").is_err());
    }
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    let mut tunnel = tunnel();
    assert!(!tunnel.is_refused());
    let bytes = b"HTTP/1.1 407 x\r\nConnection: close\r\n\r\nno";
    assert_eq!(tunnel.receive(bytes).unwrap().consumed, bytes.len());
    assert!(tunnel.is_refused());
    assert_eq!(tunnel.receive(b" way").unwrap().consumed, 4);
    for _ in 0..2 {
        assert_eq!(tunnel.end_of_input().refusal().unwrap().body(), b"no way");
    }
    run_in_every_split(bytes);
}

#[test]
fn a_long_body_is_truncated() {
    let mut bytes = b"HTTP/1.1 502 x\r\n\r\n".to_vec();
    bytes.resize(bytes.len() + MAX_REFUSAL_BODY_LEN, b'x');
    let error = tunnel().receive(&bytes).unwrap_err();
    assert_eq!(error.refusal().unwrap().body().len(), MAX_REFUSAL_BODY_LEN);
}

#[test]
fn malformed_responses_are_errors() {
    for (bytes, expected) in [
        (&b"\x05\xff"[..], HeadError::MalformedStartLine),
        (b"SSH-2.0-x\r\n", HeadError::MalformedStartLine),
        (b"\x15\x03\x03", HeadError::TlsOnPlainConnection),
        (b"HTTP/2.0 200 x\r\n\r\n", HeadError::UnsupportedHttpVersion),
        (b"HTTP/1.0 100 x\r\n\r\n", HeadError::UnsupportedHttpVersion),
    ] {
        run_in_every_split(bytes);
        let error = tunnel().receive(bytes).unwrap_err();
        assert!(
            matches!(error, TunnelError::Head(found) if found == expected),
            "{error:?}"
        );
    }
    let long = [&b"HTTP/1.1 200 x\r\nA: "[..], &[b'a'; MAX_HEAD_LEN]].concat();
    let error = tunnel().receive(&long).unwrap_err();
    assert!(matches!(error, TunnelError::Head(HeadError::HeadTooLong)));
    let interim = b"HTTP/1.1 100 \r\n\r\n".repeat(MAX_HEAD_LEN / 16);
    assert!(tunnel().receive(&interim).is_err());
}

#[test]
fn the_end_of_the_stream_is_an_error() {
    for (bytes, expected) in [
        (&b""[..], "0 None ConnectionClosed false"),
        (b"HTTP/1.1 20", "11 None TruncatedHead false"),
        (b"HTTP/1.1 200 x\r\n\r", "17 None TruncatedHead false"),
        (b"HTTP/1.1 100 x\r\n\r\n", "18 None ConnectionClosed false"),
    ] {
        assert_eq!(run_in_every_split(bytes), expected);
    }
}

#[test]
fn debug_omits_the_credentials() {
    let tunnel = Tunnel::new("h", 80, Some(&Credentials::new("user", "s3cret"))).unwrap();
    assert_eq!(format!("{tunnel:?}"), "Tunnel { state: \"Head\", .. }");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_read_alike_however_they_are_split(
        start in prop_oneof![
            Just(&b""[..]),
            Just(&b"HTTP/1.1 200 x\r\n"[..]),
            Just(&b"HTTP/1.1 407 x\r\n"[..]),
            Just(&b"HTTP/1.1 403 x\r\nTransfer-Encoding: chunked\r\n\r\n"[..]),
            Just(&b"HTTP/1.1 100 x\r\n\r\n"[..]),
        ],
        rest in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "(A: b\r\n|HTTP/1.1 200 x\r\n|\r\n|[0-9a-f:\r\n ]){0,8}".prop_map(String::into_bytes),
        ],
        size in 1..20_usize,
    ) {
        let bytes = [start, &rest].concat();
        prop_assert_eq!(run(bytes.chunks(size)), run([&bytes[..]].into_iter()));
    }

    #[test]
    fn any_host_adds_no_line(host in "[a-c:.\\[\\]0-9%\r\n @]{0,12}|.{0,20}", user in ".{0,8}") {
        let credentials = Credentials::new(user, "p");
        if let Ok(tunnel) = Tunnel::new(&host, 80, Some(&credentials)) {
            let lines = tunnel.request().split(|byte| *byte == b'\n').count();
            prop_assert_eq!(lines, 5);
        }
    }
}
