//! The public signatures in `ARCHITECTURE.md` are those of the sources: the page is a map that can be trusted, and a
//! change of the interface shows in its diff.
//!
//! Works on the text that rustfmt leaves behind: items begin in the first column, methods in the fifth.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use super::workspace::{Package, Workspace};

/// Where the section lies.
pub(super) const PAGE: &str = "ARCHITECTURE.md";
const BEGIN: &str = "<!-- signatures: begin -->\n";
const END: &str = "<!-- signatures: end -->";

/// The crates whose signatures are listed, if they exist.
const PACKAGES: &[&str] = &[
    "ws-proto",
    "ws-handshake",
    "ws-driver",
    "ws-tokio",
    "ws-async-std",
    "ws-smol",
];

const REMEDY: &str = "run `cargo xtask tidy --bless`, and see in the diff whether you meant it";

/// The section says what the sources say.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let listed = split(&workspace.architecture).map(|(_, listed, _)| listed);
    let (line, what) = match listed {
        Some(listed) => {
            let expected = render(workspace);
            if listed == expected {
                return Vec::new();
            }
            let same = listed
                .lines()
                .zip(expected.lines())
                .take_while(|(a, b)| a == b);
            let before = workspace
                .architecture
                .split(BEGIN)
                .next()
                .unwrap_or_default();
            let line = before.lines().count() + 2 + same.count();
            (line, "the public signatures have changed")
        }
        None if workspace.architecture.is_empty() => return Vec::new(),
        None => (1, "the markers of the public signatures are missing"),
    };
    vec![Finding {
        file: PAGE.into(),
        line,
        what: what.into(),
        remedy: REMEDY.into(),
    }]
}

/// Writes the section anew.
pub(super) fn bless(root: &Path, workspace: &Workspace) -> Result<()> {
    let (before, _, after) = split(&workspace.architecture)
        .with_context(|| format!("{PAGE} has no lines {} and {END}", BEGIN.trim_end()))?;
    let page = format!("{before}{BEGIN}{}{END}{after}", render(workspace));
    fs::write(root.join(PAGE), page).with_context(|| format!("cannot write {PAGE}"))
}

/// The page before, in and behind the section.
fn split(page: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (listed, after) = rest.split_once(END)?;
    Some((before, listed, after))
}

fn render(workspace: &Workspace) -> String {
    let mut out = String::new();
    for package in PACKAGES.iter().filter_map(|name| workspace.package(name)) {
        let _ = write!(out, "\n### {}\n\n```rust\n", package.name);
        for block in blocks(package) {
            let _ = writeln!(out, "{block}");
        }
        out.push_str("```\n");
    }
    out.push('\n');
    out
}

/// The signatures of a package's library, those of one `impl` or trait together.
fn blocks(package: &Package) -> Vec<String> {
    let sources = package
        .sources
        .iter()
        .filter(|source| source.path.starts_with("src/"));
    sources.flat_map(|source| blocks_of(&source.text)).collect()
}

fn blocks_of(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut blocks = Vec::new();
    let mut open: Option<(String, Vec<String>, Owner)> = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "}"
            && let Some((head, members, _)) = open.take()
            && !members.is_empty()
        {
            blocks.push(format!("{head} {{\n    {}\n}}", members.join("\n    ")));
        }
        let owner = match line {
            _ if line.starts_with("impl") => Owner::Impl,
            _ if line.starts_with("pub trait ") => Owner::Trait,
            _ if is_public_function(line) => {
                blocks.push(format!("{};", statement(line, &mut lines)));
                continue;
            }
            _ => {
                if let (Some((_, members, owner)), Some(inner)) =
                    (&mut open, line.strip_prefix("    "))
                    && owner.lists(inner)
                {
                    members.push(format!("{};", statement(inner, &mut lines)));
                }
                continue;
            }
        };
        let head = statement(line, &mut lines);
        // What a trait's implementation offers, the trait says.
        open =
            (!head.contains(" for ") || owner == Owner::Trait).then(|| (head, Vec::new(), owner));
    }
    blocks
}

/// Whose members a line may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Impl,
    Trait,
}

impl Owner {
    fn lists(self, line: &str) -> bool {
        is_public_function(line)
            || (self == Self::Trait && (line.starts_with("fn ") || line.starts_with("type ")))
    }
}

fn is_public_function(line: &str) -> bool {
    ["pub fn ", "pub const fn ", "pub async fn "]
        .iter()
        .any(|start| line.starts_with(start))
}

/// The statement that begins with `line`, on one line, without its body or semicolon.
fn statement<'a>(line: &'a str, lines: &mut impl Iterator<Item = &'a str>) -> String {
    let mut statement = line.trim().to_owned();
    while !statement.ends_with(['{', ';', '}']) {
        let Some(next) = lines.next() else { break };
        statement.push(' ');
        statement.push_str(next.trim());
    }
    let end = statement
        .trim_end_matches(['{', '}', ';', ' '])
        .trim_end_matches(',');
    end.replace("( ", "(")
        .replace(", )", ")")
        .replace("< ", "<")
        .replace(", >", ">")
}

#[cfg(test)]
mod tests {
    use super::super::workspace::testing::workspace;
    use super::*;

    const SOURCE: &str = "\
//! Text.

/// A thing.
pub struct Thing;

impl Thing {
    /// Makes one.
    pub const fn new() -> Self {
        Thing
    }

    fn hidden(&self) {}

    pub(crate) fn inside(&self) {}

    /// Does it.
    pub fn act(
        &mut self,
        much: usize,
    ) -> Result<
        (),
        Error,
    > {
        self.hidden();
    }
}

impl Display for Thing {
    fn fmt(&self) {}
}

/// Can.
pub trait Can {
    /// What.
    type What;

    /// Does.
    fn can(&self);
}

/// Free.
pub fn free() {}

#[cfg(test)]
mod tests {
    pub fn not_me() {}
}
";

    const LISTED: &str = "
### ws-proto

```rust
impl Thing {
    pub const fn new() -> Self;
    pub fn act(&mut self, much: usize) -> Result<(), Error>;
}
pub trait Can {
    type What;
    fn can(&self);
}
pub fn free();
```

";

    fn with_page(page: &str) -> Workspace {
        Workspace {
            architecture: page.to_owned(),
            ..workspace("ws-proto", &[("src/thing.rs", SOURCE)])
        }
    }

    #[test]
    fn public_signatures_are_listed_and_nothing_else() {
        assert_eq!(render(&with_page("")), LISTED);
    }

    #[test]
    fn a_page_that_says_the_same_passes() {
        assert_eq!(
            check(&with_page(&format!("# A\n\n{BEGIN}{LISTED}{END}\n"))),
            []
        );
    }

    #[test]
    fn a_page_that_says_something_else_is_found_at_the_first_difference() {
        let page = format!("# A\n\n{BEGIN}{}{END}\n", LISTED.replace("much", "little"));
        let findings = check(&with_page(&page));
        assert_eq!(findings.len(), 1);
        assert_eq!(page.lines().nth(findings[0].line - 1).unwrap().trim(), {
            "pub fn act(&mut self, little: usize) -> Result<(), Error>;"
        });
        assert_eq!(check(&with_page("# A\n"))[0].line, 1);
    }

    #[test]
    fn blessing_makes_the_page_pass() {
        let root = tempfile::tempdir().unwrap();
        let before = with_page(&format!("# A\n\n{BEGIN}old\n{END}\nmore\n"));
        bless(root.path(), &before).unwrap();
        let page = fs::read_to_string(root.path().join(PAGE)).unwrap();
        assert!(page.ends_with("\nmore\n"));
        assert_eq!(check(&with_page(&page)), []);
        assert!(bless(root.path(), &with_page("# A\n")).is_err());
    }
}
