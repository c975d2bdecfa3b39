//! The messages between a client and the server: JSON texts, under the subprotocol [`VERSION`].
//!
//! `examples/chat/README.md` describes their order.

use serde::{Deserialize, Serialize};
use ws_tokio::CloseCode;

/// The subprotocol (RFC 6455 §1.9). Its number changes when an older client would misunderstand a
/// message.
pub const VERSION: &str = "chat.v1";

/// The code of the Close after a message that breaks this protocol, or a join that it does not
/// allow. The reason of the Close says more. Trying again would not help.
pub const INVALID: CloseCode = CloseCode::new(4000);

/// The code of the Close if the client does not offer [`VERSION`].
pub const OTHER_VERSION: CloseCode = CloseCode::new(4001);

/// A message of the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromClient {
    /// The first message of a connection.
    Join(Join),
    /// A message for everybody in the room.
    Say(Say),
}

/// Joins a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The room.
    pub room: String,
    /// The name of the client.
    pub name: String,
    /// The last [`FromServer::At`] that the client has received in this room. Without one, the
    /// whole history follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A message for everybody in the room, the sender included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Say {
    /// Identifies the message if it is sent again. It must be random: whoever can guess it could
    /// take its place.
    pub id: String,
    /// The text.
    pub text: String,
}

/// A message of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromServer {
    /// The client has joined.
    Welcome(Welcome),
    /// A message in the room.
    Message(Said),
    /// The people in the room have changed. Replaces the last one.
    Here(Here),
    /// The client has received everything up to this place. The first one ends the history.
    At {
        /// The place, for [`Join::cursor`].
        cursor: String,
    },
    /// Messages are missing at this place.
    Gap {
        /// Their number. `None` if it is not known, because the store has started again.
        missed: Option<u64>,
    },
    /// A message was not accepted.
    Refused(Refused),
}

/// The answer to a join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The room.
    pub room: String,
    /// The name of the client, without spaces around it.
    pub name: String,
    /// The longest text, in characters.
    pub max_text: usize,
}

/// A message in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The identity that the sender has chosen. A second message with it is to be ignored.
    pub id: String,
    /// The name of the sender.
    pub name: String,
    /// The text.
    pub text: String,
    /// The time of the server, in milliseconds since 1970.
    pub time: u64,
}

/// The people in a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Here {
    /// The number of names.
    pub count: usize,
    /// The first names, in order.
    pub names: Vec<String>,
}

/// A message that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The identity of the message.
    pub id: String,
    /// The reason.
    pub why: Why,
    /// The milliseconds after which the client may send it again. `None` if that would not help.
    pub retry_ms: Option<u64>,
}

/// The reason why a message was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The text is empty, too long, or has control characters.
    Text,
    /// The client sends too fast.
    Rate,
    /// The store did not confirm the message. It may have it nevertheless.
    Store,
}

impl FromClient {
    /// Returns the text of the message.
    #[must_use]
    pub fn to_json(&self) -> String {
        json(self)
    }
}

impl FromServer {
    /// Returns the text of the message.
    #[must_use]
    pub fn to_json(&self) -> String {
        json(self)
    }
}

fn json(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("texts and numbers are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_documented_form() {
        let join = r#"{"t":"join","room":"lobby","name":"Ann"}"#;
        let FromClient::Join(joined) = serde_json::from_str(join).unwrap() else {
            panic!("not a join");
        };
        assert_eq!((&*joined.name, joined.cursor), ("Ann", None));
        let at = FromServer::At {
            cursor: "1-2".into(),
        };
        assert_eq!(at.to_json(), r#"{"t":"at","cursor":"1-2"}"#);
        let gap = FromServer::Gap { missed: None };
        assert_eq!(gap.to_json(), r#"{"t":"gap","missed":null}"#);
        let refused = FromServer::Refused(Refused {
            id: "a".into(),
            why: Why::Rate,
            retry_ms: Some(200),
        });
        let expected = r#"{"t":"refused","id":"a","why":"rate","retry_ms":200}"#;
        assert_eq!(refused.to_json(), expected);
    }
}
