//! Annotations and the step summary of GitHub Actions.

use std::env;
use std::fs::File;
use std::io::Write;

use ws_conformance::cases;
use ws_conformance::expect::{Counts, Deviation};

use super::conclusion::Judged;

/// The most annotations. GitHub shows ten errors of a step.
const MOST_ANNOTATIONS: usize = 9;
/// The most cases that the summary lists.
const MOST_ROWS: usize = 100;

/// Returns `true` within GitHub Actions.
pub(super) fn is_active() -> bool {
    env::var_os("GITHUB_ACTIONS").is_some()
}

/// Returns an annotation for each unexpected result, and a last one for those that are too many.
/// `detail` returns the text about a result.
pub(super) fn annotations(
    judged: &[Judged],
    detail: impl Fn(&Judged, usize) -> String,
) -> Vec<String> {
    let mut all = Vec::new();
    for agent in judged {
        for (number, unexpected) in agent.assessment.unexpected.iter().enumerate() {
            if unexpected.deviation != Deviation::Missing {
                let title = format!("{}, case {}", agent.testee.agent, unexpected.case);
                all.push((agent, number, title));
            }
        }
    }
    let more = all.len().saturating_sub(MOST_ANNOTATIONS);
    let shown = all.into_iter().take(MOST_ANNOTATIONS);
    let mut lines: Vec<_> = shown
        .map(|(agent, number, title)| error(&title, &detail(agent, number)))
        .collect();
    if more > 0 {
        let text = format!("{more} more unexpected results are in the log of this step");
        lines.push(error("WebSocket conformance", &text));
    }
    lines
}

/// Returns the workflow command for an error.
pub(super) fn error(title: &str, text: &str) -> String {
    let data = |text: &str| {
        let text = text.replace('%', "%25");
        text.replace('\r', "%0D").replace('\n', "%0A")
    };
    let title = data(title).replace(':', "%3A").replace(',', "%2C");
    format!("::error title={title}::{}", data(text))
}

/// Appends the results to the step summary, if the run has one.
pub(super) fn write_summary(judged: &[Judged]) {
    let Some(path) = env::var_os("GITHUB_STEP_SUMMARY") else {
        return;
    };
    let file = File::options().create(true).append(true).open(path);
    let written = file.and_then(|mut file| file.write_all(summary(judged).as_bytes()));
    if let Err(error) = written {
        eprintln!("warning: the step summary cannot be written: {error}");
    }
}

/// Returns the results as Markdown.
fn summary(judged: &[Judged]) -> String {
    judged.iter().map(summary_of).collect()
}

fn summary_of(judged: &Judged) -> String {
    let (testee, assessment) = (&judged.testee, &judged.assessment);
    let total = assessment.total();
    let mut text = format!(
        "### WebSocket conformance: {} ({})\n\n{} of {} cases are as expected.\n\n",
        cell(&testee.agent),
        testee.role,
        total.cases - total.unexpected,
        total.cases
    );
    let titles = total.columns().map(|(title, _)| title);
    text += &format!(
        "| group | {} |\n|---|{}\n",
        titles.join(" | "),
        "--:|".repeat(titles.len())
    );
    for counts in assessment.groups.iter().chain([&total]) {
        text += &row(counts);
    }
    let unexpected = assessment.unexpected.iter().map(|it| {
        let verdict = it
            .verdict
            .map_or(String::new(), |verdict| verdict.to_string());
        [it.case.to_string(), verdict, it.deviation.to_string()]
    });
    let unstable = judged.unstable().map(|(case, entry)| {
        let first = entry
            .first_run
            .map_or(String::new(), |first| first.to_string());
        let verdict = entry.verdict.to_string();
        [
            case.to_string(),
            verdict,
            format!("unstable: the first run was {first}"),
        ]
    });
    let mut rows: Vec<_> = unexpected.collect();
    let is_listed = |row: &[String; 3]| rows.iter().any(|other| other[0] == row[0]);
    let others: Vec<_> = unstable.filter(|row| !is_listed(row)).collect();
    rows.extend(others);
    if !rows.is_empty() {
        text += "\n| case | verdict | remark | title |\n|---|---|---|---|\n";
    }
    for [case, verdict, remark] in rows.iter().take(MOST_ROWS) {
        let id = case.parse().ok();
        let title = id.and_then(cases::find).map_or("", |case| case.title());
        let (remark, title) = (cell(remark), cell(title));
        text += &format!("| {case} | {verdict} | {remark} | {title} |\n");
    }
    if rows.len() > MOST_ROWS {
        text += &format!("\n{} more are in the log.\n", rows.len() - MOST_ROWS);
    }
    text + "\n"
}

fn row(counts: &Counts) -> String {
    let numbers = counts.columns().map(|(_, number)| number.to_string());
    format!("| {} | {} |\n", counts.group, numbers.join(" | "))
}

/// Returns a text without the characters that have a meaning in a cell of a table.
fn cell(text: &str) -> String {
    let text = text.replace(['\r', '\n', '`'], " ");
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use ws_conformance::expect::{Assessment, Standard, Testee};
    use ws_conformance::report::{Entry, Results};
    use ws_conformance::role::Role;
    use ws_conformance::verdict::{Behavior, Verdict};

    use super::*;

    /// Returns the results of a testee that fails all of its cases.
    fn judged(cases: usize) -> Judged {
        let testee = Testee {
            agent: "a|<b>".into(),
            role: Role::Server,
        };
        let entry = Entry {
            verdict: Verdict {
                behavior: Behavior::Failed,
                ..Verdict::GOOD
            },
            duration: 0,
            remote_close_code: None,
            reportfile: String::new(),
            first_run: None,
        };
        let selected: Vec<_> = cases::all().iter().take(cases).map(|it| it.id()).collect();
        let results: Results = selected.iter().map(|case| (*case, entry.clone())).collect();
        Judged {
            assessment: Assessment::new(&testee, &selected, &results, Standard::Allowed),
            testee,
            selected,
            results,
        }
    }

    #[test]
    fn the_number_of_annotations_is_bounded() {
        let detail = |_: &Judged, number| format!("50% of\nnumber {number}");
        let lines = annotations(&[judged(9)], detail);
        assert_eq!(lines.len(), 9);
        let first = "::error title=a|<b>%2C case 1.1.1::50%25 of%0Anumber 0";
        assert_eq!(lines[0], first);
        let lines = annotations(&[judged(12)], detail);
        assert_eq!(lines.len(), 10);
        assert!(lines[9].ends_with("::3 more unexpected results are in the log of this step"));
    }

    #[test]
    fn the_summary_has_groups_and_unexpected_cases() {
        let text = summary(&[judged(2)]);
        for part in [
            "### WebSocket conformance: a\\|&lt;b> (server)\n",
            "0 of 2 cases are as expected.",
            "| group | cases | OK | NON-STRICT | INFORMATIONAL | UNIMPLEMENTED | NOT APPLICABLE | FAILED | \
             unexpected |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n| 1 | 2 | 0 | 0 | 0 | 0 | 0 | 2 | 2 |\n",
            "| 1.1.2 | FAILED, close OK | the case failed | ",
        ] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
        let long = summary(&[judged(150)]);
        assert!(long.contains("\n50 more are in the log.\n"), "{long}");
    }
}
