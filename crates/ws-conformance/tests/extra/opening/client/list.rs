//! The clients of group 22.

use super::{Client, checks, correct, lenient, requests, strict};
use crate::opening::extensions::PARAMETERS;
use crate::testee::Testee;

/// A name, a description and a change.
pub(super) type Entry = (&'static str, &'static str, fn(&mut Client));

const GROUPS: &[u8] = &[22];
pub(super) const KEY: &str = "Sec-WebSocket-Key";
pub(super) const VERSION: &str = "Sec-WebSocket-Version";
pub(super) const PROTOCOL: &str = "Sec-WebSocket-Protocol";

pub(crate) fn testees() -> Vec<Testee> {
    let all = checks::ALL.iter().map(|it| (it.name, it.requires));
    let parameters = PARAMETERS.iter().map(|it| (it.name, it.requires));
    // Only a client with another offer can leave these out.
    let of_offer = ["client-window-unasked", "server-window-asked"];
    let checks = all.filter(|(name, _)| !of_offer.contains(name));
    let unchecked = checks.chain(parameters).map(|(name, requires)| {
        let mut client = Client::correct();
        match PARAMETERS.iter().any(|it| it.name == name) {
            true => client.parameters.drop(name),
            false => client.checks.drop(name),
        }
        let does = format!("does not check that {requires}");
        testee(format!("{name}-unchecked"), does, client)
    });
    let broken = [
        requests::ALL,
        lenient::TAKING,
        lenient::REFUSING,
        strict::ALL,
    ]
    .concat();
    let broken = broken.into_iter().map(of_entry);
    let correct = correct::ALL.iter().map(|entry| of_entry(*entry).correct());
    unchecked.chain(broken).chain(correct).collect()
}

fn of_entry((name, does, change): Entry) -> Testee {
    let mut client = Client::correct();
    change(&mut client);
    testee(name.to_owned(), does.to_owned(), client)
}

fn testee(name: String, does: String, client: Client) -> Testee {
    Testee::client(name, does, GROUPS, move |asked| client.ask(asked))
}
