//! A virtual environment of Python 2.7 with the suite in it.
//!
//! Python 2.7 has no `venv` module, and current releases of virtualenv do not support it. If Python
//! 2.7 has no virtualenv, an old one is fetched into a directory of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::VERSION;
use super::install::{Surroundings, requirement};

/// The last releases that support Python 2.7.
const VIRTUALENV: &str = "virtualenv<20.22";

/// Prints its path if it is a Python 2.7. A shim of pyenv fails here unless 2.7 is selected.
const PROBE: &str = "import sys\nif sys.version_info[:2] == (2, 7): print(sys.executable)";

/// Finds a working Python 2.7.
pub(super) fn find(surroundings: &Surroundings) -> Option<PathBuf> {
    let on_path = ["python2.7", "python2"]
        .into_iter()
        .flat_map(|name| surroundings.programs(name));
    let of_pyenv = surroundings
        .pyenv_roots
        .iter()
        .flat_map(|root| pyenv_versions(root));
    on_path.chain(of_pyenv).find_map(|python| probe(&python))
}

/// Returns the interpreters of Python 2.7 below a pyenv root, the newest first.
fn pyenv_versions(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join("versions"))
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<_> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("2.7"))
        .map(|entry| entry.path().join("bin").join("python2.7"))
        .filter(|python| python.is_file())
        .collect();
    versions.sort();
    versions.reverse();
    versions
}

fn probe(python: &Path) -> Option<PathBuf> {
    let output = Command::new(python)
        .args(["-c", PROBE])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    let path = path.trim();
    (output.status.success() && !path.is_empty()).then(|| path.into())
}

/// The virtual environment, which may not exist yet.
pub(super) struct Environment {
    dir: PathBuf,
    /// The file that is written last, so that an interrupted installation is repeated. It contains
    /// the path of the environment, because an environment does not work after a move.
    marker: PathBuf,
    log: PathBuf,
}

impl Environment {
    pub(super) fn below(home: &Path) -> Self {
        let dir = home.join(format!("venv-{VERSION}"));
        let marker = dir.join("installed");
        Self {
            dir,
            marker,
            log: home.join("install.log"),
        }
    }

    /// Returns the Python that has the suite, if the installation is complete.
    pub(super) fn complete(&self) -> Option<PathBuf> {
        let place = fs::read_to_string(&self.marker).ok()?;
        let python = self.python();
        (place == self.dir.to_string_lossy() && python.is_file()).then_some(python)
    }

    /// Makes the environment and installs the suite. Returns its Python. Prints the steps, because
    /// they take some time.
    pub(super) fn install(&self, python: &Path, surroundings: &Surroundings) -> Result<PathBuf> {
        println!("installing {} into {}", requirement(), self.dir.display());
        println!("    Python 2.7: {}", python.display());
        let home = self
            .dir
            .parent()
            .context("an environment lies in a directory")?;
        fs::create_dir_all(home)?;
        File::create(&self.log).with_context(|| format!("cannot write {}", self.log.display()))?;
        self.create(python, surroundings)?;
        println!("    packages: downloading and building (about half a minute, only once)");
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "install", "--no-input"])
            .arg(requirement());
        self.logged(pip).context(
            "cannot install the suite (it needs the package index, a C compiler, and the headers \
             of Python 2.7)",
        )?;
        let place = self
            .dir
            .to_str()
            .context("the path of the environment is not UTF-8")?;
        fs::write(&self.marker, place)?;
        Ok(self.python())
    }

    /// Makes the empty environment in the first way that works.
    fn create(&self, python: &Path, surroundings: &Surroundings) -> Result<()> {
        let helper = self.dir.with_file_name("virtualenv");
        let python3 = surroundings.programs("python3").next();
        let mut failures = Vec::new();
        for way in Way::all(python, python3.as_deref()) {
            for dir in [&self.dir, &helper] {
                if dir.exists() {
                    fs::remove_dir_all(dir)?;
                }
            }
            println!("    virtual environment: {}", way.description);
            match self.attempt(&way, python, &helper) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    println!("        did not work");
                    failures.push(format!("{}: {error:#}", way.description));
                }
            }
        }
        bail!(
            "cannot make a virtual environment of Python 2.7\n{}",
            failures.join("\n")
        )
    }

    fn attempt(&self, way: &Way<'_>, python: &Path, helper: &Path) -> Result<()> {
        let mut virtualenv = python_command(way.host);
        if way.fetch {
            let mut pip = python_command(way.host);
            pip.args(["-m", "pip", "install", "--target"])
                .arg(helper)
                .arg(VIRTUALENV);
            self.logged(pip)?;
            virtualenv.env("PYTHONPATH", helper);
        }
        virtualenv
            .args(["-m", "virtualenv", "--python"])
            .arg(python)
            .arg(&self.dir);
        self.logged(virtualenv)
    }

    /// Runs a command with its output in the log.
    fn logged(&self, mut command: Command) -> Result<()> {
        let log = File::options().append(true).open(&self.log)?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let name = command.get_program().to_string_lossy().into_owned();
        let status = command
            .status()
            .with_context(|| format!("cannot start {name}"))?;
        if !status.success() {
            bail!(
                "{name} failed ({status}); its output ends with\n{}",
                tail(&self.log)
            );
        }
        Ok(())
    }

    fn python(&self) -> PathBuf {
        self.dir.join(if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        })
    }
}

/// A way to run virtualenv.
struct Way<'a> {
    description: &'static str,
    /// The Python that runs it.
    host: &'a Path,
    /// `true` if pip fetches it first.
    fetch: bool,
}

impl<'a> Way<'a> {
    fn all(python: &'a Path, python3: Option<&'a Path>) -> Vec<Self> {
        let own = "the virtualenv of Python 2.7";
        let fetched = "an old virtualenv, fetched by the pip of Python 2.7";
        let foreign = "an old virtualenv, fetched by the pip of Python 3";
        let mut ways = vec![
            Self {
                description: own,
                host: python,
                fetch: false,
            },
            Self {
                description: fetched,
                host: python,
                fetch: true,
            },
        ];
        ways.extend(python3.map(|host| Self {
            description: foreign,
            host,
            fetch: true,
        }));
        ways
    }
}

/// Returns a command for a Python without the caller's environments.
fn python_command(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.env_remove("PYTHONHOME").env_remove("PYTHONPATH");
    command
}

/// Returns the last lines of a log, indented, and the path of the log.
fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    let last: Vec<_> = lines[lines.len().saturating_sub(10)..]
        .iter()
        .map(|line| format!("    {line}"))
        .collect();
    format!("{}\n(all of it: {})", last.join("\n"), log.display())
}
