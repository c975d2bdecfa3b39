//! What a case of this set is made of.

use std::fmt;

use serde::Serialize;

use super::outcome::Outcome;
use super::peer::Peer;
use crate::case_id::CaseId;
use crate::role::Role;

/// How much the rule behind a case demands (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Level {
    /// A testee that does otherwise is wrong.
    #[serde(rename = "MUST")]
    Must,
    /// A testee needs a good reason to do otherwise.
    #[serde(rename = "SHOULD")]
    Should,
    /// The case only shows what the testee does.
    #[serde(rename = "informational")]
    Informational,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::Informational => "informational",
        })
    }
}

/// Which testees a case is for.
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
    /// Whether a testee with this role gets the case.
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

/// The dialogue of a case.
type Run = Box<dyn Fn(&mut Peer<'_>) -> Outcome + Send + Sync>;

/// A case: what it does, what it expects, and by which rule.
pub struct Case {
    id: CaseId,
    number: usize,
    roles: Roles,
    level: Level,
    title: &'static str,
    description: String,
    expectation: String,
    rules: &'static [&'static str],
    run: Run,
}

impl Case {
    /// A case about a MUST. To be completed with [`does`](Self::does) and [`wants`](Self::wants).
    pub(super) fn new(
        id: &str,
        roles: Roles,
        title: &'static str,
        rules: &'static [&'static str],
        run: impl Fn(&mut Peer<'_>) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: id.parse().expect("ids are written in this crate only"),
            number: 0,
            roles,
            level: Level::Must,
            title,
            description: String::new(),
            expectation: String::new(),
            rules,
            run: Box::new(run),
        }
    }

    pub(super) fn does(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    pub(super) fn wants(mut self, expectation: impl Into<String>) -> Self {
        self.expectation = expectation.into();
        self
    }

    pub(super) fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    pub(super) fn informational(self) -> Self {
        self.level(Level::Informational)
    }

    pub(super) fn set_number(&mut self, number: usize) {
        self.number = number;
    }

    pub(super) fn run(&self, peer: &mut Peer<'_>) -> Outcome {
        (self.run)(peer)
    }

    /// Its name.
    pub fn id(&self) -> CaseId {
        self.id
    }

    /// Its position, from 1, in this set.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Which testees it is for.
    pub fn roles(&self) -> Roles {
        self.roles
    }

    /// How much the rule behind it demands.
    pub fn demands(&self) -> Level {
        self.level
    }

    /// What its family is about, in a few words.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// What it does.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What it expects.
    pub fn expectation(&self) -> &str {
        &self.expectation
    }

    /// The sections that say so, such as `RFC 6455 §5.2`.
    pub fn rules(&self) -> &'static [&'static str] {
        self.rules
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("id", &self.id)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}
