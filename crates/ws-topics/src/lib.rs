//! Topics: each message goes to all subscribers, and each subscriber has a bounded queue.
//!
//! * [`Topic`] publishes, and [`Topics`] finds topics by name.
//! * [`Policy`] decides what happens to a subscriber that does not keep up.
//! * [`Subscription::forward`] serves a client: it sends the messages of the topic, and receives
//!   those of the client.
//!
//! * [`SharedTopics`] are topics over more than one process and machine, by a [`backplane`].
//!
//! The crate requires no runtime. It works with the connections of every adapter, such as
//! `ws-tokio` and `ws-smol`.
//!
//! ```
//! use ws_tokio::{Config, testing};
//! use ws_topics::{Forwarded, Policy, Topics};
//!
//! /// Sends the news of a room to a client, and what the client sends to the room.
//! async fn serve(mut ws: ws_tokio::WebSocket, rooms: Topics) -> Result<(), ws_tokio::Error> {
//!     let mut room = rooms.subscribe("lobby", Policy::close());
//!     while let Some(forwarded) = room.forward(&mut ws).await? {
//!         if let Forwarded::Received(message) = forwarded {
//!             rooms.publish("lobby", &message).await;
//!         }
//!     }
//!     Ok(())
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let rooms = Topics::new();
//!     let (mut client, server) = testing::pair(Config::default());
//!     let serving = tokio::spawn(serve(server, rooms));
//!
//!     client.send("hello, world").await?;
//!     assert_eq!(client.recv().await?, Some("hello, world".into()));
//!     drop(client);
//!     assert!(serving.await?.unwrap_err().is_disconnect());
//!     Ok(())
//! }
//! ```

#![forbid(unsafe_code)]

pub mod backplane;
mod batch;
mod forward;
mod item;
mod log;
#[cfg(all(test, loom))]
mod loom_tests;
mod policy;
mod shared_topics;
mod state;
mod subscriber;
mod subscription;
mod sync;
mod topic;
mod topics;
mod wakers;

pub use forward::Forwarded;
pub use item::{Cursor, InvalidCursor, Missed};
pub use policy::Policy;
pub use shared_topics::SharedTopics;
pub use subscription::{Event, Subscription, TooSlow};
pub use topic::{NoRoom, Publish, Published, Topic};
pub use topics::Topics;

pub use ws_driver::Prepared;
