//! Programs that a run starts, and ends whatever happens.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Error, Result};
use process_wrap::std::{ChildWrapper, CommandWrap};

/// How many lines of standard error an error message shows.
const TAIL_LINES: usize = 20;

/// Which program of a run printed a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Suite,
    Testee,
    Crowd,
}

/// A line of a program's standard output.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) source: Source,
    pub(crate) text: String,
}

/// A running program with all its descendants; dropping it kills them.
pub(crate) struct Supervised {
    name: String,
    log: PathBuf,
    child: Box<dyn ChildWrapper>,
    tail: Arc<Mutex<VecDeque<String>>>,
    readers: Vec<JoinHandle<()>>,
    cleanup: Option<Command>,
}

impl Supervised {
    /// Starts `command`. Its output goes to the file `log`; the lines of its standard output also
    /// go to `lines`. Its standard input is `input`.
    pub(crate) fn spawn(
        mut command: Command,
        log: &Path,
        input: Stdio,
        source: Source,
        lines: &Sender<Line>,
    ) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::std::JobObject);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;

        let log_file = File::create(log).with_context(|| format!("cannot write {}", log.display()));
        let log_file = Arc::new(Mutex::new(log_file?));
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let stdout = child.stdout().take().expect("standard output is piped");
        let stderr = child.stderr().take().expect("standard error is piped");
        let lines = lines.clone();
        let send = move |text| drop(lines.send(Line { source, text }));
        let kept = Arc::clone(&tail);
        let keep = move |text| {
            let mut kept = kept.lock().expect("no reader panics");
            kept.push_back(text);
            if kept.len() > TAIL_LINES {
                kept.pop_front();
            }
        };
        let readers = vec![
            read_lines(stdout, Arc::clone(&log_file), send),
            read_lines(stderr, log_file, keep),
        ];
        Ok(Self {
            name,
            log: log.to_owned(),
            child,
            tail,
            readers,
            cleanup: None,
        })
    }

    /// Runs `command` when this program is ended: for what outlives its processes.
    pub(crate) fn set_cleanup(&mut self, command: Option<Command>) {
        self.cleanup = command;
    }

    /// The writing end of its standard input, if that is piped and not yet taken.
    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin().take()
    }

    /// Its exit status, if it has ended.
    pub(crate) fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The error for `what`, this program, which ended in `place` when it should not have.
    pub(crate) fn died(&mut self, what: &str, status: ExitStatus, place: &str) -> Error {
        anyhow::anyhow!("{what} ended ({status}) in {place}: {}", self.last_words())
    }

    /// Ends the program and tells what it last said on standard error, and where the rest is.
    pub(crate) fn last_words(&mut self) -> String {
        self.end();
        for reader in self.readers.drain(..) {
            // A panic in a reader loses output, nothing else.
            drop(reader.join());
        }
        let tail = self.tail.lock().expect("no reader panics");
        let said = if tail.is_empty() {
            "it said nothing on standard error".to_owned()
        } else {
            let lines: Vec<_> = tail.iter().map(|line| format!("    {line}")).collect();
            format!("its standard error ends with\n{}", lines.join("\n"))
        };
        format!("{said}\n(all of its output: {})", self.log.display())
    }

    fn end(&mut self) {
        // An error means that the program is gone already.
        drop(self.child.kill());
        if let Some(mut cleanup) = self.cleanup.take() {
            drop(cleanup.stdout(Stdio::null()).stderr(Stdio::null()).status());
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts a thread that writes every line of `from` to `log` and gives it to `each`.
fn read_lines(
    from: impl Read + Send + 'static,
    log: Arc<Mutex<File>>,
    each: impl Fn(String) + Send + 'static,
) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n') {
            let Ok(line) = line else { return };
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if let Ok(mut log) = log.lock() {
                // A log that cannot be written must not end the run.
                drop(writeln!(log, "{text}"));
            }
            each(text);
        }
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_is_passed_on_and_logged() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let (sender, lines) = mpsc::channel();
        let script = sh("echo one; echo oops >&2; echo two");
        let mut program =
            Supervised::spawn(script, &log, Stdio::null(), Source::Testee, &sender).unwrap();
        drop(sender);
        let texts: Vec<_> = lines.iter().map(|line| line.text).collect();
        assert_eq!(texts, ["one", "two"]);
        let words = program.last_words();
        assert!(words.contains("    oops"), "{words}");
        let logged = std::fs::read_to_string(log).unwrap();
        assert!(
            logged.contains("one") && logged.contains("oops"),
            "{logged}"
        );
    }

    #[test]
    fn dropping_kills_the_descendants_too() {
        let dir = tempfile::tempdir().unwrap();
        let (sender, lines) = mpsc::channel();
        let started = Instant::now();
        let script = sh("sleep 60 & echo up; wait");
        let log = dir.path().join("log");
        let program = Supervised::spawn(script, &log, Stdio::null(), Source::Suite, &sender);
        drop(sender);
        assert_eq!(lines.recv().unwrap().text, "up");
        drop(program);
        // The channel ends when the last holder of the pipe is gone.
        assert!(lines.recv_timeout(Duration::from_secs(20)).is_err());
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (sender, _lines) = mpsc::channel();
        let command = Command::new("./no-such-program");
        let log = dir.path().join("log");
        let error = Supervised::spawn(command, &log, Stdio::null(), Source::Suite, &sender);
        assert!(format!("{:#}", error.err().unwrap()).contains("no-such-program"));
    }
}
