//! The loads of the servers.

use super::contestant::Task;

/// A load of an echo server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scenario {
    /// The name for the command line and file names.
    pub(super) name: &'static str,
    /// The title for people, without the words that follow from the other fields.
    title: &'static str,
    pub(super) connections: u32,
    /// The number of unanswered messages on each connection.
    in_flight: u32,
    content: &'static str,
    pub(super) len: u32,
    /// Permessage-deflate is offered, with context takeover in both directions.
    pub(super) deflate: bool,
    /// The load connects over TLS.
    pub(super) tls: bool,
    /// The kind of the TLS handshake that is made for each message, on a fresh connection.
    fresh: Option<&'static str>,
    /// The task of the programs that take part.
    pub(super) task: Task,
}

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;

const PING_PONG: Scenario = Scenario::new(
    "ping-pong",
    "64 connections, one 20 B text at a time",
    (64, 1),
    ("ascii", 20),
);

const SMALL: Scenario = Scenario::new(
    "small",
    "16 connections, 64 texts of 20 B in flight on each",
    (16, 64),
    ("ascii", 20),
);

const MEDIUM: Scenario = Scenario::new(
    "medium",
    "16 connections, 16 texts of 1 KiB in flight on each",
    (16, 16),
    ("ascii", KIB),
);

const LARGE: Scenario = Scenario::new(
    "large-binary",
    "4 connections, 4 binary messages of 64 KiB in flight on each",
    (4, 4),
    ("binary", 64 * KIB),
);

const FRESH: Scenario = Scenario::new(
    "handshake",
    "16 fresh connections at a time, one 20 B text on each",
    (16, 1),
    ("ascii", 20),
);

/// All scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    PING_PONG,
    SMALL,
    MEDIUM,
    LARGE,
    Scenario::new(
        "large-text",
        "4 connections, 4 non-ASCII texts of 64 KiB in flight on each",
        (4, 4),
        ("non-ascii", 64 * KIB),
    ),
    Scenario::new(
        "huge",
        "1 connection, one 16 MiB binary message at a time",
        (1, 1),
        ("binary", 16 * MIB),
    ),
    Scenario::new(
        "deflate-medium",
        "16 connections, 16 JSON texts of 1 KiB in flight on each",
        (16, 16),
        ("json", KIB),
    )
    .compressed(),
    Scenario::new(
        "deflate-large",
        "4 connections, 4 JSON texts of 64 KiB in flight on each",
        (4, 4),
        ("json", 64 * KIB),
    )
    .compressed(),
    PING_PONG.over_tls("tls-ping-pong"),
    SMALL.over_tls("tls-small"),
    MEDIUM.over_tls("tls-medium"),
    LARGE.over_tls("tls-large-binary"),
    FRESH.over_tls("tls-handshake").fresh("full"),
    FRESH.over_tls("tls-handshake-resumed").fresh("resumed"),
    Scenario::new(
        "broadcast-1k-small",
        "texts of 100 B to each of 1,000 subscribers, all deliveries counted",
        (1_000, 32),
        ("ascii", 100),
    )
    .of(Task::Broadcast),
    Scenario::new(
        "broadcast-1k-medium",
        "texts of 1 KiB to each of 1,000 subscribers, all deliveries counted",
        (1_000, 32),
        ("ascii", KIB),
    )
    .of(Task::Broadcast),
    Scenario::new(
        "broadcast-10k-small",
        "texts of 100 B to each of 10,000 subscribers, all deliveries counted",
        (10_000, 32),
        ("ascii", 100),
    )
    .of(Task::Broadcast),
    Scenario::new(
        "broadcast-10k-medium",
        "texts of 1 KiB to each of 10,000 subscribers, all deliveries counted",
        (10_000, 32),
        ("ascii", KIB),
    )
    .of(Task::Broadcast),
    PING_PONG.of_client("client-ping-pong"),
    SMALL.of_client("client-small"),
    MEDIUM.of_client("client-medium"),
    LARGE.of_client("client-large"),
];

impl Scenario {
    pub(super) const fn new(
        name: &'static str,
        title: &'static str,
        (connections, in_flight): (u32, u32),
        (content, len): (&'static str, u32),
    ) -> Self {
        Self {
            name,
            title,
            connections,
            in_flight,
            content,
            len,
            deflate: false,
            tls: false,
            fresh: None,
            task: Task::Echo,
        }
    }

    /// Turns the scenario into the same load with compression.
    pub(super) const fn compressed(mut self) -> Self {
        self.deflate = true;
        self
    }

    const fn of(mut self, task: Task) -> Self {
        self.task = task;
        self
    }

    /// Turns the scenario into the same load of a client.
    const fn of_client(mut self, name: &'static str) -> Self {
        self.name = name;
        self.of(Task::Client)
    }

    /// Turns the scenario into the same load over TLS.
    const fn over_tls(mut self, name: &'static str) -> Self {
        self.name = name;
        self.tls = true;
        self
    }

    const fn fresh(mut self, handshake: &'static str) -> Self {
        self.fresh = Some(handshake);
        self
    }

    /// Returns the title for people.
    pub(super) fn title(&self) -> String {
        let title = self.title;
        match (self.task, self.deflate, self.fresh) {
            (Task::Client, ..) => format!("a client: {title}"),
            (_, true, _) => format!("compressed: {title}"),
            (_, _, Some(handshake)) => format!("{handshake} handshakes of TLS: {title}"),
            _ if self.tls => format!("over TLS: {title}"),
            _ => title.to_owned(),
        }
    }

    /// Returns the options of the load generator, without those that depend on the server.
    pub(super) fn load_arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for (option, value) in [
            ("--connections", self.connections.to_string()),
            ("--in-flight", self.in_flight.to_string()),
            ("--len", self.len.to_string()),
        ] {
            arguments.extend([option.to_owned(), value]);
        }
        match self.task {
            Task::Broadcast => arguments.push("--broadcast".to_owned()),
            Task::Echo | Task::Client => {
                arguments.extend(["--content".to_owned(), self.content.to_owned()]);
            }
        }
        if self.deflate {
            arguments.push("--deflate".to_owned());
        }
        if let Some(handshake) = self.fresh {
            arguments.extend(["--fresh".to_owned(), handshake.to_owned()]);
        }
        arguments
    }
}

/// Returns the items of `all` whose name is in `asked`. If no name matches a word, selects by a
/// part of the name. Returns all items if `asked` is empty.
pub(crate) fn select<T>(all: Vec<T>, name: impl Fn(&T) -> &str, asked: &[String]) -> Vec<T> {
    let is_name: Vec<_> = asked
        .iter()
        .map(|asked| all.iter().any(|one| name(one) == asked))
        .collect();
    let is_asked = |one: &T| {
        let mut pairs = asked.iter().zip(&is_name);
        pairs.any(|(asked, &exact)| match exact {
            true => name(one) == asked,
            false => name(one).contains(asked.as_str()),
        })
    };
    all.into_iter()
        .filter(|one| asked.is_empty() || is_asked(one))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), SCENARIOS.len());
    }

    #[test]
    fn the_load_is_told_everything() {
        let arguments = |name: &str| {
            let mut all = SCENARIOS.iter();
            let scenario = all.find(|scenario| scenario.name == name).unwrap();
            scenario.load_arguments().join(" ")
        };
        assert_eq!(
            arguments("deflate-medium"),
            "--connections 16 --in-flight 16 --len 1024 --content json --deflate"
        );
        assert_eq!(
            arguments("broadcast-1k-small"),
            "--connections 1000 --in-flight 32 --len 100 --broadcast"
        );
        assert_eq!(
            arguments("tls-handshake-resumed"),
            "--connections 16 --in-flight 1 --len 20 --content ascii --fresh resumed"
        );
    }

    #[test]
    fn scenarios_over_tls_and_no_others_are_named_after_it() {
        for scenario in SCENARIOS {
            assert_eq!(
                scenario.tls,
                scenario.name.starts_with("tls-"),
                "{}",
                scenario.name
            );
        }
    }

    #[test]
    fn names_select_before_parts_of_names() {
        let chosen = |asked: &[&str]| {
            let asked: Vec<_> = asked.iter().map(|&name| name.to_owned()).collect();
            select(vec!["large", "deflate-large", "huge"], |name| name, &asked)
        };
        assert_eq!(chosen(&[]), ["large", "deflate-large", "huge"]);
        assert_eq!(chosen(&["large"]), ["large"]);
        assert_eq!(
            chosen(&["larg", "huge"]),
            ["large", "deflate-large", "huge"]
        );
        assert_eq!(chosen(&["deflate"]), ["deflate-large"]);
        assert!(chosen(&["none"]).is_empty());
    }
}
