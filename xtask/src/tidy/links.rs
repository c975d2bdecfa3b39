//! Links between the Markdown documents.

use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::Finding;
use super::workspace::{Document, Workspace};

const REMEDY: &str = "correct the link, or remove it";

/// Finds relative links without a file or directory, and anchors without a heading.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let documents = &workspace.documents;
    documents
        .iter()
        .flat_map(|document| check_document(document, documents, &workspace.root))
        .collect()
}

fn check_document(document: &Document, documents: &[Document], root: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let parser = Parser::new_ext(&document.text, Options::all()).into_offset_iter();
    for (event, range) in parser {
        let (Event::Start(Tag::Link { dest_url, .. }) | Event::Start(Tag::Image { dest_url, .. })) =
            event
        else {
            continue;
        };
        if dest_url.contains(':') {
            continue;
        }
        let (file, anchor) = dest_url.split_once('#').unwrap_or((&dest_url, ""));
        let target = resolve(&document.path, file);
        let is_document = documents.iter().any(|other| other.path == target);
        let fault = if !is_document && !root.join(&target).exists() {
            Some(format!("the link {dest_url:?} has no target file"))
        } else if !anchor.is_empty() && !has_heading(documents, &target, anchor) {
            Some(format!("the link {dest_url:?} has no target heading"))
        } else {
            None
        };
        findings.extend(fault.map(|what| Finding {
            file: document.path.clone(),
            line: document.text[..range.start].matches('\n').count() + 1,
            what,
            remedy: REMEDY.to_owned(),
        }));
    }
    findings
}

/// Returns the target of a link, relative to the root. An empty link is the document itself.
fn resolve(document: &str, link: &str) -> String {
    if link.is_empty() {
        return document.to_owned();
    }
    let mut target = PathBuf::from(document);
    target.pop();
    for component in Path::new(link).components() {
        match component {
            Component::ParentDir => _ = target.pop(),
            component => target.push(component),
        }
    }
    target.to_string_lossy().replace('\\', "/")
}

/// Returns `true` if the document has a heading with this anchor. Anchors of other files, such as
/// line numbers of sources, are not checked.
fn has_heading(documents: &[Document], target: &str, anchor: &str) -> bool {
    let document = documents.iter().find(|document| document.path == target);
    document.is_none_or(|document| anchors(&document.text).iter().any(|found| found == anchor))
}

/// Returns the anchors that GitHub gives to the headings.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors = Vec::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|h| slug(&h))),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    anchors
}

fn slug(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::workspace::testing::places;
    use super::*;
    use crate::project;

    /// Returns the findings in a document in `docs/`, beside a README at the root.
    fn found(text: &str) -> Vec<String> {
        let documents = [
            ("docs/a.md", text),
            ("README.md", "# The `top`, and more\n"),
        ];
        let workspace = Workspace {
            root: project::root().to_owned(),
            packages: Vec::new(),
            documents: documents.map(Document::new).into(),
        };
        places(&check(&workspace))
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        for link in [
            "../README.md",
            "../README.md#the-top-and-more",
            "#here",
            "../xtask",
            "https://example.com/#no",
        ] {
            let text = format!("# Here\n\n[a link]({link}), `[no](link)`\n");
            assert_eq!(found(&text), [""; 0], "{link}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_found_on_their_line() {
        for link in [
            "none.md",
            "../README.md#top",
            "#there",
            "../no/such/file.rs",
        ] {
            let text = format!("# Here\n\n[a link]({link})\n");
            assert_eq!(found(&text), ["docs/a.md:3"], "{link}");
        }
        assert_eq!(found("![chart](no.svg)\n"), ["docs/a.md:1"]);
    }
}
