//! Getting the other programs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use ws_conformance::role::Role;

use super::foreign::Foreign;
use crate::project;

/// How a program is called.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Program {
    Browser(PathBuf),
    Script {
        interpreter: PathBuf,
        script: PathBuf,
    },
}

/// What came of looking for a program.
pub(super) enum Prepared {
    Ready(Program),
    /// What it needs is not on this machine; how to install it.
    Missing(String),
}

/// Finds the program, and installs its packages below `home` if they are not there yet.
pub(super) fn prepare(foreign: Foreign, home: &Path) -> Result<Prepared> {
    match foreign {
        Foreign::Chromium => Ok(browser()),
        Foreign::NodeWs => node(&home.join("node")),
        Foreign::PythonWebsockets => python(&home.join("python")),
    }
}

/// Where the programs and their lists of packages are.
pub(super) fn sources() -> PathBuf {
    project::root().join("tests/interop")
}

fn browser() -> Prepared {
    const NAMES: [&str; 4] = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    match NAMES.into_iter().find_map(on_path) {
        Some(browser) => Prepared::Ready(Program::Browser(browser)),
        None => Prepared::Missing(
            "neither chromium nor google-chrome is on PATH; on Debian: apt-get install chromium"
                .to_owned(),
        ),
    }
}

fn node(dir: &Path) -> Result<Prepared> {
    let (Some(interpreter), Some(npm)) = (on_path("node"), on_path("npm")) else {
        return Ok(Prepared::Missing(
            "node and npm are not on PATH; on Debian: apt-get install nodejs npm; elsewhere: \
             https://nodejs.org (version 20 or later)"
                .to_owned(),
        ));
    };
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    // Beside its packages, where node looks for them.
    for name in [
        "package.json",
        "package-lock.json",
        "checks.mjs",
        "peer.mjs",
    ] {
        let copied = fs::copy(sources().join(name), dir.join(name));
        copied.with_context(|| format!("cannot copy {name} to {}", dir.display()))?;
    }
    once(dir, "package-lock.json", || {
        let mut install = Command::new(&npm);
        install
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(dir);
        succeed(install)
    })?;
    Ok(Prepared::Ready(Program::Script {
        interpreter,
        script: dir.join("peer.mjs"),
    }))
}

fn python(dir: &Path) -> Result<Prepared> {
    let Some(python) = on_path("python3").or_else(|| on_path("python")) else {
        return Ok(Prepared::Missing(
            "python3 is not on PATH; on Debian: apt-get install python3 python3-venv; elsewhere: \
             https://www.python.org"
                .to_owned(),
        ));
    };
    let inside = if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    };
    let interpreter = dir.join(inside);
    once(dir, "requirements.txt", || {
        let mut create = Command::new(&python);
        create.args(["-m", "venv", "--clear"]).arg(dir);
        succeed(create)?;
        let mut install = Command::new(&interpreter);
        install.args(["-m", "pip", "install", "--quiet", "--requirement"]);
        install.arg(sources().join("requirements.txt"));
        succeed(install)
    })?;
    Ok(Prepared::Ready(Program::Script {
        interpreter,
        script: sources().join("peer.py"),
    }))
}

/// Runs `install` unless it has been run, to its end, for the same `list` of packages.
fn once(dir: &Path, list: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let wanted = sources().join(list);
    let wanted =
        fs::read_to_string(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    let installed = dir.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    println!(
        "installing what tests/interop/{list} names into {}",
        dir.display()
    );
    install()?;
    fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))
}

fn succeed(mut command: Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{command:?} failed ({}):\n{}",
            output.status,
            said.trim_end()
        );
    }
    Ok(())
}

/// The first program of that name in the directories of the search path.
fn on_path(name: &str) -> Option<PathBuf> {
    let extensions: &[_] = if cfg!(windows) {
        &[".exe", ".cmd"]
    } else {
        &[""]
    };
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|dir| {
            extensions
                .iter()
                .map(move |extension| dir.join(format!("{name}{extension}")))
        })
        .find(|file| file.is_file())
}

impl Program {
    /// The call of a script in `role`; a client is told where to connect to.
    pub(super) fn script(&self, role: Role, url: Option<&str>) -> Option<Command> {
        let Self::Script {
            interpreter,
            script,
        } = self
        else {
            return None;
        };
        let mut command = Command::new(interpreter);
        command.arg(script).arg(role.to_string()).args(url);
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn packages_are_installed_once_and_again_after_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let calls = Cell::new(0);
        let attempt = |good: bool| {
            once(dir.path(), "requirements.txt", || {
                calls.set(calls.get() + 1);
                if good { Ok(()) } else { bail!("no network") }
            })
        };
        assert!(attempt(false).is_err());
        attempt(true).unwrap();
        attempt(true).unwrap();
        assert_eq!(calls.get(), 2);
        fs::write(dir.path().join("installed"), "of another version").unwrap();
        attempt(true).unwrap();
        assert_eq!(calls.get(), 3);
    }

    #[test]
    fn a_command_that_fails_is_quoted() {
        let mut command = Command::new(env::current_exe().unwrap());
        command.arg("--no-such-option");
        let error = succeed(command).unwrap_err().to_string();
        assert!(error.contains("no-such-option"), "{error}");
        assert_eq!(on_path("no such program"), None);
    }
}
