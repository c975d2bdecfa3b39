//! Topics over more than one process.

use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use ws_driver::transport::{Runtime, Timer, within};
use ws_driver::{IntoOutgoing, Prepared};

use crate::backplane::{Backplane, Watch};
use crate::item::{Cursor, Item, Missed};
use crate::policy::Policy;
use crate::subscription::Subscription;
use crate::topic::Topic;
use crate::topics::Topics;

/// The time after which a watch without signals is replaced, and all topics are read. It limits the
/// delay if the connection for signals is dead and nobody has noticed.
const SILENCE: Duration = Duration::from_secs(10);

/// The time to begin watching.
const CONNECT: Duration = Duration::from_secs(5);

/// The pauses after failures: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Topics by name over more than one process, by a [`Backplane`]. A clone is the same set.
///
/// A message that any process publishes goes to the backplane, and from there to the subscribers of
/// all processes, in one order for each topic. One task of each process has to [run](Self::run) the
/// set.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ws_topics::backplane::Memory;
/// use ws_topics::{Event, Policy, SharedTopics};
///
/// let topics = SharedTopics::new(Memory::new(100));
/// let running = topics.clone();
/// tokio::spawn(async move { running.run::<ws_tokio::Tokio>(|error| eprintln!("{error}")).await });
///
/// let mut subscription = topics.subscribe("news", Policy::close()).await?;
/// topics.publish("news", "one").await?;
/// let Some(Event::Message(message)) = subscription.recv().await? else { panic!() };
/// assert_eq!(message.as_bytes(), b"one");
///
/// // The client disconnects, and comes back with its cursor.
/// let cursor = subscription.cursor();
/// drop(subscription);
/// topics.publish("news", "two").await?;
/// let mut resumed = topics.resume("news", cursor, Policy::close()).await?;
/// let Some(Event::Message(message)) = resumed.recv().await? else { panic!() };
/// assert_eq!(message.as_bytes(), b"two");
/// # Ok(())
/// # }
/// ```
pub struct SharedTopics<B> {
    shared: Arc<Shared<B>>,
}

struct Shared<B> {
    backplane: B,
    /// The topics with subscribers in this process.
    local: Topics,
}

impl<B: Backplane> SharedTopics<B> {
    /// Makes a set over a backplane.
    pub fn new(backplane: B) -> Self {
        Self {
            shared: Arc::new(Shared {
                backplane,
                local: Topics::new(),
            }),
        }
    }

    /// Returns the backplane.
    pub fn backplane(&self) -> &B {
        &self.shared.backplane
    }

    /// Returns the number of topics that have subscribers in this process.
    pub fn len(&self) -> usize {
        self.shared.local.len()
    }

    /// Returns `true` if no topic has subscribers in this process.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Publishes a message to the subscribers of all processes. Returns when the backplane has it,
    /// which may be before or after the subscribers have it.
    ///
    /// # Errors
    ///
    /// The error of the backplane. It may have failed after it stored the message. So if the caller
    /// tries again, the message may be published twice, with two cursors.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after it was polled, the message may or may not be published.
    pub async fn publish<'m>(
        &self,
        topic: &str,
        message: impl IntoOutgoing<'m>,
    ) -> Result<Cursor, B::Error> {
        let message = Prepared::new(message);
        self.shared.backplane.append(topic, &message).await
    }

    /// Subscribes to the messages that are published after this has returned. See
    /// [`Topic::subscribe`].
    ///
    /// [`Subscription::cursor`] is then the place of the last message before it.
    ///
    /// With [`Policy::wait`], a subscriber that does not receive stops all topics of this process.
    ///
    /// # Errors
    ///
    /// The error of the backplane, only for the first subscriber of a topic in this process.
    pub async fn subscribe(&self, topic: &str, policy: Policy) -> Result<Subscription, B::Error> {
        let (topic, cursor) = self.join(topic).await?;
        let mut subscription = topic.subscribe(policy);
        subscription.cursor = cursor;
        Ok(subscription)
    }

    /// Subscribes to the messages behind `cursor`. Those in the history of the backplane come
    /// first, and new ones follow. The cursor may come from another process. With
    /// [`Cursor::START`], begins with the oldest message in the history.
    ///
    /// Each message is received once. Messages that are no longer in the history are reported as
    /// [`Event::Gap`](crate::Event::Gap). So is a cursor of a history that was lost.
    ///
    /// The messages of the history are in memory until they are received, in addition to the queue.
    ///
    /// # Errors
    ///
    /// The error of the backplane.
    pub async fn resume(
        &self,
        topic: &str,
        cursor: Cursor,
        policy: Policy,
    ) -> Result<Subscription, B::Error> {
        let mut subscription = self.subscribe(topic, policy).await?;
        let joined = subscription.cursor;
        let end = self.shared.backplane.end(topic).await?;
        if cursor > end.max(joined) {
            // The history is older than the cursor, so the cursor belongs to one that was lost.
            subscription.gap = Missed::Unknown;
            return Ok(subscription);
        }
        let mut after = cursor;
        loop {
            let items = self.read(topic, after).await?;
            let Some(last) = items.last() else {
                break;
            };
            after = last.cursor;
            subscription.first.extend(items);
            if after >= end {
                break;
            }
        }
        if cursor != Cursor::START && after < joined {
            // The end of the history has expired, or was lost. Another subscriber has seen it here.
            subscription.gap = match after.epoch == joined.epoch {
                true => Missed::Exactly(joined.number - after.number),
                false => Missed::Unknown,
            };
        }
        if cursor == Cursor::START
            && let Some(first) = subscription.first.front_mut()
        {
            first.missed = Missed::None;
        }
        subscription.live_after = after;
        subscription.cursor = cursor;
        Ok(subscription)
    }

    /// Passes messages from the backplane to the subscribers of this process, forever. One task has
    /// to await this, on the runtime `R`, for example `ws_tokio::Tokio`.
    ///
    /// After a failure of the backplane, this calls `report` and tries again, after 50 ms at first,
    /// and after 2 s at most. Nothing is lost in the meantime that is still in the history.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, another call continues.
    pub async fn run<R: Runtime>(&self, mut report: impl FnMut(&B::Error)) -> Infallible {
        let mut pause = PAUSES.0;
        loop {
            if let Err(error) = self.follow::<R>(&mut pause).await {
                report(&error);
                limited::<R, ()>(pause, pending()).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }

    /// Follows one watch, until it fails or is silent for too long.
    async fn follow<R: Runtime>(&self, pause: &mut Duration) -> Result<(), B::Error> {
        let watch = limited::<R, _>(CONNECT, self.shared.backplane.watch());
        let Some(watch) = watch.await else {
            return Ok(());
        };
        let mut watch = watch?;
        for name in self.shared.local.names() {
            self.catch_up(&name).await?;
        }
        *pause = PAUSES.0;
        while let Some(changed) = limited::<R, _>(SILENCE, watch.changed()).await {
            self.catch_up(&changed?).await?;
        }
        Ok(())
    }

    /// Returns the topic after it has joined the backplane, and its place.
    async fn join(&self, name: &str) -> Result<(Topic, Cursor), B::Error> {
        let topic = self.shared.local.topic(name);
        let position = topic.shared.lock().position();
        if let Some(position) = position {
            return Ok((topic, position));
        }
        let end = self.shared.backplane.end(name).await?;
        let position = topic.shared.lock().join(end);
        // The signals of messages that came after `end` may have been ignored.
        self.catch_up(name).await?;
        Ok((topic, position))
    }

    /// Publishes all new messages of the backplane in the topic of this process.
    async fn catch_up(&self, name: &str) -> Result<(), B::Error> {
        let Some(topic) = self.shared.local.find(name) else {
            return Ok(());
        };
        loop {
            let Some(after) = topic.shared.lock().position() else {
                return Ok(());
            };
            let items = self.read(name, after).await?;
            if items.is_empty() {
                return Ok(());
            }
            for item in items {
                topic.publish_item(item).await;
            }
        }
    }

    async fn read(&self, topic: &str, after: Cursor) -> Result<Vec<Item>, B::Error> {
        let page = self.shared.backplane.read(topic, after).await?;
        let mut missed = page.missed;
        let items = page.messages.into_iter().map(|(cursor, message)| Item {
            message,
            cursor,
            missed: std::mem::take(&mut missed),
        });
        Ok(items.collect())
    }
}

impl<B> Clone for SharedTopics<B> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<B: fmt::Debug> fmt::Debug for SharedTopics<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedTopics")
            .field("backplane", &self.shared.backplane)
            .field("local", &self.shared.local)
            .finish()
    }
}

/// Waits for `future`. `None` if `time` passes first.
async fn limited<R: Runtime, V>(time: Duration, future: impl Future<Output = V>) -> Option<V> {
    within(&mut R::Timer::at(R::Timer::after(time)), future).await
}
