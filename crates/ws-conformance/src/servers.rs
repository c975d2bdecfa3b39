//! Tests of servers: the suite is the client.

mod opening;
mod probe;

pub use probe::{Probe, ProbeError, UNKNOWN_SERVER, probe};

pub use crate::target::{Target, TargetError};

use std::time::{Instant, SystemTime};

use opening::Opened;

use crate::case::{Case, Dialogue, Play};
use crate::cases;
use crate::channel::Ending;
use crate::dialogue::{Miss, Peer, Said};
use crate::endpoint::{CaseRun, Connection, Endpoint};
use crate::http::Handshake;
use crate::record::Record;
use crate::role::Role;
use crate::run::Recording;
use crate::script::Script;
use crate::settings::Settings;

/// Runs one case over one or more new connections. Blocks until the case is over. The record also
/// describes every failure.
pub fn run_case(target: &Target, case: &Case, settings: &Settings) -> Record {
    match case.play() {
        Play::Script(script) => play_script(target, case, script, settings),
        Play::Dialogue(dialogue) => play_dialogue(target, case, dialogue, settings),
    }
}

fn recording<'a>(target: &Target, case: &'a Case, settings: &Settings) -> Recording<'a> {
    Recording {
        case,
        number: case.number(),
        agent: target.agent().unwrap_or(UNKNOWN_SERVER).to_owned(),
        testee: Role::Server,
        started: SystemTime::now(),
        seed: settings.seed,
        handshake: Handshake::default(),
    }
}

fn play_dialogue(target: &Target, case: &Case, dialogue: &Dialogue, settings: &Settings) -> Record {
    let mut recording = recording(target, case, settings);
    let seed = settings.seed ^ case.number() as u64;
    if let Some(reason) = cases::not_over(case, target.http()) {
        let outcome = Miss::not_applicable(reason);
        return recording.finish_dialogue(Said::new(Role::Server, seed), outcome);
    }
    let link = match target.connect(settings) {
        Ok(link) => link,
        Err(error) => {
            let outcome = Miss::must(format!("Connecting failed: {error}."));
            return recording.finish_dialogue(Said::new(Role::Server, seed), outcome);
        }
    };
    let limit = case.time_limit();
    let mut peer = Peer::new(Role::Server, link, Some(target), settings, seed, limit);
    let outcome = peer.play(dialogue);
    let outcome = match outcome {
        Err(Miss::Must(_) | Miss::CutOff) => outcome,
        // Every case fails if it ends the server.
        _ => peer
            .expect_another_connection("After this case")
            .and(outcome),
    };
    if let (None, Some(server)) = (target.agent(), &peer.said.handshake.server) {
        recording.agent.clone_from(server);
    }
    recording.finish_dialogue(peer.said, outcome)
}

fn play_script(target: &Target, case: &Case, script: &Script, settings: &Settings) -> Record {
    let seed = settings.seed ^ case.number() as u64;
    let mut recording = recording(target, case, settings);
    let handshake = &mut recording.handshake;
    let opened = opening::open(target, script.demands(), settings, seed, handshake);
    if let (None, Some(server)) = (target.agent(), recording.handshake.server.take()) {
        recording.agent = server;
    }
    match opened {
        Ok(Opened { link, compression }) => {
            let now = Instant::now();
            let agreement = compression.map(|response| response.agreement);
            let mut connection = Connection::new(Role::Server, settings, seed)
                .with_handshake(&recording.handshake)
                .with_compression(agreement);
            if compression.is_some_and(|response| !response.fits) {
                connection.channel.note_violation(UNMET.to_owned());
            }
            let run = CaseRun::new(script, settings);
            let watchdog = now + settings.scaled(case.time_limit() + settings.watchdog);
            let mut endpoint = Endpoint::new(connection, run, now, watchdog);
            if link.drive(&mut endpoint).is_err() {
                endpoint.handle_end();
            }
            recording.finish_script(script, endpoint, now.elapsed())
        }
        Err(error) => recording.never_opened(
            script,
            Ending {
                open_handshake_timeout: error.is_timeout(),
                dropped_by_me: error.is_timeout(),
                not_clean_reason: Some("the opening handshake was not completed"),
                violations: error.violation().into_iter().collect(),
                ..Ending::default()
            },
        ),
    }
}

/// RFC 7692 §7.1.1.1 and §7.1.2.1. The original does not check this.
const UNMET: &str =
    "the answer agrees to permessage-deflate without a parameter that every offer has";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_not_there_fails_its_cases() {
        // No server listens on port 1, and no test that asks for a free port gets one below 1024.
        let target = Target::new("ws://127.0.0.1:1")
            .unwrap()
            .with_agent("nobody");
        let settings = Settings::default();
        let case = &cases::all()[0];
        let record = run_case(&target, case, &settings);
        assert_eq!(record.verdict.behavior, crate::verdict::Behavior::Failed);
        assert_eq!(record.agent, "nobody");
        assert_eq!((record.duration, &*record.http_response), (0, "?"));
        assert!(matches!(
            probe(&target, &settings),
            Err(ProbeError::Unreachable(_))
        ));
    }
}
