//! Offers of extensions, and the server's answers to them.

use crate::case::Roles::Server;
use crate::case::{Case, Rule};
use crate::deflate::{DEFLATE, Extension};
use crate::dialogue::{Miss, Outcome, Peer, passed};
use crate::http::Head;
use crate::wire::Frame;

const HEADER: &str = "Sec-WebSocket-Extensions";

/// The answer of a server to an offer.
#[derive(Debug)]
pub(super) enum Decision {
    /// A refusal of the whole handshake, with this status.
    Refused(u16),
    /// Status 101 without an extension.
    Declined,
    /// Status 101 with this extension.
    Accepted(Extension),
}

/// The verdict on an answer, over the connection on which it came or over new ones.
pub(super) type Judge = fn(&mut Peer<'_>, &Decision) -> Outcome;

/// Creates a case of an offer, each line of it in a header of its own.
pub(super) fn offer(
    id: &str,
    title: &'static str,
    rule: &'static Rule,
    lines: &str,
    judge: impl Fn(&mut Peer<'_>, &Decision) -> Outcome + Send + Sync + 'static,
) -> Case {
    let headers: Vec<_> = lines
        .split('\n')
        .map(|line| format!("`{HEADER}: {line}`"))
        .collect();
    let lines = lines.to_owned();
    let case = Case::new(id, Server, title, rule, move |peer| {
        let answer = negotiate(peer, &lines)?;
        judge(peer, &answer)
    });
    case.does(format!(
        "Sends a request with {}, and then messages.",
        headers.join(" and ")
    ))
}

/// Makes an offer, each line of it in a header of its own. If the server opens the connection,
/// expects that it echoes messages within the bounds of its answer.
pub(super) fn negotiate(peer: &mut Peer<'_>, lines: &str) -> Result<Decision, Miss> {
    let add = |head: Head, line| head.add(HEADER, line);
    let lines: Vec<_> = lines.split('\n').collect();
    let request = peer
        .request()
        .with(|head| lines.into_iter().fold(head, add));
    peer.send_request(&request)?;
    let response = peer.expect_opened_or_refused(&request)?;
    if !response.opens() {
        return Ok(Decision::Refused(response.status));
    }
    let answer = match <[Extension; 1]>::try_from(Extension::list(&response.all(HEADER))) {
        Ok([agreed]) => match agreed.fault() {
            Some(fault) => return Miss::must(format!("The server's answer is wrong: {fault}.")),
            None => Decision::Accepted(agreed),
        },
        Err(agreed) if agreed.is_empty() => Decision::Declined,
        Err(_) => return Miss::must("The server agreed to more than one extension."),
    };
    expect_echoes(peer, &answer)?;
    Ok(answer)
}

/// Sends a message twice, the second half of which repeats the first. That lies further back than
/// the window reaches, if it is a smaller one, and in an earlier message.
fn expect_echoes(peer: &mut Peer<'_>, answer: &Decision) -> Result<(), Miss> {
    let mut window_bits = 15;
    if let Decision::Accepted(extension) = answer {
        let coding = extension.of_server();
        window_bits = coding.window_bits;
        peer.inflate(coding);
    }
    let half = match window_bits {
        15 => 3000,
        bits => (1 << bits) + 300,
    };
    let mut rng = fastrand::Rng::with_seed(21);
    let half: String = (0..half).map(|_| rng.alphanumeric()).collect();
    for _ in 0..2 {
        let message = Frame::text(half.repeat(2));
        peer.send(message.clone())?;
        peer.expect_echo(&message)?;
    }
    Ok(())
}

/// Makes another offer over a new connection, and returns `true` if the server accepts it. The
/// record keeps the first offer.
pub(super) fn accepts(peer: &mut Peer<'_>, offer: &str) -> Result<bool, Miss> {
    let handshake = peer.said.handshake.clone();
    peer.reconnect()?;
    let answer = negotiate(peer, offer)?;
    peer.said.handshake = handshake;
    Ok(matches!(answer, Decision::Accepted(_)))
}

/// Returns the outcome for a server that declined everything so far. This matters only for a server
/// that accepts a correct offer.
pub(super) fn declined(peer: &mut Peer<'_>) -> Outcome {
    match accepts(peer, DEFLATE)? {
        true => passed("The server declined. It accepts permessage-deflate without parameters."),
        false => Miss::not_applicable("The server does not accept permessage-deflate at all."),
    }
}

/// Judges an answer to an offer that a server may accept or decline.
pub(super) fn judge_any(answer: &Decision) -> Outcome {
    match answer {
        Decision::Refused(status) => Miss::should(format!(
            "The server refused the whole handshake with status {status}."
        )),
        Decision::Declined => passed("The server declined."),
        Decision::Accepted(_) => passed("The server accepted, and its messages obey the answer."),
    }
}

/// Judges an answer to a malformed offer.
pub(super) fn judge_malformed(answer: &Decision) -> Outcome {
    match answer {
        Decision::Refused(status) => passed(format!("The server refused with status {status}.")),
        Decision::Declined => passed("The server declined."),
        Decision::Accepted(_) => Miss::must("The server accepted a malformed offer."),
    }
}
