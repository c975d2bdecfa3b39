//! The servers of group 20.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Refusal, Server, answers, checks, correct, lenient, refusal, strict};
use crate::testee::Testee;

/// A name, a description and a change.
pub(crate) type Entry = (&'static str, &'static str, fn(&mut Server));

const GROUPS: &[u8] = &[20];
pub(super) const KEY: &str = "Sec-WebSocket-Key";
pub(super) const VERSION: &str = "Sec-WebSocket-Version";

pub(crate) fn testees() -> Vec<Testee> {
    // A server that takes many headers is a correct one.
    let checks = checks::ALL.iter().filter(|it| it.name != "header-count");
    let unchecked = checks.map(|check| {
        let does = format!("does not check that {}", check.requires);
        let mut server = Server::correct();
        server.checks.drop(check.name);
        testee(format!("{}-unchecked", check.name), does, GROUPS, server)
    });
    let broken = [lenient::ALL, strict::ALL, answers::REFUSING].concat();
    let broken = broken.into_iter().map(|entry| of_entry(entry, GROUPS));
    let answers = answers::OPENING.iter();
    let answers = answers.map(|entry| of_entry_at_first(*entry, GROUPS));
    let correct = correct::ALL.iter();
    let correct = correct.map(|entry| of_entry(*entry, GROUPS).correct());
    unchecked
        .chain(broken)
        .chain(answers)
        .chain(correct)
        .collect()
}

pub(crate) fn of_entry((name, does, change): Entry, groups: &[u8]) -> Testee {
    let mut server = Server::correct();
    change(&mut server);
    testee(name.to_owned(), does.to_owned(), groups, server)
}

/// A testee that is broken at its first connection only. The suite may open another one after each
/// case, and does nothing there that is not in each case.
pub(crate) fn of_entry_at_first((name, does, change): Entry, groups: &[u8]) -> Testee {
    let mut server = Server::correct();
    change(&mut server);
    server.is_first_only = true;
    let does = format!("{does}, at its first connection");
    testee(name.to_owned(), does, groups, server)
}

pub(crate) fn testee(name: String, does: String, groups: &[u8], server: Server) -> Testee {
    let server = Arc::new(server);
    Testee::server(name, does, groups, move |_| {
        let (server, count) = (Arc::clone(&server), AtomicUsize::new(0));
        Arc::new(move |accepted| {
            let number = count.fetch_add(1, Ordering::Relaxed);
            server.serve_one_of(number, accepted)
        })
    })
}

pub(super) fn with_status(reason: &str, status: &str) -> Refusal {
    let mut refusal = refusal(reason);
    refusal.head.first = format!("HTTP/1.1 {status}");
    refusal
}
