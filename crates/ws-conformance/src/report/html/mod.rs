//! Reports as web pages: an index of all agents and a page for each case. The pages are beside the
//! JSON files from which they are made.
//!
//! The folder can be published without changes, and read from disk: pages load nothing from
//! elsewhere. Text of a testee is untrusted. Templates escape it. `words` makes it visible and
//! limits its length. A policy in each page forbids scripts other than ours.

mod badge;
mod case_page;
mod closing;
mod comparison_page;
mod events;
mod file;
mod index_page;
mod rules;
mod site;
mod statistics;
mod stored;
mod verdicts;
mod wire;
mod words;

#[cfg(test)]
mod tests;

use std::path::Path;

use case_page::CasePage;
use index_page::IndexPage;
use site::Site;
use stored::Stored;

use super::{Index, ReportError, details};

pub use comparison_page::to_html as comparison_to_html;

/// The name of the index page in a folder of reports.
pub const PAGE: &str = file::INDEX_PAGE;

/// Writes all pages of a folder of reports, of this crate or the original. The page of a case whose
/// own file cannot be read mentions this.
///
/// # Errors
///
/// Fails if the index cannot be read or a page cannot be written.
pub fn write(dir: &Path) -> Result<(), ReportError> {
    write_pages(dir, |_| true)
}

/// Writes the pages of these agents, missing pages, and the index page.
///
/// # Errors
///
/// Fails like [`write()`].
pub fn update(dir: &Path, agents: &[&str]) -> Result<(), ReportError> {
    write_pages(dir, |agent| agents.contains(&agent))
}

fn write_pages(dir: &Path, has_changed: impl Fn(&str) -> bool) -> Result<(), ReportError> {
    let mut site = Site::new(&Index::read(dir)?);
    for number in 0..site.agents.len() {
        let cases: Vec<_> = site.agents[number].results.keys().copied().collect();
        for case in cases {
            let agent = &site.agents[number];
            let result = &agent.results[&case];
            let Some(page) = &result.page else { continue };
            let stored: Option<Stored> = details(dir, &result.entry.reportfile, case).ok();
            if has_changed(&agent.key) || !dir.join(page).exists() {
                let text = CasePage::new(&site, agent, case, result, stored.as_ref());
                file::render(dir, page, &text)?;
            }
            if let Some(stored) = stored {
                site.agents[number].add_details(case, &stored);
            }
        }
        let agent = &site.agents[number];
        let (tally, not_run) = (agent.tally(), agent.not_run());
        file::write(dir, &agent.badge, &badge::of(&tally, not_run))?;
        let endpoint = agent.badge.replace(".svg", ".json");
        file::write(dir, &endpoint, &badge::endpoint(&tally, not_run))?;
    }
    for (name, text) in [file::STYLE, file::SCRIPT] {
        file::write(dir, name, text)?;
    }
    file::render(dir, file::INDEX_PAGE, &IndexPage::new(&site))
}
