//! The reactions of a testee to a head: it opens the connection, or does not.

use crate::case::Level;
use crate::channel::differs;
use crate::dialogue::{Act, Miss, Outcome, Peer, REPLY, passed};
use crate::http::{Request, Response};
use crate::wire::Frame;

const OPENED_ALL_THE_SAME: &str = "The testee opened the connection all the same.";

/// Ends a dialogue with a miss of this level.
pub(in crate::cases) fn miss<T>(level: Level, sentence: impl Into<String>) -> Result<T, Miss> {
    match level {
        Level::Must => Miss::must(sentence),
        Level::Should => Miss::should(sentence),
        Level::Informational => Miss::informs(sentence),
    }
}

/// The reaction of a server to a request.
pub(super) enum ToRequest {
    Opened(Response),
    Refused(Response),
    EndedTcp,
}

impl ToRequest {
    /// Expects this status. No other sentence allows the server to end TCP instead.
    pub(super) fn expect_status(&self, wanted: u16) -> Outcome {
        match self {
            Self::Opened(_) => Miss::must(OPENED_ALL_THE_SAME),
            Self::Refused(response) if response.status == wanted => {
                passed(format!("The server refused with status {wanted}."))
            }
            Self::Refused(response) => {
                let status = response.status;
                Miss::must(format!("The status is {status} instead of {wanted}."))
            }
            Self::EndedTcp => Miss::must(format!("The server ended TCP instead of a {wanted}.")),
        }
    }
}

/// Reads the head of the response, if there is one.
pub(super) fn to_request(peer: &mut Peer<'_>) -> Result<ToRequest, Miss> {
    Ok(match peer.response_if_any()? {
        Some(response) if response.status == 101 => {
            peer.opened();
            ToRequest::Opened(response)
        }
        Some(response) => ToRequest::Refused(response),
        None => ToRequest::EndedTcp,
    })
}

/// Expects that the server opens the connection and echoes. A refusal is a miss of this level.
pub(super) fn expect_server_to_open(
    peer: &mut Peer<'_>,
    request: &Request,
    level: Level,
) -> Outcome {
    match to_request(peer)? {
        ToRequest::Opened(response) => judge_opened(peer, &response, request),
        ToRequest::Refused(response) => {
            let status = response.status;
            miss(level, format!("The server refused with status {status}."))
        }
        ToRequest::EndedTcp => miss(level, "The server ended TCP without a response."),
    }
}

/// Expects that a response with status 101 is right, and that the connection works.
pub(super) fn judge_opened(peer: &mut Peer<'_>, response: &Response, request: &Request) -> Outcome {
    expect_right(response, request)?;
    peer.expect_to_be_alive()?;
    passed("The server opened the connection and echoed.")
}

/// Expects that a response with status 101 is right.
pub(super) fn expect_right(response: &Response, request: &Request) -> Result<(), Miss> {
    match response.fault(request) {
        None => Ok(()),
        Some(fault) => Miss::must(format!("The server's response is wrong: {fault}.")),
    }
}

/// Expects an error status. If the server opens the connection, that is a miss of this level, and
/// the connection has to work.
///
/// A server that ends TCP without a response misses a SHOULD, for any request: RFC 6455 §10.7
/// allows it to "drop the TCP connection", while it "SHOULD return an appropriate HTTP [RFC2616]
/// status code".
pub(super) fn expect_server_to_refuse(peer: &mut Peer<'_>, level: Level) -> Outcome {
    match to_request(peer)? {
        ToRequest::Opened(_) => {
            if level != Level::Must {
                peer.expect_to_be_alive()?;
            }
            miss(level, OPENED_ALL_THE_SAME)
        }
        ToRequest::Refused(response) => {
            let status = response.status;
            match is_error(status) {
                true => passed(format!("The server refused with status {status}.")),
                false => Miss::should(format!("The status is {status}, which is no error status.")),
            }
        }
        ToRequest::EndedTcp => Miss::should("The server ended TCP without a response."),
    }
}

/// Expects anything but an open connection.
pub(super) fn expect_server_to_reject(peer: &mut Peer<'_>) -> Outcome {
    match to_request(peer)? {
        ToRequest::Opened(_) => Miss::must(OPENED_ALL_THE_SAME),
        ToRequest::Refused(response) => passed(format!(
            "The server refused with status {}.",
            response.status
        )),
        ToRequest::EndedTcp => passed("The server ended TCP."),
    }
}

fn is_error(status: u16) -> bool {
    matches!(status, 400..=599)
}

/// Sends a message after a response and expects that the client echoes it. A refusal is a miss of
/// this level.
pub(super) fn expect_client_to_open(peer: &mut Peer<'_>, level: Level) -> Outcome {
    let message = Frame::text("Are you there?");
    peer.send(message.clone())?;
    expect_client_to_echo(peer, &message, level)
}

/// Expects the echo of a message that was sent before.
pub(super) fn expect_client_to_echo(peer: &mut Peer<'_>, message: &Frame, level: Level) -> Outcome {
    match is_opened(peer, message)? {
        true => passed("The client opened the connection and echoed."),
        false => miss(level, "The client refused the response."),
    }
}

/// Expects that the client refuses a response that this message follows. If the client opens the
/// connection, that is a miss of this level, and the connection has to work.
pub(super) fn expect_client_to_refuse(
    peer: &mut Peer<'_>,
    message: &Frame,
    level: Level,
) -> Outcome {
    if level == Level::Must {
        return peer.expect_not_opened();
    }
    match is_opened(peer, message)? {
        true => miss(level, OPENED_ALL_THE_SAME),
        false => passed("The client ended TCP."),
    }
}

/// Returns `true` if the client echoes this message, and false if it refuses the connection.
fn is_opened(peer: &mut Peer<'_>, message: &Frame) -> Result<bool, Miss> {
    match echo(peer, message)? {
        Echo::Right => Ok(true),
        Echo::Failed => Ok(false),
        Echo::None => Miss::must("The client neither echoed nor ended TCP."),
    }
}

/// The reaction to a message.
pub(super) enum Echo {
    Right,
    /// The end of TCP, or a Close.
    Failed,
    /// Nothing in time.
    None,
}

/// Waits for the echo of a message. Another message is a miss.
pub(super) fn echo(peer: &mut Peer<'_>, message: &Frame) -> Result<Echo, Miss> {
    loop {
        match peer.next_within(REPLY)? {
            None => return Ok(Echo::None),
            Some(Act::End) => return Ok(Echo::Failed),
            Some(Act::Close(_)) => {
                peer.opened();
                peer.see_off()?;
                return Ok(Echo::Failed);
            }
            Some(Act::Message { binary, payload }) => {
                peer.opened();
                return match !binary && *message.payload.as_bytes() == payload {
                    true => Ok(Echo::Right),
                    false => {
                        let sent = message.payload.as_bytes();
                        Miss::must(differs("The echo", (false, &sent), (binary, &payload)))
                    }
                };
            }
            Some(Act::Pong(_)) => {}
            Some(Act::Violation(what)) => {
                return Miss::must(format!("Instead of an echo, {what}."));
            }
        }
    }
}
