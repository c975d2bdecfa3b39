use super::*;
use crate::case::pattern::Pattern;
use crate::case::{Level, Party, Roles};

fn is_section(name: &str) -> bool {
    name.strip_prefix("RFC ")
        .and_then(|rest| rest.split_once(" §"))
        .is_some_and(|(document, section)| {
            document.bytes().all(|byte| byte.is_ascii_digit())
                && section.split('.').all(|part| part.parse::<u8>().is_ok())
        })
}

#[test]
fn ids_are_unique_and_in_the_order_of_the_groups() {
    let ids: Vec<_> = all().iter().map(Case::id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    assert!(ids.iter().all(|&id| find(id).map(Case::id) == Some(id)));
    assert_eq!(find(CaseId::two(8, 1)).map(Case::id), None);
}

#[test]
fn every_case_stands_in_its_group() {
    for group in GROUPS {
        let cases = (group.cases)();
        assert!(!cases.is_empty(), "group {}", group.number);
        for case in cases {
            assert_eq!(case.id().group(), group.number, "{}", case.id());
        }
    }
}

#[test]
fn each_set_is_numbered_from_one() {
    assert_eq!(of_set(Set::Original).count(), 517);
    for set in [Set::Original, Set::Extra] {
        for (case, number) in of_set(set).zip(1..) {
            assert_eq!(case.number(), number, "{}", case.id());
        }
    }
}

#[test]
fn every_case_describes_itself_and_names_a_section() {
    for case in all() {
        let id = case.id();
        assert!(case.description().ends_with('.'), "{id}");
        assert!(case.expectation().ends_with('.'), "{id}");
        assert!(!case.title().is_empty(), "{id}");
        assert!(case.sections().next().is_some(), "{id}");
        assert!(case.sections().all(is_section), "{id}");
    }
}

#[test]
fn a_sentence_decides_each_extra_case() {
    for case in of_set(Set::Extra) {
        let id = case.id();
        let rule = case.rule().unwrap_or_else(|| panic!("{id} has no rule"));
        assert!(rule.sentence.len() > 20, "{id}: {}", rule.sentence);
        // A testee need not enforce a rule that binds the other side alone. In these families the
        // testee is the sender.
        let testee_sends = ["26.6", "26.10", "26.11"].contains(&&*case.id().family());
        let binds_the_testee = match (rule.binds, case.roles()) {
            (Party::Sender, _) => testee_sends,
            (Party::Client, roles) => roles == Roles::Client,
            (Party::Server, roles) => roles == Roles::Server,
            (Party::Endpoint | Party::Recipient, _) => true,
        };
        assert!(binds_the_testee || rule.level != Level::Must, "{id}");
    }
    assert!(of_set(Set::Original).all(|case| case.rule().is_none()));
}

#[test]
fn cases_of_the_other_http_name_their_counterparts() {
    let ids: Vec<_> = all().iter().map(Case::id).collect();
    for case in all().iter().filter(|case| case.http() == Some(Http::One)) {
        let counterpart = http2::counterpart(&case.id().family()).expect("each family has one");
        let pattern = Pattern::new(counterpart);
        assert!(
            ids.iter().any(|id| pattern.matches(&id.to_string())),
            "{counterpart}"
        );
        let reason = not_over(case, Http::Two).expect("it is not for HTTP/2");
        assert!(reason.contains(counterpart), "{reason}");
        assert_eq!(not_over(case, Http::One), None);
    }
    assert!(not_over(find("28.1.1".parse().unwrap()).unwrap(), Http::One).is_some());
    assert_eq!(
        not_over(find("1.1.1".parse().unwrap()).unwrap(), Http::Two),
        None
    );
}

#[test]
fn the_cases_with_much_data_are_those_that_keep_a_core_busy() {
    let heavy = |id: &str| find(id.parse().unwrap()).unwrap().is_heavy();
    for id in [
        "9.1.6", "12.1.1", "13.7.18", "23.5.1", "24.4.4", "25.5", "26.5.4", "27.2",
    ] {
        assert!(heavy(id), "{id}");
    }
    assert!(!heavy("1.1.1") && !heavy("20.1.1"));
}
