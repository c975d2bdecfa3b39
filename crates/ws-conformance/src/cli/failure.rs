//! The description of a case with an unexpected result.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use ws_conformance::case::CaseId;
use ws_conformance::cases;
use ws_conformance::expect::Unexpected;
use ws_conformance::report::{self, Results};
use ws_conformance::verdict::{Behavior, CloseBehavior, Verdict};

/// The most characters of the expected and received events.
const SHOWN: usize = 300;

/// The parts of a case's file that explain its result. Files of the original have fewer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Facts {
    description: String,
    expectation: String,
    level: Option<String>,
    rule: Option<Rule>,
    rfc: Vec<String>,
    expected: BTreeMap<String, Vec<Value>>,
    received: Vec<Value>,
    result: String,
    result_close: String,
    was_not_clean_reason: Option<String>,
    violations: Vec<String>,
    replay: Option<String>,
    #[serde(skip)]
    file: PathBuf,
}

/// The sentence that decides a case.
#[derive(Debug, Deserialize)]
struct Rule {
    sentence: String,
    binds: String,
}

impl Facts {
    /// Reads the file of a case. If that fails, there are no facts: the verdict is in the index.
    pub(super) fn read(dir: &Path, results: &Results, case: CaseId) -> Option<Self> {
        let file = &results.get(&case)?.reportfile;
        let facts = report::details(dir, file, case).ok()?;
        let file = dir.join(file);
        Some(Self { file, ..facts })
    }

    /// Returns the reason of the verdict in one line: the sentence about each part of the verdict
    /// that is not OK.
    pub(super) fn reason(&self, verdict: Verdict) -> String {
        let of_behavior = match verdict.behavior {
            Behavior::Ok => "",
            _ => &*self.result,
        };
        let of_close = match verdict.close {
            CloseBehavior::Ok | CloseBehavior::Informational => "",
            // In group 7, a wrong close code is also the reason of the failed behavior.
            _ if of_behavior.contains(&*self.result_close) => "",
            _ => &*self.result_close,
        };
        let reason = [of_behavior, of_close].join(" ");
        reason.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Describes the result, its causes, and the command that runs the case again, if there is one. The
/// sentence of the rule is left out if `quoted` names an earlier case that has the same one.
pub(super) fn describe(
    unexpected: &Unexpected,
    facts: Option<&Facts>,
    replay: Option<&str>,
    quoted: Option<CaseId>,
) -> String {
    let case = unexpected.case;
    let title = cases::find(case).map_or("", |case| case.title());
    let verdict = match unexpected.verdict {
        Some(verdict) => format!("{verdict}: {}", unexpected.deviation),
        None => unexpected.deviation.to_string(),
    };
    let mut lines = vec![format!("case {case} ({title}): {verdict}")];
    let mut fact = |name: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("    {name:<11}{text}"));
        }
    };
    if let Some(facts) = facts {
        fact("sent:", &facts.description);
        fact("wanted:", &facts.expectation);
        if let Some(level) = &facts.level {
            fact("rule:", &format!("{} ({level})", facts.rfc.join(", ")));
        }
        match (&facts.rule, quoted) {
            (None, _) => {}
            (Some(_), Some(case)) => fact("", &format!("quoted above, at case {case}")),
            (Some(rule), None) => {
                let sentence = format!("\"{}\" (binds the {})", rule.sentence, rule.binds);
                fact("", &sentence);
            }
        }
        for (verdict, events) in &facts.expected {
            fact("expected:", &format!("{verdict}: {}", shown(events)));
        }
        fact("received:", &shown(&facts.received));
        fact("outcome:", &facts.result);
        fact("close:", &facts.result_close);
        fact(
            "",
            facts.was_not_clean_reason.as_deref().unwrap_or_default(),
        );
        for violation in &facts.violations {
            fact("violation:", violation);
        }
    }
    let stored = facts.and_then(|facts| facts.replay.as_deref());
    fact("again:", replay.or(stored).unwrap_or_default());
    let file = facts.map(|facts| facts.file.display().to_string());
    fact("details:", &file.unwrap_or_default());
    lines.join("\n")
}

fn shown(events: &[Value]) -> String {
    let text = Value::from(events).to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{} ...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use ws_conformance::expect::Deviation;

    use super::*;

    #[test]
    fn long_events_are_cut() {
        let events = [Value::from("é".repeat(1000))];
        let text = shown(&events);
        assert!(
            text.ends_with(" ...") && text.chars().count() == SHOWN + 4,
            "{text}"
        );
    }

    #[test]
    fn a_case_without_a_result_says_so_and_how_to_run_it() {
        let unexpected = Unexpected {
            case: CaseId::two(99, 1),
            verdict: None,
            deviation: Deviation::Missing,
        };
        let text = describe(&unexpected, None, Some("ws-conformance x"), None);
        assert_eq!(
            text,
            "case 99.1 (): the case was not run\n    again:     ws-conformance x"
        );
    }

    #[test]
    fn a_file_of_the_original_has_fewer_facts() {
        let dir = tempfile::tempdir().unwrap();
        let case = CaseId::two(2, 1);
        let entry =
            r#"{"behavior": "FAILED", "behaviorClose": "OK", "reportfile": "a_case_2_1.json"}"#;
        let results: Results = serde_json::from_str(&format!(r#"{{"2.1": {entry}}}"#)).unwrap();
        assert!(Facts::read(dir.path(), &results, case).is_none());
        let text = r#"{"result": "no match", "resultClose": "", "wasNotCleanReason": null}"#;
        std::fs::write(dir.path().join("a_case_2_1.json"), text).unwrap();
        let unexpected = Unexpected {
            case,
            verdict: Some(results[&case].verdict),
            deviation: Deviation::Failed,
        };
        let facts = Facts::read(dir.path(), &results, case);
        let text = describe(&unexpected, facts.as_ref(), None, None);
        assert!(
            text.contains("    outcome:   no match\n    details:   "),
            "{text}"
        );
    }
}
