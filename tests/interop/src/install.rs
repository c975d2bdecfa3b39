//! The programs that are installed, and the installation of the others.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use ws_test_programs::project;

use crate::checks::dante;
use crate::foreign::{Foreign, Role};
use crate::network;
use crate::pairing::Pairing;
use crate::tools::{Tool, Tools, on_path};

/// The options of `apt-get` in front of the packages.
const APT_OPTIONS: [&str; 3] = ["install", "--yes", "--no-install-recommends"];

/// The files of a Node program. Node looks for packages beside them.
const NODE_FILES: [&str; 4] = [
    "package.json",
    "package-lock.json",
    "checks.mjs",
    "peer.mjs",
];

/// The programs that are installed.
pub(crate) struct Installed {
    tools: Tools,
    home: PathBuf,
    /// The way to install the programs that are missing.
    remedy: String,
}

/// Returns the directory of the scripts and of their lists of packages.
pub(crate) fn sources() -> PathBuf {
    project::root().join("tests/interop/scripts")
}

impl Installed {
    /// Looks for the programs that `pairings` need. Those of npm and pip are below `home`.
    pub(crate) fn find(pairings: &[Pairing], home: &Path) -> Result<Self> {
        let installed = Self {
            tools: Tools::find(needed(pairings)),
            home: home.to_owned(),
            remedy: "`cargo xtask interop --install` installs it".to_owned(),
        };
        installed.copy_scripts()?;
        Ok(installed)
    }

    /// Installs the programs that are missing, if possible.
    pub(crate) fn install(pairings: &[Pairing], home: &Path) -> Result<Self> {
        let before = Self::find(pairings, home)?;
        let missing = needed(pairings).filter(|&tool| before.tools.get(tool).is_none());
        let packages: BTreeSet<_> = missing.flat_map(Tool::packages).copied().collect();
        let remedy = install_packages(&packages)?;
        let installed = Self {
            remedy,
            ..Self::find(pairings, home)?
        };
        if pairings
            .iter()
            .any(|pairing| pairing.foreign == Foreign::NodeWs)
        {
            installed.install_node()?;
        }
        if pairings.iter().any(Pairing::needs_python) {
            installed.install_python()?;
        }
        Ok(installed)
    }

    /// Returns the pairings whose programs are installed, and a line for each program that is not.
    pub(crate) fn select(&self, pairings: Vec<Pairing>) -> (Vec<Pairing>, Vec<String>) {
        let mut missing = Vec::new();
        let mut is_ready = |pairing: &Pairing| {
            let Some(why) = self.fault(pairing) else {
                return true;
            };
            let line = format!("not run: {} over {}: {why}", pairing.foreign, pairing.over);
            if !missing.contains(&line) {
                missing.push(line);
            }
            false
        };
        let ready = pairings.into_iter().filter(&mut is_ready).collect();
        (ready, missing)
    }

    /// Returns the reason why a pairing cannot be run, and what to do.
    fn fault(&self, pairing: &Pairing) -> Option<String> {
        let missing: Vec<_> = pairing
            .tools()
            .filter(|&tool| self.tools.get(tool).is_none())
            .map(|tool| tool.names()[0])
            .collect();
        if !missing.is_empty() {
            return Some(format!(
                "{} is not installed; {}",
                missing.join(", "),
                self.remedy
            ));
        }
        let (dir, list) = match pairing.foreign {
            Foreign::NodeWs => (self.node_dir(), "package-lock.json"),
            _ if pairing.needs_python() => (self.python_dir(), "requirements.txt"),
            Foreign::Dante => return forbidden(dante::probe(self)),
            Foreign::NetworkNamespace => {
                return forbidden(network::probe(self, &self.home.join("network")));
            }
            _ => return None,
        };
        let is_current = is_installed(&dir, list).unwrap_or(false);
        (!is_current).then(|| {
            let remedy = &self.remedy;
            format!("the packages of tests/interop/scripts/{list} are missing; {remedy}")
        })
    }

    /// Returns a call of an executable.
    pub(crate) fn command(&self, tool: Tool) -> Result<Command> {
        let path = self.tools.get(tool);
        let path = path.with_context(|| format!("{} is not installed", tool.names()[0]))?;
        Ok(Command::new(path))
    }

    /// Returns a call of the program in `scripts`, in this role. The caller adds more arguments.
    pub(crate) fn script(&self, foreign: Foreign, role: Role) -> Result<Command> {
        let mut command = match foreign {
            Foreign::NodeWs => {
                let mut node = self.command(Tool::Node)?;
                node.arg(self.node_dir().join("peer.mjs"));
                node
            }
            Foreign::PythonWebsockets => self.python("peer.py"),
            Foreign::PythonH2 => self.python("http2_client.py"),
            Foreign::Hypercorn => self.python("http2_server.py"),
            _ => bail!("{foreign} has no script"),
        };
        command.arg(role.name());
        Ok(command)
    }

    fn python(&self, script: &str) -> Command {
        let mut python = Command::new(self.interpreter());
        // Otherwise it writes its cache beside the sources.
        python.arg("-B").arg(sources().join(script));
        python
    }

    fn node_dir(&self) -> PathBuf {
        self.home.join("node")
    }

    fn python_dir(&self) -> PathBuf {
        self.home.join("python")
    }

    /// Returns the interpreter of the virtual environment.
    fn interpreter(&self) -> PathBuf {
        self.python_dir().join(if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        })
    }

    fn copy_scripts(&self) -> Result<()> {
        let dir = self.node_dir();
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        for name in NODE_FILES {
            let copied = fs::copy(sources().join(name), dir.join(name));
            copied.with_context(|| format!("cannot copy {name} to {}", dir.display()))?;
        }
        Ok(())
    }

    fn install_node(&self) -> Result<()> {
        let (Ok(_), Ok(mut npm)) = (self.command(Tool::Node), self.command(Tool::Npm)) else {
            return Ok(());
        };
        let dir = self.node_dir();
        once(&dir, "package-lock.json", || {
            npm.args(["ci", "--no-audit", "--no-fund"])
                .current_dir(&dir);
            succeed(npm)
        })
    }

    fn install_python(&self) -> Result<()> {
        let Ok(mut python) = self.command(Tool::Python) else {
            return Ok(());
        };
        let dir = self.python_dir();
        once(&dir, "requirements.txt", || {
            python.args(["-m", "venv", "--clear"]).arg(&dir);
            succeed(python)?;
            let mut install = Command::new(self.interpreter());
            install.args(["-m", "pip", "install", "--quiet", "--requirement"]);
            install.arg(sources().join("requirements.txt"));
            succeed(install)
        })
    }
}

/// Returns the reason why a program cannot be run in a namespace, and what to do.
fn forbidden(probe: Result<()>) -> Option<String> {
    let error = probe.err()?;
    Some(format!(
        "this process cannot make a namespace ({error:#}); run the command as root, where \
         namespaces are permitted"
    ))
}

/// Returns the executables that `pairings` need.
fn needed(pairings: &[Pairing]) -> impl Iterator<Item = Tool> {
    let needed: BTreeSet<_> = pairings.iter().flat_map(Pairing::tools).collect();
    needed.into_iter()
}

/// Installs Debian packages. Returns the way to install those that this program cannot install.
fn install_packages(packages: &BTreeSet<&str>) -> Result<String> {
    let list: Vec<_> = packages.iter().copied().collect();
    let list = list.join(" ");
    let Some(apt) = on_path("apt-get") else {
        return Ok(format!(
            "this machine has no apt-get: install {list} in another way"
        ));
    };
    if packages.is_empty() {
        return Ok(String::new());
    }
    if !is_root() {
        let options = APT_OPTIONS.join(" ");
        return Ok(format!(
            "apt-get requires root: run `sudo apt-get {options} {list}`"
        ));
    }
    println!("installing {list} by apt-get");
    let mut update = Command::new(&apt);
    update.arg("update");
    succeed(update)?;
    let mut install = Command::new(&apt);
    install.args(APT_OPTIONS).args(packages);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    succeed(install)?;
    Ok(format!("apt-get has installed {list} without it"))
}

pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Runs `install`, unless it has been run to its end for the same `list` of packages.
fn once(dir: &Path, list: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    if is_installed(dir, list)? {
        return Ok(());
    }
    println!(
        "installing the packages of tests/interop/scripts/{list} into {}",
        dir.display()
    );
    install()?;
    let mark = mark(dir);
    fs::write(&mark, wanted(list)?).with_context(|| format!("cannot write {}", mark.display()))
}

/// Returns `true` if the packages of this list have been installed into `dir`.
fn is_installed(dir: &Path, list: &str) -> Result<bool> {
    let wanted = wanted(list)?;
    Ok(fs::read_to_string(mark(dir)).is_ok_and(|installed| installed == wanted))
}

fn wanted(list: &str) -> Result<String> {
    let path = sources().join(list);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// Returns the file that has the list of packages after they were installed.
fn mark(dir: &Path) -> PathBuf {
    dir.join("installed")
}

fn succeed(mut command: Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{command:?} failed ({}):\n{}",
            output.status,
            printed.trim_end()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::env;

    use ws_test_programs::runtime::Runtime;

    use super::*;
    use crate::ours::Ours;

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
        fs::write(mark(dir.path()), "of another version").unwrap();
        attempt(true).unwrap();
        assert_eq!(calls.get(), 3);
    }

    #[test]
    fn a_command_that_fails_is_quoted() {
        let mut command = Command::new(env::current_exe().unwrap());
        command.arg("--no-such-option");
        let error = succeed(command).unwrap_err().to_string();
        assert!(error.contains("no-such-option"), "{error}");
    }

    #[test]
    fn a_program_that_is_missing_is_reported_once() {
        let installed = Installed {
            tools: Tools::default(),
            home: PathBuf::new(),
            remedy: "install it".to_owned(),
        };
        let peers = [Runtime::Tokio, Runtime::Smol].map(Ours::Peers);
        let (ready, missing) = installed.select(Pairing::all(Foreign::Nginx, &peers));
        assert!(ready.is_empty());
        let line = "not run: nginx over TLS: nginx, openssl is not installed; install it";
        assert_eq!(missing, [line]);
    }
}
