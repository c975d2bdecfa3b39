//! A backplane on Redis: a stream for each topic, and a channel for signals.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::{Client, IntoConnectionInfo, Script};
use ws_driver::{Message, MessageKind, Prepared};

use super::{Backplane, Page, Watch};
use crate::item::Cursor;
use crate::sync::{Mutex, lock};

/// The number of messages in a page.
const PAGE_LEN: usize = 64;

/// A [`Backplane`] on Redis 7, Valkey, or a later version of either. Not on a cluster.
///
/// * A topic is a stream, `ws:topic:NAME`, with the latest [`history`](Self::history) messages. It
///   is deleted when nothing was published for the time of [`retention`](Self::retention).
/// * Each message is signaled with the name of its topic in the channel `ws:changed`. Every process
///   receives every signal.
/// * One connection is for commands, and one for signals. The runtime is detected: tokio with the
///   feature `redis`, smol or async-std with the feature `redis-smol`. With both features, it is
///   tokio if the caller runs on it.
///
/// A message that was appended is in the memory of Redis. If Redis loses it in a crash, readers
/// report [`Missed::Unknown`](crate::Missed::Unknown).
///
/// ```no_run
/// use std::time::Duration;
/// use ws_topics::SharedTopics;
/// use ws_topics::backplane::Redis;
///
/// let redis = Redis::new("redis://127.0.0.1/")?.history(10_000);
/// let topics = SharedTopics::new(redis);
/// # let _ = topics;
/// # Ok::<(), ws_topics::backplane::RedisError>(())
/// ```
pub struct Redis {
    client: Client,
    prefix: String,
    history: usize,
    retention: Duration,
    append: Script,
    /// `None` before the first command and after an error.
    commands: Mutex<Option<Commands>>,
}

/// The connection for commands.
#[derive(Clone)]
struct Commands {
    connection: MultiplexedConnection,
    /// The id of this run of the server.
    run: String,
}

/// An error of [`Redis`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// The server cannot be reached, or refused a command. A message whose append failed may have
    /// been published nevertheless.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// The connection for signals has ended.
    #[error("Redis has ended the connection: it is opened again")]
    Ended,
    /// An entry of a stream was not written by this library. Choose another prefix.
    #[error("a stream of Redis contains something else: choose another prefix")]
    Foreign,
}

impl Redis {
    /// Makes a backplane on the server with this URL. Connects with the first command.
    ///
    /// # Errors
    ///
    /// [`RedisError::Redis`] if the URL is invalid.
    pub fn new(url: impl IntoConnectionInfo) -> Result<Self, RedisError> {
        Ok(Self {
            client: Client::open(url)?,
            prefix: "ws:".into(),
            history: 1000,
            retention: Duration::from_secs(24 * 60 * 60),
            append: Script::new(include_str!("append.lua")),
            commands: Mutex::new(None),
        })
    }

    /// Sets the prefix of all keys and of the channel. `ws:` by default.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the number of messages that are kept for each topic. 1000 by default, at least 1.
    #[must_use]
    pub fn history(mut self, messages: usize) -> Self {
        self.history = messages.max(1);
        self
    }

    /// Sets the time for which a topic is kept after its last message. 24 hours by default.
    #[must_use]
    pub fn retention(mut self, time: Duration) -> Self {
        self.retention = time.max(Duration::from_secs(1));
        self
    }

    fn key(&self, topic: &str) -> String {
        format!("{}topic:{topic}", self.prefix)
    }

    fn channel(&self) -> String {
        format!("{}changed", self.prefix)
    }

    /// Returns the connection for commands. Opens it if there is none.
    async fn commands(&self) -> Result<Commands, RedisError> {
        let open = lock(&self.commands).clone();
        if let Some(commands) = open {
            return Ok(commands);
        }
        let mut connection = self.client.get_multiplexed_async_connection().await?;
        let info: String = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut connection)
            .await?;
        let run = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        let run = run.unwrap_or_default().to_owned();
        let commands = Commands { connection, run };
        *lock(&self.commands) = Some(commands.clone());
        Ok(commands)
    }

    /// Forgets the connection after an error, so that the next command opens another one.
    fn check<R>(&self, result: Result<R, redis::RedisError>) -> Result<R, RedisError> {
        if result.is_err() {
            *lock(&self.commands) = None;
        }
        Ok(result?)
    }
}

impl Backplane for Redis {
    type Error = RedisError;
    type Watch = RedisWatch;

    async fn append(&self, topic: &str, message: &Prepared) -> Result<Cursor, RedisError> {
        let Commands {
            mut connection,
            run,
        } = self.commands().await?;
        let retention = u64::try_from(self.retention.as_millis()).unwrap_or(u64::MAX);
        let mut invocation = self.append.prepare_invoke();
        invocation
            .key(self.key(topic))
            .key(format!("{}epoch", self.prefix))
            .arg(run)
            .arg(self.history)
            .arg(retention.min(i64::MAX as u64 / 2))
            .arg(self.channel())
            .arg(topic)
            .arg(kind_name(message.kind()))
            .arg(message.as_bytes());
        let id: String = self.check(invocation.invoke_async(&mut connection).await)?;
        id.parse().map_err(|_| RedisError::Foreign)
    }

    async fn end(&self, topic: &str) -> Result<Cursor, RedisError> {
        let mut connection = self.commands().await?.connection;
        let last: Entries = self.check(
            redis::cmd("XREVRANGE")
                .arg(self.key(topic))
                .arg(&["+", "-", "COUNT", "1"])
                .query_async(&mut connection)
                .await,
        )?;
        let last = last.first().map(|(id, _)| id.parse());
        last.unwrap_or(Ok(Cursor::START))
            .map_err(|_| RedisError::Foreign)
    }

    async fn read(&self, topic: &str, after: Cursor) -> Result<Page, RedisError> {
        let mut connection = self.commands().await?.connection;
        let entries: Entries = self.check(
            redis::cmd("XRANGE")
                .arg(self.key(topic))
                .arg(format!("({after}"))
                .arg("+")
                .arg("COUNT")
                .arg(PAGE_LEN)
                .query_async(&mut connection)
                .await,
        )?;
        let messages = entries.into_iter().map(message).collect::<Result<_, _>>()?;
        Ok(Page::of_numbered(after, messages))
    }

    async fn watch(&self) -> Result<RedisWatch, RedisError> {
        let mut signals = self.client.get_async_pubsub().await?;
        signals.subscribe(self.channel()).await?;
        Ok(RedisWatch {
            signals: signals.into_on_message(),
        })
    }
}

/// The entries of a stream: the id, and the fields with their values.
type Entries = Vec<(String, Vec<(String, Vec<u8>)>)>;

fn message(entry: (String, Vec<(String, Vec<u8>)>)) -> Result<(Cursor, Prepared), RedisError> {
    let (id, fields) = entry;
    let cursor = id.parse().map_err(|_| RedisError::Foreign)?;
    let field = fields.into_iter().next().ok_or(RedisError::Foreign)?;
    let message = match (&*field.0, field.1) {
        (TEXT, text) => {
            let text = String::from_utf8(text).map_err(|_| RedisError::Foreign)?;
            Message::from(text)
        }
        (BINARY, bytes) => Message::from(bytes),
        _ => return Err(RedisError::Foreign),
    };
    Ok((cursor, Prepared::new(&message)))
}

/// The names of the fields.
const TEXT: &str = "text";
const BINARY: &str = "binary";

fn kind_name(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Text => TEXT,
        MessageKind::Binary => BINARY,
    }
}

/// The signals of [`Redis`].
pub struct RedisWatch {
    signals: PubSubStream,
}

impl Watch for RedisWatch {
    type Error = RedisError;

    async fn changed(&mut self) -> Result<String, RedisError> {
        let signal = poll_fn(|cx| Pin::new(&mut self.signals).poll_next(cx)).await;
        let signal = signal.ok_or(RedisError::Ended)?;
        Ok(signal.get_payload()?)
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("prefix", &self.prefix)
            .field("history", &self.history)
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RedisWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisWatch").finish_non_exhaustive()
    }
}
