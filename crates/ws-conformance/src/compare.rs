//! The comparison of two report folders.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use crate::case::CaseId;
use crate::report::{Index, Results};
use crate::verdict::{Behavior, Verdict};

/// A case with different verdicts in two reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The name of the testee.
    pub agent: String,
    /// The case.
    pub case: CaseId,
    /// The verdict in the first report.
    pub first: Verdict,
    /// The verdict in the second report.
    pub second: Verdict,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            agent,
            case,
            first,
            second,
        } = self;
        write!(f, "{agent} {case}: {first} | {second}")
    }
}

/// The direction of a difference, from the first report to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The second verdict is worse.
    Worse,
    /// Neither verdict is better.
    Different,
    /// The second verdict is better.
    Better,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Worse => "worse",
            Self::Different => "different",
            Self::Better => "better",
        })
    }
}

impl Difference {
    /// Returns the direction. A failure is worse than an extension that is missing, and that is
    /// worse than NON-STRICT.
    pub fn change(&self) -> Change {
        match rank(self.second).cmp(&rank(self.first)) {
            Ordering::Less => Change::Worse,
            Ordering::Equal => Change::Different,
            Ordering::Greater => Change::Better,
        }
    }
}

/// Returns the rank of a verdict. The best verdicts have the highest rank.
fn rank(verdict: Verdict) -> u8 {
    match verdict.overall() {
        Behavior::Failed => 0,
        Behavior::Unimplemented | Behavior::NotApplicable => 1,
        Behavior::NonStrict => 2,
        Behavior::Informational | Behavior::Ok => 3,
    }
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The number of results in both reports.
    pub compared: usize,
    /// The cases with different verdicts, in order.
    pub differences: Vec<Difference>,
    /// The number of results that only the first report has.
    pub only_first: usize,
    /// The number of results that only the second report has.
    pub only_second: usize,
}

/// Compares all agents by name. If each report has one agent, the names may differ.
pub fn indexes(first: &Index, second: &Index) -> Comparison {
    let (one, other) = (first.agents(), second.agents());
    if let ([(name, a)], [(_, b)]) = (&*Vec::from_iter(one), &*Vec::from_iter(other)) {
        return results(name, a, b);
    }
    let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let mut all = Comparison::default();
    for name in names {
        all.add(results(name, &first.results(name), &second.results(name)));
    }
    all
}

/// Compares the results of one agent.
pub fn results(agent: &str, first: &Results, second: &Results) -> Comparison {
    let mut comparison = Comparison {
        only_second: second
            .keys()
            .filter(|case| !first.contains_key(case))
            .count(),
        ..Comparison::default()
    };
    for (case, entry) in first {
        let Some(other) = second.get(case) else {
            comparison.only_first += 1;
            continue;
        };
        comparison.compared += 1;
        if entry.verdict != other.verdict {
            comparison.differences.push(Difference {
                agent: agent.to_owned(),
                case: *case,
                first: entry.verdict,
                second: other.verdict,
            });
        }
    }
    comparison
}

impl Comparison {
    /// Returns the number of differences in this direction.
    pub fn count(&self, change: Change) -> usize {
        let changes = self.differences.iter().map(Difference::change);
        changes.filter(|other| *other == change).count()
    }

    fn add(&mut self, other: Self) {
        self.compared += other.compared;
        self.differences.extend(other.differences);
        self.only_first += other.only_first;
        self.only_second += other.only_second;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(text: &str) -> Index {
        let entry = |close: &str| {
            format!(r#"{{"behavior": "OK", "behaviorClose": "{close}", "reportfile": "x"}}"#)
        };
        let text = text.replace("GOOD", &entry("OK"));
        serde_json::from_str(&text.replace("BAD", &entry("UNCLEAN"))).unwrap()
    }

    #[test]
    fn equal_reports_have_no_differences() {
        let one = index(r#"{"a": {"2.1": GOOD, "2.2": BAD}}"#);
        let comparison = indexes(&one, &one);
        assert_eq!((comparison.compared, comparison.differences.len()), (2, 0));
    }

    #[test]
    fn a_difference_in_closing_counts_too() {
        let comparison = indexes(
            &index(r#"{"a": {"2.1": GOOD, "2.2": GOOD, "2.3": GOOD}}"#),
            &index(r#"{"b": {"2.1": GOOD, "2.2": BAD}}"#),
        );
        assert_eq!((comparison.compared, comparison.only_first), (2, 1));
        let shown = comparison.differences[0].to_string();
        assert_eq!(shown, "a 2.2: OK, close OK | OK, close UNCLEAN");
        assert_eq!(comparison.differences.len(), 1);
        assert_eq!(comparison.count(Change::Worse), 1);
    }

    #[test]
    fn several_agents_are_matched_by_name() {
        let comparison = indexes(
            &index(r#"{"a": {"2.1": GOOD}, "b": {"2.1": BAD}}"#),
            &index(r#"{"b": {"2.1": BAD}, "c": {"2.1": BAD}}"#),
        );
        let counted = (
            comparison.only_first,
            comparison.compared,
            comparison.only_second,
        );
        assert_eq!(counted, (1, 1, 1));
        assert!(comparison.differences.is_empty());
    }
}
