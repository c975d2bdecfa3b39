//! The requests that a server accepts, and its responses (RFC 6455 §4.2).

use ws_handshake::{
    Agreed, Answer, AnswerError, Extension, OriginPolicy, RejectReason, ServerHandshake,
    ServerRules, UpgradeRequest,
};

use crate::common::{self, ACCEPT, HeadText, offer, serve};

fn lines_of(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.ends_with("\r\n\r\n"), "{text:?}");
    text.trim_end_matches("\r\n")
        .split("\r\n")
        .map(str::to_owned)
        .collect()
}

#[test]
fn sample_request_of_the_rfc_gets_the_sample_accept() {
    let accepted = offer(&HeadText::request()).accept(Answer::new()).unwrap();
    assert_eq!(
        lines_of(&accepted.encode()),
        [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            &format!("Sec-WebSocket-Accept: {ACCEPT}"),
        ]
    );
    assert_eq!(accepted.response().status(), 101);
    assert_eq!(
        accepted.response().headers()["sec-websocket-accept"],
        ACCEPT
    );
    assert_eq!(accepted.agreed(), &Agreed::default());
}

#[test]
fn header_names_of_any_case_and_padded_values_are_read() {
    let head = HeadText::request()
        .without("Host")
        .without("Sec-WebSocket-Version")
        .with("hOST:server.example.com")
        .with("SEC-websocket-VERSION: \t 13 \t");
    assert_eq!(offer(&head).host(), "server.example.com");
}

#[test]
fn upgrade_and_connection_tokens_are_found_in_any_case_list_and_line() {
    for (name, value) in [
        ("Upgrade", "WEBSOCKET"),
        ("Upgrade", "WebSocket"),
        ("Upgrade", "foo, websocket"),
        ("Upgrade", "h2c,websocket"),
        ("Upgrade", ", websocket ,"),
        ("Upgrade", "h2c\r\nupgrade: websocket"),
        ("Connection", "upgrade"),
        ("Connection", "UPGRADE"),
        ("Connection", "keep-alive, Upgrade"),
        ("Connection", "Upgrade\t,keep-alive"),
        ("Connection", "keep-alive\r\nconnection: upgrade"),
    ] {
        offer(&HeadText::request().set(name, value));
    }
}

#[test]
fn the_authority_of_an_absolute_target_takes_precedence() {
    let head = HeadText::request().start("GET http://server.example.com/chat?a=b HTTP/1.1");
    let same = offer(&head);
    assert_eq!((same.path(), same.query()), ("/chat", Some("a=b")));
    assert_eq!(same.host(), "server.example.com");

    let head = HeadText::request().start("GET HTTPS://other.example:8443 HTTP/1.1");
    let other = offer(&head.clone().with("Origin: https://other.example:8443"));
    assert_eq!((other.path(), other.host()), ("/", "other.example:8443"));
    let result = serve(&head.with("Origin: https://server.example.com").bytes());
    assert_eq!(result.unwrap_err().status(), 403);
}

#[test]
fn one_byte_at_a_time_is_accepted() {
    let bytes = HeadText::request().bytes();
    let mut server = ServerHandshake::new(OriginPolicy::default());
    let (last, rest) = bytes.split_last().unwrap();
    for byte in rest {
        let progress = server.receive(&[*byte]).unwrap();
        assert_eq!((progress.consumed, progress.done.is_none()), (1, true));
    }
    assert!(server.receive(&[*last]).unwrap().done.is_some());
}

#[test]
fn bytes_after_the_head_are_not_consumed() {
    let head = HeadText::request().bytes();
    let frame = b"\x81\x82\x00\x00\x00\x00hi";
    let mut server = ServerHandshake::new(OriginPolicy::default());
    let progress = server.receive(&[&head[..], frame].concat()).unwrap();
    assert_eq!(progress.consumed, head.len());
    assert!(progress.done.is_some());

    let later = server.receive(frame).unwrap();
    assert_eq!((later.consumed, later.done.is_none()), (0, true));
}

#[test]
fn many_and_long_unknown_headers_are_accepted() {
    let mut head = HeadText::request();
    for number in 0..60 {
        head = head.with(format!("X-Extra-{number}: {}", "v".repeat(130)));
    }
    assert_eq!(offer(&head).headers().len(), 65);
}

#[test]
fn values_with_bytes_above_ascii_are_accepted() {
    let offer = offer(&HeadText::request().with(b"X-Name: caf\xe9 \xc3\xa9"));
    assert_eq!(offer.headers()["x-name"].as_bytes(), b"caf\xe9 \xc3\xa9");
}

#[test]
fn one_leading_empty_line_is_skipped() {
    let bytes = [b"\r\n", &HeadText::request().bytes()[..]].concat();
    let progress = serve(&bytes).unwrap();
    assert_eq!(progress.consumed, bytes.len());
    assert!(progress.done.is_some());
}

#[test]
fn content_length_of_zero_is_accepted() {
    offer(&HeadText::request().with("Content-Length: 0"));
}

#[test]
fn unused_bits_of_the_key_may_have_any_value() {
    let head = HeadText::request().set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZR==");
    let accepted = offer(&head).accept(Answer::new()).unwrap();
    // The text of the key is hashed, not the bytes that the text encodes.
    assert_ne!(
        accepted.response().headers()["sec-websocket-accept"],
        ACCEPT
    );
}

/// The answer belongs to the key as it was sent.
#[test]
fn keys_of_devices_are_accepted_if_any_length_is_allowed() {
    let rules = ServerRules::new().allow_any_key_length();
    for (key, answer) in [
        ("QUJDREVGR0g=", "l41IbYAh4FFdlyNqRkme7us7HGA="),
        ("dGhlIHNhbXBsZSBub25j", "k9uFUQ3sxsBzo5O0/ylrvYr5zk4="),
        (common::KEY, ACCEPT),
    ] {
        let head = HeadText::request().set("Sec-WebSocket-Key", key);
        let mut server = ServerHandshake::new(&rules);
        let offer = server.receive(&head.bytes()).unwrap().done.unwrap();
        let accepted = offer.accept(Answer::new()).unwrap();
        assert_eq!(
            accepted.response().headers()["sec-websocket-accept"],
            answer
        );
        let mut request = http::Request::get("/");
        let text = String::from_utf8(head.bytes()).unwrap();
        for (name, value) in text.lines().filter_map(|line| line.split_once(": ")) {
            request = request.header(name, value);
        }
        let request = request.body(()).unwrap();
        assert!(UpgradeRequest::from_request(&request, &rules).is_ok());
        let strict = UpgradeRequest::from_request(&request, ServerRules::new());
        assert_eq!(strict.is_ok(), key == common::KEY);
    }
    for key in ["", "QUJD!", "QUI", "===="] {
        let head = HeadText::request().set("Sec-WebSocket-Key", key);
        let rejection = ServerHandshake::new(&rules)
            .receive(&head.bytes())
            .unwrap_err();
        assert_eq!(rejection.reason(), RejectReason::InvalidKey);
    }
}

#[test]
fn hosts_in_all_their_forms_are_accepted() {
    for host in [
        "localhost",
        "127.0.0.1:9001",
        "[::1]:9001",
        "a_b.example",
        "example.com:",
    ] {
        assert_eq!(offer(&HeadText::request().set("Host", host)).host(), host);
    }
}

#[test]
fn requests_of_other_http_stacks_are_accepted() {
    let request = http::Request::get("/chat?x=1")
        .header("host", "server.example.com")
        .header("upgrade", "websocket")
        .header("connection", "keep-alive, Upgrade")
        .header("sec-websocket-key", common::KEY)
        .header("sec-websocket-version", " 13\t")
        .header("sec-websocket-protocol", "chat")
        .header("authorization", "Bearer hidden")
        .body("any body type")
        .unwrap();
    let offer = UpgradeRequest::from_request(&request, &OriginPolicy::SameAuthority).unwrap();
    assert_eq!((offer.path(), offer.query()), ("/chat", Some("x=1")));
    assert_eq!(offer.uri(), request.uri());
    assert!(!format!("{:?}", offer.headers()).contains("hidden"));
    let (response, agreed) = offer
        .accept(Answer::new().protocol("chat"))
        .unwrap()
        .into_parts();
    assert_eq!(response.headers()["sec-websocket-accept"], ACCEPT);
    assert_eq!(agreed.protocol(), Some("chat"));
}

#[test]
fn origin_policies_select_the_origins_that_may_connect() {
    let allowed = |policy: &OriginPolicy, lines: &[&str]| {
        let mut head = HeadText::request();
        for line in lines {
            head = head.with(line);
        }
        match ServerHandshake::new(policy.clone()).receive(&head.bytes()) {
            Ok(progress) => progress.done.is_some(),
            Err(rejection) => {
                assert_eq!(rejection.status(), 403);
                false
            }
        }
    };
    let own = ["Origin: https://server.example.com"];
    let foreign = ["Origin: https://evil.example"];
    let null = ["Origin: null"];
    let list = OriginPolicy::allow_list(["https://evil.example"]);
    for (policy, expected) in [
        (OriginPolicy::default(), [true, true, false, false]),
        (list, [true, false, true, false]),
        (OriginPolicy::AllowAll, [true, true, true, true]),
    ] {
        let results = [&[][..], &own, &foreign, &null].map(|lines| allowed(&policy, lines));
        assert_eq!(results, expected, "{policy:?}");
    }
    assert_eq!(
        offer(&HeadText::request().with(own[0])).origin(),
        Some(&own[0][8..])
    );
}

#[test]
fn an_empty_answer_agrees_on_nothing() {
    let head = HeadText::request()
        .with("Sec-WebSocket-Protocol: b, a")
        .with("Sec-WebSocket-Protocol: c")
        .with("Sec-WebSocket-Extensions: x-unknown; p=1, permessage-deflate")
        .with("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits");
    let offer = offer(&head);
    assert_eq!(offer.protocols().collect::<Vec<_>>(), ["b", "a", "c"]);
    let names: Vec<_> = offer.extensions().iter().map(Extension::name).collect();
    assert_eq!(
        names,
        ["x-unknown", "permessage-deflate", "permessage-deflate"]
    );

    let accepted = offer.accept(Answer::new()).unwrap();
    assert!(
        !accepted
            .response()
            .headers()
            .contains_key("sec-websocket-protocol")
    );
    assert!(
        !accepted
            .response()
            .headers()
            .contains_key("sec-websocket-extensions")
    );
}

/// The list is not reliable as a whole, so a well-formed element does not count either.
#[test]
fn malformed_extensions_offer_nothing() {
    for value in [
        ";",
        "permessage-deflate; a=",
        "permessage-deflate; a=\"",
        "permessage-deflate; =1",
        "permessage-deflate, a=",
        "permessage-deflate\r\nSec-WebSocket-Extensions: x y",
    ] {
        let head = HeadText::request().with(format!("Sec-WebSocket-Extensions: {value}"));
        assert!(offer(&head).extensions().is_empty(), "{value}");
    }
}

/// RFC 9110 §5.6.1.2 and §5.6.6: empty elements and empty parameters have no meaning.
#[test]
fn empty_parts_of_lists_have_no_meaning() {
    for value in ["", ",", " ,\t, "] {
        let offer = offer(
            &HeadText::request()
                .with(format!("Sec-WebSocket-Extensions: {value}"))
                .with(format!("Sec-WebSocket-Protocol: {value}")),
        );
        assert!(offer.extensions().is_empty() && offer.protocols().next().is_none());
    }
    let head = HeadText::request()
        .with("Sec-WebSocket-Extensions: x;, y; ;p;")
        .with("Sec-WebSocket-Protocol: ,a,");
    let offer = offer(&head);
    let shown: Vec<_> = offer
        .extensions()
        .iter()
        .map(Extension::to_string)
        .collect();
    assert_eq!(shown, ["x", "y; p"]);
    assert_eq!(offer.protocols().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn the_choices_of_the_answer_are_sent() {
    let head = HeadText::request()
        .with("Sec-WebSocket-Protocol: a, B")
        .with("Sec-WebSocket-Extensions: x; p=1, y");
    let (x, y) = (Extension::new("x").unwrap(), Extension::new("y").unwrap());
    let x = x.param("q", Some("2")).unwrap();
    let answer = Answer::new()
        .protocol("B")
        .extension(x.clone())
        .extension(y.clone())
        .header("Set-Cookie", "a=1")
        .header("Set-Cookie", &b"b=\xff"[..])
        .headers(http::HeaderMap::from_iter([(
            http::header::RETRY_AFTER,
            http::HeaderValue::from(7),
        )]));
    let accepted = offer(&head).accept(answer).unwrap();
    assert_eq!(accepted.agreed().protocol(), Some("B"));
    assert_eq!(accepted.agreed().extensions(), [x, y]);
    let encoded = accepted.encode();
    let has = |line: &[u8]| encoded.windows(line.len()).any(|window| window == line);
    assert!(has(b"\r\nSec-WebSocket-Protocol: B\r\n"));
    assert!(has(b"\r\nSec-WebSocket-Extensions: x; q=2, y\r\n"));
    assert!(has(b"\r\nset-cookie: a=1\r\nset-cookie: b=\xff\r\n"));
    assert!(has(b"\r\nretry-after: 7\r\n"));
}

#[test]
fn invalid_answers_are_errors() {
    let head = HeadText::request()
        .with("Sec-WebSocket-Protocol: chat")
        .with("Sec-WebSocket-Extensions: x");
    let offer = offer(&head);
    let extension = |name: &str| Extension::new(name).unwrap();
    for (answer, error) in [
        (
            Answer::new().protocol("Chat"),
            AnswerError::ProtocolNotOffered("Chat".into()),
        ),
        (
            Answer::new().extension(extension("y")),
            AnswerError::ExtensionNotOffered("y".into()),
        ),
        (
            Answer::new()
                .extension(extension("x"))
                .extension(extension("x")),
            AnswerError::DuplicateExtension("x".into()),
        ),
        (
            Answer::new().header("Sec-WebSocket-Accept", "x"),
            AnswerError::ReservedHeader(http::header::SEC_WEBSOCKET_ACCEPT),
        ),
        (
            Answer::new().header("Location", "/\r\nSet-Cookie: a"),
            AnswerError::InvalidHeaderValue(http::header::LOCATION),
        ),
        (
            Answer::new().header("a b", "x"),
            AnswerError::InvalidHeaderName("a b".into()),
        ),
    ] {
        assert_eq!(offer.accept(answer).unwrap_err(), error);
    }
    // After these errors, the request can still be accepted.
    assert!(offer.accept(Answer::new().protocol("chat")).is_ok());
}

#[test]
fn a_rejection_by_the_application_is_a_complete_response() {
    let mut response = http::Response::new(b"who are you?".to_vec());
    *response.status_mut() = http::StatusCode::UNAUTHORIZED;
    let challenge = http::HeaderValue::from_static("Basic");
    response.headers_mut().insert("www-authenticate", challenge);
    let encoded = offer(&HeadText::request()).reject(response);
    assert_eq!(
        String::from_utf8(encoded).unwrap(),
        "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nwww-authenticate: Basic\r\n\
         Content-Length: 12\r\n\r\nwho are you?"
    );
}

#[test]
fn debug_shows_neither_credentials_nor_the_query() {
    let head = HeadText::request()
        .start("GET /chat?token=hidden HTTP/1.1")
        .with("Authorization: Bearer hidden")
        .with("Cookie: session=hidden")
        .with("X-Api-Key: hidden")
        .with("Sec-WebSocket-Protocol: hidden");
    let offer = offer(&head);
    let shown = format!("{offer:?} {:?}", offer.headers()["cookie"]);
    assert!(
        shown.contains("/chat") && shown.contains("cookie"),
        "{shown}"
    );
    assert!(!shown.contains("hidden"), "{shown}");
    let accepted = offer
        .accept(Answer::new().header("Set-Cookie", "hidden"))
        .unwrap();
    assert!(!format!("{accepted:?}").contains("hidden"));
}
