//! The processes that are measured.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// An `echo-tokio` that is bound to processors. Killed when it is dropped.
pub(crate) struct Server {
    process: Child,
    address: String,
}

impl Server {
    pub(crate) fn start(cores: &str, options: &[&str]) -> Result<Self> {
        let mut process = bound("echo-tokio", cores)?
            .args(["--port", "0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run taskset, of util-linux")?;
        let mut url = String::new();
        let output = process.stdout.take().context("the output is a pipe")?;
        let read = BufReader::new(output).read_line(&mut url);
        let mut server = Self {
            process,
            address: String::new(),
        };
        read?;
        let address = url.trim().strip_prefix("ws://");
        address
            .context("echo-tokio did not start: build it in release mode first")?
            .clone_into(&mut server.address);
        Ok(server)
    }

    /// Returns the distribution of the processor time so far over the threads.
    pub(crate) fn balance(&self) -> Result<Balance> {
        let mut threads = Vec::new();
        for entry in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let text = fs::read_to_string(entry?.path().join("schedstat"))?;
            let run = text.split_whitespace().next().context("no time")?;
            threads.push(run.parse()?);
        }
        Ok(Balance(threads))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has ended already is reported by the load generator.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The processor time of each thread in nanoseconds.
#[derive(Default)]
pub(crate) struct Balance(Vec<u64>);

impl Balance {
    /// Returns the part of the busiest thread. One half is a perfect balance of two threads.
    pub(crate) fn busiest_share(&self) -> f64 {
        let busiest = self.0.iter().max().copied().unwrap_or_default();
        busiest as f64 / self.0.iter().sum::<u64>().max(1) as f64
    }
}

/// Runs the load generator on these processors, and returns its output.
pub(crate) fn load(server: &Server, cores: &str, options: &[String]) -> Result<String> {
    let output = bound("ws-load", cores)?
        .args(["--address", &server.address])
        .args(["--process", &server.process.id().to_string()])
        .args(options)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "ws-load failed");
    Ok(String::from_utf8(output.stdout)?)
}

/// Returns the command of a program in the directory of this one, bound to processors. `taskset`
/// replaces itself by the program, so both have one process id.
fn bound(program: &str, cores: &str) -> Result<Command> {
    let own: PathBuf = std::env::current_exe()?;
    let mut command = Command::new("taskset");
    command.args(["-c", cores]).arg(own.with_file_name(program));
    Ok(command)
}
