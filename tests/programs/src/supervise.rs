//! Programs that a run starts and always ends.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Error, Result};
use process_wrap::std::{ChildWrapper, CommandWrap};

/// The number of lines of standard error that an error message shows.
const TAIL_LINES: usize = 20;

/// The bytes of output that are read at once.
const BLOCK: usize = 16 * 1024;

/// The program of a run that printed a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The program that tests.
    Suite,
    /// The program that is tested.
    Testee,
}

/// A line of a program's standard output.
#[derive(Debug)]
pub struct Line {
    /// The program that printed the line.
    pub source: Source,
    /// The line, without its end.
    pub text: String,
}

/// A running program with all its descendants. Dropping it kills them.
pub struct Supervised {
    name: String,
    log: PathBuf,
    child: Box<dyn ChildWrapper>,
    tail: Arc<Mutex<VecDeque<String>>>,
    readers: Vec<JoinHandle<()>>,
    cleanup: Option<Command>,
}

impl Supervised {
    /// Starts `command` with the standard input `input`. Its output goes to the file `log`. The
    /// lines of its standard output also go to `lines`.
    ///
    /// # Errors
    ///
    /// If the program cannot be started, or `log` cannot be written.
    pub fn spawn(
        command: Command,
        log: &Path,
        input: Stdio,
        source: Source,
        lines: &Sender<Line>,
    ) -> Result<Self> {
        let lines = lines.clone();
        let send = by_line(move |text| drop(lines.send(Line { source, text })));
        Self::spawn_with(command, log, input, send, |_| {})
    }

    /// Starts `command` as [`spawn`](Self::spawn) does, but passes the bytes of its standard output
    /// and its standard error to `out` and `err` as they arrive, and no bytes at their end.
    ///
    /// # Errors
    ///
    /// If the program cannot be started, or `log` cannot be written.
    pub fn spawn_with(
        mut command: Command,
        log: &Path,
        input: Stdio,
        out: impl FnMut(&[u8]) + Send + 'static,
        mut err: impl FnMut(&[u8]) + Send + 'static,
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
        let kept = Arc::clone(&tail);
        let mut keep = by_line(move |text| {
            let mut kept = kept.lock().expect("no reader panics");
            kept.push_back(text);
            if kept.len() > TAIL_LINES {
                kept.pop_front();
            }
        });
        let keep_too = move |piece: &[u8]| {
            keep(piece);
            err(piece);
        };
        let readers = vec![
            read(stdout, Arc::clone(&log_file), out),
            read(stderr, log_file, keep_too),
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

    /// Sets a command that runs when this program is ended. It removes what outlives the processes
    /// of the program.
    pub fn set_cleanup(&mut self, command: Option<Command>) {
        self.cleanup = command;
    }

    /// Takes the writing end of the standard input. Returns `None` if it is not piped or was taken
    /// before.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin().take()
    }

    /// Returns the exit status if the program has ended.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Sends the signal of Ctrl-C to the program and all its descendants.
    ///
    /// # Errors
    ///
    /// The error of the operating system. Windows has no such signal.
    pub fn interrupt(&self) -> Result<()> {
        #[cfg(unix)]
        return self.child.signal(2).context("cannot end the program");
        #[cfg(not(unix))]
        anyhow::bail!("only Unix can interrupt a program");
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the error for this program, called `what`, which ended too early in `place`.
    pub fn died(&mut self, what: &str, status: ExitStatus, place: &str) -> Error {
        anyhow::anyhow!("{what} ended ({status}) in {place}: {}", self.last_words())
    }

    /// Ends the program, and returns the end of its standard error and the path of its log.
    pub fn last_words(&mut self) -> String {
        self.end();
        for reader in self.readers.drain(..) {
            // A reader that panicked has only lost output.
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
        // An error means that the program has ended already.
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

/// Starts a thread that writes the bytes of `from` to `log` and passes them to `each`, and no bytes
/// at their end.
fn read(
    mut from: impl Read + Send + 'static,
    log: Arc<Mutex<File>>,
    mut each: impl FnMut(&[u8]) + Send + 'static,
) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut block = vec![0; BLOCK];
        loop {
            let piece = match from.read(&mut block) {
                Ok(len) => &block[..len],
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => &[],
            };
            if let Ok(mut log) = log.lock() {
                // A log that cannot be written must not end the run.
                drop(log.write_all(piece));
            }
            each(piece);
            if piece.is_empty() {
                return;
            }
        }
    })
}

/// Returns a function that takes bytes piece by piece and passes each line to `each`, without its
/// end. No bytes end the last line.
fn by_line(mut each: impl FnMut(String) + Send + 'static) -> impl FnMut(&[u8]) + Send + 'static {
    let mut line = Vec::new();
    move |piece: &[u8]| {
        for part in piece.split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                each(text(&line));
                line.clear();
            }
        }
        if piece.is_empty() && !line.is_empty() {
            each(text(&line));
            line.clear();
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().to_owned()
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
    fn bytes_arrive_before_their_line_ends() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let (sender, pieces) = mpsc::channel();
        let errors = sender.clone();
        let script = sh("printf out; read line; printf err >&2");
        let mut program = Supervised::spawn_with(
            script,
            &log,
            Stdio::piped(),
            move |piece| drop(sender.send(piece.to_vec())),
            move |piece| drop(errors.send(piece.to_vec())),
        )
        .unwrap();
        assert_eq!(pieces.recv().unwrap(), b"out");
        drop(program.take_stdin());
        let rest: Vec<u8> = pieces.iter().flatten().collect();
        assert_eq!(rest, b"err");
    }

    #[test]
    fn lines_are_put_together() {
        let (sender, lines) = mpsc::channel();
        let mut take = by_line(move |line| sender.send(line).unwrap());
        for piece in ["on", "e\n\ntwo\r\nth", "ree", ""] {
            take(piece.as_bytes());
        }
        let lines: Vec<_> = lines.try_iter().collect();
        assert_eq!(lines, ["one", "", "two", "three"]);
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
        // The channel ends when the last process that holds the pipe has ended.
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
