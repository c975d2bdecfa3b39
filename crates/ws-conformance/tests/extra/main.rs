//! The extra cases on testees that are wrong on purpose: which case finds which fault
//! (`data/extra.json`).
//!
//! The testees look at nothing in a request and at no form of a length, so that even the one
//! without a fault has its failures here. With `UPDATE=1` in the environment, the file is written
//! anew.

#![forbid(unsafe_code)]

mod careless;
mod examine;
#[path = "../testees/mod.rs"]
#[allow(dead_code, reason = "shared with the examples")]
mod testees;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use examine::examine;
use testees::{Fault, Role, Server};
use ws_conformance::case::CaseId;
use ws_conformance::case::{Case, Level, Set};
use ws_conformance::cases;
use ws_conformance::record::Record;
use ws_conformance::role;
use ws_conformance::servers::{self, Target};
use ws_conformance::settings::Settings;
use ws_conformance::verdict::Behavior;

/// Those whose faults some of these cases are about, and some that are wrong altogether.
const SERVERS: &[Fault] = &[
    Fault::None,
    Fault::NoUpgrade,
    Fault::RefusedUpgrade,
    Fault::WrongAccept,
    Fault::NoEcho,
    Fault::WrongMasking,
    Fault::Closes1000,
    Fault::RsvUnchecked,
    Fault::OpcodesUnchecked,
    Fault::OrderUnchecked,
    Fault::ControlFragmentsUnchecked,
    Fault::ControlLengthUnchecked,
    Fault::NoCloseReply,
    Fault::DropsOnClose,
    Fault::TalksAfterClose,
    Fault::CloseCodesUnchecked,
    Fault::TcpLeftOpen,
];
const CLIENTS: &[Fault] = &[
    Fault::None,
    Fault::NoEcho,
    Fault::DropsAtOnce,
    Fault::WrongMasking,
    Fault::Closes1000,
    Fault::RsvUnchecked,
    Fault::OpcodesUnchecked,
    Fault::OrderUnchecked,
    Fault::ControlFragmentsUnchecked,
    Fault::ControlLengthUnchecked,
    Fault::NoCloseReply,
    Fault::DropsOnClose,
    Fault::TalksAfterClose,
    Fault::CloseCodesUnchecked,
];
/// Those that are wrong about what messages hold: they get the cases about that, and no others.
const CONTENT: &[Fault] = &[
    Fault::WrongPong,
    Fault::LatePong,
    Fault::FragmentsSwapped,
    Fault::Utf8Unchecked,
    Fault::Compressed,
    Fault::AlteredCompressed,
    Fault::ContextLost,
    Fault::ContextKept,
    Fault::WindowIgnored,
    Fault::Rsv1OnContinuations,
    Fault::FinalBlocks,
];

/// Cases that only testees find which look at nothing at all ([`careless`]).
const ENDLESS: &[&str] = &["20.5.16", "20.5.17"];
/// Long messages and many frames for each testee would take too long here: one has to do.
const LONG: &[&str] = &[
    "23.4.4", "23.5.1", "23.5.2", "24.3.5", "24.4.4", "25.5", "26.5.1", "26.5.2", "26.5.3",
    "26.5.4", "26.5.5",
];
/// Whether the case sees the fault is a matter of chance: octets that the testee has not read when it
/// ends TCP turn the end into a reset, and after that its Close may have been lost.
const BY_CHANCE: &[(Fault, &str)] = &[(Fault::DropsOnClose, "24.3.2")];
const UNREAD: &[&str] = &["24.4.4"];
const UNANSWERED: &[&str] = &["23.4.4", "23.4.9", "23.4.10", "24.3.5"];
const ALTERED: &[&str] = &["26.5.1", "26.5.2", "26.5.5"];
const MIRRORED: &[&str] = &[
    "23.5.1", "23.5.2", "25.5", "26.2.1", "26.2.2", "26.2.3", "26.2.4", "26.3.1", "26.3.2",
    "26.3.3", "26.3.4", "26.3.5", "26.3.6", "26.3.7", "26.5.3", "26.5.4",
];
/// The group that judges nothing, and takes its time.
const LOAD: u8 = 27;
const COMPRESSION: u8 = 26;
const NEGOTIATION: &[&str] = &[
    "21.1.1", "21.1.2", "21.2.1", "21.2.2", "21.2.4", "21.2.5", "21.2.6", "21.2.8", "21.3.1",
    "21.3.2", "21.3.3", "21.3.4", "21.3.5", "21.3.6", "21.3.9", "21.3.10", "21.3.14", "21.3.15",
    "21.3.16", "21.3.17", "21.3.18", "21.3.19",
];
const ANSWERS: &[&str] = &["21.3.7", "21.3.8", "21.3.13", "21.3.20", "21.3.21"];
const RESPONSES: &[&str] = &[
    "22.1.1", "22.2.1", "22.2.11", "22.2.12", "22.2.13", "22.2.14", "22.2.15", "22.2.16",
    "22.2.17", "22.2.23", "22.2.34", "22.2.35", "22.2.36",
];

/// The cases that are missed, by role and testee, ids with spaces between. Those that the testee
/// without a fault misses are missed by all, and stand there only.
type Missed = BTreeMap<String, BTreeMap<String, String>>;
type Ids = BTreeSet<CaseId>;

#[test]
fn each_fault_is_found_by_the_cases_that_look_for_it() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/extra.json");
    let update = std::env::var_os("UPDATE").is_some();
    let expected: Missed = match fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text).unwrap(),
        Err(_) => Missed::new(),
    };
    let found = find(&expected);
    if update {
        let text = serde_json::to_string_pretty(&found).unwrap();
        fs::write(&file, text + "\n").unwrap();
    } else {
        assert_eq!(differences(&found, &expected), [""; 0]);
    }
    assert_eq!(
        never_missed(&found),
        "",
        "no testee shows that these cases look at all"
    );
}

#[test]
fn a_server_that_reads_without_end_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            thread::spawn(move || io::copy(&mut tcp, &mut io::sink()));
        }
    });
    assert_eq!(missed_by_server(&url, ENDLESS), ENDLESS);
}

#[test]
fn a_server_that_waits_for_its_echo_to_be_read_is_found() {
    let server = Server::bind(0).unwrap();
    let url = server.url();
    thread::spawn(move || server.serve(Fault::None));
    assert_eq!(missed_by_server(&url, UNREAD), UNREAD);
}

#[test]
fn long_messages_that_do_not_come_back_as_they_were_are_found() {
    for (fault, ids) in [
        (Fault::NoEcho, UNANSWERED),
        (Fault::AlteredCompressed, ALTERED),
    ] {
        let server = Server::bind(0).unwrap();
        let url = server.url();
        thread::spawn(move || server.serve(fault));
        assert_eq!(missed_by_server(&url, ids), ids);
    }
}

#[test]
fn a_server_that_sends_compressed_octets_back_as_they_are_is_found() {
    let answer = |offered: Option<&str>| offered.map(|_| "permessage-deflate".to_owned());
    let url = careless::agreeable_server(answer).unwrap();
    assert_eq!(missed_by_server(&url, MIRRORED), MIRRORED);
}

#[test]
fn a_server_that_agrees_to_everything_is_found() {
    let url = careless::agreeable_server(|offered| offered.map(str::to_owned)).unwrap();
    assert_eq!(missed_by_server(&url, NEGOTIATION), NEGOTIATION);
}

#[test]
fn a_server_that_agrees_to_what_nobody_asked_for_is_found() {
    let answer = |_: Option<&str>| Some("permessage-deflate; client_max_window_bits=15".to_owned());
    let url = careless::agreeable_server(answer).unwrap();
    assert_eq!(missed_by_server(&url, ANSWERS), ANSWERS);
}

#[test]
fn a_client_that_takes_anything_for_a_response_is_found() {
    let cases = RESPONSES
        .iter()
        .map(|id| cases::find(id.parse().unwrap()).unwrap());
    let settings = Settings::default().with_time_scale(0.2);
    let records = examine::listen(cases.collect(), settings, |url| {
        for number in 1..=RESPONSES.len() {
            // How its connection ends is the suite's business.
            let _ = careless::talkative_client(url, number);
        }
    });
    // They end in any order.
    let missed: BTreeSet<_> = missed_of(records).collect();
    let wanted = RESPONSES.iter().map(ToString::to_string).collect();
    assert_eq!(missed, wanted);
}

fn missed_by_server(url: &str, ids: &[&str]) -> Vec<String> {
    let target = Target::new(url).unwrap();
    let settings = Settings::default().with_time_scale(0.2);
    let cases = ids
        .iter()
        .map(|id| cases::find(id.parse().unwrap()).unwrap());
    let records = cases.map(|case| servers::run_case(&target, case, &settings));
    missed_of(records.collect()).collect()
}

fn missed_of(records: Vec<Record>) -> impl Iterator<Item = String> {
    records
        .into_iter()
        .filter(is_missed)
        .map(|record| record.id.to_string())
}

fn is_missed(record: &Record) -> bool {
    matches!(
        record.verdict.behavior,
        Behavior::Failed | Behavior::NonStrict
    )
}

/// What all testees miss. Short time limits fire on a busy machine, and all testees at a time keep
/// a machine busy: what differs from what is known counts only with long ones and in peace.
fn find(expected: &Missed) -> Missed {
    let first = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for (role, fault) in testees() {
            let first = &first;
            scope.spawn(move || {
                let records = examine(role, fault, cases_for(role, fault), 0.1);
                first.lock().unwrap().push((role, fault, records));
            });
        }
    });
    let mut found = BTreeMap::<_, BTreeMap<_, _>>::new();
    for (role, fault, records) in first.into_inner().unwrap() {
        let missed = confirmed(role, fault, records, &known(expected, role, fault));
        let of_role = found.entry(role.name()).or_default();
        of_role.insert(fault.name(), missed);
    }
    let found = found.into_iter();
    let shown = found.map(|(role, by_fault)| (role.to_owned(), beyond_none(by_fault)));
    shown.collect()
}

/// The cases that each testee misses and the one without a fault does not.
fn beyond_none(by_fault: BTreeMap<&str, Ids>) -> BTreeMap<String, String> {
    let none = Fault::None.name();
    let always = by_fault[none].clone();
    let entry = |(fault, missed): (&str, Ids)| {
        let shown = match fault == none {
            true => missed,
            false => &missed - &always,
        };
        (fault.to_owned(), joined(&shown))
    };
    by_fault.into_iter().map(entry).collect()
}

fn cases_for(role: Role, fault: Fault) -> Vec<&'static Case> {
    let cases = cases::of_set(Set::Extra);
    cases
        .filter(|case| is_for(case, role) && is_for_fault(case, fault) && !is_long(case))
        .filter(|case| !BY_CHANCE.contains(&(fault, &*case.id().to_string())))
        .collect()
}

/// The testee without a fault gets all: it tells which cases are missed whatever the fault.
fn is_for_fault(case: &Case, fault: Fault) -> bool {
    let family = case.id().family();
    let about_messages = ["23.4", "25", "25.1", "25.2", "25.3"].contains(&&*family)
        || case.id().group() == COMPRESSION;
    fault == Fault::None || about_messages == CONTENT.contains(&fault)
}

/// What is missed after all that differs from what is known, or was not examined, was examined again.
fn confirmed(role: Role, fault: Fault, records: Vec<Record>, known: &Ids) -> Ids {
    let given: Ids = cases_for(role, fault).iter().map(|it| it.id()).collect();
    let examined = records.iter().map(|record| record.id).collect();
    let missed = ids(records);
    let again = &(&given & &(&missed ^ known)) | &(&given - &examined);
    let again = again.iter().filter_map(|id| cases::find(*id)).collect();
    let mut missed = &missed & known;
    missed.extend(ids(examine(role, fault, again, 1.0)));
    missed
}

/// What is found and not expected, or the other way round, by testee.
fn differences(found: &Missed, expected: &Missed) -> Vec<String> {
    let lines = |missed: &Missed| -> BTreeSet<String> {
        let roles = missed.iter();
        let testees = roles.flat_map(|(role, by_fault)| by_fault.iter().map(move |it| (role, it)));
        let ids = testees.flat_map(|(role, (fault, ids))| {
            ids.split_whitespace()
                .map(move |id| format!("{role} {fault} {id}"))
        });
        ids.collect()
    };
    let (found, expected) = (lines(found), lines(expected));
    let new = (&found - &expected)
        .into_iter()
        .map(|line| line + " is missed");
    let gone = (&expected - &found)
        .into_iter()
        .map(|line| line + " is not missed any more");
    new.chain(gone).collect()
}

fn known(expected: &Missed, role: Role, fault: Fault) -> Ids {
    let by_fault = expected.get(role.name());
    let of = |fault: Fault| by_fault.and_then(|by_fault| by_fault.get(fault.name()));
    let lists = of(Fault::None).into_iter().chain(of(fault));
    let ids = lists.flat_map(|list| list.split_whitespace());
    ids.map(|id| id.parse().unwrap()).collect()
}

fn testees() -> impl Iterator<Item = (Role, Fault)> {
    let of = |role, faults: &'static [Fault]| {
        let all = faults.iter().chain(CONTENT);
        all.map(move |fault| (role, *fault))
    };
    of(Role::Server, SERVERS).chain(of(Role::Client, CLIENTS))
}

/// The cases that judge and that no testee missed.
fn never_missed(missed: &Missed) -> String {
    let missed = missed.values().flat_map(BTreeMap::values);
    let careless = [ENDLESS, UNREAD, UNANSWERED, ALTERED, MIRRORED];
    let careless = [&careless.concat(), NEGOTIATION, RESPONSES].concat();
    let missed = missed.flat_map(|ids| ids.split(' ')).chain(careless);
    let missed: BTreeSet<_> = missed.collect();
    let judging = cases::of_set(Set::Extra).filter(|case| case.demands() != Level::Informational);
    joined(
        &judging
            .map(Case::id)
            .filter(|id| !missed.contains(&*id.to_string()))
            .collect(),
    )
}

fn joined(ids: &Ids) -> String {
    let ids: Vec<_> = ids.iter().map(CaseId::to_string).collect();
    ids.join(" ")
}

/// Whether a case is left to one testee.
fn is_long(case: &Case) -> bool {
    LONG.contains(&&*case.id().to_string()) || case.id().group() == LOAD
}

fn is_for(case: &Case, role: Role) -> bool {
    case.roles().include(match role {
        Role::Server => role::Role::Server,
        Role::Client => role::Role::Client,
    })
}

/// Those that are missed.
fn ids(records: Vec<Record>) -> Ids {
    let missed = records.into_iter().filter(is_missed);
    missed.map(|record| record.id).collect()
}
