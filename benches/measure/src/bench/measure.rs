//! A measurement: a fresh server, and the load on it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use ws_test_certificates::Files;
use ws_test_programs::interrupt;

use super::client;
use super::contestant::{Contestant, Program, Side, Task};
use super::cores::{self, Cores, on_core};
use super::programs::Executables;
use super::sample::{Load, Sample};
use super::scenario::Scenario;
use crate::server::Server;

/// The conditions of all measurements.
pub(super) struct Bench {
    pub(super) executables: Executables,
    pub(super) cores: Cores,
    pub(super) seconds: f64,
    pub(super) warm_up: f64,
    /// The certificates of scenarios over TLS.
    pub(super) certificates: Files,
    /// The folder for the output of the servers.
    pub(super) home: PathBuf,
}

impl Bench {
    /// Measures `contestant` once.
    pub(super) fn measure(&self, scenario: &Scenario, contestant: &Contestant) -> Result<Sample> {
        if scenario.task == Task::Client {
            return client::measure(self, scenario, contestant);
        }
        let calibration = cores::calibrate(self.cores)?;
        let server = self.start(scenario, contestant, &[])?;
        let process = Some(server.process.id());
        let load = self.load(scenario, contestant, &server, process, self.seconds)?;
        Ok(load.sample(calibration))
    }

    /// Starts the server of `contestant` on its processor, and waits until it listens. Runs it
    /// under `wrapper` if that is not empty.
    pub(super) fn start(
        &self,
        scenario: &Scenario,
        contestant: &Contestant,
        wrapper: &[&str],
    ) -> Result<Server> {
        self.start_on(self.cores.server, scenario, contestant, wrapper)
    }

    /// Starts a server like [`start`](Self::start), on this processor.
    pub(super) fn start_on(
        &self,
        core: usize,
        scenario: &Scenario,
        contestant: &Contestant,
        wrapper: &[&str],
    ) -> Result<Server> {
        let log = self.home.join(format!("{}.log", contestant.name));
        let command = |port| self.command(scenario, contestant, port, wrapper);
        on_core(core, || Server::start(command, &log))?
    }

    fn command(
        &self,
        scenario: &Scenario,
        contestant: &Contestant,
        port: u16,
        wrapper: &[&str],
    ) -> Result<Command> {
        let mut words: Vec<_> = wrapper.iter().map(|&word| word.to_owned()).collect();
        match &contestant.program {
            Program::Built { package, name } => {
                let path = self.executables.find(*package, name)?;
                words.push(path_text(path)?);
                let options = contestant.options(scenario).unwrap_or_default();
                words.extend(options.iter().map(|&option| option.to_owned()));
                if scenario.tls {
                    let files = &self.certificates;
                    words.push("--tls".to_owned());
                    words.push(path_text(&files.server.certificate)?);
                    words.push(path_text(&files.server.key)?);
                }
                words.extend(["--port".to_owned(), port.to_string()]);
            }
            Program::CommandLine(line) => {
                let line = line.replace("{port}", &port.to_string());
                words.extend(["sh".to_owned(), "-c".to_owned(), format!("exec {line}")]);
            }
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        Ok(command)
    }

    /// Runs the load generator on its processor.
    pub(super) fn load(
        &self,
        scenario: &Scenario,
        contestant: &Contestant,
        server: &Server,
        process: Option<u32>,
        seconds: f64,
    ) -> Result<Load> {
        let mut command = self.load_command(scenario, contestant, server, process, seconds)?;
        command.args(scenario.load_arguments());
        Ok(run(self.cores.load, command)?.0)
    }

    /// Returns the command of the load generator, without the options that depend on the load.
    pub(super) fn load_command(
        &self,
        scenario: &Scenario,
        contestant: &Contestant,
        server: &Server,
        process: Option<u32>,
        seconds: f64,
    ) -> Result<Command> {
        let mut command = Command::new(self.executables.load()?);
        if scenario.tls {
            command.arg("--tls").arg(&self.certificates.authority);
        }
        command.args(["--address", &server.address.to_string()]);
        command.args([
            "--seconds",
            &seconds.to_string(),
            "--warm-up",
            &self.warm_up.to_string(),
        ]);
        if let Some(process) = process {
            command.args(["--process", &process.to_string()]);
        }
        if contestant.side == Side::Floor {
            command.arg("--raw");
        }
        Ok(command)
    }
}

/// Runs `command` on this processor, and reads the line of JSON that it prints. Also returns its
/// standard error.
pub(super) fn run<T: DeserializeOwned>(core: usize, mut command: Command) -> Result<(T, String)> {
    let output = on_core(core, || command.output())?.context("cannot start the load")?;
    if interrupt::requested() {
        bail!("interrupted");
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{}", errors.trim());
    }
    let line = serde_json::from_slice(&output.stdout).with_context(|| {
        format!(
            "the load printed `{}`",
            String::from_utf8_lossy(&output.stdout)
        )
    })?;
    Ok((line, errors.into_owned()))
}

fn path_text(path: &Path) -> Result<String> {
    let text = path.to_str().context("the path of a file is not UTF-8")?;
    Ok(text.to_owned())
}

/// Returns `true` if there is a program of this name to run.
pub(super) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir: PathBuf| Path::new(&dir).join(program).is_file())
}
