//! The names of report files.

use crate::case::CaseId;

/// The most characters of a slug. File systems refuse names of more than about twice this length.
const MAX_SLUG: usize = 100;

/// Returns the agent for file names: lower case, cut to a length, with `_` for everything but ASCII
/// letters and digits. Different agents can have the same slug.
pub(super) fn slug(agent: &str) -> String {
    let plain = |character: char| match character {
        'a'..='z' | '0'..='9' => character,
        _ => ' ',
    };
    let lower = agent.trim().to_lowercase();
    let spaced: String = lower.chars().map(plain).take(MAX_SLUG).collect();
    spaced.trim().replace(' ', "_")
}

/// Returns the name of the file for a case of the agent with this slug.
pub(super) fn case_file(slug: &str, case: CaseId) -> String {
    format!("{slug}{}", ending(case))
}

/// Returns the slug in the name of a report file. Returns `None` if [`slug`] does not make such
/// names: an index from an unknown source must not lead out of its folder.
pub(super) fn slug_of(file: &str, case: CaseId) -> Option<&str> {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    let slug = file.strip_suffix(&ending(case))?;
    slug.bytes().all(plain).then_some(slug)
}

fn ending(case: CaseId) -> String {
    format!("_case_{}.json", case.to_string().replace('.', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_reduced_to_letters_and_digits() {
        for (agent, expected) in [
            ("AutobahnPython/0.6.0", "autobahnpython_0_6_0"),
            (" ws-tokio-server ", "ws_tokio_server"),
            ("../../etc/passwd", "etc_passwd"),
            ("größe", "gr__e"),
            ("日本", ""),
        ] {
            assert_eq!(slug(agent), expected, "{agent}");
        }
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(slug(&"x".repeat(5000)), "x".repeat(100));
    }

    #[test]
    fn the_name_of_a_file_tells_agent_and_case() {
        let name = case_file("a_b", CaseId::two(2, 10));
        assert_eq!(name, "a_b_case_2_10.json");
        assert_eq!(slug_of(&name, CaseId::two(2, 10)), Some("a_b"));
        assert_eq!(slug_of(&name, CaseId::two(2, 1)), None);
        for name in [
            "../a_case_2_10.json",
            "a/b_case_2_10.json",
            "a:_case_2_10.json",
        ] {
            assert_eq!(slug_of(name, CaseId::two(2, 10)), None, "{name}");
        }
    }
}
