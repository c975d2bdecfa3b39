//! A connection of a client, from the request to the end of TCP.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use mio::net::TcpStream;
use serde_json::json;

use super::commands::Commands;
use super::page;
use super::replies::{Reply, Status};
use super::route::{Action, Selected, route};
use super::{Ended, Observer};
use crate::case::{Case, CaseId, Dialogue, Http, Play};
use crate::cases;
use crate::channel::Ending;
use crate::deflate::{self, Agreement, ExtensionError};
use crate::dialogue::{Asked, Miss, Peer};
use crate::endpoint::{CaseRun, Connection, Endpoint, Handler};
use crate::http::{Answer, Handshake, ReadRequest, error_response, key, resource};
use crate::record::Record;
use crate::role::Role;
use crate::run::Recording;
use crate::script::Script;
use crate::settings::{Settings, StopFlag};
use crate::tls::Identity;
use crate::transport::Link;
use crate::verdict::Behavior;

/// The longest time that reports wait for cases whose connections are about to end. A client may
/// request reports before the suite has seen the end of its last case. Some cases do not read for
/// 15 s.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest duration of a connection that runs no case.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);
/// The most keys that are stored.
const MAX_KEYS: usize = 100_000;

/// The state that the connections share.
pub(super) struct Shared<'a, O> {
    cases: &'a [&'static Case],
    settings: &'a Settings,
    front: Front<'a>,
    observer: &'a O,
    /// Set when serving is over, for any reason.
    over: StopFlag,
    ended: OnceLock<Ended>,
    agents: Mutex<HashMap<String, Agent>>,
    /// The keys of all requests.
    keys: Mutex<HashSet<Option<String>>>,
    /// Notified when a case is over.
    changed: Condvar,
}

/// The protocols below WebSocket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Front<'a> {
    /// The certificate of the listener; `None` without TLS.
    pub(super) identity: Option<&'a Identity>,
    pub(super) http: Http,
}

/// The state of a client.
#[derive(Debug, Default)]
struct Agent {
    running: usize,
    results: HashMap<CaseId, Behavior>,
}

impl<'a, O: Observer> Shared<'a, O> {
    pub(super) fn new(
        cases: &'a [&'static Case],
        settings: &'a Settings,
        front: Front<'a>,
        observer: &'a O,
    ) -> Self {
        Self {
            cases,
            settings,
            front,
            observer,
            over: StopFlag::default(),
            ended: OnceLock::new(),
            agents: Mutex::default(),
            keys: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Ends the serving. The first reason counts.
    pub(super) fn end(&self, ended: Ended) {
        self.ended.get_or_init(|| ended);
        self.over.raise();
    }

    /// Returns the reason why serving is over, if it is over.
    pub(super) fn ended(&self) -> Option<Ended> {
        self.ended.get().copied()
    }

    /// Serves a connection. A client that disconnects early is not an error.
    pub(super) fn serve(&self, stream: TcpStream, crowded: bool) {
        let started = SystemTime::now();
        let limit = self.settings.scaled(self.settings.open_handshake_timeout);
        let deadline = Instant::now() + limit;
        let Ok(mut link) = self.link(stream, deadline) else {
            return;
        };
        let mut head = Vec::new();
        if link.read_head(&mut head, deadline).is_err() {
            return;
        }
        if let Some(page) = page::response(&head) {
            if link.write_all(page.as_bytes(), deadline).is_ok() {
                link.linger(deadline);
            }
            return;
        }
        let asked = Asked {
            key_is_new: self.is_new_key(&head),
            head: head.clone(),
        };
        if !crowded && let Some((selected, dialogue, agent)) = self.dialogue_for(&head) {
            return self.run_case(selected.case, agent.clone(), || {
                let recording = self.recording(selected, agent, started, Handshake::default());
                self.play_dialogue(recording, dialogue, link, asked)
            });
        }
        let (response, action) = match self.answer(&head, crowded) {
            Ok((response, action, agreed)) => (response, Some((action, agreed))),
            Err((status, text)) => (self.refusal(status, &text), None),
        };
        if link.write_all(response.as_bytes(), deadline).is_err() {
            return;
        }
        let handshake = Handshake {
            request: Some(String::from_utf8_lossy(&head).into_owned()),
            response: Some(response),
            server: None,
        };
        match action {
            Some((action, agreed)) => self.act(action, agreed, link, started, handshake),
            None => link.linger(deadline),
        }
    }

    /// Returns the connection, with TLS if the listener has a certificate.
    fn link(&self, stream: TcpStream, deadline: Instant) -> io::Result<Link> {
        let mut link = Link::over_tcp(stream, &self.over)?;
        let Front { identity, http } = self.front;
        if let Some(identity) = identity {
            let secured = link.secured(identity.connection(http)?, http, deadline);
            link = secured.inspect_err(|error| {
                let reason = error.get_ref().and_then(|error| error.downcast_ref());
                if let Some(reason) = reason {
                    self.observer.tls_failed(reason);
                }
            })?;
        }
        Ok(match http {
            Http::One => link,
            Http::Two => link.into_http2_client(),
        })
    }

    fn refusal(&self, status: u16, text: &str) -> String {
        error_response(self.front.http, status, text)
    }

    /// Returns `true` if no earlier request had the same key. Also returns `true` once the store of
    /// keys is full.
    fn is_new_key(&self, head: &[u8]) -> bool {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.len() >= MAX_KEYS || keys.insert(key(head))
    }

    /// Returns the dialogue that a request asks for. The dialogue answers the request itself,
    /// because the case may be about a fault of the request.
    fn dialogue_for(&self, head: &[u8]) -> Option<(Selected, &'static Dialogue, String)> {
        let Ok(Action::RunCase(selected, agent)) = route(&resource(head)?, self.cases) else {
            return None;
        };
        match selected.case.play() {
            Play::Dialogue(dialogue) if !self.observer.skips(&agent, selected.case) => {
                Some((selected, dialogue, agent))
            }
            _ => None,
        }
    }

    fn recording(
        &self,
        selected: Selected,
        agent: String,
        started: SystemTime,
        handshake: Handshake,
    ) -> Recording<'static> {
        Recording {
            case: selected.case,
            number: selected.position,
            agent,
            testee: Role::Client,
            started,
            seed: self.settings.seed,
            handshake,
        }
    }

    /// Plays a dialogue. An interrupted dialogue has no record.
    fn play_dialogue(
        &self,
        recording: Recording<'_>,
        dialogue: &Dialogue,
        link: Link,
        asked: Asked,
    ) -> Option<Record> {
        let case = recording.case;
        let seed = self.settings.seed ^ case.number() as u64;
        let limit = case.time_limit();
        let mut peer = Peer::new(Role::Client, link, None, self.settings, seed, limit);
        peer.asked(asked);
        let outcome = match cases::not_over(case, self.front.http) {
            // The client waits for an answer.
            Some(reason) => {
                peer.play(&|peer| peer.open().and(Miss::not_applicable(reason.clone())))
            }
            None => peer.play(dialogue),
        };
        (outcome != Err(Miss::CutOff)).then(|| recording.finish_dialogue(peer.said, outcome))
    }

    /// Returns the answer to a request, the action that it asks for, and the agreement on
    /// compression. Fails with a status and a reason.
    fn answer(
        &self,
        head: &[u8],
        crowded: bool,
    ) -> Result<(String, Action, Agreed), (u16, String)> {
        if crowded {
            return Err((503, "too many connections at a time".to_owned()));
        }
        let not_http = || (400, "the request is not HTTP".to_owned());
        let request = ReadRequest::read(head).ok_or_else(not_http)?;
        if let Some(fault) = request.fault() {
            return Err((400, fault.to_string()));
        }
        let action = route(&request.target, self.cases);
        let action = action.map_err(|error| (500, error.to_string()))?;
        let agreed = match agree(&request, &action) {
            Ok(agreed) => agreed,
            Err(error) => {
                let response = self.refusal(400, &error.to_string());
                return Ok((response, action, Err(error)));
            }
        };
        let (extension, agreement) = agreed.unzip();
        let answer = Answer::to(&request).with(|head| match &extension {
            Some(extension) => head.add("Sec-WebSocket-Extensions", extension),
            None => head,
        });
        let response = String::from_utf8_lossy(&answer.head.bytes()).into_owned();
        Ok((response, action, Ok(agreement)))
    }

    fn act(
        &self,
        action: Action,
        agreed: Agreed,
        link: Link,
        started: SystemTime,
        handshake: Handshake,
    ) {
        match action {
            Action::RunCase(selected, agent) if self.observer.skips(&agent, selected.case) => {
                self.talk(link, Reply(None));
            }
            Action::RunCase(selected, agent) => {
                let Some(script) = selected.case.script() else {
                    return;
                };
                self.run_case(selected.case, agent.clone(), || {
                    let recording = self.recording(selected, agent, started, handshake);
                    match agreed {
                        Ok(agreement) => self.play_script(recording, script, link, agreement),
                        Err(error) => Some(refused(recording, script, &error)),
                    }
                });
            }
            Action::CaseCount => self.talk(link, Reply(Some(json!(self.cases.len())))),
            Action::CaseInfo(Selected { case, .. }) => {
                let info = json!({"id": case.id(), "description": case.description()});
                self.talk(link, Reply(Some(info)));
            }
            Action::CaseStatus(Selected { case, .. }, agent) => {
                let result = || {
                    let agents = self.agents();
                    agents.get(&agent)?.results.get(&case.id()).copied()
                };
                let next_poll = None;
                self.talk(link, Status { result, next_poll });
            }
            Action::UpdateReports { agent, shutdown } => {
                self.settle(|name| name == agent);
                self.observer.update_reports(&agent);
                self.talk(link, Reply(None));
                if shutdown || self.observer.ends_after_reports() {
                    self.end(Ended::Complete);
                }
            }
            Action::StopServer => {
                self.settle(|_| true);
                self.talk(link, Reply(None));
                self.end(Ended::StopRequested);
            }
            Action::Commands(path) => match self.observer.takes_commands(&path) {
                true => self.talk(link, Commands),
                false => self.talk(link, Reply(None)),
            },
        }
    }

    fn talk(&self, link: Link, handler: impl Handler) {
        let now = Instant::now();
        let connection = Connection::new(Role::Client, self.settings, self.settings.seed);
        let mut endpoint = Endpoint::new(connection, handler, now, now + MAX_DURATION);
        // There is no report about these connections.
        let _ = link.drive(&mut endpoint);
    }

    /// Plays a case. An interrupted case has no record, because it shows nothing about the testee.
    fn run_case(&self, case: &'static Case, agent: String, play: impl FnOnce() -> Option<Record>) {
        self.observer.started(&agent, case);
        self.agents().entry(agent.clone()).or_default().running += 1;
        let behavior = play().map(|record| {
            let behavior = record.verdict.behavior;
            self.observer.finished(record);
            behavior
        });
        let mut agents = self.agents();
        let known = agents.entry(agent).or_default();
        known.running -= 1;
        let result = behavior.map(|behavior| (case.id(), behavior));
        known.results.extend(result);
        self.changed.notify_all();
    }

    fn play_script(
        &self,
        recording: Recording<'_>,
        script: &Script,
        link: Link,
        agreement: Option<Agreement>,
    ) -> Option<Record> {
        let case = recording.case;
        let settings = self.settings;
        let now = Instant::now();
        let seed = settings.seed ^ case.number() as u64;
        let connection = Connection::new(Role::Client, settings, seed)
            .with_handshake(&recording.handshake)
            .with_compression(agreement);
        let watchdog = now + settings.scaled(case.time_limit() + settings.watchdog);
        let run = CaseRun::new(script, settings);
        let mut endpoint = Endpoint::new(connection, run, now, watchdog);
        link.drive(&mut endpoint).ok()?;
        Some(recording.finish_script(script, endpoint, now.elapsed()))
    }

    /// Waits for the running cases of these clients, within [`SETTLE_TIMEOUT`].
    fn settle(&self, concerns: impl Fn(&str) -> bool) {
        let running = |agents: &mut HashMap<String, Agent>| {
            let mut agents = agents.iter();
            agents.any(|(name, known)| known.running > 0 && concerns(name))
        };
        let _settled = self
            .changed
            .wait_timeout_while(self.agents(), SETTLE_TIMEOUT, running)
            .unwrap_or_else(PoisonError::into_inner);
    }

    /// Locks the clients. A panic of an observer leaves the map valid.
    fn agents(&self) -> MutexGuard<'_, HashMap<String, Agent>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The agreement on compression. An invalid offer is refused.
type Agreed = Result<Option<Agreement>, ExtensionError>;

/// Returns the agreement on compression, and its header in the answer.
fn agree(
    request: &ReadRequest,
    action: &Action,
) -> Result<Option<(String, Agreement)>, ExtensionError> {
    let demands = match action {
        Action::RunCase(Selected { case, .. }, _) => case.script().map_or(&[][..], Script::demands),
        _ => &[],
    };
    if demands.is_empty() {
        return Ok(None);
    }
    deflate::agree(&request.all("Sec-WebSocket-Extensions"), demands)
}

/// Returns the record of a case whose connection was refused.
fn refused(recording: Recording<'_>, script: &Script, error: &ExtensionError) -> Record {
    recording.never_opened(
        script,
        Ending {
            not_clean_reason: Some("the opening handshake was not completed"),
            violations: vec![format!("opening handshake: {error}")],
            ..Ending::default()
        },
    )
}
