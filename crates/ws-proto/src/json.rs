//! JSON (RFC 8259) in messages: values that become text messages, and messages that become values.

use core::fmt;

use serde_core::{Deserialize, Serialize};

use crate::message::{Message, MessageRef};

/// JSON. These methods require the feature `serde`.
impl Message {
    /// Serializes a value as JSON into a text message.
    ///
    /// `send_json` and `feed_json` of a connection do this themselves. Use this for all other
    /// methods that accept a message, and for [`Prepared`](crate::Prepared).
    ///
    /// ```
    /// use ws_proto::Message;
    ///
    /// let message = Message::serialize_json(&["a", "b"])?;
    /// assert_eq!(message.as_text(), Some(r#"["a","b"]"#));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error of serde_json if the `Serialize` implementation fails, or if a key of a map cannot
    /// become a string, such as a tuple.
    pub fn serialize_json<V: Serialize + ?Sized>(value: &V) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(Self::from)
    }

    /// Parses the message as JSON. The value may borrow strings from the message.
    ///
    /// The kind of the message does not matter: a binary message is parsed as well. Its bytes must
    /// be UTF-8 (RFC 8259 §8.1). [`is_text`](Self::is_text) returns the kind.
    ///
    /// The value may be nested to a depth of 127, so no message overflows the stack. The length of
    /// the message was bounded when it was received, by `Config::max_message`.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use ws_proto::Message;
    ///
    /// #[derive(Deserialize)]
    /// struct Order {
    ///     item: String,
    ///     count: u32,
    /// }
    ///
    /// let message = Message::from(r#"{ "item": "tea", "count": 2 }"#);
    /// let order: Order = message.json()?;
    /// assert_eq!((order.item.as_str(), order.count), ("tea", 2));
    ///
    /// let other = Message::from(r#"{ "item": "tea" }"#);
    /// let error = other.json::<Order>().err().expect("the count is missing");
    /// assert_eq!(error.message, other);
    /// # Ok::<(), ws_proto::JsonError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the message is not JSON, or not of this type. It holds the message.
    pub fn json<'a, V: Deserialize<'a>>(&'a self) -> Result<V, JsonError> {
        parse(self.as_ref()).map_err(|error| JsonError {
            error,
            message: self.clone(),
        })
    }
}

/// JSON. This method requires the feature `serde`.
impl<'a> MessageRef<'a> {
    /// Parses the message as JSON, as [`Message::json`] does. The value may borrow strings from the
    /// memory of the connection.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use ws_proto::MessageRef;
    ///
    /// #[derive(Deserialize)]
    /// struct Order<'a> {
    ///     item: &'a str,
    /// }
    ///
    /// let message = MessageRef::Text(r#"{ "item": "tea" }"#);
    /// let order: Order = message.json()?; // nothing is copied
    /// assert_eq!(order.item, "tea");
    /// # Ok::<(), ws_proto::JsonError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the message is not JSON, or not of this type. It holds a copy of the
    /// message.
    pub fn json<V: Deserialize<'a>>(self) -> Result<V, JsonError> {
        parse(self).map_err(|error| JsonError {
            error,
            message: self.to_message(),
        })
    }
}

fn parse<'a, V: Deserialize<'a>>(message: MessageRef<'a>) -> Result<V, serde_json::Error> {
    match message {
        MessageRef::Text(text) => serde_json::from_str(text),
        MessageRef::Binary(bytes) => serde_json::from_slice(bytes),
    }
}

/// The reason why a message was not parsed as JSON, with the message.
///
/// The connection is not affected. Answer with a message of the application, or close: with
/// [`CloseCode::INVALID_PAYLOAD`](crate::CloseCode::INVALID_PAYLOAD), for instance.
///
/// `Debug` prints no payload. The text of the error may quote a part of the message: an unexpected
/// string, or the name of an unknown field.
#[derive(thiserror::Error)]
#[error(
    "the message is not JSON of the expected type: {error}: \
     compare the type with `JsonError::message`"
)]
#[non_exhaustive]
pub struct JsonError {
    /// The error of serde_json, with the line and the column.
    #[source]
    pub error: serde_json::Error,
    /// The message.
    pub message: Message,
}

impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonError")
            .field("category", &self.error.classify())
            .field("line", &self.error.line())
            .field("column", &self.error.column())
            .field("message", &self.message)
            .finish()
    }
}

/// For functions that return [`std::io::Error`]. A downcast returns the error.
#[cfg(feature = "std")]
impl From<JsonError> for std::io::Error {
    fn from(error: JsonError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}
