//! Reading the reports of a suite: `index.json` and one file per case.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::verdict::{Behavior, CloseBehavior, Verdict};

/// The results of one testee, by case.
pub(crate) type Results = BTreeMap<String, CaseResult>;

/// One entry of `index.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct CaseResult {
    behavior: Behavior,
    #[serde(rename = "behaviorClose")]
    close: CloseBehavior,
    /// The close code that the testee sent.
    #[serde(rename = "remoteCloseCode")]
    pub(crate) close_code: Option<u32>,
    /// The file with the details, in the same directory.
    #[serde(rename = "reportfile")]
    pub(crate) file: String,
}

/// What the per-case file adds: the suite's own explanations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Explanation {
    pub(crate) result: String,
    pub(crate) result_close: String,
    pub(crate) was_not_clean_reason: Option<String>,
}

impl CaseResult {
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict {
            behavior: self.behavior,
            close: self.close,
        }
    }
}

/// The results of `agent` from the `index.json` in `dir`; empty if the suite wrote none, which
/// it also does, with success, when it could reach nobody.
pub(crate) fn read_index(dir: &Path, agent: &str) -> Result<Results> {
    let file = dir.join("index.json");
    if !file.exists() {
        return Ok(Results::new());
    }
    let text = fs::read_to_string(&file);
    text.map_err(anyhow::Error::from)
        .and_then(|text| parse_index(&text, agent))
        .with_context(|| format!("cannot read {}", file.display()))
}

fn parse_index(text: &str, agent: &str) -> Result<Results> {
    let mut agents: BTreeMap<String, Results> = serde_json::from_str(text)?;
    Ok(agents.remove(agent).unwrap_or_default())
}

/// The explanation of one case; empty if its file is not there or not readable: the verdict,
/// which counts, is in the index.
pub(crate) fn read_explanation(dir: &Path, result: &CaseResult) -> Explanation {
    fs::read_to_string(dir.join(&result.file))
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod testing {
    //! Results for tests.

    use super::*;

    /// A result as the suite would report it.
    pub(crate) fn result(behavior: Behavior, close: CloseBehavior) -> CaseResult {
        CaseResult {
            behavior,
            close,
            close_code: Some(1000),
            file: "none.json".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = r#"{
       "other": {},
       "ws-tokio-server": {
          "7.1.6": {
             "behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL",
             "duration": 4, "remoteCloseCode": 1000, "reportfile": "a_case_7_1_6.json"
          },
          "7.9.1": {
             "behavior": "OK", "behaviorClose": "FAILED BY CLIENT",
             "duration": 1, "remoteCloseCode": null, "reportfile": "a_case_7_9_1.json"
          }
       }
    }"#;

    #[test]
    fn an_index_is_read_for_one_agent() {
        let results = parse_index(INDEX, "ws-tokio-server").unwrap();
        assert_eq!(results.len(), 2);
        assert_eq!(results["7.1.6"].close_code, Some(1000));
        assert_eq!(
            results["7.9.1"].verdict().to_string(),
            "OK, close FAILED BY CLIENT"
        );
        assert_eq!(results["7.9.1"].close_code, None);
    }

    #[test]
    fn an_agent_without_results_has_none() {
        assert!(parse_index("{}", "ws-tokio-server").unwrap().is_empty());
        let empty = tempfile::tempdir().unwrap();
        assert!(
            read_index(empty.path(), "ws-tokio-server")
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn an_index_that_is_not_understood_is_an_error() {
        assert!(parse_index("{", "a").is_err());
        assert!(parse_index(&INDEX.replace("FAILED BY CLIENT", "SPLENDID"), "a").is_err());
    }

    #[test]
    fn explanations_come_from_the_file_of_the_case() {
        let dir = tempfile::tempdir().unwrap();
        let result = testing::result(Behavior::Failed, CloseBehavior::Ok);
        assert_eq!(
            read_explanation(dir.path(), &result),
            Explanation::default()
        );
        let text = r#"{"result": "no match", "resultClose": "fine", "wasNotCleanReason": null}"#;
        fs::write(dir.path().join("none.json"), text).unwrap();
        assert_eq!(read_explanation(dir.path(), &result).result, "no match");
    }
}
