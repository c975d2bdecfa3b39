//! Reports: a folder in the original's form, web pages, and with the feature `cli` also JUnit XML
//! and tables.

mod details;
pub mod dialogue;
mod file_name;
pub mod html;
mod index;
mod json;
#[cfg(feature = "cli")]
pub mod junit;
pub mod merge;
#[cfg(feature = "cli")]
pub mod table;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::record::Record;
use crate::role::Role;

pub use details::{details, role_of};
pub use index::{Entry, FILE as INDEX_FILE, Index, Results};
pub use json::to_text;

/// A folder of reports. Each case is written at once, so an interrupted run keeps its results.
///
/// Results of other cases and other agents in the folder stay in its index. Only one run at a time
/// may write to a folder.
#[derive(Debug)]
pub struct Reports {
    dir: PathBuf,
    index: Index,
    /// The roles of the agents that have got a record.
    roles: BTreeMap<String, Role>,
}

impl Reports {
    /// Opens the folder, or creates it, and reads its index.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be created or written to, or if its index cannot be parsed.
    pub fn open(dir: &Path) -> Result<Self, ReportError> {
        fs::create_dir_all(dir).map_err(|error| ReportError::write(dir, error))?;
        let reports = Self {
            dir: dir.to_owned(),
            index: Index::read_if_there(dir)?,
            roles: BTreeMap::new(),
        };
        // The check is before the first case, because a run without reports should not begin.
        reports.write_index()?;
        Ok(reports)
    }

    /// Writes the file of one case, then the index. Returns the entry of the index.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be written, or if the folder has results of an agent with this name
    /// in the other role.
    pub fn add(&mut self, record: &Record) -> Result<Entry, ReportError> {
        self.check_role(record)?;
        let entry = self.index.add(record);
        write(&self.dir.join(&entry.reportfile), record)?;
        self.write_index()?;
        Ok(entry)
    }

    /// Adds the second run of a case. The file then has both runs, and the second one counts.
    ///
    /// # Errors
    ///
    /// Fails like [`add`](Self::add), and if the file of the first run cannot be read.
    pub fn add_second_run(&mut self, mut record: Record) -> Result<Entry, ReportError> {
        record.first_run = self.stored(&record)?;
        self.add(&record)
    }

    /// Refuses a server with the name of a client, and a client with that of a server: the index
    /// has only the name.
    fn check_role(&mut self, record: &Record) -> Result<(), ReportError> {
        let role = Role::opposite_a_suite(record.is_server);
        let (dir, index) = (&self.dir, &self.index);
        let stored = || role_of(dir, &index.results(&record.agent)).unwrap_or(role);
        let agent = record.agent.clone();
        match *self.roles.entry(agent.clone()).or_insert_with(stored) {
            known if known == role => Ok(()),
            role => Err(ReportError::OtherRole {
                dir: self.dir.clone(),
                agent,
                role,
            }),
        }
    }

    /// Returns the stored record of the same case of the same agent, without earlier runs.
    fn stored(&self, record: &Record) -> Result<Option<Value>, ReportError> {
        let results = self.index.agents().get(&record.agent);
        let Some(entry) = results.and_then(|results| results.get(&record.id)) else {
            return Ok(None);
        };
        let path = self.dir.join(&entry.reportfile);
        let text = fs::read_to_string(&path).map_err(|error| ReportError::read(&path, error))?;
        let stored = serde_json::from_str::<Map<String, Value>>(&text);
        let mut stored = stored.map_err(|error| ReportError::read(&path, error.into()))?;
        stored.remove("firstRun");
        Ok(Some(stored.into()))
    }

    /// Returns the folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the current index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    fn write_index(&self) -> Result<(), ReportError> {
        write(&self.dir.join(INDEX_FILE), &self.index)
    }
}

/// Writes a file atomically: readers see the old text or the new one.
fn write(path: &Path, report: &impl Serialize) -> Result<(), ReportError> {
    let unfinished = path.with_extension("json.part");
    serde_json::to_value(report)
        .map_err(io::Error::from)
        .and_then(|value| fs::write(&unfinished, to_text(&value)))
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(|error| ReportError::write(path, error))
}

/// A report that could not be read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReportError {
    /// The file cannot be read or parsed.
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// Writing failed.
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// The folder has results of an agent of the same name in the other role.
    OtherRole {
        /// The folder.
        dir: PathBuf,
        /// The name.
        agent: String,
        /// The role of the agent in the folder.
        role: Role,
    },
}

impl ReportError {
    fn read(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        Self::Read { path, error }
    }

    fn write(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        Self::Write { path, error }
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Read { error, .. } | Self::Write { error, .. } => error.kind(),
            Self::OtherRole { .. } => io::ErrorKind::AlreadyExists,
        }
    }
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, error } => {
                write!(f, "cannot read the report {}: {error}", path.display())
            }
            Self::Write { path, error } => {
                write!(f, "cannot write the report {}: {error}", path.display())
            }
            Self::OtherRole { dir, agent, role } => write!(
                f,
                "{} has results of a {role} with the name {agent}: use another folder or name",
                dir.display()
            ),
        }
    }
}

impl Error for ReportError {}

#[cfg(test)]
pub(crate) mod testing {
    //! Records for tests.

    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use crate::record::{Record, SCHEMA};
    use crate::verdict::Verdict;

    /// Returns a good record of this case.
    pub(crate) fn record(agent: &str, case: &str) -> Record {
        Record {
            schema: SCHEMA,
            agent: agent.into(),
            id: case.parse().unwrap(),
            number: 1,
            description: "Sends something.".into(),
            expectation: "Its echo.".into(),
            level: None,
            rule: None,
            rfc: Vec::new(),
            verdict: Verdict::GOOD,
            result: "as expected".into(),
            result_close: "as expected".into(),
            expected: BTreeMap::from([("OK".into(), vec![json!(["message", "a", false])])]),
            received: vec![json!(["message", "a", false])],
            unexpected_event: None,
            expected_close: json!({}),
            violations: Vec::new(),
            started: "2026-01-01T00:00:00.000Z".into(),
            duration: 12,
            report_time: false,
            report_compression_ratio: false,
            is_server: false,
            closed_by_me: true,
            failed_by_me: false,
            dropped_by_me: false,
            was_clean: true,
            was_not_clean_reason: None,
            was_server_connection_drop_timeout: false,
            was_open_handshake_timeout: false,
            was_close_handshake_timeout: false,
            local_close_code: Some(1000),
            local_close_reason: None,
            remote_close_code: Some(1000),
            remote_close_reason: None,
            http_request: "GET / HTTP/1.1\r\n\r\n".into(),
            http_response: "HTTP/1.1 101 Switching Protocols\r\n\r\n".into(),
            create_stats: true,
            create_wirelog: true,
            rx_octet_stats: BTreeMap::from([(14, 1), (4, 1), (129, 1)]),
            tx_octet_stats: BTreeMap::from([(18, 1)]),
            rx_frame_stats: BTreeMap::from([(1, 1), (8, 1)]),
            tx_frame_stats: BTreeMap::from([(1, 1), (8, 1)]),
            traffic_stats: None::<Value>,
            wirelog: vec![serde_json::from_value(json!(["RO", [14, "810c"]])).unwrap()],
            seed: 1,
            replay: None,
            first_run: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::record;
    use super::*;
    use crate::verdict::{Behavior, Verdict};

    #[test]
    fn every_case_is_on_disk_when_it_is_added() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("reports/servers");
        let mut reports = Reports::open(&folder).unwrap();
        reports.add(&record("a", "2.1")).unwrap();
        let text = fs::read_to_string(folder.join("a_case_2_1.json")).unwrap();
        assert!(
            text.starts_with("{\n   \"agent\": \"a\",\n   \"behavior\": \"OK\",\n"),
            "{text}"
        );
        assert!(
            text.contains("\"4\": 1,\n      \"14\": 1,\n      \"129\": 1"),
            "{text}"
        );
        assert_eq!(Index::read(&folder).unwrap(), *reports.index());
        let names = fs::read_dir(&folder).unwrap().count();
        assert_eq!(names, 2, "no unfinished file is left");
    }

    #[test]
    fn both_runs_of_a_case_are_kept_and_the_second_counts() {
        let dir = tempfile::tempdir().unwrap();
        let mut reports = Reports::open(dir.path()).unwrap();
        let mut failed = record("a", "2.1");
        failed.verdict.behavior = Behavior::Failed;
        failed.result = "no echo".into();
        let first = reports.add(&failed).unwrap();
        assert!(!first.is_unstable());
        let second = reports.add_second_run(record("a", "2.1")).unwrap();
        assert_eq!(second.verdict, Verdict::GOOD);
        assert_eq!(second.first_run, Some(failed.verdict));
        assert!(second.is_unstable());
        assert_eq!(Index::read(dir.path()).unwrap(), *reports.index());
        let text = fs::read_to_string(dir.path().join(second.reportfile)).unwrap();
        let stored: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(stored["firstRun"]["result"], "no echo");
        let again = reports.add_second_run(failed.clone()).unwrap();
        assert_eq!(again.first_run, Some(Verdict::GOOD));
        let text = fs::read_to_string(dir.path().join(again.reportfile)).unwrap();
        assert_eq!(text.matches("firstRun").count(), 1, "{text}");
    }

    #[test]
    fn a_second_run_adds_to_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        Reports::open(dir.path())
            .unwrap()
            .add(&record("a", "2.1"))
            .unwrap();
        let mut again = Reports::open(dir.path()).unwrap();
        again.add(&record("a", "2.2")).unwrap();
        again.add(&record("b", "2.1")).unwrap();
        let index = Index::read(dir.path()).unwrap();
        assert_eq!((index.results("a").len(), index.results("b").len()), (2, 1));
    }

    #[test]
    fn a_client_does_not_replace_a_server_of_the_same_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut reports = Reports::open(dir.path()).unwrap();
        reports.add(&record("a", "2.1")).unwrap();
        let client = Record {
            is_server: true,
            ..record("a", "2.1")
        };
        for reports in [&mut reports, &mut Reports::open(dir.path()).unwrap()] {
            let error = reports.add(&client).unwrap_err().to_string();
            assert!(
                error.contains("results of a server with the name a"),
                "{error}"
            );
        }
        reports.add(&record("a", "2.2")).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Reports::open(&file).unwrap_err().to_string();
        assert!(error.contains("file"), "{error}");
        fs::write(dir.path().join(INDEX_FILE), "[]").unwrap();
        assert!(Reports::open(dir.path()).is_err());
    }
}
