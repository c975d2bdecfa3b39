//! The authentication and the headers of a request across origins.

use http::header::AUTHORIZATION;
use ws_handshake::{CredentialsError, Extension, Request, RequestError, Target};

use crate::common::{self, NONCE, target};

/// Returns the request line and the headers as text.
fn head(request: &Request, target: &Target) -> Result<String, RequestError> {
    let client = request.build(target, NONCE)?;
    Ok(String::from_utf8(client.request().to_vec()).unwrap())
}

fn authorizations(request: &Request, target: &Target) -> Vec<String> {
    let head = head(request, target).unwrap();
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        .map(|(_, value)| value.to_owned())
        .collect()
}

#[test]
fn the_caller_precedes_the_url() {
    let target = Target::parse("ws://u:p@server.example.com/").unwrap();
    for (request, expected) in [
        (Request::new(), "Basic dTpw"),
        (Request::new().basic_auth("a", "b"), "Basic YTpi"),
        (Request::new().bearer_auth("t"), "Bearer t"),
        (
            Request::new().basic_auth("a", "b").bearer_auth("t"),
            "Bearer t",
        ),
        (
            Request::new().bearer_auth("t").basic_auth("a", "b"),
            "Basic YTpi",
        ),
        (Request::new().header("aUTHORIZATION", "x"), "x"),
        (Request::new().header(AUTHORIZATION, "x"), "x"),
        (
            Request::new().header_for_any_origin("Authorization", "x"),
            "x",
        ),
    ] {
        assert_eq!(authorizations(&request, &target), [expected]);
    }
    assert!(authorizations(&Request::new(), &common::target()).is_empty());
}

#[test]
fn the_url_is_sent_without_its_credentials() {
    let target = Target::parse("ws://alice:s3cret@h:81/a?b").unwrap();
    let head = head(&Request::new(), &target).unwrap();
    assert!(
        head.starts_with("GET /a?b HTTP/1.1\r\nHost: h:81\r\n"),
        "{head}"
    );
    assert!(
        !head.contains("alice") && !head.contains("s3cret"),
        "{head}"
    );
}

#[test]
fn two_authentications_are_an_error() {
    for request in [
        Request::new()
            .basic_auth("a", "b")
            .header("authorization", "x"),
        Request::new()
            .header_for_any_origin("Authorization", "x")
            .bearer_auth("t"),
    ] {
        assert_eq!(
            head(&request, &target()),
            Err(RequestError::DuplicateAuthorization)
        );
    }
}

#[test]
fn strings_that_could_add_lines_are_refused() {
    let colon = RequestError::Credentials(CredentialsError::ColonInUser);
    let control = RequestError::Credentials(CredentialsError::ControlCharacter);
    let value = RequestError::InvalidHeaderValue(http::HeaderName::from_static("x"));
    for (request, error) in [
        (Request::new().basic_auth("a:b", "c"), &colon),
        (Request::new().basic_auth("a\r\n", "c"), &control),
        (Request::new().basic_auth("a", "c\0"), &control),
        (
            Request::new().bearer_auth("a\r\nX: y"),
            &RequestError::InvalidBearerToken,
        ),
        (
            Request::new().bearer_auth(""),
            &RequestError::InvalidBearerToken,
        ),
        (Request::new().header_for_any_origin("x", "a\nb"), &value),
        (
            Request::new().header_for_any_origin("a\r\n", "b"),
            &RequestError::InvalidHeaderName("a\r\n".into()),
        ),
        (
            Request::new().header_for_any_origin("Host", "b"),
            &RequestError::ReservedHeader(http::header::HOST),
        ),
    ] {
        assert_eq!(head(&request, &target()).as_ref(), Err(error));
    }
}

#[test]
fn another_origin_receives_marked_headers_only() {
    let request = Request::new()
        .protocol("chat")
        .extension(Extension::new("x").unwrap())
        .header("Cookie", "s3cret")
        .header_for_any_origin("User-Agent", "example")
        .header("X-Api-Key", "s3cret")
        .origin("https://s3cret.example")
        .basic_auth("s3cret", "s3cret");
    let kept = head(&request.for_other_origin(), &target()).unwrap();
    assert_eq!(
        kept,
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\n\
         Sec-WebSocket-Extensions: x\r\nUser-Agent: example\r\n\r\n"
    );
    // The request itself is unchanged, and a second redirect removes no more.
    assert!(
        head(&request, &target())
            .unwrap()
            .contains("Cookie: s3cret")
    );
    let again = request.for_other_origin().for_other_origin();
    assert_eq!(head(&again, &target()).unwrap(), kept);
}

#[test]
fn debug_and_errors_omit_the_credentials() {
    let target = Target::parse("ws://alice:s3cret@h/").unwrap();
    let request = Request::new()
        .basic_auth("alice", "s3cret")
        .header("X", "s3cret");
    let bearer = Request::new().bearer_auth("s3cret\n");
    let error = bearer.build(&target, NONCE).unwrap_err();
    let client = request.build(&target, NONCE).unwrap();
    let shown = format!("{target:?} {request:?} {bearer:?} {error} {error:?} {client:?}");
    assert!(
        !shown.contains("alice") && !shown.contains("s3cret"),
        "{shown}"
    );
    for url in [
        "ws://alice:s3cret @h/",
        "ws://alice:s3cret@h:x/",
        "s3cret://alice@h",
    ] {
        let error = Target::parse(url).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("alice") && !shown.contains("s3cret"),
            "{shown}"
        );
    }
}
