//! Responses: read from servers under test, written for clients under test.

use std::fmt;

use crate::deflate::{self, ExtensionError};

use super::{ClientRequest, MAX_HEADERS, PRODUCT, has_token, values};

/// Why a response does not open the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ResponseError {
    Malformed,
    HttpVersion,
    Status(u16),
    Upgrade,
    Connection,
    Accept,
    Extension,
    Compression(ExtensionError),
    Protocol,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the response is not HTTP",
            Self::HttpVersion => "the version is not HTTP/1.1",
            Self::Status(status) => return write!(f, "the status is {status} instead of 101"),
            Self::Upgrade => "Upgrade is not websocket",
            Self::Connection => "Connection does not list Upgrade",
            Self::Accept => "Sec-WebSocket-Accept is not the answer to the key",
            Self::Extension => "an extension is agreed to that was not offered",
            Self::Compression(error) => return error.fmt(f),
            Self::Protocol => "a subprotocol is chosen that was not offered",
        })
    }
}

/// Reads a complete head. The `Server` header is returned with the judgement, which may be bad, or
/// have what was agreed on compression.
pub(crate) fn read_response(
    head: &[u8],
    request: &ClientRequest<'_>,
) -> (
    Option<String>,
    Result<Option<deflate::Response>, ResponseError>,
) {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    if !response
        .parse(head)
        .is_ok_and(|status| status.is_complete())
    {
        return (None, Err(ResponseError::Malformed));
    }
    let server = values(response.headers, "Server").first().copied();
    (server.map(str::to_owned), judge(&response, request))
}

fn judge(
    response: &httparse::Response<'_, '_>,
    request: &ClientRequest<'_>,
) -> Result<Option<deflate::Response>, ResponseError> {
    let all = |name| values(response.headers, name);
    let upgrade = all("Upgrade");
    let extensions = all("Sec-WebSocket-Extensions");
    let status = response.code.unwrap_or(0);
    let protocol_fits = match all("Sec-WebSocket-Protocol")[..] {
        [] => true,
        [one] => request.protocols.iter().any(|offered| offered == one),
        _ => false,
    };
    let checks = [
        (status == 101, ResponseError::Status(status)),
        (response.version == Some(1), ResponseError::HttpVersion),
        (
            matches!(upgrade[..], [one] if one.eq_ignore_ascii_case("websocket")),
            ResponseError::Upgrade,
        ),
        (
            has_token(response.headers, "Connection", "Upgrade"),
            ResponseError::Connection,
        ),
        (
            all("Sec-WebSocket-Accept") == [request.accept()],
            ResponseError::Accept,
        ),
        (
            !request.demands.is_empty() || extensions.concat().is_empty(),
            ResponseError::Extension,
        ),
        (protocol_fits, ResponseError::Protocol),
    ];
    let failed = checks.into_iter().find(|(passed, _)| !passed);
    match failed {
        Some((_, error)) => Err(error),
        None if request.demands.is_empty() => Ok(None),
        None => {
            deflate::read_response(&extensions, request.demands).map_err(ResponseError::Compression)
        }
    }
}

/// The response that opens a connection. The capitals of `WebSocket` are deliberate: a client has
/// to ignore case there.
pub(crate) fn accept_response(accept: &str, extension: Option<&str>) -> String {
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nServer: {PRODUCT}\r\nUpgrade: WebSocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
    );
    let extension = extension.map(|text| format!("Sec-WebSocket-Extensions: {text}\r\n"));
    head + &extension.unwrap_or_default() + "\r\n"
}

/// A response that says in one line why there is no connection.
pub(crate) fn error_response(status: u16, text: &str) -> String {
    let phrase = match status {
        400 => "Bad Request",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    // RFC 6455 §4.4: a refused version is answered with the right ones. They do no harm elsewhere.
    format!(
        "HTTP/1.1 {status} {phrase}\r\nServer: {PRODUCT}\r\nSec-WebSocket-Version: 13, 8\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
         \r\n{text}\n",
        text.len() + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Demand;

    const NONE: Result<Option<deflate::Response>, ResponseError> = Ok(None);

    fn read(from: &str, to: &str) -> Result<Option<deflate::Response>, ResponseError> {
        read_with(&[], from, to)
    }

    fn read_with(
        demands: &[Demand],
        from: &str,
        to: &str,
    ) -> Result<Option<deflate::Response>, ResponseError> {
        let protocols = ["chat".to_owned()];
        let request = ClientRequest {
            host: "localhost:80".to_owned(),
            resource: "/",
            origin: None,
            protocols: &protocols,
            demands,
            nonce: [7; 16],
        };
        let good = accept_response(&request.accept(), None);
        assert!(good.contains(from));
        let (server, judgement) = read_response(good.replace(from, to).as_bytes(), &request);
        assert!(server.is_none() || server.as_deref() == Some(PRODUCT));
        judgement
    }

    #[test]
    fn a_good_response_is_accepted() {
        assert_eq!(read("", ""), NONE);
        assert_eq!(
            read("Server", "Sec-WebSocket-Protocol: chat\r\nServer"),
            NONE
        );
    }

    #[test]
    fn compression_may_be_agreed_on_if_it_was_offered() {
        let offered = |to: &str| read_with(&[Demand::new(false, None)], "Server", to);
        assert_eq!(offered("Server"), NONE);
        let agreed = "Sec-WebSocket-Extensions: permessage-deflate\r\nServer";
        assert!(offered(agreed).unwrap().unwrap().fits);
        let other = "Sec-WebSocket-Extensions: x\r\nServer";
        let error = ExtensionError::Unexpected("x".to_owned());
        assert_eq!(offered(other), Err(ResponseError::Compression(error)));
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(read("101", "200"), Err(ResponseError::Status(200)));
        let plain = read("HTTP/1.1 101", "HTTP/1.0 404");
        assert_eq!(plain, Err(ResponseError::Status(404)));
        assert_eq!(
            read("HTTP/1.1", "HTTP/1.0"),
            Err(ResponseError::HttpVersion)
        );
        assert_eq!(read("WebSocket\r", "h2c\r"), Err(ResponseError::Upgrade));
        assert_eq!(read(": Upgrade", ": close"), Err(ResponseError::Connection));
        assert_eq!(read("Accept: ", "Accept: x"), Err(ResponseError::Accept));
        let protocol = "Sec-WebSocket-Protocol: other\r\nServer";
        assert_eq!(read("Server", protocol), Err(ResponseError::Protocol));
        let extension = "Sec-WebSocket-Extensions: permessage-deflate\r\nServer";
        assert_eq!(read("Server", extension), Err(ResponseError::Extension));
        assert_eq!(read("HTTP/1.1", "HTTQ"), Err(ResponseError::Malformed));
    }

    #[test]
    fn an_error_says_why() {
        let response = error_response(500, "no such case");
        assert!(response.starts_with("HTTP/1.1 500 "));
        assert!(response.ends_with("\r\n\r\nno such case\n"));
        assert!(response.contains("Content-Length: 13\r\n"));
    }
}
