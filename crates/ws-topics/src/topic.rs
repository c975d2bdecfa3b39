//! Publishing.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ws_driver::{IntoOutgoing, Prepared};

use crate::item::Item;
use crate::policy::Policy;
use crate::state::State;
use crate::subscription::Subscription;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::topics::Home;
use crate::wakers::Ticket;

/// A topic: each message that is published goes to all subscribers. A clone is the same topic.
///
/// All subscribers share one copy of a message, and the topic frees it when the slowest of them has
/// received it. A message is encoded once, and compressed once for each size of window: see
/// [`Prepared`]. The subscribers decide how far they may fall behind: see [`Policy`].
///
/// Nothing runs in the background, and no runtime is required. Publishers and subscribers may be in
/// any task and thread.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ws_topics::{Event, Policy, Topic};
///
/// let news = Topic::new();
/// let mut subscription = news.subscribe(Policy::drop_oldest());
/// news.publish("breaking").await;
///
/// let Some(Event::Message(message)) = subscription.recv().await? else {
///     panic!("a message was published");
/// };
/// assert_eq!(message.as_bytes(), b"breaking");
/// # Ok(())
/// # }
/// ```
///
/// [`Subscription::forward`] sends the messages of a subscription to a client.
#[derive(Clone, Default)]
pub struct Topic {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// The entry of the topic in [`Topics`](crate::Topics), which is removed with the topic.
    home: Option<Home>,
}

/// The effect of a published message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// The number of subscribers that have the message in their queue.
    pub queued: usize,
    /// The number of messages that subscribers miss because of this one: old messages with
    /// [`Policy::drop_oldest`], this message with [`Policy::drop_newest`].
    pub missed: usize,
    /// The number of subscriptions that ended, because they were too slow ([`Policy::close`]).
    pub closed: usize,
}

/// A subscriber with [`Policy::wait`] has no room. Nothing was published. Await
/// [`Topic::publish`], which waits for room, or try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subscriber that must miss nothing has no room: await `publish`, or try again later")]
pub struct NoRoom;

impl Topic {
    /// Makes a topic without subscribers.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn at_home(home: Home) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            home: Some(home),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Publishes a message to all subscribers. Waits while a subscriber with [`Policy::wait`] has
    /// no room. Without such subscribers, this never waits.
    ///
    /// All subscribers receive messages in the same order. The order of two messages is known if
    /// the second is published after this returned for the first.
    ///
    /// If the topic was [closed](Self::close), the message is discarded.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, nothing was published.
    pub fn publish<'m>(&self, message: impl IntoOutgoing<'m>) -> Publish<'_> {
        Publish {
            shared: &self.shared,
            item: Item::local(Prepared::new(message)),
            ticket: Ticket::default(),
        }
    }

    /// Publishes a message of a backplane, unless that has been done already.
    pub(crate) fn publish_item(&self, item: Item) -> Publish<'_> {
        Publish {
            shared: &self.shared,
            item,
            ticket: Ticket::default(),
        }
    }

    /// Publishes a message to all subscribers without waiting.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] if a subscriber with [`Policy::wait`] has no room. No subscriber receives the
    /// message. To keep it, pass a reference to a [`Prepared`].
    pub fn try_publish<'m>(&self, message: impl IntoOutgoing<'m>) -> Result<Published, NoRoom> {
        let item = Item::local(Prepared::new(message));
        let published = self.shared.lock().publish(&item);
        let (published, woken) = published.ok_or(NoRoom)?;
        woken.wake();
        Ok(published)
    }

    /// Subscribes to all messages that are published from now on.
    ///
    /// Dropping the subscription ends it. Subscribe after the handshake, so that messages do not
    /// accumulate during a slow handshake.
    pub fn subscribe(&self, policy: Policy) -> Subscription {
        let key = self.shared.lock().subscribe(policy);
        Subscription::new(Arc::clone(&self.shared), key)
    }

    /// Ends all subscriptions, after the messages in their queues. Further messages are discarded.
    ///
    /// Dropping the last [`Topic`] does not end subscriptions.
    pub fn close(&self) {
        let woken = self.shared.lock().close();
        woken.into_iter().for_each(|woken| woken.wake());
    }

    /// Returns the number of subscriptions that exist.
    pub fn subscribers(&self) -> usize {
        self.shared.lock().subscribers()
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic")
            .field("subscribers", &self.subscribers())
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            home.remove(self);
        }
    }
}

/// The future of [`Topic::publish`]. Polled again after it was ready, it publishes the message
/// again.
#[must_use = "nothing is published before it is awaited"]
pub struct Publish<'t> {
    shared: &'t Shared,
    item: Item,
    ticket: Ticket,
}

impl Future for Publish<'_> {
    type Output = Published;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Published> {
        let Self {
            shared,
            item,
            ticket,
        } = &mut *self;
        let mut state = shared.lock();
        let Some((published, woken)) = state.publish(item) else {
            state.wait_for_room(ticket, cx.waker());
            return Poll::Pending;
        };
        state.forget_publisher(ticket);
        drop(state);
        woken.wake();
        Poll::Ready(published)
    }
}

impl Drop for Publish<'_> {
    fn drop(&mut self) {
        if self.ticket.is_used() {
            self.shared.lock().forget_publisher(&mut self.ticket);
        }
    }
}

impl fmt::Debug for Publish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish").finish_non_exhaustive()
    }
}
