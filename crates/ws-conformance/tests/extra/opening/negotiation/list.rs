//! The servers of group 21.

use super::{answers, correct, offers, subprotocols};
use crate::opening::extensions::{Extension, HEADER, Mistakes, PARAMETERS};
use crate::opening::head::{Head, is_token};
use crate::opening::server::Server;
use crate::opening::server::list::{of_entry, of_entry_at_first, testee};
use crate::testee::Testee;

const GROUPS: &[u8] = &[21];
pub(super) const PROTOCOL: &str = "Sec-WebSocket-Protocol";

pub(crate) fn testees() -> Vec<Testee> {
    let unchecked = PARAMETERS.iter().map(|check| {
        let does = format!("does not check that {}", check.requires);
        let mut server = Server::correct();
        server.negotiation.parameters.drop(check.name);
        testee(format!("{}-unchecked", check.name), does, GROUPS, server)
    });
    let broken = [subprotocols::ALL, offers::ALL, answers::ALL].concat();
    let broken = broken.into_iter().map(|entry| of_entry(entry, GROUPS));
    let at_first = answers::AT_FIRST.iter();
    let at_first = at_first.map(|entry| of_entry_at_first(*entry, GROUPS));
    let correct = correct::ALL.iter();
    let correct = correct.map(|entry| of_entry(*entry, GROUPS).correct());
    unchecked
        .chain(broken)
        .chain(at_first)
        .chain(correct)
        .collect()
}

pub(super) fn has_right_extensions(request: &Head) -> bool {
    let lines = request.all(HEADER);
    let has_items = lines
        .iter()
        .all(|line| line.contains(|it: char| it.is_ascii_alphanumeric()));
    has_items && Extension::list(&lines, Mistakes::Fatal).is_some()
}

pub(super) fn has_right_protocols(request: &Head) -> bool {
    let mut items = request.items(PROTOCOL);
    let are_tokens = items.iter().all(|item| is_token(item));
    let count = items.len();
    items.sort_unstable();
    items.dedup();
    are_tokens && items.len() == count && !request.all(PROTOCOL).contains(&"")
}
