//! Cases: names, descriptions, deciding rules, and the actions of the suite.

mod http;
mod id;
pub mod pattern;
mod rule;

pub use http::Http;
pub use id::{CaseId, NotACaseId};
pub use rule::{Level, Party, Rule};

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::dialogue::{Outcome, Peer};
use crate::role::Role;
use crate::script::Script;

/// The tested side of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Roles {
    /// Servers and clients.
    Both,
    /// Servers only.
    Server,
    /// Clients only.
    Client,
}

impl Roles {
    /// Returns `true` if a testee with this role gets the case.
    pub fn include(self, role: Role) -> bool {
        match self {
            Self::Both => true,
            Self::Server => role == Role::Server,
            Self::Client => role == Role::Client,
        }
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Both => "both",
            Self::Server => "server",
            Self::Client => "client",
        })
    }
}

/// A set of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Set {
    /// The 517 cases of the AutobahnTestSuite 25.10.1: groups 1 to 13.
    Original,
    /// The cases beyond those: groups 20 and up.
    Extra,
}

/// The part of the testee's time and memory that a case takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The case mostly waits.
    Light,
    /// The case keeps a core busy.
    Heavy,
    /// No other case may run beside the case. The case may occupy the testee completely, or its
    /// verdict depends on the speed of the testee.
    Alone,
}

/// The way a case is played.
pub(crate) enum Play {
    /// Timed steps and lists of events, as in the original suite.
    Script(Box<Script>),
    /// A conversation, written down step by step.
    Dialogue(Dialogue),
}

/// The conversation of a case with a testee.
pub(crate) type Dialogue = Box<dyn Fn(&mut Peer<'_>) -> Outcome + Send + Sync>;

/// The time that a dialogue may take unless its case says otherwise.
const DIALOGUE_TIME: Duration = Duration::from_secs(60);

/// A case. [`cases`](crate::cases) has all of them.
pub struct Case {
    id: CaseId,
    number: usize,
    roles: Roles,
    /// The only version of HTTP with which the case makes sense.
    http: Option<Http>,
    title: &'static str,
    description: String,
    expectation: String,
    rule: Option<&'static Rule>,
    sections: &'static [&'static str],
    weight: Weight,
    dialogue_time: Duration,
    play: Play,
}

impl Case {
    /// Creates a case that plays a script. Complete it with [`does`](Self::does),
    /// [`wants`](Self::wants) and [`see`](Self::see).
    pub(crate) fn scripted(id: CaseId, title: &'static str, script: Script) -> Self {
        Self::with_play(id, Roles::Both, title, Play::Script(Box::new(script)))
    }

    /// Creates a case that plays a dialogue and is decided by this rule. Complete it with
    /// [`does`](Self::does) and [`wants`](Self::wants).
    pub(crate) fn new(
        id: &str,
        roles: Roles,
        title: &'static str,
        rule: &'static Rule,
        dialogue: impl Fn(&mut Peer<'_>) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        let id = id.parse().expect("ids are written in this crate only");
        let mut case = Self::with_play(id, roles, title, Play::Dialogue(Box::new(dialogue)));
        case.rule = Some(rule);
        case
    }

    fn with_play(id: CaseId, roles: Roles, title: &'static str, play: Play) -> Self {
        Self {
            id,
            number: 0,
            roles,
            http: None,
            title,
            description: String::new(),
            expectation: String::new(),
            rule: None,
            sections: &[],
            weight: Weight::Light,
            dialogue_time: DIALOGUE_TIME,
            play,
        }
    }

    pub(crate) fn does(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    pub(crate) fn wants(mut self, expectation: impl Into<String>) -> Self {
        self.expectation = expectation.into();
        self
    }

    /// Names the sections to read, besides that of the rule.
    pub(crate) fn see(mut self, sections: &'static [&'static str]) -> Self {
        self.sections = sections;
        self
    }

    /// Notes that the case keeps a core busy.
    pub(crate) fn heavy(mut self) -> Self {
        self.weight = Weight::Heavy;
        self
    }

    /// Notes that no other case may run beside the case.
    pub(crate) fn alone(mut self) -> Self {
        self.weight = Weight::Alone;
        self
    }

    /// Sets the time that the dialogue may take.
    pub(crate) fn takes(mut self, time: Duration) -> Self {
        self.dialogue_time = time;
        self
    }

    /// Changes the script.
    pub(crate) fn edit(mut self, change: impl FnOnce(&mut Script)) -> Self {
        if let Play::Script(script) = &mut self.play {
            change(script);
        }
        self
    }

    /// Restricts the case to a version of HTTP.
    pub(crate) fn set_http(&mut self, http: Option<Http>) {
        self.http = http;
    }

    pub(crate) fn set_number(&mut self, number: usize) {
        self.number = number;
    }

    pub(crate) fn play(&self) -> &Play {
        &self.play
    }

    /// Returns the name.
    pub fn id(&self) -> CaseId {
        self.id
    }

    /// Returns the set.
    pub fn set(&self) -> Set {
        self.id.set()
    }

    /// Returns the position in the set, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns the tested side.
    pub fn roles(&self) -> Roles {
        self.roles
    }

    /// Returns the only version of HTTP with which the case makes sense, or `None` if it makes
    /// sense with all.
    pub fn http(&self) -> Option<Http> {
        self.http
    }

    /// Returns `true` if the case makes sense with this version of HTTP.
    pub fn runs_over(&self, http: Http) -> bool {
        self.http.is_none_or(|only| only == http)
    }

    /// Returns the subject of the family, in a few words.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// Describes the actions of the suite.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Describes the reaction that the case expects.
    pub fn expectation(&self) -> &str {
        &self.expectation
    }

    /// Returns the rule that decides the case. Cases of the original suite have none.
    pub fn rule(&self) -> Option<&'static Rule> {
        self.rule
    }

    /// Returns the strength of the rule that decides the case.
    pub fn demands(&self) -> Level {
        self.rule.map_or(Level::Must, |rule| rule.level)
    }

    /// Returns the sections to read, such as `RFC 6455 §5.2`, that of the rule first.
    pub fn sections(&self) -> impl Iterator<Item = &'static str> + use<> {
        let rule = self.rule.map(|rule| rule.section);
        rule.into_iter().chain(self.sections.iter().copied())
    }

    pub(crate) fn weight(&self) -> Weight {
        self.weight
    }

    /// Returns `true` if the case keeps a core busy.
    pub fn is_heavy(&self) -> bool {
        self.weight != Weight::Light
    }

    /// Returns the time that the case takes if only its own limits end it.
    pub fn time_limit(&self) -> Duration {
        match &self.play {
            Play::Script(script) => script.time_limit(),
            Play::Dialogue(_) => self.dialogue_time,
        }
    }

    /// Returns the script of a case of the original suite.
    pub fn script(&self) -> Option<&Script> {
        match &self.play {
            Play::Script(script) => Some(script),
            Play::Dialogue(_) => None,
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("id", &self.id)
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}
