//! `index.json`: the verdicts of every agent.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ReportError, file_name};
use crate::case::CaseId;
use crate::record::Record;
use crate::verdict::Verdict;

/// The name of the file.
pub const FILE: &str = "index.json";

/// The results of one agent, by case.
pub type Results = BTreeMap<CaseId, Entry>;

/// The entry of a case of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The duration in milliseconds.
    #[serde(default)]
    pub duration: u64,
    /// The close code that the testee sent.
    #[serde(default)]
    pub remote_close_code: Option<u16>,
    /// The file with the details, in the same folder.
    pub reportfile: String,
    /// The verdict of the first run, if the case ran twice. Not in the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_run: Option<Verdict>,
}

impl Entry {
    /// Returns `true` if the case ran twice, with different verdicts.
    pub fn is_unstable(&self) -> bool {
        self.first_run.is_some_and(|first| first != self.verdict)
    }
}

/// The content of `index.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Index {
    agents: BTreeMap<String, Results>,
}

impl Index {
    /// Reads `path`: the file, or the folder that has it.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or parsed.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let in_folder = path.join(FILE);
        let file = if path.is_dir() { &in_folder } else { path };
        let text = fs::read_to_string(file).map_err(|error| ReportError::read(file, error))?;
        serde_json::from_str(&text).map_err(|error| ReportError::read(file, error.into()))
    }

    /// Reads like [`read`](Self::read). Returns an empty index if the folder or the file does not
    /// exist.
    ///
    /// # Errors
    ///
    /// Fails if the file exists but cannot be read or parsed.
    pub fn read_if_there(path: &Path) -> Result<Self, ReportError> {
        match Self::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            other => other,
        }
    }

    /// Returns the agents, by name.
    pub fn agents(&self) -> &BTreeMap<String, Results> {
        &self.agents
    }

    /// Returns the results of `agent`, which are empty for an unknown agent.
    pub fn results(&self, agent: &str) -> Results {
        self.agents.get(agent).cloned().unwrap_or_default()
    }

    /// Adds `record`. It replaces an entry about the same case of the same agent.
    pub(super) fn add(&mut self, record: &Record) -> Entry {
        let entry = Entry {
            verdict: record.verdict,
            duration: record.duration,
            remote_close_code: record.remote_close_code,
            reportfile: String::new(),
            first_run: record.first_verdict(),
        };
        self.insert(&record.agent, record.id, entry)
    }

    /// Adds an entry, whose file gets a name that is free here.
    pub(super) fn insert(&mut self, agent: &str, case: CaseId, entry: Entry) -> Entry {
        let reportfile = file_name::case_file(&self.slug_for(agent), case);
        let entry = Entry {
            reportfile,
            ..entry
        };
        let results = self.agents.entry(agent.to_owned()).or_default();
        results.insert(case, entry.clone());
        entry
    }

    /// Returns the slug of the agent's files, or a new one.
    fn slug_for(&self, agent: &str) -> String {
        let of = |results: &Results| {
            let (case, entry) = results.first_key_value()?;
            file_name::slug_of(&entry.reportfile, *case).map(str::to_owned)
        };
        if let Some(slug) = self.agents.get(agent).and_then(of) {
            return slug;
        }
        let taken: Vec<_> = self.agents.values().filter_map(of).collect();
        let plain = file_name::slug(agent);
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        std::iter::once(plain.clone())
            .chain(numbered)
            .find(|slug| !taken.contains(slug))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::record;
    use super::*;
    use crate::verdict::{Behavior, CloseBehavior};

    #[test]
    fn agents_that_collide_have_different_files() {
        let mut index = Index::default();
        assert_eq!(
            index.add(&record("A/1", "2.1")).reportfile,
            "a_1_case_2_1.json"
        );
        assert_eq!(
            index.add(&record("a 1", "2.1")).reportfile,
            "a_1_2_case_2_1.json"
        );
        assert_eq!(
            index.add(&record("a-1", "2.1")).reportfile,
            "a_1_3_case_2_1.json"
        );
        assert_eq!(
            index.add(&record("a 1", "2.2")).reportfile,
            "a_1_2_case_2_2.json"
        );
        assert_eq!(
            index.add(&record("A/1", "2.1")).reportfile,
            "a_1_case_2_1.json"
        );
        assert_eq!(index.agents().len(), 3);
    }

    #[test]
    fn an_index_of_the_original_is_read() {
        let text = r#"{"a": {"7.9.1": {"behavior": "OK", "behaviorClose": "FAILED BY CLIENT",
            "duration": 4, "remoteCloseCode": null, "reportfile": "a_case_7_9_1.json"}}, "b": {}}"#;
        let index: Index = serde_json::from_str(text).unwrap();
        let entry = &index.results("a")[&CaseId::three(7, 9, 1)];
        assert_eq!(entry.verdict.behavior, Behavior::Ok);
        assert_eq!(entry.verdict.close, CloseBehavior::FailedByClient);
        assert_eq!((entry.duration, entry.remote_close_code), (4, None));
        assert!(index.results("b").is_empty() && index.results("c").is_empty());
    }

    #[test]
    fn an_index_that_is_not_there_is_empty_only_if_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Index::read_if_there(dir.path()).unwrap(), Index::default());
        assert_eq!(
            Index::read_if_there(&dir.path().join("x")).unwrap(),
            Index::default()
        );
        assert!(Index::read(dir.path()).is_err());
        fs::write(dir.path().join(FILE), "{").unwrap();
        let error = Index::read_if_there(dir.path()).unwrap_err().to_string();
        assert!(error.contains(FILE), "{error}");
    }
}
