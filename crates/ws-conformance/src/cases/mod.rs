//! The catalog: every case, in order.
//!
//! Groups 1 to 13 are those of the AutobahnTestSuite 25.10.1. Their cases are about messages, and
//! lists of events decide them. The groups from 20 on are about everything else that a rule can be
//! checked on: the bytes of the opening handshake, the form of each frame, the end of the
//! connection. Their cases are dialogues.

mod closing;
mod compression;
mod fails;
mod frames;
mod http2;
mod load;
mod negotiation;
mod opening;
mod original;
mod sets;
mod text;

pub use sets::Sets;

use std::sync::LazyLock;

use crate::case::{Case, CaseId, Http, Set};

/// A group of cases.
struct Group {
    number: u8,
    title: &'static str,
    cases: fn() -> Vec<Case>,
}

/// The groups that make sense with one version of HTTP only.
const OF_ONE_HTTP: &[(u8, Http)] = &[(20, Http::One), (22, Http::One), (28, Http::Two)];

/// Every group, in order of its number.
#[rustfmt::skip]
const GROUPS: &[Group] = &[
    Group { number: 1, title: "Framing", cases: original::framing },
    Group { number: 2, title: "Ping and Pong", cases: original::ping },
    Group { number: 3, title: "Reserved bits", cases: original::rsv },
    Group { number: 4, title: "Opcodes", cases: original::opcodes },
    Group { number: 5, title: "Fragmentation", cases: original::fragmentation },
    Group { number: 6, title: "UTF-8", cases: original::utf8 },
    Group { number: 7, title: "Closing", cases: original::closing },
    Group { number: 9, title: "Limits and speed", cases: original::limits },
    Group { number: 10, title: "Automatic fragmentation", cases: original::auto_fragmentation },
    Group { number: 12, title: "Compression: kinds of data", cases: original::compressed_data },
    Group { number: 13, title: "Compression: parameters", cases: original::compression_parameters },
    Group { number: 20, title: "Opening handshake of a server", cases: opening::server },
    Group { number: 21, title: "Negotiation", cases: negotiation::cases },
    Group { number: 22, title: "Opening handshake of a client", cases: opening::client },
    Group { number: 23, title: "Framing, byte by byte", cases: frames::cases },
    Group { number: 24, title: "Closing, step by step", cases: closing::cases },
    Group { number: 25, title: "UTF-8 across frames", cases: text::cases },
    Group { number: 26, title: "Compressed messages", cases: compression::cases },
    Group { number: 27, title: "Load and timing", cases: load::cases },
    Group { number: 28, title: "HTTP/2", cases: http2::cases },
];

/// Returns every case, in order of its id.
pub fn all() -> &'static [Case] {
    static ALL: LazyLock<Vec<Case>> = LazyLock::new(|| {
        let mut cases: Vec<_> = GROUPS.iter().flat_map(|group| (group.cases)()).collect();
        cases.sort_by_key(Case::id);
        for case in &mut cases {
            let mut restricted = OF_ONE_HTTP.iter();
            let http = restricted.find(|(group, _)| *group == case.id().group());
            case.set_http(http.map(|(_, http)| *http));
        }
        for set in [Set::Original, Set::Extra] {
            let of_set = cases.iter_mut().filter(|case| case.set() == set);
            for (case, number) in of_set.zip(1..) {
                case.set_number(number);
            }
        }
        cases
    });
    &ALL
}

/// Returns the cases of a set, in order of their ids.
pub fn of_set(set: Set) -> impl Iterator<Item = &'static Case> + Clone {
    all().iter().filter(move |case| case.set() == set)
}

/// Returns the case with this id.
pub fn find(id: CaseId) -> Option<&'static Case> {
    let cases = all();
    let found = cases.binary_search_by_key(&id, Case::id).ok()?;
    Some(&cases[found])
}

/// Returns the reason why a case makes no sense with this version of HTTP.
pub(crate) fn not_over(case: &Case, http: Http) -> Option<String> {
    let only = case.http().filter(|only| *only != http)?;
    Some(match http2::counterpart(&case.id().family()) {
        Some(counterpart) => format!("The case is about {only}. See {counterpart} for {http}."),
        None => format!("The case is about {only}."),
    })
}

/// Returns the subject of a group, in a few words, if there is such a group.
pub fn group_title(number: u8) -> Option<&'static str> {
    let group = GROUPS.iter().find(|group| group.number == number)?;
    Some(group.title)
}

#[cfg(test)]
mod scripted_tests;
#[cfg(test)]
mod tests;
