//! The handshake over HTTP/2 in both roles (RFC 8441).

use http::{HeaderMap, Method, Response, StatusCode, Version};
use ws_handshake::{
    Answer, ClientError, OriginPolicy, RejectReason, Rejection, Request, RequestError, Target,
    UpgradeRequest,
};
use ws_proto::DeflateConfig;

const PROTOCOL: Option<&str> = Some("websocket");

fn target() -> Target {
    Target::parse("wss://alice:secret@example.com/chat?room=7").unwrap()
}

/// A request that every server accepts.
fn request() -> http::Request<()> {
    let mut request = http::Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = "https://example.com/chat".parse().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-version", "13".parse().unwrap());
    request
}

fn offer(request: &http::Request<()>) -> Result<UpgradeRequest, Rejection> {
    UpgradeRequest::from_connect(request, PROTOCOL, OriginPolicy::default())
}

/// Returns the request with another header.
fn with(name: &'static str, value: &str) -> http::Request<()> {
    let mut request = request();
    let value = value.parse().unwrap();
    request.headers_mut().append(name, value);
    request
}

#[test]
fn both_roles_agree_on_a_subprotocol_and_on_compression() {
    let deflate = DeflateConfig::default();
    let client = Request::new().protocol("chat.v2").protocol("chat.v1");
    let client = client.deflate(&deflate).origin("https://example.com");
    let client = client.connect(&target()).unwrap();
    let offer = offer(client.request()).unwrap();
    assert_eq!((offer.path(), offer.query()), ("/chat", Some("room=7")));
    assert_eq!(offer.host(), "example.com");
    assert_eq!(offer.origin(), Some("https://example.com"));

    let answer = Answer::new().protocol("chat.v1").deflate(&deflate);
    let (response, at_server) = offer.accept(answer).unwrap().into_parts();
    assert_eq!(response.status(), StatusCode::OK);
    let established = client.establish(response.map(|()| Vec::new())).unwrap();
    let at_client = established.agreed();
    assert_eq!(at_client.protocol(), Some("chat.v1"));
    assert_eq!(at_client.protocol(), at_server.protocol());
    assert!(at_client.deflate().is_some());
    assert_eq!(at_client.deflate(), at_server.deflate());
}

/// RFC 8441 §5: these fields are not used. RFC 9113 §8.2.2: those about the connection must not be.
#[test]
fn neither_side_sends_fields_of_http_1() {
    let client = Request::new().connect(&target()).unwrap();
    let absent = |headers: &HeaderMap, name: &str| assert!(!headers.contains_key(name), "{name}");
    let offer = offer(client.request()).unwrap();
    let (response, _) = offer.accept(Answer::new()).unwrap().into_parts();
    let rejection = UpgradeRequest::from_connect(&request(), None, OriginPolicy::default());
    let rejected = rejection.unwrap_err().response();
    for headers in [
        client.request().headers(),
        response.headers(),
        rejected.headers(),
    ] {
        for name in [
            "connection",
            "upgrade",
            "host",
            "sec-websocket-key",
            "sec-websocket-accept",
        ] {
            absent(headers, name);
        }
    }
}

#[test]
fn a_client_sends_its_headers_and_the_credentials_of_the_url() {
    let client = Request::new().header("X-Room", "7").connect(&target());
    let client = client.unwrap();
    let request = client.request();
    assert_eq!(request.method(), Method::CONNECT);
    assert_eq!(request.uri(), "https://example.com/chat?room=7");
    assert_eq!(request.headers()["x-room"], "7");
    assert_eq!(request.headers()["sec-websocket-version"], "13");
    let authorization = &request.headers()["authorization"];
    assert_eq!(authorization, "Basic YWxpY2U6c2VjcmV0");
    assert!(authorization.is_sensitive());
    let plain = Target::parse("ws://example.com:8080").unwrap();
    let client = Request::new().connect(&plain).unwrap();
    assert_eq!(client.request().uri(), "http://example.com:8080/");
}

#[test]
fn a_client_reports_what_cannot_be_sent() {
    let error = |request: Request| request.connect(&target()).unwrap_err();
    assert_eq!(
        error(Request::new().protocol("a b")),
        RequestError::InvalidProtocol("a b".into())
    );
    assert!(matches!(
        error(Request::new().header("Upgrade", "h2c")),
        RequestError::ReservedHeader(_)
    ));
}

#[test]
fn every_url_that_can_be_parsed_can_be_requested() {
    let long = format!("example.com/{}", "x".repeat(65_000));
    for url in [
        "[2001:db8::1]:8443/",
        "127.0.0.1:1/?",
        "a_b.example/~x;y='$&!",
        "EXAMPLE.com/%23?a=/?",
        &long,
    ] {
        let target = Target::parse(&format!("wss://{url}")).unwrap();
        let client = Request::new().connect(&target).unwrap();
        assert_eq!(client.request().uri(), &*format!("https://{url}"));
    }
}

#[test]
fn a_server_rejects_with_the_reason_and_its_status() {
    let mut get = request();
    *get.method_mut() = Method::GET;
    let mut old = request();
    *old.version_mut() = Version::HTTP_11;
    let mut no_version = request();
    no_version.headers_mut().remove("sec-websocket-version");
    let mut no_host = request();
    *no_host.uri_mut() = "/chat".parse().unwrap();
    let mut no_path = request();
    *no_path.uri_mut() = "example.com:443".parse().unwrap();
    for (request, reason, status) in [
        (get, RejectReason::MethodNotConnect, 405),
        (no_version, RejectReason::MissingVersion, 400),
        (no_host, RejectReason::MissingHost, 400),
        (no_path, RejectReason::InvalidTarget, 400),
        (
            with("content-length", "5"),
            RejectReason::ContentLength,
            400,
        ),
        // 426 would name an upgrade.
        (
            with("sec-websocket-version", "14"),
            RejectReason::DuplicateVersion,
            400,
        ),
        (
            with("origin", "https://elsewhere.example"),
            RejectReason::ForeignOrigin,
            403,
        ),
        (
            with("sec-websocket-protocol", "a, a"),
            RejectReason::DuplicateProtocol,
            400,
        ),
    ] {
        let rejection = offer(&request).unwrap_err();
        assert_eq!(rejection.reason(), reason);
        let response = rejection.response();
        assert_eq!(response.status(), status, "{reason:?}");
        assert_eq!(rejection.status(), status);
        assert!(!response.headers().contains_key("connection"), "{reason:?}");
    }
    let reason = offer(&old).unwrap_err().reason();
    assert_eq!(reason.status(), StatusCode::HTTP_VERSION_NOT_SUPPORTED);
}

#[test]
fn a_rejection_names_the_method_or_the_version_that_it_requires() {
    let mut get = request();
    *get.method_mut() = Method::GET;
    let response = offer(&get).unwrap_err().response();
    assert_eq!(response.headers()["allow"], "CONNECT");
    let other = with("sec-websocket-version", "14");
    let response = offer(&other).unwrap_err().response();
    assert_eq!(response.headers()["sec-websocket-version"], "13");
}

#[test]
fn another_protocol_is_not_implemented() {
    for protocol in [None, Some("webtransport"), Some(""), Some("websocket2")] {
        let offer = UpgradeRequest::from_connect(&request(), protocol, OriginPolicy::default());
        let rejection = offer.unwrap_err();
        assert_eq!(rejection.reason(), RejectReason::ProtocolNotWebSocket);
        assert_eq!(rejection.status(), StatusCode::NOT_IMPLEMENTED);
    }
    let offer =
        UpgradeRequest::from_connect(&request(), Some("WebSocket"), OriginPolicy::default());
    assert!(offer.is_ok());
}

/// Some HTTP stacks leave `:authority` out of the URI. RFC 9113 §8.3.1 allows `Host` instead.
#[test]
fn the_origin_is_compared_with_the_authority_or_else_with_the_host() {
    let allowed = with("origin", "https://example.com");
    assert!(offer(&allowed).is_ok());
    let mut other = with("host", "elsewhere.example");
    let origin = "https://elsewhere.example".parse().unwrap();
    other.headers_mut().insert("origin", origin);
    *other.uri_mut() = "/chat".parse().unwrap();
    assert_eq!(offer(&other).unwrap().host(), "elsewhere.example");
}

#[test]
fn a_host_beside_the_authority_must_be_the_same() {
    for same in ["example.com", "EXAMPLE.com:443"] {
        assert_eq!(offer(&with("host", same)).unwrap().host(), "example.com");
    }
    for other in [
        "elsewhere.example",
        "example.com:80",
        "",
        "\u{e9}xample.com",
    ] {
        let rejection = offer(&with("host", other)).unwrap_err();
        assert_eq!(rejection.reason(), RejectReason::OtherHost);
        assert_eq!(rejection.status(), 400);
    }
}

#[test]
fn a_client_checks_the_choice_of_the_server() {
    let client = Request::new().protocol("chat").connect(&target()).unwrap();
    let response = |name: &str, value: &str| {
        let response = Response::builder().header(name, value);
        client.establish(response.body(Vec::new()).unwrap())
    };
    assert!(matches!(
        response("sec-websocket-protocol", "other"),
        Err(ClientError::UnofferedProtocol)
    ));
    assert!(matches!(
        response("sec-websocket-extensions", "permessage-deflate"),
        Err(ClientError::UnofferedExtension)
    ));
    assert!(response("sec-websocket-accept", "anything").is_ok());
}

#[test]
fn a_client_keeps_the_response_of_a_refusal() {
    let client = Request::new().connect(&target()).unwrap();
    for status in [301, 403, 501] {
        let response = Response::builder().status(status).body(b"no".to_vec());
        let error = client.establish(response.unwrap()).unwrap_err();
        let refusal = error.refusal().expect("a refusal");
        assert_eq!(
            (refusal.status().as_u16(), &refusal.body()[..]),
            (status, &b"no"[..])
        );
    }
    let accepted = Response::builder().status(204).body(Vec::new()).unwrap();
    assert!(client.establish(accepted).is_ok(), "any 2xx (RFC 8441 §5)");
}
