//! Runs in parts. Each part is a call of the suite with a directory of its own.
//!
//! The suite writes its reports at its end, or when a client requests them. An earlier end loses
//! them. Therefore it is called for a few cases at a time, and its reports are added to the index
//! of the whole run after each call. A call takes a third of a second before its first case.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ws_conformance::case::CaseId;
use ws_conformance::report::{INDEX_FILE, Index, Results};

use super::{Job, Wstest};

/// Runs the job part by part.
pub(super) fn test(wstest: &Wstest, job: &mut Job<'_>) -> Result<()> {
    for cases in parts(job.cases) {
        let dir = next_dir(job.dir)?;
        let result = wstest.test_part(&mut Job {
            cases,
            dir: &dir,
            progress: &mut *job.progress,
            ..*job
        });
        // An error of a part also ends the current case, and the suite would blame the testee for
        // it.
        let done = match &result {
            Ok(()) => cases.len(),
            Err(_) => job.progress.done_of_part().min(cases.len()),
        };
        let merged = merge(
            job.dir,
            &dir,
            &job.run.agent,
            cases.get(..done).unwrap_or(cases),
        );
        // The first error explains reports that are incomplete.
        result.and(merged)?;
        job.progress.end_part(cases.len());
    }
    Ok(())
}

/// Returns the cases of each call: a family if a case takes seconds, a group if a case takes up to
/// a second, and all cases without waits.
fn parts(cases: &[CaseId]) -> impl Iterator<Item = &[CaseId]> {
    let part = |case: &CaseId| match case.group() {
        12 | 13 => case.family(),
        9 => "9".to_owned(),
        _ => String::new(),
    };
    cases.chunk_by(move |one, other| part(one) == part(other))
}

/// Creates a directory in that of the run.
fn next_dir(run: &Path) -> Result<PathBuf> {
    let mut names = (1..).map(|number: u32| run.join(format!("part-{number}")));
    let dir = names.find(|dir| !dir.exists()).context("no name is left")?;
    fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// Adds the results of `part` about these cases of the agent to the index of the run.
fn merge(run: &Path, part: &Path, agent: &str, cases: &[CaseId]) -> Result<()> {
    let folder = part.file_name().unwrap_or_default().to_string_lossy();
    let mut merged = Index::read_if_there(run)?.results(agent);
    for (case, mut entry) in Index::read_if_there(part)?.results(agent) {
        if cases.contains(&case) {
            entry.reportfile = format!("{folder}/{}", entry.reportfile);
            merged.insert(case, entry);
        }
    }
    write(&run.join(INDEX_FILE), agent, &merged)
}

/// Writes an index atomically: readers see the old text or the new one.
fn write(file: &Path, agent: &str, results: &Results) -> Result<()> {
    let text = serde_json::to_string_pretty(&BTreeMap::from([(agent, results)]))?;
    let unfinished = file.with_extension("json.part");
    fs::write(&unfinished, text)
        .and_then(|()| fs::rename(&unfinished, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use ws_conformance::case::{Case, Set};
    use ws_conformance::cases;

    use super::*;

    #[test]
    fn parts_are_every_case_once_and_in_order() {
        let cases: Vec<_> = cases::of_set(Set::Original).map(Case::id).collect();
        let all: Vec<_> = parts(&cases).collect();
        assert_eq!(all.concat(), cases);
        // 1 to 7, 9, 10, five data sets, seven sets of parameters.
        assert_eq!(all.len(), 15);
        assert_eq!(all[0].len(), 246);
        assert_eq!(all[14], &cases[499..]);
    }

    #[test]
    fn the_index_of_the_run_grows_by_what_a_part_has_completed() {
        let run = tempfile::tempdir().unwrap();
        let cases = ["1.1.1", "1.1.2", "12.1.1"].map(|case| case.parse().unwrap());
        let entry = r#"{"behavior": "OK", "behaviorClose": "OK", "reportfile": "x.json"}"#;
        let add_part = |done: &[CaseId]| {
            let part = next_dir(run.path()).unwrap();
            let text = format!(r#"{{"a": {{"1.1.1": {entry}, "1.1.2": {entry}}}}}"#);
            fs::write(part.join(INDEX_FILE), text).unwrap();
            merge(run.path(), &part, "a", done).unwrap();
            Index::read(run.path()).unwrap().results("a")
        };
        let results = add_part(&cases[..1]);
        assert_eq!(results.len(), 1, "1.1.2 was under way");
        assert_eq!(results[&cases[0]].reportfile, "part-1/x.json");
        let results = add_part(&cases[1..2]);
        assert_eq!(results[&cases[0]].reportfile, "part-1/x.json");
        assert_eq!(results[&cases[1]].reportfile, "part-2/x.json");
    }

    #[test]
    fn a_part_without_reports_adds_nothing() {
        let run = tempfile::tempdir().unwrap();
        let part = next_dir(run.path()).unwrap();
        merge(run.path(), &part, "a", &[CaseId::two(2, 1)]).unwrap();
        assert!(Index::read(run.path()).unwrap().results("a").is_empty());
    }
}
