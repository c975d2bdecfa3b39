//! The cases of the suite: their names, their selection, and how long one may take.

use std::time::Duration;

use anyhow::{Result, bail};
use wildmatch::WildMatchPattern;

/// Every case in the order in which the suite runs them, one a line.
const LIST: &str = include_str!("../../../autobahn/cases.txt");

/// The name of a case, such as `7.1.6`.
pub(crate) type CaseId = &'static str;

/// `*` is any text, everything else stands for itself; both ends are anchored.
pub(crate) type Pattern = WildMatchPattern<'*', '\0'>;

/// Every case, in order.
pub(crate) fn all() -> impl Iterator<Item = CaseId> {
    LIST.lines()
}

/// The cases that match any of the patterns, in order. A pattern without a match is an error.
pub(crate) fn select(patterns: &[String]) -> Result<Vec<CaseId>> {
    let patterns: Vec<_> = patterns
        .iter()
        .map(|pattern| Pattern::new(pattern.trim()))
        .collect();
    for pattern in &patterns {
        if !all().any(|case| pattern.matches(case)) {
            bail!(
                "no case matches `{}`{}",
                pattern.pattern(),
                hint(&pattern.pattern())
            );
        }
    }
    Ok(all()
        .filter(|case| patterns.iter().any(|pattern| pattern.matches(case)))
        .collect())
}

/// Help for the likeliest slip: a group without its `.*`.
fn hint(pattern: &str) -> String {
    let group = format!("{}.", pattern.trim_end_matches('.'));
    if all().any(|case| case.starts_with(&group)) {
        format!("; `{group}*` would match")
    } else {
        "; `*` stands for any text, as in `7.1.*`".to_owned()
    }
}

/// The group of a case: what stands before the first dot.
pub(crate) fn group(case: &str) -> &str {
    case.split('.').next().unwrap_or(case)
}

/// The suite's own timer for a case, rounded up: a testee may use all of it.
pub(crate) fn longest(case: &str) -> Duration {
    let mut parts = case.split('.');
    let seconds = match (parts.next(), parts.next()) {
        (Some("9"), Some("5" | "6")) => 1000,
        (Some("9"), Some("7" | "8")) | (Some("12" | "13"), _) => 480,
        (Some("9"), _) => 100,
        _ => 10,
    };
    Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(patterns: &[&str]) -> Vec<CaseId> {
        select(
            &patterns
                .iter()
                .map(|pattern| (*pattern).to_owned())
                .collect::<Vec<_>>(),
        )
        .unwrap()
    }

    fn refusal(pattern: &str) -> String {
        select(&[pattern.to_owned()]).unwrap_err().to_string()
    }

    #[test]
    fn the_list_is_complete() {
        assert_eq!(all().count(), 517);
        for (group, count) in [
            ("1", 16),
            ("6", 145),
            ("7", 37),
            ("9", 54),
            ("12", 90),
            ("13", 126),
        ] {
            assert_eq!(
                all().filter(|case| super::group(case) == group).count(),
                count,
                "{group}"
            );
        }
        assert_eq!(all().last(), Some("13.7.18"));
    }

    #[test]
    fn patterns_are_anchored_at_both_ends() {
        assert_eq!(selected(&["*"]).len(), 517);
        assert_eq!(selected(&["1.*"]).len(), 16);
        assert_eq!(selected(&["2.1"]), ["2.1"]);
        assert_eq!(selected(&["12.1.1*"]).len(), 10);
        assert_eq!(selected(&["*.13.2"]), ["6.13.2", "7.13.2"]);
    }

    #[test]
    fn selections_join_in_the_order_of_the_suite_without_repeats() {
        assert_eq!(selected(&["10.*", "2.1", " 2.1"]), ["2.1", "10.1.1"]);
    }

    #[test]
    fn unknown_patterns_are_refused_with_a_hint() {
        assert!(refusal("8.*").starts_with("no case matches `8.*`"));
        assert!(refusal("7.1").ends_with("`7.1.*` would match"));
        assert!(refusal("7?1.*").contains("any text"));
        assert!(refusal("").contains("no case matches"));
    }

    #[test]
    fn slow_cases_may_take_longer() {
        assert_eq!(longest("7.1.1").as_secs(), 10);
        assert_eq!(longest("9.1.6").as_secs(), 100);
        assert_eq!(longest("9.8.6").as_secs(), 480);
        assert_eq!(longest("12.5.18").as_secs(), 480);
    }
}
