//! Sending the messages of a subscription to a client.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, ready};

use ws_driver::transport::{Split, Transport};
use ws_driver::{CloseCode, Error, Message, Prepared, Sender, TryFeedError, WebSocket};

use crate::batch::Batch;
use crate::item::Missed;
use crate::subscription::{Event, Subscription};

/// The reason why [`Subscription::forward`] or [`Subscription::forward_to`] returned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forwarded {
    /// The client sent a message. Only [`Subscription::forward`] returns this.
    Received(Message),
    /// The client misses this number of messages. The messages before the gap are queued in the
    /// connection, those after it are not. So what the caller feeds now is sent at the place of the
    /// gap.
    Lagged(u64),
    /// Messages were missed on the way from the backplane. Otherwise the same as
    /// [`Lagged`](Self::Lagged).
    Gap(Missed),
    /// The topic was closed, and its last message is queued in the connection. Reported once.
    Ended,
}

impl Subscription {
    /// Receives the next message of the client, and sends the messages of the topic to the client
    /// in the meantime. `None` at the end of the connection.
    ///
    /// Call it in a loop in place of [`WebSocket::recv`]:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (mut client, ws) = ws_tokio::testing::pair(Default::default());
    /// use ws_topics::{Forwarded, Policy, Topic};
    ///
    /// async fn chat(mut ws: ws_tokio::WebSocket, room: Topic) -> Result<(), ws_tokio::Error> {
    ///     let mut subscription = room.subscribe(Policy::close());
    ///     while let Some(forwarded) = subscription.forward(&mut ws).await? {
    ///         if let Forwarded::Received(message) = forwarded {
    ///             room.publish(&message).await;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// # let chatting = tokio::spawn(chat(ws, Topic::new()));
    /// # client.send("hello").await?;
    /// # assert_eq!(client.recv().await?, Some("hello".into()));
    /// # client.close(ws_tokio::CloseCode::NORMAL, "").await?;
    /// # chatting.await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// * The messages that are ready are queued together, up to
    ///   [`Config::high_water_mark`](ws_driver::Config::high_water_mark), and written together. The
    ///   rest stays in the queue of the subscription.
    /// * With [`Policy::close`](crate::Policy::close), a client that is too slow gets a Close with
    ///   the code of the policy, after what is queued in its connection. This continues to receive
    ///   until the end, and then returns `None`. [`WebSocket::end`] returns the Closes. The
    ///   connection needs no room for that: a client that has stopped reading is noticed as well.
    /// * With [`Policy::wait`](crate::Policy::wait), do not await
    ///   [`publish`](crate::Topic::publish) on the topic between two calls. It may wait for this
    ///   subscription.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::recv`]. [`Error::Send`] if a message that is sent piece by piece
    /// is not finished, or if the code of the policy must not be sent.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing. Messages that it has queued are sent by the next call, or
    /// by any method of the connection that writes.
    pub async fn forward<T: Transport>(
        &mut self,
        ws: &mut WebSocket<T>,
    ) -> Result<Option<Forwarded>, Error> {
        poll_fn(|cx| {
            let filled = self.poll_fill(cx, ws)?;
            if let Poll::Ready(Some(found)) = filled {
                return Poll::Ready(Ok(Some(found)));
            }
            // Writes everything that is queued.
            let received = ws.poll_recv(cx);
            poll_again(
                cx,
                filled.is_ready() && received.is_pending() && ws.has_room(),
            );
            received.map_ok(|message| message.map(Forwarded::Received))
        })
        .await
    }

    /// Sends the messages of the topic through the sending half of a connection. Another task must
    /// receive from the [`Receiver`](ws_driver::Receiver). `None` at the end of the connection.
    ///
    /// Does the same as [`forward`](Self::forward) otherwise. It returns for each gap, and when the
    /// topic was closed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (mut client, ws) = ws_tokio::testing::pair(Default::default());
    /// use ws_topics::{Forwarded, Policy, Topic};
    ///
    /// let (mut tx, mut rx) = ws.split();
    /// let receiving = tokio::spawn(async move {
    ///     while let Some(message) = rx.recv().await? {
    ///         println!("{message:?}");
    ///     }
    ///     Ok::<_, ws_tokio::Error>(())
    /// });
    ///
    /// let topic = Topic::new();
    /// let mut subscription = topic.subscribe(Policy::drop_oldest());
    /// topic.publish("hello").await;
    /// # let client = tokio::spawn(async move {
    /// #     assert_eq!(client.recv().await?, Some("hello".into()));
    /// #     client.close(ws_tokio::CloseCode::NORMAL, "").await
    /// # });
    /// while let Some(forwarded) = subscription.forward_to(&mut tx).await? {
    ///     match forwarded {
    ///         Forwarded::Lagged(missed) => tx.feed(format!("{missed} missing")).await?,
    ///         _ => break,
    ///     }
    /// }
    /// # receiving.await??;
    /// # client.await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Sender::closed`]. [`Error::Send`] as for [`forward`](Self::forward).
    ///
    /// # Cancel safety
    ///
    /// As for [`forward`](Self::forward).
    pub async fn forward_to<T: Split>(
        &mut self,
        sender: &mut Sender<T>,
    ) -> Result<Option<Forwarded>, Error> {
        poll_fn(|cx| {
            let filled = self.poll_fill(cx, sender)?;
            if let Poll::Ready(Some(found)) = filled {
                return Poll::Ready(Ok(Some(found)));
            }
            let written = pin!(sender.flush()).poll(cx);
            let ended = match written {
                // Also if the connection is closing.
                Poll::Ready(Ok(()) | Err(Error::Closed(_))) => pin!(sender.closed()).poll(cx),
                written => written,
            };
            poll_again(
                cx,
                filled.is_ready() && ended.is_pending() && sender.has_room(),
            );
            ended.map_ok(|()| None)
        })
        .await
    }

    /// Queues messages in the connection while it has room.
    ///
    /// `Pending` if all were queued. `Ready(None)` if there is no more room, or the subscription
    /// has ended.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut impl Target,
    ) -> Poll<Result<Option<Forwarded>, Error>> {
        let mut batch = Batch::default();
        while to.has_room() {
            if self.has_ended() {
                return Poll::Pending;
            }
            self.take_batch(&mut batch);
            if !batch.is_empty() {
                self.feed_batch(&mut batch, to)?;
                continue;
            }
            let before = self.cursor;
            match ready!(self.poll_recv(cx)) {
                Ok(Some(Event::Message(message))) => {
                    let fed = feed(&message, to);
                    if !matches!(fed, Ok(Fed::Queued)) {
                        self.put_back(message, before);
                        fed?;
                        self.leave();
                    }
                }
                Ok(Some(Event::Lagged(missed))) => {
                    return Poll::Ready(Ok(Some(Forwarded::Lagged(missed))));
                }
                Ok(Some(Event::Gap(missed))) => {
                    return Poll::Ready(Ok(Some(Forwarded::Gap(missed))));
                }
                Ok(None) => return Poll::Ready(Ok(Some(Forwarded::Ended))),
                Err(too_slow) => to.start_close(too_slow.code)?,
            }
        }
        if self.wait_stuck(cx)
            && let Poll::Ready(Err(too_slow)) = self.poll_recv(cx)
        {
            to.start_close(too_slow.code)?;
        }
        Poll::Ready(Ok(None))
    }

    /// Queues the messages of a batch while there is room, and keeps the rest as the first ones.
    #[inline]
    fn feed_batch(&mut self, batch: &mut Batch, to: &mut impl Target) -> Result<(), Error> {
        while let Some((message, cursor)) = batch.pop() {
            let fed = match to.has_room() {
                true => feed(&message, to),
                false => Ok(Fed::NoRoom),
            };
            if !matches!(fed, Ok(Fed::Queued)) {
                self.first.push_back((message, cursor).into());
                while let Some(rest) = batch.pop() {
                    self.first.push_back(rest.into());
                }
                if fed? == Fed::Closed {
                    self.leave();
                }
                return Ok(());
            }
            self.cursor = cursor;
        }
        Ok(())
    }
}

/// The fate of a message that is to be queued in a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fed {
    Queued,
    NoRoom,
    /// The connection is closing.
    Closed,
}

/// Queues a message, for which there is room.
#[inline]
fn feed(message: &Prepared, to: &mut impl Target) -> Result<Fed, Error> {
    match to.try_feed(message) {
        Ok(()) => Ok(Fed::Queued),
        Err(TryFeedError::Closed(_)) => Ok(Fed::Closed),
        Err(_) => Err(Error::Send(ws_driver::SendError::UnfinishedMessage)),
    }
}

/// Makes the executor poll again, after other tasks, if `is_due`: writing has made room, and
/// messages are waiting for room.
fn poll_again(cx: &Context<'_>, is_due: bool) {
    if is_due {
        cx.waker().wake_by_ref();
    }
}

/// A connection, or its sending half.
trait Target {
    fn has_room(&self) -> bool;
    fn try_feed<'m>(&mut self, message: &'m Prepared) -> Result<(), TryFeedError<&'m Prepared>>;
    /// Queues a Close. Succeeds if the connection is closing already.
    fn start_close(&mut self, code: CloseCode) -> Result<(), Error>;
}

const REASON: &str = "too slow";

/// Implements [`Target`] by the methods of the same names.
macro_rules! target {
    ($connection:ident<$transport:ident>) => {
        impl<T: $transport> Target for $connection<T> {
            fn has_room(&self) -> bool {
                Self::has_room(self)
            }

            fn try_feed<'m>(
                &mut self,
                message: &'m Prepared,
            ) -> Result<(), TryFeedError<&'m Prepared>> {
                Self::try_feed(self, message)
            }

            fn start_close(&mut self, code: CloseCode) -> Result<(), Error> {
                unless_closed(Self::start_close(self, code, REASON))
            }
        }
    };
}

target!(WebSocket<Transport>);
target!(Sender<Split>);

/// Passes over the errors of a connection that is closing already or has failed. Receiving reports
/// them.
fn unless_closed(closed: Result<(), Error>) -> Result<(), Error> {
    match closed {
        Err(Error::Closed(_) | Error::Io(_)) => Ok(()),
        closed => closed,
    }
}
