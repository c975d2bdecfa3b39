//! The file of a case, read from a folder of an unknown source.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Results, file_name};
use crate::case::CaseId;
use crate::role::Role;

/// Reads the fields of `T` from the file of a case, whose name comes from an index.
///
/// # Errors
///
/// Fails if the file cannot be read or parsed, or if its name could lead out of the folder.
pub fn details<T: DeserializeOwned>(dir: &Path, file: &str, case: CaseId) -> io::Result<T> {
    if file_name::slug_of(file, case).is_none() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let text = fs::read_to_string(dir.join(file))?;
    Ok(serde_json::from_str(&text)?)
}

/// Returns the role of the testee with these results, as its files mention it.
pub fn role_of(dir: &Path, results: &Results) -> Option<Role> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Suite {
        is_server: bool,
    }
    results.iter().find_map(|(case, entry)| {
        let suite: Suite = details(dir, &entry.reportfile, *case).ok()?;
        Some(Role::opposite_a_suite(suite.is_server))
    })
}
