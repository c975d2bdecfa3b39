//! The names of pages, and functions that write them.

use std::fs;
use std::path::Path;

use askama::Template;

use crate::case::CaseId;
use crate::report::{Entry, ReportError, Results, file_name};

pub(super) const INDEX_PAGE: &str = "index.html";
pub(super) const STYLE: (&str, &str) =
    ("report.css", include_str!("../../../templates/report.css"));
pub(super) const SCRIPT: (&str, &str) = ("report.js", include_str!("../../../templates/report.js"));

/// Returns the name of a case's page, beside its JSON file. Returns `None` if the name of that file
/// could lead out of the folder.
pub(super) fn case_page(entry: &Entry, case: CaseId) -> Option<String> {
    file_name::slug_of(&entry.reportfile, case)?;
    Some(entry.reportfile.trim_end_matches(".json").to_owned() + ".html")
}

/// Returns the name of an agent's badge.
pub(super) fn badge(results: &Results) -> String {
    let slug = |(case, entry): (&CaseId, &'_ Entry)| {
        file_name::slug_of(&entry.reportfile, *case).map(str::to_owned)
    };
    format!(
        "{}_badge.svg",
        results.iter().find_map(slug).unwrap_or_default()
    )
}

/// Renders a page into the folder.
pub(super) fn render(dir: &Path, name: &str, page: &impl Template) -> Result<(), ReportError> {
    let text = page.render().map_err(std::io::Error::other);
    text.map_err(|error| ReportError::write(&dir.join(name), error))
        .and_then(|text| write(dir, name, &text))
}

/// Writes a file atomically: readers see the old text or the new one.
pub(super) fn write(dir: &Path, name: &str, text: &str) -> Result<(), ReportError> {
    let (path, unfinished) = (dir.join(name), dir.join(format!("{name}.part")));
    fs::write(&unfinished, text)
        .and_then(|()| fs::rename(&unfinished, &path))
        .map_err(|error| ReportError::write(&path, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict;

    #[test]
    fn only_names_of_report_files_become_links() {
        let page = |name: &str| {
            let entry = Entry {
                verdict: Verdict::GOOD,
                duration: 0,
                remote_close_code: None,
                reportfile: name.to_owned(),
                first_run: None,
            };
            case_page(&entry, CaseId::two(2, 1))
        };
        assert_eq!(page("a_b_case_2_1.json").unwrap(), "a_b_case_2_1.html");
        for name in [
            "../a_case_2_1.json",
            "javascript:a_case_2_1.json",
            "a_case_2_2.json",
            "a",
        ] {
            assert_eq!(page(name), None, "{name}");
        }
    }
}
