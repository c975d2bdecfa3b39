//! The servers and clients of group 28.

use std::net::TcpStream;
use std::sync::Arc;

use super::checks;
use super::endpoint::Endpoint;
use super::frame::{Fields, all};
use super::rules::{AtReset, Credit, Rules};
use crate::testee::Testee;
use crate::testees::Role;

/// A name, a description and a change.
type Entry = (&'static str, &'static str, fn(&mut Rules));

const GROUPS: &[u8] = &[28];

pub(crate) fn testees() -> Vec<Testee> {
    let correct = Role::BOTH.map(|role| testee("h2", "echoes over HTTP/2", role, |_| {}).correct());
    let requests = checks::REQUEST.iter().map(|check| {
        let does = format!("does not check that {}", check.requires);
        let drop = |rules: &mut Rules| rules.requests.drop(check.name);
        testee(
            format!("{}-unchecked", check.name),
            does,
            Role::Server,
            drop,
        )
    });
    let responses = checks::RESPONSE.iter().map(|check| {
        let does = format!("does not check that {}", check.requires);
        let drop = |rules: &mut Rules| rules.responses.drop(check.name);
        testee(
            format!("{}-unchecked", check.name),
            does,
            Role::Client,
            drop,
        )
    });
    let both = Role::BOTH
        .into_iter()
        .flat_map(|role| BOTH.iter().map(move |it| (role, it)));
    let servers = SERVERS.iter().map(|entry| (Role::Server, entry));
    let clients = CLIENTS.iter().map(|entry| (Role::Client, entry));
    let listed = both.chain(servers).chain(clients);
    let listed = listed.map(|(role, (name, does, change))| testee(*name, *does, role, change));
    correct
        .into_iter()
        .chain(requests)
        .chain(responses)
        .chain(listed)
        .collect()
}

fn testee(
    name: impl Into<String>,
    does: impl Into<String>,
    role: Role,
    change: impl Fn(&mut Rules),
) -> Testee {
    let mut rules = Rules::correct();
    change(&mut rules);
    let rules = Arc::new(rules);
    match role {
        Role::Server => Testee::server(name, does, GROUPS, move |_| {
            let rules = Arc::clone(&rules);
            Arc::new(move |accepted| Endpoint::server(&accepted.tcp, &rules, accepted.times).run())
        }),
        Role::Client => Testee::client(name, does, GROUPS, move |asked| {
            let tcp = TcpStream::connect(asked.address)?;
            Endpoint::client(&tcp, &rules, asked.times, asked.target).run()
        }),
    }
}

fn add(fields: &mut Fields, name: &str, value: &str) {
    fields.push((name.to_owned(), value.to_owned()));
}

fn set(fields: &mut Fields, name: &str, value: &str) {
    for (_, old) in fields.iter_mut().filter(|(field, _)| field == name) {
        value.clone_into(old);
    }
}

const BOTH: &[Entry] = &[
    ("h2-one-ack", "acknowledges only the first SETTINGS", |it| {
        it.acknowledges = 1
    }),
    (
        "h2-known-settings-only",
        "does not accept unknown parameters",
        |it| {
            it.bad_parameter = |id| id > 8;
        },
    ),
    (
        "h2-whole-heads-only",
        "does not accept CONTINUATION",
        |it| it.takes_continuation = false,
    ),
    (
        "h2-head-padding-kept",
        "takes the padding of HEADERS for fields",
        |it| {
            it.strips_head = false;
        },
    ),
    (
        "h2-data-padding-kept",
        "takes the padding of DATA for bytes of the WebSocket",
        |it| {
            it.strips_data = false;
        },
    ),
    (
        "h2-padding-length-unchecked",
        "ignores DATA with more padding than payload",
        |it| {
            it.checks_padding = false;
        },
    ),
    (
        "h2-ends-at-empty-data",
        "takes DATA of no bytes for the end of the stream",
        |it| {
            it.ends_at_empty = true;
        },
    ),
    (
        "h2-whole-headers-only",
        "requires the header of a frame in one DATA",
        |it| {
            it.echo = "needs-whole-headers";
        },
    ),
    (
        "h2-long-data-cut",
        "loses what is behind the first 100 bytes of DATA",
        |it| it.takes = 100,
    ),
    ("h2-long-data-sent", "sends DATA of 20,000 bytes", |it| {
        it.max_data = 20_000
    }),
    (
        "h2-trailers-ignored",
        "ignores HEADERS on an open stream",
        |it| it.refuses_trailers = false,
    ),
    (
        "h2-stream-window-ignored",
        "ignores the windows of streams",
        |it| {
            it.obeys_stream_window = false;
        },
    ),
    (
        "h2-connection-window-ignored",
        "ignores the window of the connection",
        |it| {
            it.obeys_connection_window = false;
        },
    ),
    (
        "h2-windows-not-adjusted",
        "keeps the windows of open streams when the initial one changes",
        |it| {
            it.adjusts_windows = false;
        },
    ),
    (
        "h2-small-windows-unused",
        "sends nothing until the window has 100 bytes",
        |it| {
            it.least_window = 100;
        },
    ),
    ("h2-no-credit", "never enlarges its windows", |it| {
        it.gives_credit = Credit::None
    }),
    (
        "h2-no-credit-for-padding",
        "does not give back the window of padding",
        |it| {
            it.gives_credit = Credit::WithoutPadding;
        },
    ),
    (
        "h2-zero-increment-ignored",
        "ignores an increment of 0",
        |it| it.checks_zero = false,
    ),
    (
        "h2-stream-overflow-ignored",
        "ignores a window of a stream that is too large",
        |it| {
            it.checks_stream_overflow = false;
        },
    ),
    (
        "h2-connection-overflow-ignored",
        "ignores a window of the connection that is too large",
        |it| {
            it.checks_connection_overflow = false;
        },
    ),
    ("h2-end-ignored", "ignores END_STREAM", |it| {
        it.sees_end_of_head = false;
        it.sees_end_of_data = false;
    }),
    (
        "h2-end-of-head-ignored",
        "ignores END_STREAM of HEADERS",
        |it| it.sees_end_of_head = false,
    ),
    ("h2-streams-left-open", "never ends a stream", |it| {
        it.ends_streams = false
    }),
    (
        "h2-close-after-reset",
        "sends a Close after RST_STREAM",
        |it| it.at_reset = AtReset::Close,
    ),
    (
        "h2-data-after-end-ignored",
        "ignores DATA after END_STREAM",
        |it| {
            it.checks_half_closed = false;
        },
    ),
    (
        "h2-opcodes-unchecked",
        "takes reserved opcodes for messages",
        |it| {
            it.echo = "opcodes-unchecked";
        },
    ),
    ("h2-other-pong", "answers PING with another payload", |it| {
        it.pong = |_| vec![0; 8]
    }),
    (
        "h2-known-frames-only",
        "does not accept frames of unknown types",
        |it| {
            it.refuses_unknown = true;
        },
    ),
    (
        "h2-ends-at-go-away",
        "ends the connection at GOAWAY",
        |it| it.ends_at_go_away = true,
    ),
];

const SERVERS: &[Entry] = &[
    (
        "h2-enables-with-2",
        "sends SETTINGS_ENABLE_CONNECT_PROTOCOL with 2 before 1",
        |it| {
            it.enable_connect = &[2, 1];
        },
    ),
    ("h2-ping-first", "sends PING before SETTINGS", |it| {
        it.first = b"\0\0\x08\x06\0\0\0\0\0preface?";
    }),
    (
        "h2-taken-back",
        "sends SETTINGS_ENABLE_CONNECT_PROTOCOL with 0 after 1",
        |it| {
            it.enable_connect_later = Some(0);
        },
    ),
    (
        "h2-setting-refused",
        "does not accept SETTINGS_ENABLE_CONNECT_PROTOCOL of a client",
        |it| {
            it.bad_parameter = |id| id == 8;
        },
    ),
    ("h2-answers-connection", "answers with `connection`", |it| {
        it.change = |answer| add(answer, "connection", "upgrade");
    }),
    (
        "h2-answers-accept",
        "answers with `sec-websocket-accept`",
        |it| {
            it.change = |answer| add(answer, "sec-websocket-accept", "?");
        },
    ),
    (
        "h2-answers-404",
        "answers with 404 if there is an unknown extension",
        |it| {
            it.requests.set("extension", |it| {
                !all(it, "sec-websocket-extensions")
                    .concat()
                    .contains("unknown")
            });
        },
    ),
    ("h2-key-refused", "refuses a request with a key", |it| {
        it.requests
            .set("key", |it| all(it, "sec-websocket-key").is_empty());
    }),
    (
        "h2-key-checked",
        "refuses a request with a key that is no base64",
        |it| {
            it.requests
                .set("key", |it| !all(it, "sec-websocket-key").contains(&"?"));
        },
    ),
    (
        "h2-ends-at-reset",
        "ends the connection at RST_STREAM",
        |it| it.at_reset = AtReset::End,
    ),
    (
        "h2-ends-with-streams",
        "ends the connection when a stream ends",
        |it| {
            it.ends_connection = true;
        },
    ),
    (
        "h2-fails-connection",
        "ends the connection when a WebSocket fails",
        |it| {
            it.fails_connection = true;
        },
    ),
    (
        "h2-streams-mixed",
        "takes all DATA for that of the last stream",
        |it| it.mixes_streams = true,
    ),
    (
        "h2-stalls-all",
        "sends nothing on other streams while one is stalled",
        |it| {
            it.stalls_all = true;
        },
    ),
];

const CLIENTS: &[Entry] = &[
    (
        "h2-hasty",
        "sends its request before it has received SETTINGS",
        |it| it.is_hasty = true,
    ),
    ("h2-asks-with-host", "sends `host`", |it| {
        it.change = |it| add(it, "host", "localhost")
    }),
    ("h2-asks-with-connection", "sends `connection`", |it| {
        it.change = |it| add(it, "connection", "upgrade");
    }),
    ("h2-asks-with-key", "sends `sec-websocket-key`", |it| {
        it.change = |it| add(it, "sec-websocket-key", "?");
    }),
    ("h2-asks-for-ws", "sends :scheme = ws", |it| {
        it.change = |it| set(it, ":scheme", "ws")
    }),
    ("h2-asks-without-authority", "sends no :authority", |it| {
        it.change = |it| it.retain(|(name, _)| name != ":authority");
    }),
    (
        "h2-accept-refused",
        "does not accept `sec-websocket-accept`",
        |it| {
            it.responses
                .set("accept", |it| all(it, "sec-websocket-accept").is_empty());
        },
    ),
    (
        "h2-interim-final",
        "takes status 103 for the answer",
        |it| {
            it.is_interim = |_| false;
            it.responses
                .set("interim", |it| all(it, ":status") != ["103"]);
        },
    ),
    ("h2-reset-ignored", "ignores RST_STREAM", |it| {
        it.at_reset = AtReset::Ignore
    }),
    (
        "h2-unprocessed-ignored",
        "does not see that GOAWAY leaves its stream out",
        |it| {
            it.sees_unprocessed = false;
        },
    ),
];
