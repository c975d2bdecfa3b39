//! The programs of a comparison: servers and clients.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::scenario::Scenario;

/// Options of a program.
type Options = &'static [&'static str];

/// A program and its options in each kind of scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contestant {
    pub(crate) name: Cow<'static, str>,
    pub(crate) side: Side,
    /// The name of its floor without TLS.
    floor: Option<&'static str>,
    pub(crate) program: Program,
    pub(crate) task: Task,
    /// The options without compression, apart from `--port`. `None` if the program takes no part.
    plain: Option<Options>,
    /// The options with compression.
    deflate: Option<Options>,
    /// The options over TLS, without those for the certificate.
    tls: Option<Options>,
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
    /// `ws-bench-programs`: floors and load.
    Benches,
    /// `ws-peers`: our servers.
    Ours,
    /// The examples of `ws-axum`.
    Axum,
    /// `benches/peers`: servers on other libraries.
    Peers,
}

impl Contestant {
    /// Creates a program that takes part without compression and without TLS. Its floor is itself,
    /// if it is a floor.
    const fn new(
        task: Task,
        side: Side,
        name: &'static str,
        package: Package,
        program: &'static str,
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            side,
            floor: match side {
                Side::Floor => Some(name),
                Side::Ours | Side::Peer => None,
            },
            program: Program::Built {
                package,
                name: program,
            },
            task,
            plain: Some(&[]),
            deflate: None,
            tls: None,
        }
    }

    /// Creates a program whose executable has its name.
    pub(super) const fn named(
        task: Task,
        side: Side,
        package: Package,
        name: &'static str,
    ) -> Self {
        Self::new(task, side, name, package, name)
    }

    const fn on_floor(mut self, floor: &'static str) -> Self {
        self.floor = Some(floor);
        self
    }

    /// Selects batches, and the buffers that the library's own measurements use.
    const fn tuned(mut self) -> Self {
        self.plain = Some(&["--tuned"]);
        self
    }

    /// Adds the scenarios with compression.
    const fn deflate(mut self, options: Options) -> Self {
        self.deflate = Some(options);
        self
    }

    /// Adds the scenarios over TLS, with the options without TLS.
    const fn tls(mut self) -> Self {
        self.tls = self.plain;
        self
    }

    /// Removes the scenarios without compression and without TLS.
    const fn not_plain(mut self) -> Self {
        self.plain = None;
        self
    }

    /// Returns the options in this scenario, or `None` if the program takes no part.
    pub(super) fn options(&self, scenario: &Scenario) -> Option<Options> {
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
    pub(crate) fn echo_options(&self, deflate: bool) -> Option<Options> {
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
            name: name.to_owned().into(),
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
    BUILT.to_vec()
}

const fn floor(name: &'static str) -> Contestant {
    Contestant::named(Task::Echo, Side::Floor, Package::Benches, name)
}

const fn ours(name: &'static str, floor: &'static str) -> Contestant {
    let echo = Contestant::named(Task::Echo, Side::Ours, Package::Ours, name);
    echo.on_floor(floor).deflate(DEFLATE).tls()
}

const fn peer(name: &'static str, program: &'static str, floor: &'static str) -> Contestant {
    Contestant::new(Task::Echo, Side::Peer, name, Package::Peers, program).on_floor(floor)
}

const fn other(task: Task, side: Side, name: &'static str) -> Contestant {
    let package = match side {
        Side::Peer => Package::Peers,
        Side::Ours | Side::Floor => Package::Benches,
    };
    Contestant::named(task, side, package, name)
}

const DEFLATE: Options = &["--deflate"];
const TUNED_DEFLATE: Options = &["--tuned", "--deflate"];
const TUNED_DEFLATE_1: Options = &["--tuned", "--deflate", "--level", "1"];
const BROADCAST: &str = "broadcast-tokio-websockets";
const TUNGSTENITE_ASYNC_STD: &str = "peer-async-tungstenite-async-std";
const TUNGSTENITE_SMOL: &str = "peer-async-tungstenite-smol";

const BUILT: &[Contestant] = &[
    floor("floor-poll"),
    floor(TOKIO),
    floor(ASYNC_STD),
    floor(SMOL),
    floor(TLS).tls().not_plain(),
    ours("echo-tokio", TOKIO),
    ours("echo-async-std", ASYNC_STD),
    ours("echo-smol", SMOL),
    Contestant::named(Task::Echo, Side::Ours, Package::Axum, "echo-axum")
        .on_floor(TOKIO)
        .deflate(&[]),
    other(Task::Echo, Side::Ours, "echo-tokio-split").on_floor(TOKIO),
    other(Task::Echo, Side::Ours, "echo-tokio-owned").on_floor(TOKIO),
    peer("tokio-websockets", "peer-tokio-websockets", TOKIO).tls(),
    peer("axum", "peer-axum", TOKIO),
    peer("fastwebsockets", "peer-fastwebsockets", TOKIO),
    peer("wtx", "peer-wtx", TOKIO),
    peer("web-socket", "peer-web-socket", TOKIO),
    peer("web-socket-tuned", "peer-web-socket", TOKIO).tuned(),
    peer("tokio-tungstenite", "peer-tokio-tungstenite", TOKIO).tls(),
    peer("tokio-tungstenite-tuned", "peer-tokio-tungstenite", TOKIO)
        .tuned()
        .tls(),
    peer("yawc", "peer-yawc", TOKIO).deflate(DEFLATE),
    peer("yawc-tuned", "peer-yawc", TOKIO)
        .tuned()
        .deflate(TUNED_DEFLATE),
    peer("yawc-tuned-level-1", "peer-yawc", TOKIO)
        .not_plain()
        .deflate(TUNED_DEFLATE_1),
    peer("sockudo-ws", "peer-sockudo-ws", TOKIO).deflate(DEFLATE),
    peer("sockudo-ws-tuned", "peer-sockudo-ws", TOKIO)
        .tuned()
        .deflate(TUNED_DEFLATE),
    peer("sockudo-ws-tuned-level-1", "peer-sockudo-ws", TOKIO)
        .not_plain()
        .deflate(TUNED_DEFLATE_1),
    peer(
        "async-tungstenite-async-std",
        TUNGSTENITE_ASYNC_STD,
        ASYNC_STD,
    ),
    peer(
        "async-tungstenite-async-std-tuned",
        TUNGSTENITE_ASYNC_STD,
        ASYNC_STD,
    )
    .tuned(),
    peer("async-tungstenite-smol", TUNGSTENITE_SMOL, SMOL),
    peer("async-tungstenite-smol-tuned", TUNGSTENITE_SMOL, SMOL).tuned(),
    other(Task::Broadcast, Side::Ours, "broadcast-tokio"),
    other(Task::Broadcast, Side::Ours, "broadcast-topics"),
    other(Task::Broadcast, Side::Peer, BROADCAST),
    Contestant::new(
        Task::Broadcast,
        Side::Peer,
        "broadcast-tokio-websockets-tuned",
        Package::Peers,
        BROADCAST,
    )
    .tuned(),
    other(Task::Client, Side::Ours, "client-tokio"),
    other(Task::Client, Side::Peer, "client-tokio-websockets"),
    other(Task::Client, Side::Peer, "client-fastwebsockets"),
    other(Task::Client, Side::Peer, "client-tokio-tungstenite"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::scenario::SCENARIOS;
    use super::*;

    #[test]
    fn names_are_unique_and_floors_exist() {
        let all = built();
        let names: BTreeSet<_> = all.iter().map(|one| &*one.name).collect();
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
