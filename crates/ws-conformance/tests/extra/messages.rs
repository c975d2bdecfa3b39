//! Testees that are wrong about frames, messages and the end of a connection: the faults of the
//! echo endpoint, for groups 23 to 27.

use std::sync::Arc;

use crate::suite;
use crate::testee::{Testee, Times};
use crate::testees::server::{End, Service};
use crate::testees::{Client, Fault, Pace, Role};

/// Correct testees of different kinds, and the groups that they are run against.
const CORRECT: &[(&str, &[u8])] = &[
    ("none", &[23, 24, 25]),
    ("fragmented-echo", &[23, 24, 25]),
    ("empty-close", &[23, 24, 25]),
    ("utf8-at-message-end", &[25]),
    ("agrees-to-all", &[26]),
    ("echoes-uncompressed", &[26]),
    ("compressed-fragments", &[26]),
    ("final-blocks", &[26]),
    ("smallest-window", &[26]),
    ("patient", &[24, 27]),
];
/// The correct testees that are run against the long cases.
const WITH_LONG_CASES: &[&str] = &["none", "agrees-to-all", "patient"];
const GROUPS: [u8; 5] = [23, 24, 25, 26, 27];

pub(crate) fn testees() -> Vec<Testee> {
    [Role::Server, Role::Client]
        .into_iter()
        .flat_map(of_role)
        .collect()
}

fn of_role(role: Role) -> Vec<Testee> {
    let correct = CORRECT.iter().map(|(name, groups)| {
        let fault = name.parse().expect("a fault has this name");
        let testee = testee(role, fault, groups).correct();
        match WITH_LONG_CASES.contains(name) {
            true => testee.with_long_cases(suite::LONG),
            false => testee,
        }
    });
    let broken = GROUPS.into_iter().flat_map(|group| {
        let faults = Fault::of_group(group, role);
        faults.map(move |fault| testee(role, fault, &[group]).with_long_cases(fault.long_cases()))
    });
    correct.chain(broken).collect()
}

fn testee(role: Role, fault: Fault, groups: &[u8]) -> Testee {
    match role {
        Role::Server => Testee::server(fault.name(), does(fault), groups, move |times| {
            let service = Service::new(fault, pace(times));
            Arc::new(move |accepted| {
                if service.serve(&accepted.tcp) == End::OfServer {
                    accepted.house.close();
                }
                Ok(())
            })
        }),
        Role::Client => Testee::client(fault.name(), does(fault), groups, move |asked| {
            let client = Client::new(&format!("ws://{}", asked.address), fault)?;
            client.with_pace(pace(asked.times)).run_target(asked.target)
        }),
    }
}

fn does(fault: Fault) -> &'static str {
    let description = fault.description();
    description.strip_prefix("correct: ").unwrap_or(description)
}

fn pace(times: Times) -> Pace {
    Pace::scaled(times.scale)
}
