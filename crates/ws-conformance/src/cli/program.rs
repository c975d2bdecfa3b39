//! The testee as a program that the suite starts, watches and ends.

use std::fs::{self, File};
use std::io;
use std::mem;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;
#[cfg(unix)]
use std::time::Instant;

use anyhow::{Context, Result};
use process_wrap::std::{ChildWrapper, CommandWrap};

/// The file with the output of the program, in the folder for reports.
const LOG: &str = "testee.log";
/// The number of lines of output that an error quotes.
const QUOTED_LINES: usize = 20;
/// The time between two checks of a process.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The time for a program to end by itself before it is killed.
#[cfg(unix)]
const GRACE: Duration = Duration::from_secs(2);
/// The signal that asks a program to end. POSIX prescribes the number.
#[cfg(unix)]
const SIGTERM: i32 = 15;

/// A command, and its processes while it runs.
#[derive(Debug)]
pub(super) struct Program {
    words: Vec<String>,
    log: PathBuf,
    child: Arc<Child>,
    /// The processes of this program, and of those with other values.
    family: Arc<Mutex<Vec<Weak<Child>>>>,
}

type Child = Mutex<Option<Box<dyn ChildWrapper>>>;

/// A program that runs. Dropping it ends its processes.
#[must_use]
#[derive(Debug)]
pub(super) struct Running<'a>(&'a Program);

impl Program {
    /// Creates a program that does not run yet. Returns `None` if there is no command.
    pub(super) fn new(words: &[String], outdir: &Path) -> Option<Arc<Self>> {
        if words.is_empty() {
            return None;
        }
        let log = outdir.join(LOG);
        // The output of an earlier run. There may be none.
        drop(fs::remove_file(&log));
        Some(Arc::new(Self {
            words: words.to_vec(),
            log,
            child: Arc::default(),
            family: Arc::default(),
        }))
    }

    /// Returns a program with `value` in place of a placeholder. Its output goes to the same file.
    pub(super) fn with(&self, placeholder: &str, value: &str) -> Self {
        let words = self.words.iter();
        Self {
            words: words.map(|word| word.replace(placeholder, value)).collect(),
            log: self.log.clone(),
            child: Arc::default(),
            family: Arc::clone(&self.family),
        }
    }

    /// Returns `true` if the command has one of the placeholders.
    pub(super) fn mentions(words: &[String], placeholders: &[&str]) -> bool {
        let mut words = words.iter();
        words.any(|word| placeholders.iter().any(|it| word.contains(it)))
    }

    /// Starts the program with this URL and port in place of `{url}` and `{port}`. Its output goes
    /// to a file, because a pipe that nobody reads would stop it.
    pub(super) fn start(&self, url: &str, port: u16) -> Result<Running<'_>> {
        let cannot_write = || format!("cannot write {}", self.log.display());
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.with_context(cannot_write)?;
        let port = port.to_string();
        let words = self.words.iter();
        let mut words = words.map(|word| word.replace("{port}", &port).replace("{url}", url));
        let name = words.next().unwrap_or_default();
        let mut command = Command::new(&name);
        let errors = log.try_clone().with_context(cannot_write)?;
        let streams = command.stdin(Stdio::null()).stdout(log).stderr(errors);
        streams.args(words);
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::std::JobObject);
        // Locked until the child is there, so that `kill_all` does not miss it.
        let mut family = lock(&self.family);
        let child = command.spawn();
        *self.child() = Some(child.with_context(|| format!("cannot start `{name}`"))?);
        family.retain(|other| other.strong_count() > 0);
        family.push(Arc::downgrade(&self.child));
        Ok(Running(self))
    }

    /// Returns the exit status if the program was started and has ended.
    pub(super) fn exit_status(&self) -> Option<ExitStatus> {
        self.child().as_mut()?.try_wait().ok()?
    }

    /// Waits until the program ends, or until `over` returns `true`.
    pub(super) fn wait(&self, over: impl Fn() -> bool) -> Option<ExitStatus> {
        loop {
            let status = self.exit_status();
            if status.is_some() || over() {
                return status;
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Ends the program and its children, first politely where the system has a signal for it.
    fn end(&self) {
        #[cfg(unix)]
        self.ask_to_end();
        kill(&self.child);
    }

    /// Sends the signal to end, and waits for a little while.
    #[cfg(unix)]
    fn ask_to_end(&self) {
        let child =
            |act: fn(&mut dyn ChildWrapper) -> bool| self.child().as_deref_mut().is_some_and(act);
        if child(|child| child.signal(SIGTERM).is_ok()) {
            let asked = Instant::now();
            while asked.elapsed() < GRACE && child(|child| matches!(child.try_wait(), Ok(None))) {
                thread::sleep(POLL_INTERVAL / 5);
            }
        }
    }

    /// Kills the processes of this program, and of those with other values.
    pub(super) fn kill_all(&self) {
        let family = mem::take(&mut *lock(&self.family));
        family
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|child| kill(&child));
    }

    /// Returns the end of the output, for an error message.
    pub(super) fn last_words(&self) -> String {
        let log = self.log.display();
        let output = fs::read(&self.log).unwrap_or_default();
        match quoted(&output) {
            quoted if quoted.is_empty() => format!("it printed nothing; {log} is empty"),
            quoted => format!("its output ends with\n{quoted}\n(all of its output: {log})"),
        }
    }

    fn child(&self) -> MutexGuard<'_, Option<Box<dyn ChildWrapper>>> {
        lock(&self.child)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kill(child: &Child) {
    // An error means that no process is left.
    if let Some(mut child) = lock(child).take() {
        drop(child.kill());
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Returns a port that is free at the moment.
pub(super) fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}

/// Returns the last lines, indented. Control characters are replaced, because a terminal would
/// execute them.
fn quoted(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<_> = text.trim_end().lines().rev().take(QUOTED_LINES).collect();
    let lines = lines.into_iter().rev();
    let lines: Vec<_> = lines
        .map(|line| format!("    {}", line.replace(char::is_control, "\u{fffd}")))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_the_output_is_quoted() {
        let output: String = (1..=25).map(|number| format!("line {number}\n")).collect();
        let quoted = quoted(output.as_bytes());
        assert!(
            quoted.starts_with("    line 6\n") && quoted.ends_with("    line 25"),
            "{quoted}"
        );
    }

    #[test]
    fn output_cannot_control_the_terminal() {
        assert_eq!(quoted(b"\x1b[2Jboo\r\n\n"), "    \u{fffd}[2Jboo");
        assert_eq!(quoted(b""), "");
    }

    #[cfg(unix)]
    fn sh(script: &str, dir: &Path) -> Arc<Program> {
        let words = ["sh", "-c", script].map(str::to_owned);
        Program::new(&words, dir).unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn placeholders_are_replaced_and_the_end_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let program = sh("echo {port} {url}; echo oops >&2; exit 3", dir.path());
        assert_eq!(program.exit_status(), None);
        let _running = program.start("ws://a:1/", 1).unwrap();
        let status = program.wait(|| false).unwrap();
        assert_eq!(status.code(), Some(3));
        let words = program.last_words();
        assert!(
            words.contains("1 ws://a:1/\n") && words.contains("oops"),
            "{words}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn children_of_the_program_end_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let program = sh("trap '' TERM; sleep 600 & echo $! > pid; wait", dir.path());
        let script = format!("cd '{}'; {}", dir.path().display(), program.words[2]);
        let program = sh(&script, dir.path());
        let running = program.start("", 0).unwrap();
        let pid = pid_in(&dir.path().join("pid"));
        drop(running);
        wait_until_dead(&pid);
    }

    /// The second program does not end when it is asked to, which takes the time of the first
    /// attempt to end it.
    #[cfg(unix)]
    #[test]
    fn all_programs_with_other_values_are_killed_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let script = "cd '{dir}'; trap '' TERM; echo $$ > {case}; sleep 600";
        let program = sh(script, dir.path()).with("{dir}", &dir.path().to_string_lossy());
        let programs = ["one", "two"].map(|case| program.with("{case}", case));
        let running = programs
            .each_ref()
            .map(|program| program.start("", 0).unwrap());
        let pids = ["one", "two"].map(|case| pid_in(&dir.path().join(case)));
        let [_one, two] = running;
        let started = Instant::now();
        thread::scope(|scope| {
            scope.spawn(|| drop(two));
            thread::sleep(GRACE / 4);
            program.kill_all();
            pids.iter().for_each(|pid| wait_until_dead(pid));
        });
        assert!(started.elapsed() < GRACE, "{:?}", started.elapsed());
    }

    /// Waits for a program to write its process id into a file.
    #[cfg(unix)]
    fn pid_in(file: &Path) -> String {
        loop {
            let text = fs::read_to_string(file).unwrap_or_default();
            match text.strip_suffix('\n') {
                Some(pid) => return pid.to_owned(),
                None => thread::sleep(POLL_INTERVAL),
            }
        }
    }

    #[cfg(unix)]
    fn wait_until_dead(pid: &str) {
        let alive = || Command::new("kill").args(["-0", pid]).output();
        // A killed process stays visible until its parent, which may be init, has waited for it.
        let started = Instant::now();
        while alive().unwrap().status.success() && !is_zombie(pid) {
            assert!(started.elapsed() < Duration::from_secs(20));
            thread::sleep(POLL_INTERVAL / 5);
        }
    }

    #[cfg(unix)]
    fn is_zombie(pid: &str) -> bool {
        let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output();
        state.is_ok_and(|state| state.stdout.starts_with(b"Z"))
    }

    #[cfg(unix)]
    #[test]
    fn programs_with_other_values_share_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let program = sh("echo {case}", dir.path());
        for case in ["1.1.1", "1.1.2"] {
            let program = program.with("{case}", case);
            let _running = program.start("", 0).unwrap();
            assert!(program.wait(|| false).unwrap().success());
        }
        let words = program.last_words();
        assert!(words.contains("1.1.1\n    1.1.2\n"), "{words}");
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let words = ["./no-such-program".to_owned()];
        let program = Program::new(&words, dir.path()).unwrap();
        let error = program.start("", 0).unwrap_err();
        assert!(format!("{error:#}").contains("./no-such-program"));
    }
}
