//! Runs a case against a testee and makes its record.

use std::time::SystemTime;

use super::Case;
use super::http::ReadRequest;
use super::outcome::{Miss, Outcome, judge};
use super::peer::{Asked, Peer, Said};
use crate::link::Link;
use crate::record::Record;
use crate::recording::{About, Handshake, Recording};
use crate::role::Role;
use crate::servers::{Target, UNKNOWN_SERVER};
use crate::settings::Settings;

/// A client under test that asked for a case.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) agent: String,
    /// Where the case stands among the selected ones.
    pub(crate) position: usize,
    /// Its request, which the case has to answer.
    pub(crate) head: Vec<u8>,
    /// Whether its key was not seen before.
    pub(crate) key_is_new: bool,
    pub(crate) link: Link,
    pub(crate) started: SystemTime,
}

/// The key of a request, if it has one.
pub(crate) fn key(head: &[u8]) -> Option<String> {
    let request = ReadRequest::read(head)?;
    request
        .all("Sec-WebSocket-Key")
        .first()
        .map(|&key| key.to_owned())
}

/// Plays a case with a client. Nothing if it was cut off, which says nothing about the client.
pub(crate) fn run_client_case(case: &Case, client: Client, settings: &Settings) -> Option<Record> {
    let seed = settings.seed ^ case.number() as u64;
    let mut peer = Peer::new(Role::Client, client.link, None, settings, seed);
    peer.asked(Asked {
        head: client.head,
        key_is_new: client.key_is_new,
    });
    let outcome = play(case, &mut peer);
    let recording = Recording {
        case,
        number: client.position,
        agent: client.agent,
        testee: Role::Client,
        started: client.started,
        seed: settings.seed,
        handshake: Handshake::default(),
    };
    (outcome != Err(Miss::CutOff)).then(|| record(recording, peer.said, outcome))
}

/// Plays a case with a server, over a new connection.
pub(crate) fn run_server_case(target: &Target, case: &Case, settings: &Settings) -> Record {
    let mut recording = Recording {
        case,
        number: case.number(),
        agent: target.agent().unwrap_or(UNKNOWN_SERVER).to_owned(),
        testee: Role::Server,
        started: SystemTime::now(),
        seed: settings.seed,
        handshake: Handshake::default(),
    };
    let seed = settings.seed ^ case.number() as u64;
    let link = match target.connect(settings) {
        Ok(link) => link,
        Err(error) => {
            let why = Miss::must(format!("There is no connection: {error}."));
            return record(recording, Said::new(), why);
        }
    };
    let mut peer = Peer::new(Role::Server, link, Some(target), settings, seed);
    let outcome = play(case, &mut peer);
    if let (None, Some(server)) = (target.agent(), &peer.said.handshake.server) {
        recording.agent.clone_from(server);
    }
    record(recording, peer.said, outcome)
}

fn play(case: &Case, peer: &mut Peer<'_>) -> Outcome {
    let outcome = case.run(peer);
    peer.leave();
    outcome
}

fn record(recording: Recording<&Case>, said: Said, outcome: Outcome) -> Record {
    let case = recording.case;
    let duration = said.opened.map_or(0, |opened| opened.elapsed().as_millis());
    let recording = Recording {
        handshake: said.handshake,
        ..recording
    };
    let about = About {
        id: case.id(),
        description: case.description(),
        expectation: case.expectation(),
        judgement: judge(case.demands(), outcome),
        received: said.events,
    };
    let mut record = recording.assemble(about, said.ending, said.log);
    record.duration = duration.try_into().unwrap_or(u64::MAX);
    record.level = Some(case.demands());
    record.rfc = case.rules();
    record
}
