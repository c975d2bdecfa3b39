//! The suite in a container.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, id};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::VERSION;
use super::install::Surroundings;

/// The time limit for the answer of an engine.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The path of the report directory in the container.
const INSIDE: &str = "/autobahn";

/// A working container engine.
#[derive(Debug)]
pub(super) struct Container {
    program: PathBuf,
}

impl Container {
    /// Returns the image with the suite (x86-64 only).
    pub(super) fn image() -> String {
        format!("docker.io/crossbario/autobahn-testsuite:{VERSION}")
    }

    /// Returns the first of docker and podman with a working engine. The existence of the command
    /// is not enough.
    pub(super) fn find(surroundings: &Surroundings) -> Option<Self> {
        let program = ["docker", "podman"]
            .into_iter()
            .flat_map(|name| surroundings.programs(name))
            .find(|program| answers(Command::new(program).arg("info"), ANSWER_LIMIT))?;
        Some(Self { program })
    }

    /// Fetches the image if it is missing.
    pub(super) fn pull(&self) -> Result<()> {
        let image = Self::image();
        let mut inspect = Command::new(&self.program);
        inspect
            .args(["image", "inspect", &image])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if inspect.status().context("cannot ask for images")?.success() {
            return Ok(());
        }
        println!("pulling {image}");
        let pulled = Command::new(&self.program).args(["pull", &image]).status();
        if !pulled.context("cannot pull images")?.success() {
            bail!("cannot pull {image}");
        }
        Ok(())
    }

    /// Returns the command for `wstest` on the report directory, without its arguments, and the
    /// command that ends it. The end of the first process does not end the container.
    pub(super) fn command(&self, dir: &Path, agent: &str) -> Result<(Command, Command)> {
        let dir = dir.canonicalize()?;
        let name = format!("{agent}-{}", id());
        let mut command = Command::new(&self.program);
        command.args([
            "run",
            "--rm",
            "--init",
            "--network",
            "host",
            "--name",
            &name,
        ]);
        // The reports belong to the caller, also if SELinux guards directories.
        command
            .args(["--security-opt", "label=disable"])
            .args(self.user(&dir)?);
        command
            .arg("--volume")
            .arg(format!("{}:{INSIDE}", dir.display()));
        command.args(["--workdir", INSIDE, "--env", "PYTHONUNBUFFERED=1"]);
        command.args([&Self::image(), "wstest"]);
        let mut cleanup = Command::new(&self.program);
        cleanup.args(["rm", "--force", &name]);
        Ok((command, cleanup))
    }

    /// Returns the options that make the caller the owner of the container's files.
    #[cfg(unix)]
    fn user(&self, dir: &Path) -> Result<Vec<String>> {
        use std::os::unix::fs::MetadataExt;

        if self.program.ends_with("podman") {
            return Ok(vec!["--userns".into(), "keep-id".into()]);
        }
        let owner = dir.metadata()?;
        Ok(vec![
            "--user".into(),
            format!("{}:{}", owner.uid(), owner.gid()),
        ])
    }

    #[cfg(not(unix))]
    fn user(&self, _dir: &Path) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program.display())
    }
}

/// Returns `true` if a command succeeds in time.
fn answers(command: &mut Command, limit: Duration) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => thread::sleep(Duration::from_millis(50)),
            Err(_) => break,
        }
    }
    drop(child.kill());
    drop(child.wait());
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_hangs_does_not_answer() {
        let limit = Duration::from_millis(200);
        assert!(!answers(Command::new("sleep").arg("30"), limit));
        assert!(!answers(&mut Command::new("false"), ANSWER_LIMIT));
        assert!(answers(&mut Command::new("true"), ANSWER_LIMIT));
    }

    #[test]
    fn the_call_shares_the_directory_and_the_network() {
        let dir = tempfile::tempdir().unwrap();
        let container = Container {
            program: "docker".into(),
        };
        let (command, cleanup) = container.command(dir.path(), "ws-tokio-server").unwrap();
        let words: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy())
            .collect();
        let line = words.join(" ");
        assert!(line.contains("--network host"), "{line}");
        assert!(line.contains(":/autobahn --workdir /autobahn"), "{line}");
        assert!(
            line.ends_with(&format!("autobahn-testsuite:{VERSION} wstest")),
            "{line}"
        );
        let name = cleanup
            .get_args()
            .last()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        assert!(line.contains(&format!("--name {name}")), "{line}");
    }
}
