//! Sending values as JSON. Messages are parsed by [`Message::json`].

use std::future::Future;

use serde_core::Serialize;
use ws_proto::{Message, Outgoing};

use crate::error::Error;
use crate::outbox::Outbox;
use crate::sending::{self, Sending};
use crate::split::Sender;
use crate::transport::{Split, Transport};
use crate::websocket::WebSocket;

/// JSON. These methods require the feature `serde`.
impl<T: Transport> WebSocket<T> {
    /// Serializes a value as JSON, and sends it as a text message. Returns when the message has
    /// been written to the transport and flushed. See [`send`](Self::send).
    ///
    /// The call itself serializes the value, so the future does not borrow it.
    /// [`Message::json`] is the way back.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (mut ws, mut peer) = ws_tokio::testing::pair(Default::default());
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Debug, PartialEq, Serialize, Deserialize)]
    /// struct Order {
    ///     item: String,
    ///     count: u32,
    /// }
    ///
    /// let order = Order { item: "tea".into(), count: 2 };
    /// ws.send_json(&order).await?;
    ///
    /// let message = peer.recv().await?.expect("a message");
    /// assert_eq!(message.as_text(), Some(r#"{"item":"tea","count":2}"#));
    /// assert_eq!(message.json::<Order>()?, order);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// * [`Error::Serialize`] if the value cannot be serialized. Nothing was queued, and the
    ///   connection stays open.
    /// * The errors of [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// The same as for [`send`](Self::send).
    pub fn send_json<V: Serialize + ?Sized>(
        &mut self,
        value: &V,
    ) -> impl Future<Output = Result<(), Error>> + use<'_, T, V> {
        send(self, value)
    }

    /// Serializes a value as JSON, waits for room, and queues it as a text message. See
    /// [`feed`](Self::feed).
    ///
    /// The call itself serializes the value, so the future does not borrow it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (mut ws, mut peer) = ws_tokio::testing::pair(Default::default());
    /// for number in 0..10 {
    ///     ws.feed_json(&number).await?;
    /// }
    /// ws.flush().await?; // one write
    /// # for number in 0..10 { assert_eq!(peer.recv().await?.unwrap().json::<i32>()?, number); }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`send_json`](Self::send_json).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it returned, the message is not sent.
    pub fn feed_json<V: Serialize + ?Sized>(
        &mut self,
        value: &V,
    ) -> impl Future<Output = Result<(), Error>> + use<'_, T, V> {
        feed(self, value)
    }
}

/// JSON. These methods require the feature `serde`.
impl<T: Split> Sender<T> {
    /// Serializes a value as JSON, and sends it as a text message. See [`WebSocket::send_json`].
    pub fn send_json<V: Serialize + ?Sized>(
        &mut self,
        value: &V,
    ) -> impl Future<Output = Result<(), Error>> + use<'_, T, V> {
        send(self, value)
    }

    /// Serializes a value as JSON, waits for room, and queues it as a text message. See
    /// [`WebSocket::feed_json`].
    ///
    /// This wakes a waiting receiver as [`feed`](Self::feed) does.
    pub fn feed_json<V: Serialize + ?Sized>(
        &mut self,
        value: &V,
    ) -> impl Future<Output = Result<(), Error>> + use<'_, T, V> {
        feed(self, value)
    }
}

/// JSON. These methods require the feature `serde`.
impl<T: Transport> Outbox<T> {
    /// Serializes a value as JSON, and sends it as a text message. See [`WebSocket::send_json`].
    ///
    /// The value may borrow from the received message:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (mut peer, mut ws) = ws_tokio::testing::pair(Default::default());
    /// # let peer = tokio::spawn(async move {
    /// #     peer.send(r#"{ "to": "Ann", "text": "hello" }"#).await?;
    /// #     let answer = peer.recv().await?;
    /// #     peer.close(ws_tokio::CloseCode::NORMAL, "bye").await?;
    /// #     Ok::<_, ws_tokio::Error>(answer)
    /// # });
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Deserialize)]
    /// struct Letter<'a> {
    ///     to: &'a str,
    /// }
    ///
    /// #[derive(Serialize)]
    /// struct Receipt<'a> {
    ///     delivered_to: &'a str,
    /// }
    ///
    /// while let Some((message, out)) = ws.recv_ref().await? {
    ///     let letter: Letter<'_> = message.json()?;
    ///     out.feed_json(&Receipt { delivered_to: letter.to }).await?;
    /// }
    /// # assert_eq!(peer.await??.unwrap().as_text(), Some(r#"{"delivered_to":"Ann"}"#));
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_json<V: Serialize + ?Sized>(
        &mut self,
        value: &V,
    ) -> impl Future<Output = Result<(), Error>> + use<'_, T, V> {
        send(self, value)
    }

    /// Serializes a value as JSON, waits for room, and queues it as a text message. See
    /// [`WebSocket::feed_json`].
    pub fn feed_json<V: Serialize + ?Sized>(
        &mut self,
        value: &V,
    ) -> impl Future<Output = Result<(), Error>> + use<'_, T, V> {
        feed(self, value)
    }
}

/// Serializes a value. The message owns the JSON, so a long one is queued without a copy.
fn serialize<V: Serialize + ?Sized>(value: &V) -> Result<Outgoing<'static>, Error> {
    let message = Message::serialize_json(value).map_err(Error::Serialize)?;
    Ok(message.into())
}

fn send<'c, C: Sending, V: Serialize + ?Sized>(
    to: &'c mut C,
    value: &V,
) -> impl Future<Output = Result<(), Error>> + use<'c, C, V> {
    let message = serialize(value);
    async move { sending::send(to, message?).await }
}

fn feed<'c, C: Sending, V: Serialize + ?Sized>(
    to: &'c mut C,
    value: &V,
) -> impl Future<Output = Result<(), Error>> + use<'c, C, V> {
    let message = serialize(value);
    async move { sending::feed(to, message?).await }
}
