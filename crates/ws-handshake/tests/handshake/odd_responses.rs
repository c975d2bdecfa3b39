//! Responses with lines that are not valid HTTP/1.1, which a client reads leniently (RFC 9112 §2.2,
//! §5.1 and §5.2).

use proptest::prelude::*;
use ws_handshake::{
    ClientError, Established, HeadError, HeadLimits, MAX_HEAD_LEN, MAX_HEADERS, Request,
};

use crate::common::{HeadText, client, connect, established, feed};

/// Lines that have no meaning, or the meaning of another header.
const ODD_LINES: [&str; 10] = [
    "X-Info: a\r\n b",
    "X-Info:\r\n\ta\r\n  b",
    "Server : cam",
    "Device Name: cam",
    "a line without a colon",
    ": no name",
    "X-Info: a\u{1}b",
    "\u{0}",
    "X-Info: a\r\n b\u{7f}\r\n c",
    "no colon\r\n and more",
];

#[test]
fn odd_lines_do_not_cost_the_connection() {
    for line in ODD_LINES {
        established(&Request::new(), &HeadText::response().with(line));
        let first = HeadText::response();
        let start = format!("HTTP/1.1 101 Switching Protocols\r\n{line}");
        established(&Request::new(), &first.start(start));
    }
    let folded = HeadText::response()
        .with("X-Info: a\r\n b")
        .with("Sec-WebSocket-Extensions: ,\r\n ,")
        .with("Server : cam");
    let established = established(&Request::new(), &folded);
    assert_eq!(established.response().headers()["x-info"], "a b");
    assert_eq!(established.response().headers()["server"], "cam");
    // White space after the start line (RFC 9112 §2.2).
    let bytes = HeadText::response().bytes();
    let text = String::from_utf8(bytes).unwrap();
    let indented = text.replacen("\r\n", "\r\n  odd\r\n", 1);
    assert!(connect(indented.as_bytes()).unwrap().done.is_some());
}

#[test]
fn odd_lines_of_the_handshake_are_errors() {
    for (line, name) in [
        ("Sec-WebSocket-Extensions : x", "Head(InvalidHeader)"),
        ("Sec-WebSocket-Extensions x", "Head(InvalidHeader)"),
        (
            "X-Info: a\r\n Sec-WebSocket-Protocol: b",
            "Head(FoldedLine)",
        ),
        ("sec-websocket-extensions: \u{1}", "Head(ControlByte)"),
        ("UPGRADE\u{0}: h2c", "Head(InvalidHeader)"),
        ("connection", "Head(InvalidHeader)"),
    ] {
        let error = connect(&HeadText::response().with(line).bytes()).unwrap_err();
        assert_eq!(format!("{error:?}"), name, "{line}");
    }
}

#[test]
fn a_bare_line_feed_is_accepted_only_if_it_is_allowed() {
    let text = String::from_utf8(HeadText::response().with("X-Info: a\r\n b").bytes()).unwrap();
    let bare = text.replace("\r\n", "\n");
    let mixed = text.replace("Upgrade: websocket\r\n", "Upgrade: websocket\n");
    let lenient = Request::new().allow_bare_line_feeds();
    for response in [&bare, &mixed] {
        let error = connect(response.as_bytes()).unwrap_err();
        assert!(matches!(error, ClientError::Head(HeadError::BareLineFeed)));
        let bytes = [response.as_bytes(), b"\n\x81\x00"].concat();
        let progress = client(&lenient).receive(&bytes).unwrap();
        assert_eq!(progress.consumed, response.len());
        let headers = progress.done.unwrap().into_parts().0.into_parts().0.headers;
        assert_eq!(headers["x-info"], "a b");
    }
    let bare_cr = text.replace("101 ", "101 \r");
    let error = client(&lenient).receive(bare_cr.as_bytes()).unwrap_err();
    let expected = ClientError::Head(HeadError::BareCarriageReturn);
    assert_eq!(format!("{error:?}"), format!("{expected:?}"));
}

#[test]
fn head_limits_can_be_changed() {
    let lines = |count| (0..count).fold(HeadText::response(), |head, _| head.with("a: b"));
    established(&Request::new(), &lines(10 * MAX_HEADERS));
    let limited = Request::new().head_limits(HeadLimits::new().max_lines(10));
    established(&limited, &lines(7));
    let error = client(&limited).receive(&lines(8).bytes()).unwrap_err();
    assert_eq!(format!("{error:?}"), "Head(TooManyHeaders)");

    let long = HeadText::response().with(format!("X: {}", "x".repeat(MAX_HEAD_LEN)));
    let len = long.bytes().len();
    let limits = |len| Request::new().head_limits(HeadLimits::new().max_len(len));
    established(&limits(len), &long);
    let error = client(&limits(len - 1)).receive(&long.bytes()).unwrap_err();
    assert_eq!(format!("{error:?}"), "Head(HeadTooLong)");
    // The interim head counts as well.
    let heads = [&b"HTTP/1.1 100 x\r\n\r\n"[..], &long.bytes()].concat();
    assert!(client(&limits(len + 17)).receive(&heads).is_err());
    assert!(
        client(&limits(len + 18))
            .receive(&heads)
            .unwrap()
            .done
            .is_some()
    );
}

#[test]
fn a_refusal_with_a_malformed_head_is_still_a_refusal() {
    let start = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n";
    let long = format!("X: {}", "x".repeat(MAX_HEAD_LEN));
    for rest in [
        "X: a\rb",
        "X: a\nContent-Length: 4\n\nbody",
        "Connection : close\r\nUpgrade\r\n\r\n",
        "Content-Length: 4\u{0}\r\n\r\n",
        "Sec-WebSocket-Extensions: a\r\n b\r\n\r\n",
        "X: a",
        "",
        &long,
    ] {
        let mut handshake = client(&Request::new());
        let error = match handshake.receive(format!("{start}{rest}").as_bytes()) {
            Ok(_) => handshake.end_of_input(),
            Err(error) => error,
        };
        assert!(handshake.is_refused());
        let response = error.refusal().expect(rest);
        assert_eq!(response.status(), 401, "{rest}");
        assert_eq!(response.headers()["www-authenticate"], "Basic", "{rest}");
        assert!(!response.headers().contains_key("location"), "{rest}");
        assert!(response.body().is_empty(), "{rest}");
    }
    // The odd lines of a refusal are read like those of a 101, and no line of it is an error.
    let head = "Server : cam\r\nContent-Length : 2\r\nLocation:\r\n /other\r\n\r\nno";
    let error = connect(format!("{start}{head}").as_bytes()).unwrap_err();
    let response = error.refusal().unwrap();
    assert_eq!(response.headers()["server"], "cam");
    // An odd `Location` is never followed.
    assert!(!response.headers().contains_key("location"));
    assert_eq!(response.body(), b"no");
    // Without a complete status line, there is no refusal.
    for bytes in [&b"HTTP/1.1 401 Unauthorized"[..], b"HTTP/1.1 100 x\r\nX: a"] {
        let mut handshake = client(&Request::new());
        handshake.receive(bytes).unwrap();
        let error = handshake.end_of_input();
        assert!(matches!(error, ClientError::TruncatedHead), "{error:?}");
        assert!(!handshake.is_refused());
    }
}

/// Another `Location` may follow the fault, so the redirect must not be followed.
#[test]
fn a_redirect_with_a_malformed_head_has_no_location() {
    for rest in ["X: a\rb", "X: a\nLocation: /b\n\n", "X: a\r\n", ""] {
        let mut handshake = client(&Request::new());
        let head = format!("HTTP/1.1 302 Found\r\nLocation: /a\r\n{rest}");
        let error = match handshake.receive(head.as_bytes()) {
            Ok(_) => handshake.end_of_input(),
            Err(error) => error,
        };
        let response = error.refusal().expect(rest);
        assert_eq!(response.status(), 302, "{rest}");
        assert!(!response.headers().contains_key("location"), "{rest}");
    }
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        4 => prop::sample::select(&ODD_LINES[..]).prop_map(str::to_owned),
        2 => "[ -~\t\u{0}\u{1}\u{e9}]{0,12}",
        2 => "[A-Z]{1,4}[ \t]{0,2}:[ -~]{0,6}",
        1 => "[ \t]{0,2}(Upgrade|CONNECTION|sec-websocket-(accept|protocol|x))[ \u{1}:a]{0,3}",
    ];
    prop::collection::vec(line, 0..6)
}

/// Returns the response with the lines inserted at these places.
fn with_lines(lines: &[String], places: &[prop::sample::Index]) -> Vec<u8> {
    let text = String::from_utf8(HeadText::response().bytes()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let mut all: Vec<&str> = head.split("\r\n").collect();
    for (line, place) in lines.iter().zip(places) {
        let at = 1 + place.index(all.len());
        if !line.is_empty() {
            all.insert(at, line);
        }
    }
    format!("{}\r\n\r\n", all.join("\r\n")).into_bytes()
}

fn is_checked_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "upgrade" || name == "connection" || name.starts_with("sec-websocket-")
}

/// Returns the headers of the handshake with their values, each folded line joined by a space.
/// Returns `None` if any other line begins with such a name.
fn checked_headers(head: &[u8]) -> Option<Vec<(String, String)>> {
    let blank = [' ', '\t'];
    let text: String = head.iter().map(|byte| char::from(*byte)).collect();
    let mut checked = Vec::new();
    let mut lines = text.split("\r\n").skip(1).peekable();
    while let Some(line) = lines.next() {
        let is_token =
            |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
        let start = line.trim_start_matches(blank);
        let (name, rest) = start.split_at(start.find(|c| !is_token(c)).unwrap_or(start.len()));
        if !is_checked_name(name) {
            continue;
        }
        let mut value = rest.strip_prefix(':')?.to_owned();
        while let Some(more) = lines.next_if(|next| next.starts_with(blank)) {
            value.push(' ');
            value.push_str(more.trim_matches(blank));
        }
        if start != line || value.contains(|c: char| c.is_ascii_control() && c != '\t') {
            return None;
        }
        checked.push((
            name.to_ascii_lowercase(),
            value.trim_matches(blank).to_owned(),
        ));
    }
    checked.sort();
    Some(checked)
}

fn accepted_headers(established: &Established) -> Vec<(String, String)> {
    let headers = established.response().headers().iter();
    let mut checked: Vec<_> = headers
        .filter(|(name, _)| is_checked_name(name.as_str()))
        .map(|(name, value)| {
            let value = value.as_bytes().iter().map(|byte| char::from(*byte));
            (name.to_string(), value.collect())
        })
        .collect();
    checked.sort();
    checked
}

/// Returns the result as text, whole and in pieces.
fn in_pieces(request: &Request, bytes: &[u8], size: usize) -> [String; 2] {
    [bytes.len().max(1), size].map(|size| {
        let mut client = client(request);
        let result = feed(bytes.chunks(size), |piece| client.receive(piece));
        let body = |error: &ClientError| error.refusal().map(|refusal| refusal.body().clone());
        let result = result.map_err(|error| format!("{error:?} {:?}", body(&error)));
        format!("{result:?} {:?}", client.end_of_input())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn leniency_changes_no_header_of_the_handshake(
        lines in lines(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 6),
        size in 1..40_usize,
    ) {
        let bytes = with_lines(&lines, &places);
        let [whole, pieces] = in_pieces(&Request::new(), &bytes, size);
        prop_assert_eq!(whole, pieces);
        match connect(&bytes) {
            Ok(progress) => {
                prop_assert_eq!(progress.consumed, bytes.len());
                let accepted = accepted_headers(&progress.done.unwrap());
                prop_assert_eq!(Some(accepted), checked_headers(&bytes));
            }
            Err(error) => {
                // The only reason is a line that begins with the name of such a header, or a
                // control byte in its value.
                let name = format!("{error:?}");
                let expected = checked_headers(&HeadText::response().bytes());
                prop_assert_ne!(checked_headers(&bytes), expected, "{}", name);
            }
        }
    }

    #[test]
    fn a_refusal_is_reported_whatever_follows_its_status_line(
        rest in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            lines().prop_map(|lines| (lines.join("\r\n") + "\r\n\r\nbody").into_bytes()),
            lines().prop_map(|lines| (lines.join("\n") + "\n\r").into_bytes()),
        ],
        size in 1..40_usize,
        bare_line_feeds in any::<bool>(),
    ) {
        let bytes = [b"HTTP/1.1 403 Forbidden\r\n", &rest[..]].concat();
        let request = match bare_line_feeds {
            true => Request::new().allow_bare_line_feeds(),
            false => Request::new(),
        };
        let [whole, pieces] = in_pieces(&request, &bytes, size);
        prop_assert_eq!(whole, pieces);
        let mut client = client(&request);
        let error = match client.receive(&bytes) {
            Ok(_) => client.end_of_input(),
            Err(error) => error,
        };
        prop_assert!(client.is_refused());
        let status = error.refusal().map(|response| response.status().as_u16());
        prop_assert_eq!(status, Some(403));
    }
}
