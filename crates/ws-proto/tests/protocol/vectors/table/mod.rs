//! A table of inputs with the expected events and errors. It has rows for each rule, and rows for
//! cases of the AutobahnTestSuite. A name such as "2.5" is the number of a case of this suite.

mod control;
mod headers;
mod messages;
mod text;

use ws_proto::{Config, LimitError, ProtocolError, ReceiveError, Role};

use crate::support::{Seen, Wire, frames_to};

pub(crate) use text::sequences;

pub(crate) struct Vector {
    pub(crate) name: String,
    /// The end that receives.
    pub(crate) role: Role,
    pub(crate) config: Config,
    pub(crate) input: Vec<u8>,
    pub(crate) events: Vec<Seen>,
    pub(crate) error: Option<ReceiveError>,
}

pub(crate) fn vectors() -> Vec<Vector> {
    let mut table = Table::default();
    headers::rfc_samples(&mut table);
    headers::header_rules(&mut table);
    messages::limits(&mut table);
    messages::group_1_framing(&mut table);
    control::group_2_pings(&mut table);
    headers::group_3_reserved_bits(&mut table);
    headers::group_4_reserved_opcodes(&mut table);
    messages::group_5_fragments(&mut table);
    text::group_6_utf8(&mut table);
    text::utf8_placement(&mut table);
    control::group_7_closing(&mut table);
    control::close_rules(&mut table);
    messages::group_10_long_message(&mut table);
    table.0
}

#[derive(Default)]
struct Table(Vec<Vector>);

impl Table {
    fn row(
        &mut self,
        name: impl Into<String>,
        role: Role,
        input: &[u8],
        events: &[Seen],
        error: impl Into<Expected>,
    ) {
        self.0.push(Vector {
            name: format!("{} to a {role:?}", name.into()),
            role,
            config: Config::default(),
            input: input.to_vec(),
            events: events.to_vec(),
            error: error.into().0,
        });
    }

    /// Adds two rows with the same frames: one for a server and one for a client.
    fn both(
        &mut self,
        name: impl Into<String>,
        script: impl Fn(&mut Wire),
        events: &[Seen],
        error: impl Into<Expected>,
    ) {
        let name = name.into();
        let error = error.into();
        for role in [Role::Server, Role::Client] {
            let input = frames_to(role, &script);
            self.row(name.as_str(), role, &input, events, error);
        }
    }

    fn limited(
        &mut self,
        name: &str,
        config: &Config,
        script: impl Fn(&mut Wire),
        events: &[Seen],
        error: impl Into<Expected>,
    ) {
        let before = self.0.len();
        self.both(name, script, events, error);
        for vector in &mut self.0[before..] {
            vector.config = config.clone();
        }
    }
}

/// The expected error of a row, or `None`.
#[derive(Clone, Copy)]
struct Expected(Option<ReceiveError>);

/// No error.
const FINE: Expected = Expected(None);

impl From<ProtocolError> for Expected {
    fn from(error: ProtocolError) -> Self {
        Self(Some(error.into()))
    }
}

impl From<LimitError> for Expected {
    fn from(error: LimitError) -> Self {
        Self(Some(error.into()))
    }
}

/// "κόσμε", as the AutobahnTestSuite encodes it: the second letter is U+1F79.
const KOSME: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
const HELLO: &str = "Hello, world!";
const NON_TEXT: &[u8] = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";

fn text(text: &str) -> Seen {
    Seen::Text(text.into())
}

fn ping(payload: &str) -> Seen {
    Seen::Ping(payload.into())
}

fn pong(payload: &str) -> Seen {
    Seen::Pong(payload.into())
}

fn closed(code: u16, reason: &str) -> Seen {
    Seen::Close(Some((code, reason.into())))
}
