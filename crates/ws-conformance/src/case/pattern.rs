//! Choosing cases by name.

use std::fmt;

use crate::case::{Case, CaseId};
use crate::cases;

/// A text in which `*` stands for any text, also for an empty one. Every other character stands for
/// itself. The whole name has to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Creates the pattern for this text. Spaces around the text do not count.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// Returns `true` if all of `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        matches_from_start(&self.0, name, |rest| rest.is_empty())
    }

    /// Returns `true` if a beginning of `name` matches.
    fn matches_start(&self, name: &str) -> bool {
        matches_from_start(&self.0, name, |_| true)
    }

    fn matches_case(&self, case: CaseId) -> bool {
        self.matches(&case.to_string())
    }
}

/// Returns `true` if `pattern` matches a beginning of `name` whose remainder is fine.
fn matches_from_start(pattern: &str, name: &str, fine: fn(&str) -> bool) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return name.strip_prefix(pattern).is_some_and(fine);
    };
    let Some(rest) = name.strip_prefix(before) else {
        return false;
    };
    let after = after.trim_start_matches('*');
    if after.is_empty() {
        return true;
    }
    rest.char_indices()
        .any(|(index, _)| matches_from_start(after, &rest[index..], fine))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The reason why a pattern selects nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectError {
    /// No case has such a name.
    NoMatch {
        /// The pattern.
        pattern: String,
        /// The pattern to write instead.
        hint: String,
    },
    /// There are such cases, but the testee or the set does not have them.
    NotAvailable {
        /// The pattern.
        pattern: String,
    },
    /// All selected cases are also excluded.
    Empty,
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMatch { pattern, hint } => write!(f, "no case matches `{pattern}`; {hint}"),
            Self::NotAvailable { pattern } => write!(
                f,
                "`{pattern}` matches no case for this role, or none in the set that --set names"
            ),
            Self::Empty => f.write_str("no case is left: all selected cases are excluded"),
        }
    }
}

impl std::error::Error for SelectError {}

/// Returns the cases of `available` that match any of `chosen` and none of `excluded`, in order.
/// Both ends of a pattern are anchored.
///
/// # Errors
///
/// Fails if a pattern matches no case, or if no case is left. A pattern of `excluded` may match
/// cases that only the original suite has.
pub fn select(
    available: &[CaseId],
    chosen: &[Pattern],
    excluded: &[Pattern],
) -> Result<Vec<CaseId>, SelectError> {
    for pattern in chosen.iter().chain(excluded) {
        check_known(pattern)?;
    }
    for pattern in chosen {
        if !available.iter().any(|case| pattern.matches_case(*case)) {
            let pattern = pattern.to_string();
            return Err(SelectError::NotAvailable { pattern });
        }
    }
    let matches = |patterns: &[Pattern], case| {
        let mut patterns = patterns.iter();
        patterns.any(|pattern| pattern.matches_case(case))
    };
    left(available, |case| {
        matches(chosen, case) && !matches(excluded, case)
    })
}

/// Selects cases like [`select`], with patterns as the original suite reads them in its settings
/// files. A pattern with a `*` has to match only a beginning of the id, so `1*` also selects
/// 10.1.1.
///
/// # Errors
///
/// Fails like [`select`], but a pattern to exclude may match nothing.
pub fn select_as_original(
    available: &[CaseId],
    chosen: &[Pattern],
    excluded: &[Pattern],
) -> Result<Vec<CaseId>, SelectError> {
    let matches = |pattern: &Pattern, case: CaseId| {
        let id = case.to_string();
        match pattern.0.contains('*') {
            true => pattern.matches_start(&id),
            false => pattern.matches(&id),
        }
    };
    for pattern in chosen.iter().chain(excluded) {
        if !pattern.0.contains('*') {
            check_known(pattern)?;
        }
    }
    for pattern in chosen {
        if !available.iter().any(|case| matches(pattern, *case)) {
            let known = known_ids().any(|case| matches(pattern, case));
            return Err(not_found(pattern, known));
        }
    }
    left(available, |case| {
        let hits = |patterns: &[Pattern]| patterns.iter().any(|pattern| matches(pattern, case));
        hits(chosen) && !hits(excluded)
    })
}

/// Refuses a pattern that matches no case of either set.
///
/// # Errors
///
/// Fails with [`SelectError::NoMatch`].
pub fn check_known(pattern: &Pattern) -> Result<(), SelectError> {
    match known_ids().any(|case| pattern.matches_case(case)) {
        true => Ok(()),
        false => Err(not_found(pattern, false)),
    }
}

/// Returns the ids of both sets.
fn known_ids() -> impl Iterator<Item = CaseId> {
    cases::all().iter().map(Case::id)
}

fn left(available: &[CaseId], wanted: impl Fn(CaseId) -> bool) -> Result<Vec<CaseId>, SelectError> {
    let mut cases = available.to_vec();
    cases.retain(|case| wanted(*case));
    match cases.is_empty() {
        true => Err(SelectError::Empty),
        false => Ok(cases),
    }
}

fn not_found(pattern: &Pattern, known: bool) -> SelectError {
    let pattern = pattern.to_string();
    match known {
        true => SelectError::NotAvailable { pattern },
        false => SelectError::NoMatch {
            hint: hint(&pattern),
            pattern,
        },
    }
}

/// Returns a hint for the most frequent mistake: a group without its `.*`.
fn hint(pattern: &str) -> String {
    let group = format!("{}.", pattern.trim_end_matches('.'));
    if known_ids().any(|case| case.to_string().starts_with(&group)) {
        format!("`{group}*` would match")
    } else {
        "`*` stands for any text, as in `7.1.*`, and `ws-conformance list` shows all cases".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::new(text)).collect()
    }

    fn available() -> Vec<CaseId> {
        known_ids().filter(|case| case.group() < 12).collect()
    }

    fn selected(chosen: &[&str], excluded: &[&str]) -> Vec<String> {
        let cases = select(&available(), &patterns(chosen), &patterns(excluded)).unwrap();
        cases.iter().map(CaseId::to_string).collect()
    }

    fn refusal(chosen: &str, excluded: &[&str]) -> String {
        let refused = select(&available(), &patterns(&[chosen]), &patterns(excluded));
        refused.unwrap_err().to_string()
    }

    #[test]
    fn a_star_is_any_text() {
        for (pattern, name) in [
            ("*", ""),
            ("a*c", "abc"),
            ("a**", "a"),
            ("*.13.2", "6.13.2"),
        ] {
            assert!(Pattern::new(pattern).matches(name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "ab"), ("*b", "abc"), ("1.1", "1x1"), ("a*a", "a")] {
            assert!(!Pattern::new(pattern).matches(name), "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_are_anchored_at_both_ends() {
        assert_eq!(selected(&["*"], &[]).len(), 301);
        assert_eq!(selected(&["1.*"], &[]).len(), 16);
        assert_eq!(selected(&["2.1"], &[]), ["2.1"]);
        assert_eq!(selected(&["*.13.2"], &[]), ["6.13.2", "7.13.2"]);
        assert_eq!(selected(&["2.1*"], &["2.1"]), ["2.10", "2.11"]);
    }

    #[test]
    fn selections_join_in_order_without_repeats() {
        assert_eq!(
            selected(&["10.*", "2.1", " 2.1"], &["12.*"]),
            ["2.1", "10.1.1"]
        );
    }

    #[test]
    fn what_selects_nothing_is_refused_with_a_hint() {
        assert!(refusal("8.*", &[]).starts_with("no case matches `8.*`"));
        assert!(refusal("7.1", &[]).ends_with("`7.1.*` would match"));
        assert!(refusal("7?1.*", &[]).contains("any text"));
        assert!(refusal("12.1.1", &[]).contains("matches no case for this role"));
        assert!(refusal("1.*", &["1.*"]).contains("no case is left"));
        assert!(refusal("1.*", &["8"]).contains("`8`"));
    }

    #[test]
    fn the_original_anchors_patterns_with_a_star_at_the_start_only() {
        let select = |chosen: &[&str], excluded: &[&str]| {
            select_as_original(&available(), &patterns(chosen), &patterns(excluded))
        };
        assert_eq!(select(&["1*"], &[]).unwrap().len(), 17);
        assert_eq!(select(&["1.*.1", "2.1"], &[]).unwrap().len(), 3);
        assert_eq!(
            select(&["*"], &["8*", "12.*", "13.*", "9.*"])
                .unwrap()
                .len(),
            247
        );
        assert!(matches!(
            select(&["8.1"], &[]),
            Err(SelectError::NoMatch { .. })
        ));
        assert!(matches!(
            select(&["*"], &["8.1"]),
            Err(SelectError::NoMatch { .. })
        ));
        let deflate = select(&["12.*"], &[]);
        assert!(matches!(deflate, Err(SelectError::NotAvailable { .. })));
    }
}
