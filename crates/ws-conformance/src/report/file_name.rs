//! The names of report files.

use crate::case_id::CaseId;

/// What stands for an agent in file names: lower case, with `_` for everything but letters and
/// digits of ASCII. Different agents can have the same.
pub(super) fn slug(agent: &str) -> String {
    let plain = |character: char| match character {
        'a'..='z' | '0'..='9' => character,
        _ => ' ',
    };
    let spaced: String = agent.trim().to_lowercase().chars().map(plain).collect();
    spaced.trim().replace(' ', "_")
}

/// The name of the file for a case of the agent that `slug` stands for.
pub(super) fn case_file(slug: &str, case: CaseId) -> String {
    format!("{slug}{}", ending(case))
}

/// The slug in the name of a report file.
pub(super) fn slug_of(file: &str, case: CaseId) -> Option<&str> {
    file.strip_suffix(&ending(case))
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
    fn the_name_of_a_file_tells_agent_and_case() {
        let name = case_file("a_b", CaseId::two(2, 10));
        assert_eq!(name, "a_b_case_2_10.json");
        assert_eq!(slug_of(&name, CaseId::two(2, 10)), Some("a_b"));
        assert_eq!(slug_of(&name, CaseId::two(2, 1)), None);
    }
}
