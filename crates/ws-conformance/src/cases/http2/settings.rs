//! 28.1: the parameters of both sides.

use super::{begun, opened, rules};
use crate::case::Case;
use crate::case::Roles::{Both, Client, Server};
use crate::dialogue::{Http2, Miss, passed};
use crate::http2::{kind, setting};

const TITLE: &str = "HTTP/2: SETTINGS";
/// A parameter that nobody has defined.
const UNKNOWN: u16 = 0xf0f0;

pub(super) fn cases() -> Vec<Case> {
    vec![
        enabled(),
        not_taken_back(),
        sent_by_client(),
        acknowledged(),
        unknown(),
        waits(),
    ]
}

/// Returns the values of the parameter that the testee sent.
fn values(http2: &Http2<'_, '_>) -> Vec<u32> {
    let parameters = http2.parameters.iter();
    let named = parameters.filter(|(id, _)| *id == setting::ENABLE_CONNECT_PROTOCOL);
    named.map(|(_, value)| *value).collect()
}

fn enabled() -> Case {
    let case = begun("28.1.1", Server, TITLE, &rules::ENABLE_CONNECT, |http2| {
        http2.expect_settings()?;
        if http2.first_kind != Some(kind::SETTINGS) {
            return Miss::must("The first frame of the server is not SETTINGS.");
        }
        match values(http2)[..] {
            [] => Miss::must("The first SETTINGS has no SETTINGS_ENABLE_CONNECT_PROTOCOL."),
            [1] => passed("The server sent SETTINGS_ENABLE_CONNECT_PROTOCOL with 1."),
            [.., value] => Miss::must(format!("The value of the parameter is {value}.")),
        }
    });
    case.see(&["RFC 9113 §3.4"])
        .does("Sends the preface and SETTINGS, and reads the first frame of the server.")
        .wants("The first frame is SETTINGS, with SETTINGS_ENABLE_CONNECT_PROTOCOL = 1.")
}

fn not_taken_back() -> Case {
    let case = opened(
        "28.1.2",
        Server,
        TITLE,
        &rules::NOT_TAKEN_BACK,
        |http2, socket| {
            http2.send_settings(&[(setting::INITIAL_WINDOW_SIZE, 100_000)])?;
            http2.expect_to_be_alive(socket)?;
            http2.expect_pong(*b"settings")?;
            let values = values(http2);
            match values
                .iter()
                .skip_while(|value| **value != 1)
                .all(|value| *value == 1)
            {
                true => passed(format!("The values were {values:?}.")),
                false => Miss::must(format!("The values were {values:?}.")),
            }
        },
    );
    case.does("Opens a WebSocket, changes a parameter, and exchanges a message and PING.")
        .wants("The server never sends SETTINGS_ENABLE_CONNECT_PROTOCOL with 0 after 1.")
}

fn sent_by_client() -> Case {
    let case = begun("28.1.3", Server, TITLE, &rules::NO_IMPACT, |http2| {
        for value in [1, 0] {
            http2.send_settings(&[(setting::ENABLE_CONNECT_PROTOCOL, value)])?;
            let mut socket = http2.open()?;
            http2.expect_to_be_alive(&mut socket)?;
        }
        passed("The server opened both WebSockets.")
    });
    case.does(
        "Sends SETTINGS_ENABLE_CONNECT_PROTOCOL with 1 and then with 0, although a client has no \
         reason to. Opens a WebSocket after each.",
    )
    .wants("The server opens both, and echoes.")
}

fn acknowledged() -> Case {
    let case = opened(
        "28.1.4",
        Both,
        TITLE,
        &rules::ACKNOWLEDGE,
        |http2, socket| {
            http2.expect_pong(*b"before-1")?;
            let before = http2.acknowledged;
            http2.send_settings(&[(setting::INITIAL_WINDOW_SIZE, 100_000)])?;
            http2.send_settings(&[(setting::INITIAL_WINDOW_SIZE, 50_000)])?;
            http2.expect_pong(*b"after--2")?;
            http2.expect_to_be_alive(socket)?;
            match http2.acknowledged - before {
                2 => passed("The testee acknowledged both."),
                count => Miss::must(format!("The testee acknowledged {count} of 2 SETTINGS.")),
            }
        },
    );
    case.does("Opens a WebSocket. Then sends SETTINGS twice, PING, and a message.")
        .wants("The testee acknowledges each SETTINGS, and sends the message back.")
}

fn unknown() -> Case {
    let case = opened(
        "28.1.5",
        Both,
        TITLE,
        &rules::UNKNOWN_SETTING,
        |http2, socket| {
            http2.send_settings(&[(UNKNOWN, 1), (0, 7)])?;
            http2.expect_pong(*b"settings")?;
            http2.expect_to_be_alive(socket)?;
            passed("The testee ignored the parameters.")
        },
    );
    case.does("Opens a WebSocket. Then sends unknown parameters in SETTINGS, and a message.")
        .wants("The testee ignores the parameters, and sends the message back.")
}

fn waits() -> Case {
    let case = Case::new("28.1.6", Client, TITLE, &rules::WAIT_FOR_SETTING, |peer| {
        let is_hasty = peer.is_hasty();
        let mut http2 = Http2::start(peer, &[])?;
        let mut socket = http2.open()?;
        http2.expect_to_be_alive(&mut socket)?;
        match is_hasty {
            true => Miss::must("The client sent its request before it could know the parameter."),
            false => passed("The client waited for the parameter."),
        }
    });
    case.does(
        "Sends SETTINGS a little after the preface of the client, then answers the request and \
         sends a message.",
    )
    .wants("The client sends its request after it has received SETTINGS_ENABLE_CONNECT_PROTOCOL.")
}
