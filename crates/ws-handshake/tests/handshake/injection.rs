//! Characters that could add lines or parts to what a client sends, in every text that a caller or
//! a server chooses.

use std::fmt::Debug;

use ws_handshake::{Credentials, Extension, Proxy, Request, Socks5, Target, Tunnel};

use crate::common::{NONCE, target};

/// Characters by class, in the order of the columns of [`SLOTS`]: controls of US-ASCII, controls
/// behind US-ASCII, other characters behind US-ASCII, the space, and the tab.
const CLASSES: [&[&str]; 5] = [
    &[
        "\r",
        "\n",
        "\r\n",
        "\r\n\r\n",
        // No colon, which is an error of its own in some places.
        "\r\nX-Injected",
        "\n X",
        "\0",
        "\x08",
        "\x0b",
        "\x0c",
        "\x1b",
        "\x7f",
    ],
    &["\u{80}", "\u{85}", "\u{9b}", "\u{9f}"],
    // The low bytes of the last three code points are LF, CR and a space.
    &["\u{e9}", "\u{2028}", "\u{10a}", "\u{10d}", "\u{120}"],
    &[" "],
    &["\t"],
];

/// Stands for an accepted text in the columns of [`SLOTS`].
const SENT: &str = "";

/// A place for a text: its name, a function that returns the bytes to send or an error, and the
/// expected error for each of the [`CLASSES`]. In an error, `_` stands for the text.
type Slot = (
    &'static str,
    fn(&str) -> Result<Vec<u8>, String>,
    [&'static str; 5],
);

const NAME: &str = "InvalidHeaderName(_)";
const VALUE: &str = "InvalidHeaderValue(\"x\")";
const ORIGIN: &str = "InvalidHeaderValue(\"origin\")";
const CONTROL: &str = "Credentials(ControlCharacter)";

const SLOTS: [Slot; 39] = [
    // A request:
    (
        "the name of a header",
        |text| build(text, &Request::new().header(text, "x")),
        [NAME; 5],
    ),
    (
        "the value of a header",
        |text| build(text, &Request::new().header("X", text)),
        [VALUE, SENT, SENT, SENT, SENT],
    ),
    (
        "the bytes of the value of a header",
        |text| build(text, &Request::new().header("X", text.as_bytes())),
        [VALUE, SENT, SENT, SENT, SENT],
    ),
    (
        "the name of a marked header",
        |text| build(text, &Request::new().header_for_any_origin(text, "x")),
        [NAME; 5],
    ),
    (
        "the value of a marked header",
        |text| build(text, &Request::new().header_for_any_origin("X", text)),
        [VALUE, SENT, SENT, SENT, SENT],
    ),
    (
        "the origin",
        |text| build(text, &Request::new().origin(text)),
        [ORIGIN, SENT, SENT, SENT, SENT],
    ),
    (
        "a subprotocol",
        |text| build(text, &Request::new().protocol(text)),
        ["InvalidProtocol(_)"; 5],
    ),
    (
        "the name of an extension",
        |text| extension(text, Extension::new(text)),
        ["InvalidName"; 5],
    ),
    (
        "the name of a parameter",
        |text| extension(text, Extension::new("e").unwrap().param(text, None)),
        ["InvalidParameter"; 5],
    ),
    (
        "the value of a parameter",
        |text| extension(text, Extension::new("e").unwrap().param("p", Some(text))),
        ["InvalidValue"; 5],
    ),
    (
        "the user of the server",
        |text| build(text, &Request::new().basic_auth(text, "p")),
        [CONTROL, CONTROL, SENT, SENT, CONTROL],
    ),
    (
        "the password for the server",
        |text| build(text, &Request::new().basic_auth("u", text)),
        [CONTROL, CONTROL, SENT, SENT, CONTROL],
    ),
    (
        "a bearer token",
        |text| build(text, &Request::new().bearer_auth(text)),
        ["InvalidBearerToken"; 5],
    ),
    // The URL of a server:
    (
        "the scheme of the URL",
        |text| url(text, &format!("{text}://h/")),
        ["UnsupportedScheme"; 5],
    ),
    (
        "the user of the URL",
        |text| url(text, &format!("ws://{text}:p@h/")),
        ["InvalidUserInfo"; 5],
    ),
    (
        "the password of the URL",
        |text| url(text, &format!("ws://u:{text}@h/")),
        ["InvalidUserInfo"; 5],
    ),
    (
        "the encoded user of the URL",
        |text| url(text, &format!("ws://{}:p@h/", encoded(text))),
        [
            "InvalidUserInfo",
            "InvalidUserInfo",
            SENT,
            SENT,
            "InvalidUserInfo",
        ],
    ),
    (
        "the encoded password of the URL",
        |text| url(text, &format!("ws://u:{}@h/", encoded(text))),
        [
            "InvalidUserInfo",
            "InvalidUserInfo",
            SENT,
            SENT,
            "InvalidUserInfo",
        ],
    ),
    (
        "the host of the URL",
        |text| url(text, &format!("ws://{text}/")),
        ["InvalidHost"; 5],
    ),
    (
        "the encoded host of the URL",
        |text| url(text, &format!("ws://{}/", encoded(text))),
        ["InvalidHost"; 5],
    ),
    (
        "the IP literal of the URL",
        |text| url(text, &format!("ws://[::1{text}]/")),
        ["InvalidHost"; 5],
    ),
    (
        "the port of the URL",
        |text| url(text, &format!("ws://h:8{text}/")),
        ["InvalidPort"; 5],
    ),
    (
        "the path of the URL",
        |text| url(text, &format!("ws://h/{text}")),
        ["InvalidPath"; 5],
    ),
    (
        "the encoded path of the URL",
        |text| url(text, &format!("ws://h/{}", encoded(text))),
        [SENT; 5],
    ),
    (
        "the query of the URL",
        |text| url(text, &format!("ws://h?{text}")),
        ["InvalidPath"; 5],
    ),
    (
        "the encoded query of the URL",
        |text| url(text, &format!("ws://h/?{}", encoded(text))),
        [SENT; 5],
    ),
    // The URL of a proxy:
    (
        "the scheme of the proxy",
        |text| proxy(text, &format!("{text}://h")),
        ["UnsupportedScheme"; 5],
    ),
    (
        "the user of the proxy",
        |text| proxy(text, &format!("http://{text}:p@h")),
        ["InvalidUserInfo"; 5],
    ),
    (
        "the encoded user of the proxy",
        |text| proxy(text, &format!("http://{}:p@h", encoded(text))),
        [
            "InvalidUserInfo",
            "InvalidUserInfo",
            SENT,
            SENT,
            "InvalidUserInfo",
        ],
    ),
    (
        "the encoded password of the proxy",
        |text| proxy(text, &format!("u:{}@h", encoded(text))),
        [
            "InvalidUserInfo",
            "InvalidUserInfo",
            SENT,
            SENT,
            "InvalidUserInfo",
        ],
    ),
    (
        "the host of the proxy",
        |text| proxy(text, &format!("socks5h://{text}")),
        ["InvalidHost"; 5],
    ),
    (
        "the port of the proxy",
        |text| proxy(text, &format!("h:8{text}")),
        ["InvalidPort"; 5],
    ),
    // The messages for a proxy:
    (
        "the host for an HTTP proxy",
        |text| tunnel(text, text, None),
        ["InvalidHost"; 5],
    ),
    (
        "the user for an HTTP proxy",
        |text| tunnel(text, "h", Some(Credentials::new(text, "p"))),
        [CONTROL, CONTROL, SENT, SENT, CONTROL],
    ),
    (
        "the password for an HTTP proxy",
        |text| tunnel(text, "h", Some(Credentials::new("u", text))),
        [CONTROL, CONTROL, SENT, SENT, CONTROL],
    ),
    (
        "the host for a SOCKS5 proxy",
        |text| socks5(text, text, &Credentials::new("u", "p")),
        ["InvalidHost"; 5],
    ),
    (
        "the user for a SOCKS5 proxy",
        |text| socks5(text, "h", &Credentials::new(text, "p")),
        [CONTROL, CONTROL, SENT, SENT, CONTROL],
    ),
    // A server chooses these:
    (
        "the path of a Location",
        |text| join(text, &format!("/{text}?{text}")),
        ["InvalidPath"; 5],
    ),
    (
        "the host of a Location",
        |text| join(text, &format!("//{text}/")),
        ["InvalidHost"; 5],
    ),
];

fn shown<T>(text: &str, result: Result<T, impl Debug>) -> Result<T, String> {
    result.map_err(|error| format!("{error:?}").replace(&format!("{text:?}"), "_"))
}

fn build(text: &str, request: &Request) -> Result<Vec<u8>, String> {
    let client = shown(text, request.build(&target(), NONCE))?;
    Ok(client.request().to_vec())
}

fn extension(text: &str, made: Result<Extension, impl Debug>) -> Result<Vec<u8>, String> {
    build(text, &Request::new().extension(shown(text, made)?))
}

fn request(target: &Target) -> Vec<u8> {
    let client = Request::new().build(target, NONCE);
    client.unwrap().request().to_vec()
}

fn url(text: &str, url: &str) -> Result<Vec<u8>, String> {
    Ok(request(&shown(text, Target::parse(url))?))
}

fn join(text: &str, location: &str) -> Result<Vec<u8>, String> {
    Ok(request(&shown(text, target().join(location))?))
}

fn proxy(text: &str, url: &str) -> Result<Vec<u8>, String> {
    let proxy = shown(text, Proxy::parse(url))?;
    tunnel(text, "h", proxy.credentials().cloned())
}

fn tunnel(text: &str, host: &str, credentials: Option<Credentials>) -> Result<Vec<u8>, String> {
    let tunnel = shown(text, Tunnel::new(host, 80, credentials.as_ref()))?;
    Ok(tunnel.request().to_vec())
}

/// Returns no bytes, because the messages of SOCKS5 have no lines: a length precedes each text.
fn socks5(text: &str, host: &str, credentials: &Credentials) -> Result<Vec<u8>, String> {
    shown(text, Socks5::new(host, 80, Some(credentials)))?;
    Ok(Vec::new())
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Returns the lines of a head. Asserts that no line has a control byte other than a tab.
fn lines(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head);
    let lines: Vec<_> = head.split("\r\n").collect();
    for line in &lines {
        let is_clean = |byte: u8| !byte.is_ascii_control() || byte == b'\t';
        assert!(line.bytes().all(is_clean), "{head:?}");
    }
    lines.len()
}

#[test]
fn no_text_adds_a_line() {
    for (name, send, expected) in SLOTS {
        // The digit makes the text of a port valid. The port 89 is sent, and `wsb` is no scheme.
        let harmless = send("9").ok().map(|bytes| lines(&bytes));
        for (class, expected) in CLASSES.into_iter().zip(expected) {
            for bad in class {
                for text in [format!("9{bad}9"), format!("9{bad}"), format!("{bad}9")] {
                    let sent = send(&text);
                    let found = sent.as_ref().err().map_or(SENT, String::as_str);
                    assert_eq!(found, expected, "{name}: {text:?}");
                    if let Ok(bytes) = sent {
                        assert_eq!(Some(lines(&bytes)), harmless, "{name}: {text:?}");
                    }
                }
            }
        }
    }
}

/// The text of an error may be written to a log, line by line.
#[test]
fn no_error_has_a_raw_control_character() {
    let texts = CLASSES.into_iter().flatten();
    for text in texts.map(|bad| format!("a{bad}b")) {
        let request = Request::new();
        for request in [
            request.clone().header(&*text, "x"),
            request.clone().header("X", &*text),
            request.clone().protocol(&*text),
            request.clone().protocol("a").protocol("a"),
            request.basic_auth(&*text, &*text),
        ] {
            let error = request.build(&target(), NONCE).err();
            let message = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(!message.contains(char::is_control), "{message:?}");
        }
    }
}
