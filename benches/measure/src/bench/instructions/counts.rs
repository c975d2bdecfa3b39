//! The file with the committed counts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use ws_test_programs::project;

/// The first lines of the file.
const HEADING: &str = "\
# Instructions per call of a function, by `cargo xtask bench --instructions --bless`, and per message
# of a program, by `cargo xtask bench --instructions messages --bless`.
";

/// Numbers of instructions by the name of what was counted.
pub(super) type Table = BTreeMap<String, u64>;

/// The committed counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// The compiler of the counted programs.
    pub(super) rustc: String,
    /// The instructions of a call of each function.
    #[serde(default)]
    pub(super) calls: Table,
    /// The instructions for a message, by program and scenario.
    #[serde(default)]
    pub(super) messages: Table,
}

impl Counts {
    /// Reads the counts to compare with. Counts of another compiler are an error.
    pub(super) fn of_this_compiler() -> Result<Self> {
        let (committed, now) = (Self::read(&file())?, rustc()?);
        ensure!(
            committed.rustc == now,
            "the committed counts are of {}, and this is {now}: run with that compiler, or \
             replace the counts with --bless",
            committed.rustc
        );
        Ok(committed)
    }

    /// Reads the counts to replace. There are none if the file has those of another compiler.
    pub(super) fn to_replace() -> Result<Self> {
        let rustc = rustc()?;
        let file = file();
        let committed = match file.exists() {
            true => Self::read(&file)?,
            false => Self::default(),
        };
        Ok(committed.kept_for(rustc))
    }

    fn kept_for(self, rustc: String) -> Self {
        match self.rustc == rustc {
            true => self,
            false => Self {
                rustc,
                ..Self::default()
            },
        }
    }

    fn read(file: &Path) -> Result<Self> {
        fs::read_to_string(file)
            .map_err(anyhow::Error::from)
            .and_then(|text| Ok(toml::from_str(&text)?))
            .with_context(|| {
                let file = file.display();
                format!("cannot read {file}: `cargo xtask bench --instructions --bless` writes it")
            })
    }

    /// Writes the counts to the committed file.
    pub(super) fn write(&self) -> Result<()> {
        let file = file();
        fs::write(&file, self.text()?)
            .with_context(|| format!("cannot write {}", file.display()))?;
        println!("written to {}", file.display());
        for (table, option) in [(&self.calls, ""), (&self.messages, " messages")] {
            if table.is_empty() {
                println!("then also: `cargo xtask bench --instructions{option} --bless`");
            }
        }
        Ok(())
    }

    fn text(&self) -> Result<String> {
        Ok(format!("{HEADING}{}", toml::to_string(self)?))
    }
}

fn file() -> PathBuf {
    project::root().join("benches/instructions.toml")
}

fn rustc() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output();
    let output = output.context("cannot run rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{functions, messages};
    use super::*;

    #[test]
    fn the_committed_file_has_every_count_and_its_heading() {
        let counts = Counts::read(&file()).unwrap();
        let names = |table: &Table| table.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&counts.calls), functions::names());
        assert_eq!(names(&counts.messages), messages::committed_names());
        assert_eq!(fs::read_to_string(file()).unwrap(), counts.text().unwrap());
    }

    #[test]
    fn names_of_programs_and_scenarios_are_quoted() {
        let counts = Counts {
            rustc: "r".to_owned(),
            calls: Table::from([("ping".to_owned(), 7)]),
            messages: Table::from([("echo-tokio small".to_owned(), 473)]),
        };
        let text = counts.text().unwrap();
        let expected =
            "rustc = \"r\"\n\n[calls]\nping = 7\n\n[messages]\n\"echo-tokio small\" = 473\n";
        assert_eq!(text.strip_prefix(HEADING), Some(expected));
        assert_eq!(toml::from_str::<Counts>(&text).unwrap(), counts);
    }

    #[test]
    fn counts_of_another_compiler_are_not_kept() {
        let counts = Counts {
            rustc: "old".to_owned(),
            calls: Table::from([("ping".to_owned(), 7)]),
            messages: Table::new(),
        };
        assert_eq!(counts.clone().kept_for("old".to_owned()), counts);
        let new = counts.kept_for("new".to_owned());
        assert_eq!((&*new.rustc, new.calls.len()), ("new", 0));
    }
}
