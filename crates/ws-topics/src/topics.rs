//! Topics by name.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use ws_driver::IntoOutgoing;

use crate::policy::Policy;
use crate::subscription::Subscription;
use crate::sync::{Mutex, lock};
use crate::topic::{Published, Shared, Topic};

/// Topics by name. A clone is the same set of topics.
///
/// A topic is made when its name is first used, and removed when its last [`Subscription`] and its
/// last [`Topic`] are dropped. So the names of clients that have left take no memory.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ws_topics::{Policy, Topics};
///
/// let rooms = Topics::new();
/// let subscription = rooms.subscribe("kitchen", Policy::drop_oldest());
/// assert_eq!(rooms.publish("kitchen", "dinner is ready").await.queued, 1);
/// assert_eq!(rooms.publish("cellar", "who is there?").await.queued, 0);
///
/// drop(subscription);
/// assert!(rooms.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Topics {
    names: Arc<Names>,
}

type Names = Mutex<HashMap<Arc<str>, Weak<Shared>>>;

/// The entry of a topic in [`Topics`].
pub(crate) struct Home {
    names: Weak<Names>,
    name: Arc<str>,
}

impl Topics {
    /// Makes an empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the topic with this name. Makes it if it does not exist.
    pub fn topic(&self, name: &str) -> Topic {
        let mut names = lock(&self.names);
        if let Some(shared) = names.get(name).and_then(Weak::upgrade) {
            return Topic { shared };
        }
        let name: Arc<str> = name.into();
        let topic = Topic::at_home(Home {
            names: Arc::downgrade(&self.names),
            name: Arc::clone(&name),
        });
        names.insert(name, Arc::downgrade(&topic.shared));
        topic
    }

    /// Returns the topic with this name if it exists.
    pub fn find(&self, name: &str) -> Option<Topic> {
        let shared = lock(&self.names).get(name)?.upgrade()?;
        Some(Topic { shared })
    }

    /// Subscribes to the topic with this name. See [`Topic::subscribe`].
    pub fn subscribe(&self, name: &str, policy: Policy) -> Subscription {
        self.topic(name).subscribe(policy)
    }

    /// Publishes a message in the topic with this name. See [`Topic::publish`]. If there is no such
    /// topic, it has no subscribers, and nothing is made.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, nothing was published.
    pub async fn publish<'m>(&self, name: &str, message: impl IntoOutgoing<'m>) -> Published {
        match self.find(name) {
            Some(topic) => topic.publish(message).await,
            None => Published::default(),
        }
    }

    /// Returns the names of all topics, in any order.
    pub fn names(&self) -> Vec<Arc<str>> {
        lock(&self.names).keys().cloned().collect()
    }

    /// Returns the number of topics.
    pub fn len(&self) -> usize {
        lock(&self.names).len()
    }

    /// Returns `true` if there are no topics.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Home {
    /// Removes the entry of `topic`, unless the name has a new topic already.
    pub(crate) fn remove(&self, topic: &Shared) {
        let Some(names) = self.names.upgrade() else {
            return;
        };
        let mut names = lock(&names);
        if names
            .get(&self.name)
            .is_some_and(|shared| std::ptr::eq(shared.as_ptr(), topic))
        {
            names.remove(&self.name);
        }
    }
}

impl fmt::Debug for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Topics").field(&self.names()).finish()
    }
}
