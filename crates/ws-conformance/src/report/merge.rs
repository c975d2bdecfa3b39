//! The merger of report folders, of this crate or the original.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{INDEX_FILE, Index, ReportError, Results, details, role_of, write};
use crate::role::Role;

/// A folder of reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path.
    pub dir: PathBuf,
    /// The new name of the agent. If the folder has several agents, the name precedes theirs.
    pub name: Option<String>,
}

/// The result of a merger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// The agents in the new folder.
    pub agents: usize,
    /// Their results.
    pub results: usize,
    /// Results that a later folder has replaced.
    pub replaced: usize,
    /// Results without a readable file of their own. Only the verdict exists.
    pub without_details: usize,
}

/// Writes the results of all folders into `out`. The index of `out` then has exactly these results.
/// If two folders have a result of the same case and agent, the later one counts. A server and a
/// client of the same name are two agents, whose names then mention the role.
///
/// # Errors
///
/// Fails if an index cannot be read, or `out` cannot be written.
pub fn merge(sources: &[Source], out: &Path) -> Result<Merged, ReportError> {
    fs::create_dir_all(out).map_err(|error| ReportError::write(out, error))?;
    let indexes: Result<Vec<_>, _> = sources.iter().map(|it| Index::read(&it.dir)).collect();
    let indexes = indexes?;
    let parts: Vec<_> = sources.iter().zip(&indexes).flat_map(parts).collect();
    let mut all = Index::default();
    let mut merged = Merged::default();
    for part in &parts {
        let name = part.name_among(&parts);
        for (case, entry) in part.results {
            let is_new = !all.results(&name).contains_key(case);
            let copy = all.insert(&name, *case, entry.clone());
            merged.replaced += usize::from(!is_new);
            match details(part.dir, &entry.reportfile, *case) {
                Ok(report) => write(&out.join(copy.reportfile), &named(report, &name))?,
                Err(_) => merged.without_details += 1,
            }
        }
    }
    write(&out.join(INDEX_FILE), &all)?;
    merged.agents = all.agents().len();
    merged.results = all.agents().values().map(|results| results.len()).sum();
    Ok(merged)
}

impl Source {
    fn name_of(&self, agent: &str, agents: usize) -> String {
        match &self.name {
            None => agent.to_owned(),
            Some(name) if agents == 1 => name.clone(),
            Some(name) => format!("{name}: {agent}"),
        }
    }
}

/// The results of an agent in a folder.
struct Part<'a> {
    dir: &'a Path,
    name: String,
    role: Option<Role>,
    results: &'a Results,
}

fn parts<'a>((source, index): (&'a Source, &'a Index)) -> Vec<Part<'a>> {
    let agents = index.agents();
    let part = |(agent, results): (&String, &'a Results)| Part {
        dir: &source.dir,
        name: source.name_of(agent, agents.len()),
        role: role_of(&source.dir, results),
        results,
    };
    agents.iter().map(part).collect()
}

impl Part<'_> {
    /// Returns the name, with the role if another part has the same name in the other role.
    fn name_among(&self, parts: &[Part<'_>]) -> String {
        let others = parts.iter().filter(|other| other.name == self.name);
        let mut roles = others.filter_map(|other| other.role);
        match self.role {
            Some(role) if roles.any(|other| other != role) => format!("{} ({role})", self.name),
            _ => self.name.clone(),
        }
    }
}

fn named(mut report: Value, agent: &str) -> Value {
    if let Some(fields) = report.as_object_mut() {
        fields.insert("agent".to_owned(), agent.into());
    }
    report
}

#[cfg(test)]
mod tests {
    use super::super::Reports;
    use super::super::testing::record;
    use super::*;
    use crate::record::Record;

    fn source(dir: &Path, name: Option<&str>) -> Source {
        Source {
            dir: dir.to_owned(),
            name: name.map(str::to_owned),
        }
    }

    fn folder(cases: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let mut reports = Reports::open(dir.path()).unwrap();
        for (agent, case) in cases {
            reports.add(&record(agent, case)).unwrap();
        }
        dir
    }

    #[test]
    fn agents_and_cases_of_all_folders_come_together() {
        let (one, two) = (
            folder(&[("a", "2.1")]),
            folder(&[("a", "2.2"), ("b", "2.1")]),
        );
        let out = tempfile::tempdir().unwrap();
        let sources = [source(one.path(), None), source(two.path(), None)];
        let merged = merge(&sources, out.path()).unwrap();
        assert_eq!((merged.agents, merged.results, merged.replaced), (2, 3, 0));
        let index = Index::read(out.path()).unwrap();
        for entry in index.agents().values().flat_map(|results| results.values()) {
            assert!(out.path().join(&entry.reportfile).exists());
        }
    }

    #[test]
    fn the_same_agent_twice_is_told_apart_by_new_names() {
        let dir = folder(&[("a", "2.1")]);
        let out = tempfile::tempdir().unwrap();
        let sources = [
            source(dir.path(), Some("old")),
            source(dir.path(), Some("new")),
        ];
        assert_eq!(merge(&sources, out.path()).unwrap().agents, 2);
        let text = fs::read_to_string(out.path().join("old_case_2_1.json")).unwrap();
        assert!(text.contains("\"agent\": \"old\""), "{text}");
        let twice = [source(dir.path(), None), source(dir.path(), None)];
        assert_eq!(merge(&twice, out.path()).unwrap().replaced, 1);
    }

    #[test]
    fn a_server_and_a_client_of_the_same_name_are_two_agents() {
        let server = folder(&[("a", "2.1"), ("b", "2.1")]);
        let client = tempfile::tempdir().unwrap();
        let mut reports = Reports::open(client.path()).unwrap();
        let record = Record {
            is_server: true,
            ..record("a", "2.1")
        };
        reports.add(&record).unwrap();
        let out = tempfile::tempdir().unwrap();
        let sources = [source(server.path(), None), source(client.path(), None)];
        let merged = merge(&sources, out.path()).unwrap();
        assert_eq!((merged.agents, merged.results, merged.replaced), (3, 3, 0));
        let index = Index::read(out.path()).unwrap();
        let agents: Vec<_> = index.agents().keys().collect();
        assert_eq!(agents, ["a (client)", "a (server)", "b"]);
        let results = index.results("a (client)");
        assert_eq!(role_of(out.path(), &results), Some(Role::Client));
    }

    #[test]
    fn an_index_does_not_lead_out_of_its_folder() {
        let dir = folder(&[("a", "2.1")]);
        let inside = dir.path().join("inside");
        fs::create_dir(&inside).unwrap();
        let entry = r#"{"behavior": "OK", "behaviorClose": "OK", "reportfile": "FILE"}"#;
        let index = format!(r#"{{"a": {{"2.1": {entry}}}}}"#);
        let index = index.replace("FILE", "../a_case_2_1.json");
        fs::write(inside.join(INDEX_FILE), index).unwrap();
        let out = tempfile::tempdir().unwrap();
        let merged = merge(&[source(&inside, None)], out.path()).unwrap();
        assert_eq!((merged.results, merged.without_details), (1, 1));
        assert!(!out.path().join("a_case_2_1.json").exists());
    }
}
