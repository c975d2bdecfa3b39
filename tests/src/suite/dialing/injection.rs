//! Texts of the caller with line ends and NUL.

use ws_driver::ConnectError;
use ws_driver::handshake::{
    CredentialsError, Extension, ExtensionError, Proxies, Proxy, ProxyUrlError, RequestError,
    TargetError,
};

use super::*;
use crate::socket;

/// The error of an attempt before which nothing may be sent.
#[derive(Debug, PartialEq)]
enum Expected {
    Request(RequestError),
    Target(TargetError),
}

/// One attempt: the settings, the URL and the error.
type Row<S> = (Connector<S>, String, Expected);

/// Returns the texts that could end a line or a string.
fn texts() -> Vec<String> {
    let parts = ["\r", "\n", "\r\n", "\r\n\r\n", "\0"];
    let around = |part| [format!("{part}a"), format!("a{part}b"), format!("a{part}")];
    parts.into_iter().flat_map(around).collect()
}

/// Returns the text with each forbidden character percent-encoded.
fn encoded(text: &str) -> String {
    let text = text.replace('\r', "%0D").replace('\n', "%0a");
    text.replace('\0', "%00")
}

/// Returns an attempt with the text in each setting of the request.
fn requests<S: Suite>(connector: &Connector<S>, url: &str, text: &str) -> Vec<Row<S>> {
    let connector = || connector.clone();
    let value = || RequestError::InvalidHeaderValue("x-a".parse().expect("the name of a header"));
    let name = || RequestError::InvalidHeaderName(text.to_owned());
    let credentials = || RequestError::Credentials(CredentialsError::ControlCharacter);
    [
        (connector().header(text, "v"), name()),
        (connector().header("X-A", text), value()),
        (connector().header_for_any_origin(text, "v"), name()),
        (connector().header_for_any_origin("X-A", text), value()),
        (
            connector().subprotocol("chat").subprotocol(text),
            RequestError::InvalidProtocol(text.to_owned()),
        ),
        (connector().basic_auth(text, "p"), credentials()),
        (connector().basic_auth("u", text), credentials()),
        (
            connector().bearer_auth(text),
            RequestError::InvalidBearerToken,
        ),
    ]
    .map(|(connector, error)| (connector, url.to_owned(), Expected::Request(error)))
    .into()
}

/// Returns an attempt with the text in each part of the URL.
fn urls<S: Suite>(connector: &Connector<S>, address: SocketAddr, text: &str) -> Vec<Row<S>> {
    let (ip, port, encoded) = (address.ip(), address.port(), encoded(text));
    [
        (
            format!("{text}ws://{address}/"),
            TargetError::UnsupportedScheme,
        ),
        (
            format!("ws://{text}@{address}/"),
            TargetError::InvalidUserInfo,
        ),
        (
            format!("ws://u:{text}@{address}/"),
            TargetError::InvalidUserInfo,
        ),
        (
            format!("ws://{encoded}@{address}/"),
            TargetError::InvalidUserInfo,
        ),
        (
            format!("ws://u:{encoded}@{address}/"),
            TargetError::InvalidUserInfo,
        ),
        (format!("ws://{text}:{port}/"), TargetError::InvalidHost),
        (format!("ws://{encoded}:{port}/"), TargetError::InvalidHost),
        (format!("ws://{ip}:{port}{text}/"), TargetError::InvalidPort),
        (format!("ws://{address}/{text}"), TargetError::InvalidPath),
        (format!("ws://{address}/?{text}"), TargetError::InvalidPath),
        (format!("ws://{address}/#{text}"), TargetError::Fragment),
    ]
    .map(|(url, error)| (connector.clone(), url, Expected::Target(error)))
    .into()
}

/// No text of the caller adds a line to a request. It is an error, and neither the server nor a
/// proxy sees a connection.
///
/// # Panics
///
/// If the test fails.
pub fn a_line_end_in_a_text_of_the_caller_sends_nothing<S: Suite>() {
    let (listener, address) = socket::listen();
    let proxy = |scheme| {
        let url = format!("{scheme}://{address}");
        Connector::<S>::new().proxy(Proxy::parse(&url).expect("the URL of a proxy"))
    };
    let url = format!("ws://{address}/");
    for connector in [Connector::<S>::new(), proxy("http"), proxy("socks5h")] {
        for text in texts() {
            let rows = [
                requests::<S>(&connector, &url, &text),
                urls::<S>(&connector, address, &text),
            ];
            for (connector, url, expected) in rows.into_iter().flatten() {
                let error = match S::block_on(connector.connect(&*url)) {
                    Err(ConnectError::Request(error)) => Expected::Request(error),
                    Err(ConnectError::Target(error)) => Expected::Target(error),
                    other => panic!("{text:?} {url:?}: {other:?}, not {expected:?}"),
                };
                assert_eq!(error, expected, "{text:?} {url:?}");
                assert_unused(&listener);
            }
        }
    }
}

/// Neither an extension nor the URL of a proxy can be made with such a text. So no connector can
/// have them.
///
/// # Panics
///
/// If the test fails.
pub fn a_line_end_makes_neither_an_extension_nor_a_proxy<S: Suite>() {
    for text in texts() {
        let extension = Extension::new(&*text);
        assert_eq!(extension, Err(ExtensionError::InvalidName), "{text:?}");
        let valid = || Extension::new("x").expect("a token");
        let extension = valid().param(&*text, None);
        assert_eq!(extension, Err(ExtensionError::InvalidParameter), "{text:?}");
        let extension = valid().param("a", Some(&*text));
        assert_eq!(extension, Err(ExtensionError::InvalidValue), "{text:?}");

        let encoded = encoded(&text);
        for scheme in ["http", "https", "socks5", "socks5h"] {
            for (url, expected) in [
                (
                    format!("{text}{scheme}://p:1"),
                    ProxyUrlError::UnsupportedScheme,
                ),
                (
                    format!("{scheme}://{text}@p:1"),
                    ProxyUrlError::InvalidUserInfo,
                ),
                (
                    format!("{scheme}://u:{text}@p:1"),
                    ProxyUrlError::InvalidUserInfo,
                ),
                (
                    format!("{scheme}://{encoded}@p:1"),
                    ProxyUrlError::InvalidUserInfo,
                ),
                (
                    format!("{scheme}://u:{encoded}@p:1"),
                    ProxyUrlError::InvalidUserInfo,
                ),
                (format!("{scheme}://{text}:1"), ProxyUrlError::InvalidHost),
                (
                    format!("{scheme}://{encoded}:1"),
                    ProxyUrlError::InvalidHost,
                ),
                (format!("{scheme}://p:1{text}"), ProxyUrlError::InvalidPort),
                (format!("{scheme}://p:1/{text}"), ProxyUrlError::Path),
            ] {
                assert_eq!(Proxy::parse(&url), Err(expected), "{url:?}");
                let var = |name: &str| (name == "all_proxy").then(|| url.clone());
                let error = Proxies::from_vars(var).expect_err("no URL of a proxy");
                assert_eq!(error.error(), expected, "{url:?}");
            }
        }
    }
}
