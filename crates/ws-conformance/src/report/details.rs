//! The file of a case, read from a folder of an unknown source.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::{Results, file_name};
use crate::case::CaseId;
use crate::role::Role;

/// Reads the file of a case, whose name comes from an index.
///
/// # Errors
///
/// Fails if the file cannot be read or parsed, or if its name could lead out of the folder.
pub fn details(dir: &Path, file: &str, case: CaseId) -> io::Result<Value> {
    if file_name::slug_of(file, case).is_none() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let text = fs::read_to_string(dir.join(file))?;
    Ok(serde_json::from_str(&text)?)
}

/// Returns the role of the testee with these results, as its files mention it.
pub fn role_of(dir: &Path, results: &Results) -> Option<Role> {
    results.iter().find_map(|(case, entry)| {
        let file = details(dir, &entry.reportfile, *case).ok()?;
        file.get("isServer")?.as_bool().map(Role::opposite_a_suite)
    })
}
