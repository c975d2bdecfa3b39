//! One connection of a client, from the request to the end of TCP.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use mio::net::TcpStream;
use serde_json::json;

use super::answers::{Answer, Status};
use super::commands::Commands;
use super::route::{Action, Selected, route};
use super::{Ended, Observer};
use crate::case_id::CaseId;
use crate::cases::Case;
use crate::endpoint::{CaseRun, Connection, Dialogue, Endpoint};
use crate::http::{ServedRequest, accept_response, error_response};
use crate::link::Link;
use crate::recording::{Handshake, Recording};
use crate::role::Role;
use crate::settings::{Settings, StopFlag};
use crate::verdict::Behavior;

/// How long reports wait for cases whose connections are about to be over: a client may ask for
/// them before the suite has seen the end of its last case.
const SETTLING: Duration = Duration::from_secs(1);
/// How long a connection that runs no case may last.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// What the connections share.
pub(super) struct Hall<'a, O> {
    cases: &'a [&'static Case],
    settings: &'a Settings,
    observer: &'a O,
    /// Raised when serving is over, for whatever reason.
    over: StopFlag,
    ended: OnceLock<Ended>,
    agents: Mutex<HashMap<String, Agent>>,
    /// Told when a case is over.
    changed: Condvar,
}

/// What is known of a client.
#[derive(Debug, Default)]
struct Agent {
    running: usize,
    results: HashMap<CaseId, Behavior>,
}

impl<'a, O: Observer> Hall<'a, O> {
    pub(super) fn new(cases: &'a [&'static Case], settings: &'a Settings, observer: &'a O) -> Self {
        Self {
            cases,
            settings,
            observer,
            over: StopFlag::default(),
            ended: OnceLock::new(),
            agents: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Ends the serving; the first reason counts.
    pub(super) fn end(&self, ended: Ended) {
        self.ended.get_or_init(|| ended);
        self.over.raise();
    }

    /// Why serving is over, if it is.
    pub(super) fn ended(&self) -> Option<Ended> {
        self.ended.get().copied()
    }

    /// Serves a connection. A client that goes away in between is no error of anybody.
    pub(super) fn serve(&self, stream: TcpStream, crowded: bool) {
        let started = SystemTime::now();
        let limit = self.settings.scaled(self.settings.open_handshake_timeout);
        let deadline = Instant::now() + limit;
        let Ok(mut link) = Link::new(stream, &self.over) else {
            return;
        };
        let mut head = Vec::new();
        if link.read_head(&mut head, deadline).is_err() {
            return;
        }
        let (response, action) = match self.answer(&head, crowded) {
            Ok((accept, action)) => (accept_response(&accept), Some(action)),
            Err((status, text)) => (error_response(status, &text), None),
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
            Some(action) => self.act(action, link, started, handshake),
            None => link.linger(deadline),
        }
    }

    /// What the request asks for, and the answer to its key; else a status and why.
    fn answer(&self, head: &[u8], crowded: bool) -> Result<(String, Action), (u16, String)> {
        if crowded {
            return Err((503, "too many connections at a time".to_owned()));
        }
        let request = ServedRequest::read(head).map_err(|error| (400, error.to_string()))?;
        let action = route(&request.resource, self.cases);
        let action = action.map_err(|error| (500, error.to_string()))?;
        Ok((request.accept, action))
    }

    fn act(&self, action: Action, link: Link, started: SystemTime, handshake: Handshake) {
        match action {
            Action::RunCase(selected, agent) if self.observer.skips(&agent, selected.case) => {
                self.talk(link, Answer(None));
            }
            Action::RunCase(selected, agent) => {
                self.run_case(selected, agent, link, started, handshake);
            }
            Action::CaseCount => self.talk(link, Answer(Some(json!(self.cases.len())))),
            Action::CaseInfo(Selected { case, .. }) => {
                let info = json!({"id": case.id(), "description": case.description()});
                self.talk(link, Answer(Some(info)));
            }
            Action::CaseStatus(Selected { case, .. }, agent) => {
                let result = || {
                    let agents = self.agents();
                    agents.get(&agent)?.results.get(&case.id()).copied()
                };
                let next_look = None;
                self.talk(link, Status { result, next_look });
            }
            Action::UpdateReports { agent, shutdown } => {
                self.settle(|name| name == agent);
                self.observer.update_reports(&agent);
                self.talk(link, Answer(None));
                if shutdown || self.observer.ends_after_reports() {
                    self.end(Ended::Complete);
                }
            }
            Action::StopServer => {
                self.settle(|_| true);
                self.talk(link, Answer(None));
                self.end(Ended::StopRequested);
            }
            Action::Commands => self.talk(link, Commands),
        }
    }

    fn talk(&self, link: Link, dialogue: impl Dialogue) {
        let now = Instant::now();
        let connection = Connection::new(Role::Client, self.settings, self.settings.seed);
        let mut endpoint = Endpoint::new(connection, dialogue, now, now + PATIENCE);
        // Nothing is reported about these connections.
        let _ = link.drive(&mut endpoint);
    }

    fn run_case(
        &self,
        selected: Selected,
        agent: String,
        link: Link,
        started: SystemTime,
        handshake: Handshake,
    ) {
        let case = selected.case;
        self.observer.started(&agent, case);
        self.agents().entry(agent.clone()).or_default().running += 1;
        let now = Instant::now();
        let settings = self.settings;
        let seed = settings.seed ^ case.number() as u64;
        let connection = Connection::new(Role::Client, settings, seed);
        let watchdog = now + settings.scaled(case.time_limit() + settings.watchdog);
        let run = CaseRun::new(case, settings);
        let mut endpoint = Endpoint::new(connection, run, now, watchdog);
        let driven = link.drive(&mut endpoint);
        let recording = Recording {
            case,
            number: selected.position,
            agent: agent.clone(),
            testee: Role::Client,
            started,
            seed: settings.seed,
            handshake,
        };
        // A case that was cut off says nothing about the testee.
        let behavior = driven.ok().map(|()| {
            let record = recording.finish(endpoint, now.elapsed());
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

    /// Waits a moment for the cases of these clients that are still running.
    fn settle(&self, concerns: impl Fn(&str) -> bool) {
        let running = |agents: &mut HashMap<String, Agent>| {
            let mut agents = agents.iter();
            agents.any(|(name, known)| known.running > 0 && concerns(name))
        };
        let _settled = self
            .changed
            .wait_timeout_while(self.agents(), SETTLING, running)
            .unwrap_or_else(PoisonError::into_inner);
    }

    /// A panic of an observer leaves the map as good as it was.
    fn agents(&self) -> MutexGuard<'_, HashMap<String, Agent>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
