//! The servers of a comparison.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::entrants;
use super::scenario::Scenario;

/// A server and the command that starts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contestant {
    pub(crate) name: String,
    pub(crate) side: Side,
    /// The name of its floor without TLS.
    floor: Option<&'static str>,
    pub(crate) program: Program,
    pub(crate) task: Task,
    /// The options without compression, apart from `--port`. `None` if the server takes no part.
    plain: Option<&'static [&'static str]>,
    /// The options with compression.
    deflate: Option<&'static [&'static str]>,
    /// The options over TLS, without those for the certificate.
    tls: Option<&'static [&'static str]>,
}

/// The origin of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Side {
    /// A server that echoes bytes and does not implement WebSocket.
    Floor,
    Ours,
    Peer,
}

/// The task of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// A server that echoes.
    Echo,
    /// A server that sends the same messages to all.
    Broadcast,
    /// A client that loads an echo server.
    Client,
}

/// The program that is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// An executable that was built, by its package and name.
    Built {
        package: Package,
        name: &'static str,
    },
    /// A command line for the shell of the system. `{port}` stands for the port to listen on.
    CommandLine(String),
}

/// The package of executables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Package {
    /// `ws-benches`: floors and load.
    Benches,
    /// `ws-peers`: our servers.
    Ours,
    /// `benches/peers`: servers on other libraries.
    Peers,
}

impl Contestant {
    /// Creates a program for a task without a floor and without compression.
    pub(super) fn of_task(
        task: Task,
        name: &str,
        side: Side,
        (package, program): (Package, &'static str),
        options: &'static [&'static str],
    ) -> Self {
        Self {
            name: name.to_owned(),
            side,
            floor: None,
            program: Program::Built {
                package,
                name: program,
            },
            task,
            plain: Some(options),
            deflate: None,
            tls: None,
        }
    }

    /// Returns the options in this scenario, or `None` if the program takes no part.
    pub(super) fn options(&self, scenario: &Scenario) -> Option<&'static [&'static str]> {
        match scenario.tls {
            _ if self.task != scenario.task => None,
            true => self.tls,
            false => self.echo_options(scenario.deflate),
        }
    }

    /// Returns the name of the floor in this scenario.
    pub(super) fn floor(&self, scenario: &Scenario) -> Option<&'static str> {
        match scenario.tls {
            true => Some(TLS),
            false => self.floor,
        }
    }

    /// Returns the options with or without compression, or `None` if the program takes no part.
    pub(crate) fn echo_options(&self, deflate: bool) -> Option<&'static [&'static str]> {
        match deflate {
            true => self.deflate,
            false => self.plain,
        }
    }
}

/// The value `NAME=COMMAND` of `--server`.
#[derive(Clone, Debug)]
pub(crate) struct Added(Contestant);

impl Added {
    pub(crate) fn contestant(&self) -> Contestant {
        self.0.clone()
    }
}

impl FromStr for Added {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, command) = text.split_once('=').unwrap_or_default();
        ensure!(
            !name.is_empty() && command.contains("{port}"),
            "`{text}` is not NAME=COMMAND with {{port}} in the command"
        );
        Ok(Self(Contestant {
            name: name.to_owned(),
            side: Side::Peer,
            floor: Some("floor-poll"),
            program: Program::CommandLine(command.to_owned()),
            task: Task::Echo,
            plain: Some(&[]),
            deflate: Some(&[]),
            tls: None,
        }))
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Floor => "floor",
            Self::Ours => "ours",
            Self::Peer => "peer",
        })
    }
}

const TOKIO: &str = "floor-tokio";
const ASYNC_STD: &str = "floor-async-std";
const SMOL: &str = "floor-smol";
const TLS: &str = "floor-tls-tokio";

/// Returns all programs that are built, in the order of the tables.
pub(crate) fn built() -> Vec<Contestant> {
    let floors = ["floor-poll", TOKIO, ASYNC_STD, SMOL].map(floor);
    let tls_floor = Contestant {
        plain: None,
        tls: Some(&[]),
        ..floor(TLS)
    };
    let ours = [
        ("echo-tokio", TOKIO),
        ("echo-async-std", ASYNC_STD),
        ("echo-smol", SMOL),
    ]
    .map(|(name, floor)| ours(name, floor));
    let split = Contestant {
        floor: Some(TOKIO),
        side: Side::Ours,
        ..floor("echo-tokio-split")
    };
    let peers = PEERS.iter().map(Peer::contestant);
    let floors = floors.into_iter().chain([tls_floor]);
    let echoing = floors.chain(ours).chain([split]).chain(peers);
    echoing.chain(entrants::all()).collect()
}

fn floor(name: &'static str) -> Contestant {
    Contestant {
        name: name.to_owned(),
        side: Side::Floor,
        floor: Some(name),
        program: Program::Built {
            package: Package::Benches,
            name,
        },
        task: Task::Echo,
        plain: Some(&[]),
        deflate: None,
        tls: None,
    }
}

fn ours(name: &'static str, floor: &'static str) -> Contestant {
    Contestant {
        name: name.to_owned(),
        side: Side::Ours,
        floor: Some(floor),
        program: Program::Built {
            package: Package::Ours,
            name,
        },
        task: Task::Echo,
        plain: Some(&[]),
        deflate: Some(&["--deflate"]),
        tls: Some(&[]),
    }
}

/// A line of the table of servers on other libraries.
struct Peer {
    name: &'static str,
    program: &'static str,
    floor: &'static str,
    plain: Option<&'static [&'static str]>,
    deflate: Option<&'static [&'static str]>,
    tls: Option<&'static [&'static str]>,
}

impl Peer {
    const fn new(name: &'static str, program: &'static str, floor: &'static str) -> Self {
        Self {
            name,
            program,
            floor,
            plain: Some(&[]),
            deflate: None,
            tls: None,
        }
    }

    /// Selects batches, and the buffers that the library's own measurements use.
    const fn tuned(mut self) -> Self {
        self.plain = Some(&["--tuned"]);
        self
    }

    /// Adds the scenarios with compression.
    const fn deflate(mut self, options: &'static [&'static str]) -> Self {
        self.deflate = Some(options);
        self
    }

    /// Adds the scenarios over TLS, with the options without TLS.
    const fn tls(mut self) -> Self {
        self.tls = self.plain;
        self
    }

    /// Removes the scenarios without compression.
    const fn only_deflate(mut self) -> Self {
        self.plain = None;
        self
    }

    fn contestant(&self) -> Contestant {
        Contestant {
            name: self.name.to_owned(),
            side: Side::Peer,
            floor: Some(self.floor),
            program: Program::Built {
                package: Package::Peers,
                name: self.program,
            },
            task: Task::Echo,
            plain: self.plain,
            deflate: self.deflate,
            tls: self.tls,
        }
    }
}

const DEFLATE: &[&str] = &["--deflate"];
const TUNED_DEFLATE: &[&str] = &["--tuned", "--deflate"];
const TUNED_DEFLATE_1: &[&str] = &["--tuned", "--deflate", "--level", "1"];

const PEERS: &[Peer] = &[
    Peer::new("tokio-websockets", "peer-tokio-websockets", TOKIO).tls(),
    Peer::new("fastwebsockets", "peer-fastwebsockets", TOKIO),
    Peer::new("wtx", "peer-wtx", TOKIO),
    Peer::new("web-socket", "peer-web-socket", TOKIO),
    Peer::new("web-socket-tuned", "peer-web-socket", TOKIO).tuned(),
    Peer::new("tokio-tungstenite", "peer-tokio-tungstenite", TOKIO).tls(),
    Peer::new("tokio-tungstenite-tuned", "peer-tokio-tungstenite", TOKIO)
        .tuned()
        .tls(),
    Peer::new("yawc", "peer-yawc", TOKIO).deflate(DEFLATE),
    Peer::new("yawc-tuned", "peer-yawc", TOKIO)
        .tuned()
        .deflate(TUNED_DEFLATE),
    Peer::new("yawc-tuned-level-1", "peer-yawc", TOKIO)
        .only_deflate()
        .deflate(TUNED_DEFLATE_1),
    Peer::new("sockudo-ws", "peer-sockudo-ws", TOKIO).deflate(DEFLATE),
    Peer::new("sockudo-ws-tuned", "peer-sockudo-ws", TOKIO)
        .tuned()
        .deflate(TUNED_DEFLATE),
    Peer::new("sockudo-ws-tuned-level-1", "peer-sockudo-ws", TOKIO)
        .only_deflate()
        .deflate(TUNED_DEFLATE_1),
    Peer::new(
        "async-tungstenite-async-std",
        "peer-async-tungstenite-async-std",
        ASYNC_STD,
    ),
    Peer::new(
        "async-tungstenite-async-std-tuned",
        "peer-async-tungstenite-async-std",
        ASYNC_STD,
    )
    .tuned(),
    Peer::new(
        "async-tungstenite-smol",
        "peer-async-tungstenite-smol",
        SMOL,
    ),
    Peer::new(
        "async-tungstenite-smol-tuned",
        "peer-async-tungstenite-smol",
        SMOL,
    )
    .tuned(),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::scenario::SCENARIOS;
    use super::*;

    #[test]
    fn names_are_unique_and_floors_exist() {
        let all = built();
        let names: BTreeSet<_> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        for (one, scenario) in all
            .iter()
            .flat_map(|one| SCENARIOS.iter().map(move |scenario| (one, scenario)))
            .filter(|(one, scenario)| one.options(scenario).is_some())
        {
            let floor = one.floor(scenario);
            let floor = floor.and_then(|floor| all.iter().find(|one| one.name == floor));
            assert_eq!(floor.is_some(), one.task == Task::Echo, "{}", one.name);
            if let Some(floor) = floor.filter(|_| !scenario.deflate) {
                assert!(floor.options(scenario).is_some(), "{}", one.name);
            }
        }
    }

    #[test]
    fn floors_do_not_compress_and_every_scenario_has_peers_and_ours() {
        for scenario in SCENARIOS {
            let takes_part = |side| {
                let mut all = built().into_iter().filter(move |one| one.side == side);
                all.any(|one| one.options(scenario).is_some())
            };
            assert_eq!(
                takes_part(Side::Floor),
                scenario.task == Task::Echo && !scenario.deflate,
                "{}",
                scenario.name
            );
            assert!(
                takes_part(Side::Ours) && takes_part(Side::Peer),
                "{}",
                scenario.name
            );
        }
    }

    #[test]
    fn servers_are_added_by_name_and_command() {
        let added: Added = "uws=./uws --listen={port} -q".parse().unwrap();
        assert_eq!(added.0.name, "uws");
        let command = "./uws --listen={port} -q".to_owned();
        assert_eq!(added.0.program, Program::CommandLine(command));
        for wrong in ["uws", "=x {port}", "uws=./uws 9001"] {
            assert!(wrong.parse::<Added>().is_err(), "{wrong}");
        }
    }
}
