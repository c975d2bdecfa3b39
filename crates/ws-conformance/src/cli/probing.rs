//! The probe of a server before its first case.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use ws_conformance::servers::{self, Probe, ProbeError, Target};
use ws_conformance::settings::Settings;
use ws_conformance::tls::HandshakeError;

use super::program::{POLL_INTERVAL, Program};

/// Probes a server again and again until it answers, for at most `wait`. Gives up earlier if the
/// program ends, if the run is interrupted, or if waiting cannot help.
pub(super) fn probe(
    target: &Target,
    settings: &Settings,
    wait: Duration,
    program: Option<&Program>,
) -> Result<Probe> {
    let started = Instant::now();
    loop {
        let error = match servers::probe(target, settings) {
            Ok(probe) => return Ok(probe),
            Err(error) => error,
        };
        if let Some(program) = program
            && let Some(status) = program.exit_status()
        {
            let words = program.last_words();
            bail!("the program ended ({status}) before it answered; {words}");
        }
        if !error.may_pass() || settings.stop.is_raised() {
            return Err(with_advice(error));
        }
        if started.elapsed() >= wait {
            return Err(with_patience(error, wait, program));
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Returns the error of a server that never answered.
fn with_patience(error: ProbeError, wait: Duration, program: Option<&Program>) -> anyhow::Error {
    let error = with_advice(error);
    let seconds = wait.as_secs_f64();
    match program {
        _ if wait.is_zero() => error,
        None => anyhow!("no answer within {seconds} s (--wait): {error}"),
        Some(program) => anyhow!(
            "the program does not answer within {seconds} s (--wait): {error}; {}",
            program.last_words()
        ),
    }
}

/// Adds the options that help to an error.
fn with_advice(error: ProbeError) -> anyhow::Error {
    match error {
        ProbeError::Tls(HandshakeError::Certificate(_)) => {
            anyhow!("{error}; use --ca FILE to trust its certificates, or --insecure to trust all")
        }
        error => error.into(),
    }
}
