//! Functions that run the command, and testees for it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use crate::testees::{Fault, Pace, Server};

/// A URL without a listener: no test gets a port below 1024.
pub(crate) const NOWHERE: &str = "ws://127.0.0.1:1";

/// The times of testees, for the time scale of [`patience`].
pub(crate) const PACE: Pace = Pace::scaled(5.0);

/// The result of the command.
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Returns the command, to be run in `dir`.
pub(crate) fn command(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ws-conformance"));
    let (first, rest) = words.split_at(words.len().min(1));
    command.args(first).args(patience(words)).args(rest);
    command.current_dir(dir);
    // The tests may run in GitHub Actions.
    command
        .env_remove("GITHUB_ACTIONS")
        .env_remove("GITHUB_STEP_SUMMARY");
    command
}

/// Returns options with time for a busy machine, unless the words have their own time scale. The
/// testees of most tests fail for sure, so a second run would only take time.
fn patience(words: &[&str]) -> &'static [&'static str] {
    let runs = matches!(words.first(), Some(&("server" | "client")));
    match runs && !words.contains(&"--time-scale") {
        true => &["--time-scale", "5", "--no-retry"],
        false => &[],
    }
}

/// Runs the command in `dir`.
pub(crate) fn run(dir: &Path, words: &[&str]) -> Ran {
    command(dir, words).output().unwrap().into()
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output
                .status
                .code()
                .expect("the suite was killed: the time is over"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Fails unless the status is this and standard error has this text.
    #[track_caller]
    pub(crate) fn assert_refused(&self, text: &str) {
        let Self { stdout, stderr, .. } = self;
        assert_eq!(self.status, 2, "{stdout}{stderr}");
        assert!(stderr.contains(text), "`{text}` is not in: {stderr}");
    }

    #[track_caller]
    pub(crate) fn assert_status(&self, status: i32) {
        let Self { stdout, stderr, .. } = self;
        assert_eq!(self.status, status, "{stdout}{stderr}");
    }
}

/// Returns the URL of an echo server, which runs until the process ends.
pub(crate) fn server(fault: Fault) -> String {
    let server = Server::bind(0).unwrap().with_pace(PACE);
    let url = server.url();
    thread::spawn(move || server.serve(fault));
    url
}

/// Returns the URL of a server that answers every request with this text.
pub(crate) fn http_server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            if tcp.read(&mut [0; 4096]).is_ok() {
                drop(tcp.write_all(answer.as_bytes()));
            }
        }
    });
    url
}
