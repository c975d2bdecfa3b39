//! The page `docs/network-errors.md` has the text of every error of the way to a server.

use std::io;

use tokio::net::TcpListener;
use tokio::time;
use ws_tests::socket::TOO_LONG;
use ws_tokio::handshake::{
    CredentialsError, HeadError, IpRangeError, Proxies, Proxy, ProxyUrlError, RedirectError,
    Socks5Error, Socks5Refusal, TunnelError,
};
use ws_tokio::http::{HeaderName, Response};
use ws_tokio::{
    ClientError, ConnectError, ConnectPhase, Connector, ProxyErrorKind, RequestError, TargetError,
};

const PAGE: &str = include_str!("../../../docs/network-errors.md");

/// The text that stands for the error of the operating system.
const CAUSE: &str = "…";

/// Lists errors with the names of their variants.
macro_rules! errors {
    ($($type:ident { $($variant:ident $(($($value:expr),+))?),+ $(,)? })+) => {
        vec![$($((
            concat!(stringify!($type), "::", stringify!($variant)),
            $type::$variant $(($($value),+))?.to_string(),
        )),+),+]
    };
}

fn cause() -> io::Error {
    io::Error::other(CAUSE)
}

fn refusal(status: u16) -> Box<Response<Vec<u8>>> {
    Box::new(Response::builder().status(status).body(vec![]).unwrap())
}

fn caller() -> Vec<(&'static str, String)> {
    let name = || HeaderName::from_static("x-name");
    errors! {
        TargetError {
            EmptyHost, Fragment, InvalidHost, InvalidPath, InvalidPort, InvalidUserInfo,
            MissingScheme, UnsupportedScheme, UserInfoInLocation,
        }
        RequestError {
            DuplicateAuthorization, DuplicateProtocol("name".into()), InvalidBearerToken,
            InvalidHeaderName("name".into()), InvalidHeaderValue(name()),
            InvalidProtocol("name".into()), ReservedHeader(name()),
        }
        CredentialsError { ColonInUser, ControlCharacter }
        ProxyUrlError {
            EmptyHost, InvalidHost, InvalidPort, InvalidUserInfo, Path, UnsupportedScheme,
        }
        IpRangeError { InvalidAddress, InvalidLength }
        ConnectError { Http2Unsupported, TlsUnavailable }
    }
}

fn way() -> Vec<(&'static str, String)> {
    errors! {
        ConnectError { Io(cause()), Lost, Resolve(cause()), UnixSocket(cause()) }
        ProxyErrorKind { EarlyData, Io(cause()), Lost, Resolve(cause()) }
        TunnelError {
            ConnectionClosed, Head(HeadError::MalformedStartLine),
            Head(HeadError::TlsOnPlainConnection), Head(HeadError::HeadTooLong), InvalidHost,
            Refused(refusal(407)), Refused(refusal(403)), TruncatedHead,
        }
        Socks5Error {
            AuthenticationFailed, AuthenticationRequired, ConnectionClosed, CredentialsLength,
            InvalidAddressType(9), InvalidHost, MethodNotOffered(9), NameTooLong,
            NoAcceptableMethod, Truncated, WrongVersion(72),
        }
        Socks5Refusal {
            GeneralFailure, NotAllowed, NetworkUnreachable, HostUnreachable, ConnectionRefused,
            TtlExpired, CommandNotSupported, AddressTypeNotSupported, Other(9),
        }
        RedirectError {
            DuplicateLocation, Insecure, Location(TargetError::InvalidPath), TooMany,
        }
        ClientError {
            ConnectionClosed, ConnectionWithoutUpgrade, DuplicateAccept, DuplicateExtension,
            DuplicateProtocol, Head(HeadError::MalformedStartLine),
            Head(HeadError::TlsOnPlainConnection), Head(HeadError::BareLineFeed),
            Head(HeadError::HeadTooLong), InvalidExtensions, MissingAccept, Refused(refusal(403)),
            TruncatedHead, UnofferedExtension, UnofferedProtocol, UpgradeNotWebSocket, WrongAccept,
        }
    }
}

fn timeouts() -> Vec<(&'static str, String)> {
    use ConnectPhase::{Connect, Handshake, Proxy, Resolve, Tls};
    [
        ("Timeout(Resolve)", Resolve),
        ("Timeout(Connect)", Connect),
        ("Timeout(Proxy)", Proxy),
        ("Timeout(Tls)", Tls),
        ("Timeout(Handshake)", Handshake),
    ]
    .map(|(name, phase)| (name, ConnectError::Timeout(phase).to_string()))
    .into()
}

/// Returns the errors of an address on which no server listens.
async fn unreachable() -> Vec<(&'static str, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxy = Proxy::parse(&format!("socks5h://user:secret@{address}")).unwrap();
    let direct = ws_tokio::connect(format!("ws://{address}/"));
    let proxied = Connector::new().proxy(proxy);
    let proxied = proxied.connect("ws://example.com/");
    let both = async { (direct.await.unwrap_err(), proxied.await.unwrap_err()) };
    let (direct, proxied) = time::timeout(TOO_LONG, both).await.expect("in time");
    let ConnectError::Unreachable(errors) = &direct else {
        panic!("{direct}");
    };
    let [failed] = errors.addresses() else {
        panic!("{direct}");
    };
    let general = |error: &ConnectError| {
        let text = error.to_string();
        let text = text.replace(&failed.error.to_string(), CAUSE);
        text.replace(&address.to_string(), "192.0.2.1:80")
    };
    vec![
        ("ConnectError::Unreachable", general(&direct)),
        ("ProxyErrorKind::Unreachable", general(&proxied)),
    ]
}

#[tokio::test]
async fn the_page_has_the_text_of_every_error() {
    let mut errors = [caller(), way(), timeouts()].concat();
    errors.extend(unreachable().await);
    let missing: Vec<_> = errors
        .iter()
        .filter(|(name, text)| {
            let name = name.rsplit("::").next().unwrap_or(name);
            let row = |line: &&str| line.contains(name) && line.contains(&**text);
            !PAGE
                .lines()
                .filter(|line| line.starts_with('|'))
                .any(|line| row(&line))
        })
        .collect();
    assert!(missing.is_empty(), "missing: {missing:#?}");
}

#[test]
fn an_invalid_variable_names_itself() {
    let vars = |name: &str| (name == "HTTPS_PROXY").then(|| "ftp://h".to_owned());
    let text = Proxies::from_vars(vars).unwrap_err().to_string();
    assert!(text.starts_with("in the variable HTTPS_PROXY: "), "{text}");
    assert!(PAGE.contains("`in the variable HTTPS_PROXY: …`"));
}
