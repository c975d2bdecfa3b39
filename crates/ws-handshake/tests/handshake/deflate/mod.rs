//! The negotiation of permessage-deflate (RFC 7692 §5, §7.1).
//!
//! The numbers of cases, such as 21.3.1, are those of `ws-conformance`.

mod client_side;
mod properties;
mod server_side;

use ws_handshake::{
    Accepted, Answer, AnswerError, ClientError, Extension, OriginPolicy, Request, UpgradeRequest,
};
use ws_proto::{DeflateConfig, DeflateParams};

use crate::common::{HeadText, KEY, client, offer};

const HEADER: &str = "Sec-WebSocket-Extensions";

fn config() -> DeflateConfig {
    DeflateConfig::default().own_window_bits(15)
}

fn extensions(line: &str) -> Vec<Extension> {
    Extension::parse_list(line.as_bytes()).unwrap_or_else(|error| panic!("{line:?}: {error}"))
}

fn accepted(lines: &[&str], answer: Answer) -> Result<Accepted, AnswerError> {
    let head = HeadText::request();
    let add = |head: HeadText, line: &&str| head.with(format!("{HEADER}: {line}"));
    offer(&lines.iter().fold(head, add)).accept(answer)
}

/// Returns the extensions in the answer of a server. The text is empty if the server declines all
/// offers. Asserts that a client accepts this answer and derives the same parameters.
#[track_caller]
fn answered(lines: &[&str], config: &DeflateConfig) -> String {
    let accepted = accepted(lines, Answer::new().deflate(config)).unwrap();
    let header = accepted.response().headers().get(HEADER);
    let answer = header
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    assert_eq!(accepted.agreed().deflate().is_some(), !answer.is_empty());
    if !answer.is_empty() {
        let agreed = verified(&lines.join(", "), &answer).unwrap();
        assert_eq!(agreed, accepted.agreed().deflate());
    }
    answer
}

/// Builds a request that offers these extensions.
fn offering(offers: &str) -> Request {
    extensions(offers)
        .into_iter()
        .fold(Request::new(), Request::extension)
}

fn response(answer: &str) -> HeadText {
    HeadText::response().with(format!("{HEADER}: {answer}"))
}

/// Returns the parameters that a client derives from an answer to its offers.
fn verified(offers: &str, answer: &str) -> Result<Option<DeflateParams>, ClientError> {
    verified_by(&offering(offers), answer)
}

fn verified_by(request: &Request, answer: &str) -> Result<Option<DeflateParams>, ClientError> {
    let progress = client(request).receive(&response(answer).bytes())?;
    Ok(progress.done.unwrap().agreed().deflate())
}

/// Returns the extensions that a client with this configuration offers.
fn offered(config: &DeflateConfig) -> String {
    let handshake = client(&Request::new().deflate(config));
    let head = String::from_utf8(handshake.request().to_vec()).unwrap();
    let (_, rest) = head.split_once("Sec-WebSocket-Extensions: ").unwrap();
    rest.split("\r\n").next().unwrap().to_owned()
}

/// Builds parameters. In each pair, the first value is for the server and the second for the
/// client.
fn params(no_context_takeover: (bool, bool), windows: (u8, u8)) -> DeflateParams {
    let mut params = DeflateParams::default();
    (
        params.server_no_context_takeover,
        params.client_no_context_takeover,
    ) = no_context_takeover;
    (params.server_max_window_bits, params.client_max_window_bits) = windows;
    params
}

/// Returns the response and the parameters of a server whose HTTP is handled by another stack.
fn over_http(offers: &str, config: &DeflateConfig) -> (http::Response<()>, Option<DeflateParams>) {
    let request = http::Request::get("/chat")
        .header("host", "server.example.com")
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-key", KEY)
        .header("sec-websocket-version", "13")
        .header(HEADER, offers)
        .body(())
        .unwrap();
    let offer = UpgradeRequest::from_request(&request, OriginPolicy::default()).unwrap();
    let accepted = offer.accept(Answer::new().deflate(config)).unwrap();
    let (response, agreed) = accepted.into_parts();
    (response, agreed.deflate())
}
