//! The sentences that decide cases.

use std::fmt;

use serde::Serialize;

/// The strength of a rule (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Level {
    /// A testee that does otherwise is wrong.
    #[serde(rename = "MUST")]
    Must,
    /// A testee needs a good reason to do otherwise.
    #[serde(rename = "SHOULD")]
    Should,
    /// No rule prescribes the reaction. The case reports it.
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

/// The party whose behavior a sentence prescribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// The server.
    Server,
    /// The client.
    Client,
    /// Server and client, whatever they do.
    Endpoint,
    /// The side that sends. A recipient need not enforce the rule unless another sentence says so.
    Sender,
    /// The side that receives.
    Recipient,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Endpoint => "endpoint",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
        })
    }
}

/// A sentence of a standard that decides cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// The section, such as `RFC 6455 §5.2`.
    pub section: &'static str,
    /// The strength of the rule for the testee.
    pub level: Level,
    /// The party that the sentence binds.
    pub binds: Party,
    /// The sentence, as the standard has it. Omissions are marked with `[…]`.
    pub sentence: &'static str,
}

impl Rule {
    /// Creates a rule that the testee must follow.
    pub(crate) const fn must(section: &'static str, binds: Party, sentence: &'static str) -> Self {
        Self {
            section,
            level: Level::Must,
            binds,
            sentence,
        }
    }

    /// Creates a rule that the testee should follow.
    pub(crate) const fn should(
        section: &'static str,
        binds: Party,
        sentence: &'static str,
    ) -> Self {
        Self {
            level: Level::Should,
            ..Self::must(section, binds, sentence)
        }
    }

    /// Creates a rule that leaves the reaction to the testee.
    pub(crate) const fn open(section: &'static str, binds: Party, sentence: &'static str) -> Self {
        Self {
            level: Level::Informational,
            ..Self::must(section, binds, sentence)
        }
    }
}
