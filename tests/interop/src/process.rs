//! Processes whose input is written and whose output is read here, never without a deadline.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail, ensure};
use ws_test_programs::interrupt;
use ws_test_programs::supervise::Supervised;

/// The longest wait for the next sign of progress.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The interval at which a wait looks for Ctrl-C, or for the end of a process.
const POLL: Duration = Duration::from_millis(20);

/// The lines of output that an error shows, and the characters of each line.
const COMPLAINT_LINES: usize = 10;
const COMPLAINT_WIDTH: usize = 200;

/// A running program. Dropping it kills it.
pub(crate) struct Process {
    name: String,
    program: Supervised,
    input: Option<Input>,
    pub(crate) out: Output,
    pub(crate) err: Output,
}

impl Process {
    /// Starts `command`. `name` is its name in errors, and `log` the file for its output.
    pub(crate) fn spawn(name: &str, command: Command, log: &Path) -> Result<Self> {
        let (out, err) = (Output::new(), Output::new());
        let (to_out, to_err) = (out.clone(), err.clone());
        let mut program = Supervised::spawn_with(
            command,
            log,
            Stdio::piped(),
            move |piece| to_out.push(piece),
            move |piece| to_err.push(piece),
        )?;
        let mut stdin = program.take_stdin().context("standard input is piped")?;
        let (sender, pieces) = mpsc::channel::<Vec<u8>>();
        // Writing to a program that does not read would block for ever. It blocks this thread until
        // the program is killed.
        thread::spawn(move || {
            for piece in pieces {
                if stdin
                    .write_all(&piece)
                    .and_then(|()| stdin.flush())
                    .is_err()
                {
                    return;
                }
            }
        });
        Ok(Self {
            name: name.to_owned(),
            program,
            input: Some(Input(sender)),
            out,
            err,
        })
    }

    /// Returns the output that was not read yet and the input, as one stream. Dropping the stream
    /// ends the input.
    pub(crate) fn pipes(&mut self) -> Result<Pipes> {
        let input = self.input.take().context("the input was taken before")?;
        let output = self.out.clone();
        Ok(Pipes { input, output })
    }

    /// Returns the next line of standard output, or `None` at its end.
    pub(crate) fn line(&mut self, patience: Duration) -> Result<Option<String>> {
        let line = self.out.line(patience);
        line.with_context(|| format!("no line from {}", self.name))
    }

    /// Waits until standard output contains `text`, and continues behind it.
    pub(crate) fn expect(&mut self, text: &str) -> Result<()> {
        let found = self.out.expect(text);
        found.map_err(|error| self.complaint(&format!("{error:#}")))
    }

    /// Waits until standard error contains `text`, and continues behind it.
    pub(crate) fn expect_error(&mut self, text: &str) -> Result<()> {
        let found = self.err.expect(text);
        found.map_err(|error| self.complaint(&format!("{error:#}")))
    }

    /// Waits until the program ends.
    pub(crate) fn ended(&mut self) -> Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.program.try_wait()? {
                return Ok(status);
            }
            if started.elapsed() > PATIENCE {
                return Err(self.complaint("expected its end"));
            }
            pause()?;
        }
    }

    /// Waits until the program ends, which must be without an error.
    pub(crate) fn ended_well(&mut self) -> Result<()> {
        let status = self.ended()?;
        if !status.success() {
            return Err(self.complaint(&format!("expected success, found {status}")));
        }
        Ok(())
    }

    /// Waits until the program ends, which must be with an error.
    pub(crate) fn ended_badly(&mut self) -> Result<()> {
        let status = self.ended()?;
        if status.success() {
            bail!("{} ended without an error", self.name);
        }
        Ok(())
    }

    /// Stops the program and its descendants, until they are killed.
    pub(crate) fn stop(&self) -> Result<()> {
        let mut command = Command::new("kill");
        command.args(["-STOP", "--", &format!("-{}", self.program.id())]);
        let status = command.status().context("cannot start kill")?;
        ensure!(status.success(), "{} cannot be stopped", self.name);
        Ok(())
    }

    /// Returns `true` until the program ends.
    pub(crate) fn is_running(&mut self) -> Result<bool> {
        Ok(self.program.try_wait()?.is_none())
    }

    /// Returns the error for a program that has ended too early.
    pub(crate) fn died(&mut self, status: ExitStatus, place: &str) -> Error {
        self.program.died(&self.name, status, place)
    }

    /// Returns an error with the last lines of the output.
    fn complaint(&self, fault: &str) -> Error {
        let all = format!("{}\n{}", self.out.text(), self.err.text());
        let lines: Vec<_> = all.lines().filter(|line| !line.is_empty()).collect();
        let mut error = format!("{fault}; {} printed", self.name);
        for line in lines
            .iter()
            .skip(lines.len().saturating_sub(COMPLAINT_LINES))
        {
            let line: String = line.chars().take(COMPLAINT_WIDTH).collect();
            error.push_str(&format!("\n        {}", line.escape_debug()));
        }
        Error::msg(error)
    }
}

/// Waits for a short time.
///
/// # Errors
///
/// If the user asked to stop.
pub(crate) fn pause() -> Result<()> {
    if interrupt::requested() {
        bail!("interrupted");
    }
    thread::sleep(POLL);
    Ok(())
}

/// The input of a process.
struct Input(Sender<Vec<u8>>);

/// The input and the output of a process as one stream.
pub(crate) struct Pipes {
    input: Input,
    output: Output,
}

impl Read for Pipes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.read(buffer)
    }
}

impl Write for Pipes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.input.0.send(bytes.to_vec());
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Output that arrives. Clones share it, and the place up to which it was read.
#[derive(Clone)]
pub(crate) struct Output(Arc<(Mutex<Received>, Condvar)>);

#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    /// The number of bytes that were read.
    read: usize,
    is_ended: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Adds bytes that have arrived. No bytes end the output.
    pub(crate) fn push(&self, piece: &[u8]) {
        let mut received = self.received();
        received.bytes.extend_from_slice(piece);
        received.is_ended |= piece.is_empty();
        self.0.1.notify_all();
    }

    /// Waits until `text` has arrived, and continues behind it.
    fn expect(&mut self, text: &str) -> Result<()> {
        let found = self.wait(PATIENCE, |bytes| {
            let at = bytes
                .windows(text.len())
                .position(|part| part == text.as_bytes());
            at.map(|at| ((), at + text.len()))
        });
        let context = || format!("expected {text:?}");
        found.with_context(context)?.with_context(context)
    }

    /// Returns the next line, or `None` at the end.
    pub(crate) fn line(&mut self, patience: Duration) -> Result<Option<String>> {
        self.until(b'\n', patience)
    }

    /// Returns the text up to the next byte `end`, or `None` at the end.
    pub(crate) fn until(&mut self, end: u8, patience: Duration) -> Result<Option<String>> {
        self.wait(patience, |bytes| {
            let end = bytes.iter().position(|&byte| byte == end)?;
            let text = String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned();
            Some((text, end + 1))
        })
    }

    /// Waits until `find` finds something in the bytes that were not read. It also returns the
    /// number of bytes to continue behind. Returns `None` at the end of the output.
    fn wait<T>(
        &mut self,
        patience: Duration,
        find: impl Fn(&[u8]) -> Option<(T, usize)>,
    ) -> Result<Option<T>> {
        let started = Instant::now();
        let mut received = self.received();
        loop {
            if let Some((found, len)) = find(&received.bytes[received.read..]) {
                received.read += len;
                return Ok(Some(found));
            }
            if received.is_ended {
                return Ok(None);
            }
            if interrupt::requested() {
                bail!("interrupted");
            }
            if started.elapsed() > patience {
                bail!("no progress for {} s", patience.as_secs());
            }
            let waited = self.0.1.wait_timeout(received, POLL);
            received = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns everything that has arrived.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.received().bytes).into_owned()
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let find = |bytes: &[u8]| {
            let piece = bytes.get(..buffer.len().min(bytes.len()))?;
            (!piece.is_empty()).then(|| (piece.to_vec(), piece.len()))
        };
        match self.wait(PATIENCE, find) {
            Ok(piece) => {
                let piece = piece.unwrap_or_default();
                buffer[..piece.len()].copy_from_slice(&piece);
                Ok(piece.len())
            }
            Err(error) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("{error:#}"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_read_once() {
        let mut output = Output::new();
        output.push(b"one\ntwo three\nfo");
        output.expect("two").unwrap();
        let line = output.clone().line(PATIENCE).unwrap();
        assert_eq!(line.unwrap(), " three");
        assert!(output.line(Duration::ZERO).is_err());
        output.push(b"ur");
        output.push(b"");
        assert_eq!(output.line(PATIENCE).unwrap(), None);
        assert!(output.expect("five").is_err());
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "four");
    }

    #[cfg(unix)]
    #[test]
    fn a_process_is_controlled_through_its_pipes() {
        let dir = tempfile::tempdir().unwrap();
        let command = Command::new("cat");
        let mut process = Process::spawn("cat", command, &dir.path().join("log")).unwrap();
        assert!(process.is_running().unwrap());
        let mut pipes = process.pipes().unwrap();
        assert!(process.pipes().is_err());
        pipes.write_all(b"hello\n").unwrap();
        process.expect("hello").unwrap();
        drop(pipes);
        process.ended_well().unwrap();
        assert!(process.ended_badly().is_err());
    }
}
