//! Which sections of the standards a case is about, and where to read them.

use crate::case_id::CaseId;

/// A section, with the address of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// Such as `RFC 6455 §5.2`.
    pub(super) name: String,
    pub(super) link: Option<String>,
}

impl Rule {
    /// `RFC <number> §<section>`; anything else is a name without link.
    pub(super) fn parse(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            link: link(name),
        }
    }
}

/// Nothing but digits and dots gets into the address.
fn link(name: &str) -> Option<String> {
    let (document, section) = name.strip_prefix("RFC ")?.split_once(" §")?;
    let is_number = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    let numbers = std::iter::once(document).chain(section.split('.'));
    let well_formed = |text: &str| !text.is_empty() && is_number(text);
    numbers
        .clone()
        .all(well_formed)
        .then(|| format!("https://www.rfc-editor.org/rfc/rfc{document}.html#section-{section}"))
}

/// The sections behind a case of the original suite, whose records name none.
pub(super) fn of(case: CaseId) -> &'static [&'static str] {
    match (case.group(), case.second()) {
        (1, _) => &["RFC 6455 §5.2", "RFC 6455 §5.6"],
        (2, _) => &["RFC 6455 §5.5.2", "RFC 6455 §5.5.3"],
        (3, _) => &["RFC 6455 §5.2"],
        (4, 1) => &["RFC 6455 §5.2", "RFC 6455 §5.6"],
        (4, _) => &["RFC 6455 §5.2", "RFC 6455 §5.5"],
        (5, 1 | 2) => &["RFC 6455 §5.4", "RFC 6455 §5.5"],
        (5, 6..=8 | 19 | 20) => &["RFC 6455 §5.4", "RFC 6455 §5.5.2"],
        (5, _) => &["RFC 6455 §5.4"],
        (6, 1) => &["RFC 6455 §5.4", "RFC 6455 §5.6"],
        (6, 2) => &["RFC 6455 §5.4", "RFC 6455 §5.6", "RFC 6455 §8.1"],
        (6, 3 | 4) => &["RFC 6455 §8.1", "RFC 3629 §3"],
        (6, _) => &["RFC 6455 §5.6", "RFC 6455 §8.1", "RFC 3629 §4"],
        (7, 1) => &["RFC 6455 §5.5.1", "RFC 6455 §7.1.3"],
        (7, 3) => &["RFC 6455 §5.5", "RFC 6455 §5.5.1"],
        (7, 5) => &["RFC 6455 §5.5.1", "RFC 6455 §8.1"],
        (7, _) => &["RFC 6455 §7.4.1", "RFC 6455 §7.4.2"],
        (9, 3 | 4) => &["RFC 6455 §5.4", "RFC 6455 §10.4"],
        (9, _) => &["RFC 6455 §5.2", "RFC 6455 §10.4"],
        (10, _) => &["RFC 6455 §5.4"],
        (12, _) => &["RFC 7692 §6", "RFC 7692 §7.2"],
        (13, 2) => &["RFC 7692 §7.1.1"],
        (13, 3 | 4) => &["RFC 7692 §7.1.2"],
        (13, 5 | 6) => &["RFC 7692 §7.1.1", "RFC 7692 §7.1.2"],
        (13, 7) => &["RFC 7692 §5", "RFC 7692 §7.1"],
        (13, _) => &["RFC 7692 §7"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::any_case;
    use crate::cases;
    use crate::extra;

    #[test]
    fn every_case_has_a_section_that_can_be_read() {
        for case in cases::all() {
            assert!(!of(case.id()).is_empty(), "{}", case.id());
        }
        let original = any_case::all().flat_map(|case| of(case.id()));
        let extra = extra::all().iter().flat_map(extra::Case::rules);
        for name in original.chain(extra) {
            assert!(Rule::parse(name).link.is_some(), "{name}");
        }
    }

    #[test]
    fn a_link_is_made_of_numbers_only() {
        let rule = Rule::parse("RFC 6455 §5.5.1");
        let link = rule.link.unwrap();
        assert_eq!(
            link,
            "https://www.rfc-editor.org/rfc/rfc6455.html#section-5.5.1"
        );
        for name in [
            "RFC 6455 §x",
            "RFC 6455 §",
            "RFC 6455",
            "javascript:1",
            "RFC a §1",
            "RFC 1 §1..2",
        ] {
            let rule = Rule::parse(name);
            assert_eq!((&*rule.name, rule.link), (name, None));
        }
    }
}
