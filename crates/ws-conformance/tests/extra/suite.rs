//! The suite, as far as this test uses it: its cases, and how it plays them.

use std::collections::BTreeMap;
use std::net::TcpListener;

use ws_conformance::case::{Case, CaseId, Set};
use ws_conformance::cases;
use ws_conformance::record::Record;
use ws_conformance::role::Role;
use ws_conformance::servers::{self, Target};
use ws_conformance::settings::Settings;
use ws_conformance::verdict::Behavior;

use crate::excused::BY_CHANCE;
use crate::house::Listening;
use crate::testee::{HTTP_2, Testee, Times};

/// Cases with long messages or many frames, and families of many similar cases. Only some testees
/// get them. An asterisk stands for any number.
pub(crate) const LONG: &[&str] = &[
    "23.4.4", "23.5.1", "23.5.2", "24.3.5", "24.4.4", "25.5", "26.5.1", "26.5.2", "26.5.3",
    "26.5.4", "26.5.5", "26.10.*", "26.11.*", "27.1", "27.2", "27.3", "27.4", "27.5",
];
/// The first group of cases that begin with an opening handshake in which nothing is wrong.
const FIRST_AFTER_OPENING: u8 = 23;

/// A verdict that is not a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Miss {
    Failed,
    NonStrict,
    /// The connection did not end as it should. The reaction was right.
    Close,
    /// FAILED or NON-STRICT because no connection was open, in a case about something else.
    NotOpened,
}

/// The cases that a testee does not pass.
pub(crate) type Misses = BTreeMap<CaseId, Miss>;

/// Every case and role that a broken testee has to be shown for.
pub(crate) fn cases_and_roles() -> Vec<(CaseId, String)> {
    let with_roles = |case: &Case| {
        let roles = [Role::Server, Role::Client];
        let roles = roles.into_iter().filter(|role| case.roles().include(*role));
        let id = case.id();
        roles
            .map(move |role| (id, role.to_string()))
            .collect::<Vec<_>>()
    };
    cases::of_set(Set::Extra).flat_map(with_roles).collect()
}

/// The cases that a testee is run against.
pub(crate) fn cases_of(testee: &Testee) -> Vec<&'static Case> {
    let cases = cases::of_set(Set::Extra).filter(|case| {
        let id = &*case.id().to_string();
        testee.groups.contains(&case.id().group())
            && case.roles().include(testee.role())
            && (!is_among(id, LONG) || is_among(id, testee.long_cases))
            && !is_by_chance(testee, id)
    });
    cases.collect()
}

fn is_by_chance(testee: &Testee, id: &str) -> bool {
    let key = testee.key();
    BY_CHANCE
        .iter()
        .any(|(testee, case, _)| *testee == key && *case == id)
}

fn is_among(id: &str, cases: &[&str]) -> bool {
    cases.iter().any(|case| match case.strip_suffix('*') {
        Some(family) => id.starts_with(family),
        None => id == *case,
    })
}

/// The verdict on a testee, if it is not a pass.
pub(crate) fn miss(record: &Record) -> Option<Miss> {
    let group = record.id.group();
    let is_about_opening = record.is_server || group < FIRST_AFTER_OPENING || group == HTTP_2;
    let is_open = record.http_response.starts_with("HTTP/1.1 101 ");
    match record.verdict.behavior {
        Behavior::Failed | Behavior::NonStrict if !is_open && !is_about_opening => {
            Some(Miss::NotOpened)
        }
        Behavior::Failed => Some(Miss::Failed),
        Behavior::NonStrict => Some(Miss::NonStrict),
        _ if record.verdict.overall() == Behavior::Failed => Some(Miss::Close),
        _ => None,
    }
}

pub(crate) fn settings(times: Times) -> Settings {
    Settings::default().with_time_scale(times.scale)
}

/// Plays a case with a new server, and keeps its listener for the next one.
pub(crate) fn play_with_server(
    testee: &'static Testee,
    case: &'static Case,
    times: Times,
    listener: &mut Option<TcpListener>,
) -> Record {
    let server = Listening::start(testee, times, listener.take());
    let server = server.expect("the loopback interface has a free port");
    let target = Target::new(&server.house.url()).expect("the URL is right");
    let mut target = target.with_agent(testee.name.clone());
    if testee.is_http2() {
        target = target.with_http2();
    }
    let record = servers::run_case(&target, case, &settings(times));
    *listener = server.end();
    record
}
