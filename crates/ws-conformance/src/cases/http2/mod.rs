//! Group 28: WebSockets over HTTP/2 (RFC 8441), frame by frame.

mod connections;
mod data;
mod ends;
mod requests;
mod responses;
mod rules;
mod settings;
mod windows;

use crate::case::{Case, Roles, Rule};
use crate::dialogue::{Http2, Outcome, Socket};

pub(super) fn cases() -> Vec<Case> {
    [
        settings::cases(),
        requests::cases(),
        responses::cases(),
        data::cases(),
        windows::cases(),
        ends::cases(),
        connections::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the cases of this group about what a family of HTTP/1.1 is about, as a pattern.
pub(super) fn counterpart(family: &str) -> Option<&'static str> {
    let (_, counterpart) = COUNTERPARTS.iter().find(|(of, _)| *of == family)?;
    Some(counterpart)
}

/// The families of groups 20 and 22: requests, keys, refused requests, versions, requests that
/// break rules of HTTP, requests of a client, refused answers, and odd answers.
const COUNTERPARTS: &[(&str, &str)] = &[
    ("20.1", "28.2.1"),
    ("20.2", "28.2.17"),
    ("20.3", "28.2.*"),
    ("20.4", "28.2.16"),
    ("20.5", "28.2.*"),
    ("22.1", "28.3.1"),
    ("22.2", "28.3.*"),
    ("22.3", "28.3.*"),
];

/// Creates a case of a connection on which nothing was sent but SETTINGS.
fn begun(
    id: &str,
    roles: Roles,
    title: &'static str,
    rule: &'static Rule,
    dialogue: impl Fn(&mut Http2<'_, '_>) -> Outcome + Send + Sync + 'static,
) -> Case {
    Case::new(id, roles, title, rule, move |peer| {
        dialogue(&mut Http2::start(peer, &[])?)
    })
}

/// Creates a case of an open WebSocket that has echoed a message.
fn opened(
    id: &str,
    roles: Roles,
    title: &'static str,
    rule: &'static Rule,
    dialogue: impl Fn(&mut Http2<'_, '_>, &mut Socket) -> Outcome + Send + Sync + 'static,
) -> Case {
    begun(id, roles, title, rule, move |http2| {
        let mut socket = http2.open()?;
        http2.expect_to_be_alive(&mut socket)?;
        dialogue(http2, &mut socket)
    })
}
