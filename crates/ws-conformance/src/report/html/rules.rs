//! The sections of standards, and their addresses.

/// A section, with the address of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// Such as `RFC 6455 §5.2`.
    pub(super) name: String,
    pub(super) link: Option<String>,
}

impl Section {
    /// Parses `RFC <number> §<section>`. Any other name gets no link.
    pub(super) fn parse(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            link: link(name),
        }
    }
}

/// Returns the address. Only digits and dots are inserted into it.
fn link(name: &str) -> Option<String> {
    let (document, section) = name.strip_prefix("RFC ")?.split_once(" §")?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = std::iter::once(document).chain(section.split('.'));
    let well_formed = |text: &str| !text.is_empty() && is_number(text);
    numbers
        .clone()
        .all(well_formed)
        .then(|| format!("https://www.rfc-editor.org/rfc/rfc{document}.html#section-{section}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    #[test]
    fn every_section_can_be_read() {
        for case in cases::all() {
            for name in case.sections() {
                assert!(Section::parse(name).link.is_some(), "{}: {name}", case.id());
            }
        }
    }

    #[test]
    fn a_link_is_made_of_numbers_only() {
        let rule = Section::parse("RFC 6455 §5.5.1");
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
            let rule = Section::parse(name);
            assert_eq!((&*rule.name, rule.link), (name, None));
        }
    }
}
