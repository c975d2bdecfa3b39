//! What is sent to the servers.

use super::contestant::Task;

/// A way of loading an echo server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scenario {
    /// For the command line and file names.
    pub(super) name: &'static str,
    /// For people.
    pub(super) title: &'static str,
    connections: u32,
    /// Messages under way on each connection.
    in_flight: u32,
    content: &'static str,
    len: u32,
    /// Permessage-deflate is offered, with context takeover in both directions.
    pub(super) deflate: bool,
    /// What takes part.
    pub(super) task: Task,
}

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;

/// All of them.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "ping-pong",
        title: "64 connections, one 20 B text at a time",
        connections: 64,
        in_flight: 1,
        content: "ascii",
        len: 20,
        deflate: false,
        task: Task::Echo,
    },
    Scenario {
        name: "small",
        title: "16 connections, 64 texts of 20 B in flight on each",
        connections: 16,
        in_flight: 64,
        content: "ascii",
        len: 20,
        deflate: false,
        task: Task::Echo,
    },
    Scenario {
        name: "medium",
        title: "16 connections, 16 texts of 1 KiB in flight on each",
        connections: 16,
        in_flight: 16,
        content: "ascii",
        len: KIB,
        deflate: false,
        task: Task::Echo,
    },
    Scenario {
        name: "large-binary",
        title: "4 connections, 4 binary messages of 64 KiB in flight on each",
        connections: 4,
        in_flight: 4,
        content: "binary",
        len: 64 * KIB,
        deflate: false,
        task: Task::Echo,
    },
    Scenario {
        name: "large-text",
        title: "4 connections, 4 non-ASCII texts of 64 KiB in flight on each",
        connections: 4,
        in_flight: 4,
        content: "non-ascii",
        len: 64 * KIB,
        deflate: false,
        task: Task::Echo,
    },
    Scenario {
        name: "huge",
        title: "1 connection, one 16 MiB binary message at a time",
        connections: 1,
        in_flight: 1,
        content: "binary",
        len: 16 * MIB,
        deflate: false,
        task: Task::Echo,
    },
    Scenario {
        name: "deflate-medium",
        title: "compressed: 16 connections, 16 JSON texts of 1 KiB in flight on each",
        connections: 16,
        in_flight: 16,
        content: "json",
        len: KIB,
        deflate: true,
        task: Task::Echo,
    },
    Scenario {
        name: "deflate-large",
        title: "compressed: 4 connections, 4 JSON texts of 64 KiB in flight on each",
        connections: 4,
        in_flight: 4,
        content: "json",
        len: 64 * KIB,
        deflate: true,
        task: Task::Echo,
    },
    Scenario {
        name: "broadcast-1k-small",
        title: "texts of 100 B to each of 1,000 subscribers, counted as often as they are delivered",
        connections: 1_000,
        in_flight: 32,
        content: "ascii",
        len: 100,
        deflate: false,
        task: Task::Broadcast,
    },
    Scenario {
        name: "broadcast-1k-medium",
        title: "texts of 1 KiB to each of 1,000 subscribers, counted as often as they are delivered",
        connections: 1_000,
        in_flight: 32,
        content: "ascii",
        len: KIB,
        deflate: false,
        task: Task::Broadcast,
    },
    Scenario {
        name: "broadcast-10k-small",
        title: "texts of 100 B to each of 10,000 subscribers, counted as often as they are delivered",
        connections: 10_000,
        in_flight: 32,
        content: "ascii",
        len: 100,
        deflate: false,
        task: Task::Broadcast,
    },
    Scenario {
        name: "broadcast-10k-medium",
        title: "texts of 1 KiB to each of 10,000 subscribers, counted as often as they are delivered",
        connections: 10_000,
        in_flight: 32,
        content: "ascii",
        len: KIB,
        deflate: false,
        task: Task::Broadcast,
    },
    Scenario {
        name: "client-ping-pong",
        title: "a client: 64 connections, one 20 B text at a time",
        connections: 64,
        in_flight: 1,
        content: "ascii",
        len: 20,
        deflate: false,
        task: Task::Client,
    },
    Scenario {
        name: "client-small",
        title: "a client: 16 connections, 64 texts of 20 B in flight on each",
        connections: 16,
        in_flight: 64,
        content: "ascii",
        len: 20,
        deflate: false,
        task: Task::Client,
    },
    Scenario {
        name: "client-medium",
        title: "a client: 16 connections, 16 texts of 1 KiB in flight on each",
        connections: 16,
        in_flight: 16,
        content: "ascii",
        len: KIB,
        deflate: false,
        task: Task::Client,
    },
    Scenario {
        name: "client-large",
        title: "a client: 4 connections, 4 binary messages of 64 KiB in flight on each",
        connections: 4,
        in_flight: 4,
        content: "binary",
        len: 64 * KIB,
        deflate: false,
        task: Task::Client,
    },
];

impl Scenario {
    /// What the load generator is told.
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
        arguments
    }
}

/// Which of `all` are asked for by their names or, if nothing has just that name, by a part of them;
/// all, if nothing is asked for.
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
        let arguments = SCENARIOS[6].load_arguments().join(" ");
        assert_eq!(
            arguments,
            "--connections 16 --in-flight 16 --len 1024 --content json --deflate"
        );
        let arguments = SCENARIOS[8].load_arguments().join(" ");
        assert_eq!(
            arguments,
            "--connections 1000 --in-flight 32 --len 100 --broadcast"
        );
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
