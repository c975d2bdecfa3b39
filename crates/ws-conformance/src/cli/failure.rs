//! The description of a case with an unexpected result.

use serde_json::Value;
use ws_conformance::cases;
use ws_conformance::expect::Unexpected;
use ws_conformance::record::Record;

/// The most characters of the expected and received events.
const SHOWN: usize = 300;

/// Describes the result, its causes, and the command that runs the case again.
pub(super) fn describe(unexpected: &Unexpected, record: Option<&Record>, replay: &str) -> String {
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
    if let Some(record) = record {
        fact("sent:", &record.description);
        fact("wanted:", &record.expectation);
        if let Some(level) = record.level {
            fact("rule:", &format!("{} ({level})", record.rfc.join(", ")));
        }
        if let Some(rule) = record.rule {
            fact(
                "",
                &format!("\"{}\" (binds the {})", rule.sentence, rule.binds),
            );
        }
        for (verdict, events) in &record.expected {
            fact("expected:", &format!("{verdict}: {}", shown(events)));
        }
        fact("received:", &shown(&record.received));
        fact("outcome:", &record.result);
        fact("close:", &record.result_close);
        fact(
            "",
            record.was_not_clean_reason.as_deref().unwrap_or_default(),
        );
        for violation in &record.violations {
            fact("violation:", violation);
        }
    }
    fact("again:", replay);
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
    use ws_conformance::case::CaseId;
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
        let text = describe(&unexpected, None, "ws-conformance x");
        assert_eq!(
            text,
            "case 99.1 (): there is no result\n    again:     ws-conformance x"
        );
    }
}
