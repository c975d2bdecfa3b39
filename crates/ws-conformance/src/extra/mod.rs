//! Cases beyond the original suite's: a set of its own, with ids from group 20 on.
//!
//! The original's cases are about messages, and judge them by lists of events. These are about
//! whatever else a rule can be checked on: the octets of the opening handshake, the form of each
//! frame, the end of the connection. So each is a short dialogue, written down as one: send this,
//! expect that (`peer` has the words). Each names the rule that it checks and how much that rule
//! demands ([`Level`]).

mod case;
mod frame;
mod groups;
mod http;
mod outcome;
mod peer;
mod run;

pub use case::{Case, Level, Roles};

pub(crate) use run::{Client, key, run_client_case, run_server_case};

use std::sync::LazyLock;

use crate::case_id::CaseId;

/// Every case of this set, in order of its id.
pub fn all() -> &'static [Case] {
    static ALL: LazyLock<Vec<Case>> = LazyLock::new(|| {
        let mut cases = groups::cases();
        cases.sort_by_key(Case::id);
        for (position, case) in cases.iter_mut().enumerate() {
            case.set_number(position + 1);
        }
        cases
    });
    &ALL
}

/// The case of this id.
pub fn find(id: CaseId) -> Option<&'static Case> {
    let cases = all();
    let found = cases.binary_search_by_key(&id, Case::id).ok()?;
    Some(&cases[found])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_none_is_one_of_the_original() {
        let ids: Vec<_> = all().iter().map(Case::id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert!(ids.iter().all(|id| id.group() >= 20));
        assert!(ids.iter().all(|&id| find(id).map(Case::id) == Some(id)));
    }

    #[test]
    fn every_case_says_what_it_does_and_by_which_rule() {
        for case in all() {
            let id = case.id();
            assert!(case.description().ends_with('.'), "{id}");
            assert!(case.expectation().ends_with('.'), "{id}");
            assert!(!case.title().is_empty(), "{id}");
            assert!(!case.rules().is_empty(), "{id}");
            for rule in case.rules() {
                let (document, section) = rule.split_once(" §").expect("document and section");
                assert!(document.starts_with("RFC "), "{id}: {rule}");
                assert!(
                    section.starts_with(|digit: char| digit.is_ascii_digit()),
                    "{id}: {rule}"
                );
            }
        }
    }
}
