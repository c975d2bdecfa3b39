//! The limits and timeouts of a connection.

use alloc::sync::Arc;
use core::fmt;
use core::num::NonZeroUsize;
use core::time::Duration;

#[cfg(feature = "deflate")]
use crate::deflate::DeflateConfig;

/// The maximum number of frames in one assembled message.
///
/// Empty fragments cost the peer almost nothing, so their number must be limited. The
/// AutobahnTestSuite sends messages of 65,537 frames.
pub const MAX_FRAGMENTS: u32 = 131_072;

/// The limits and timeouts of a connection. The defaults bound the memory that a peer can use. They
/// do not end a silent connection: see [`keepalive`](Self::keepalive) and
/// [`idle_timeout`](Self::idle_timeout).
///
/// The setters may be called in any order. Only [`unlimited`](Self::unlimited) overrides limits
/// that were set before it. A clone is cheap, because all clones share the memory of the settings.
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Config {
    pub(crate) shared: Arc<Settings>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) close_timeout: Duration,
    #[cfg(feature = "deflate")]
    pub(crate) deflate: Option<DeflateConfig>,
    pub(crate) failure_timeout: Duration,
    pub(crate) fragment_len: Option<NonZeroUsize>,
    pub(crate) high_water_mark: usize,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) keepalive: Option<Keepalive>,
    pub(crate) manual_pongs: bool,
    pub(crate) max_frame_len: Option<usize>,
    pub(crate) max_message_len: usize,
    pub(crate) write_stall_timeout: Duration,
}

/// The times for keepalive Pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keepalive {
    /// The time without input after which a Ping is sent.
    pub(crate) interval: Duration,
    /// The maximum time until the Pong, from the Ping or from the last output that the transport
    /// took.
    pub(crate) timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            close_timeout: Duration::from_secs(5),
            #[cfg(feature = "deflate")]
            deflate: None,
            failure_timeout: Duration::from_secs(1),
            fragment_len: None,
            high_water_mark: 64 * 1024,
            idle_timeout: None,
            keepalive: None,
            manual_pongs: false,
            max_frame_len: None,
            max_message_len: 16 << 20,
            write_stall_timeout: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// Compresses messages if the peer agrees to it (RFC 7692). Default: no compression.
    ///
    /// Compression takes memory and time. The lengths of compressed messages also reveal something
    /// about their content. Do not compress secrets together with data that others chose.
    #[cfg(feature = "deflate")]
    pub fn deflate(self, deflate: DeflateConfig) -> Self {
        self.set(|settings| settings.deflate = Some(deflate))
    }

    /// Returns the compression settings, if [`deflate`](Self::deflate) was called.
    #[cfg(feature = "deflate")]
    pub fn deflate_config(&self) -> Option<&DeflateConfig> {
        self.shared.deflate.as_ref()
    }

    /// Sets the time for the closing handshake. Default: 5 s.
    ///
    /// Messages that were queued before our Close are written first. Until the Close has been
    /// written, the peer must take 64 KiB, or all that is left, in each period of this length. When
    /// the Close has been written, the timeout restarts and covers everything up to the end of the
    /// transport.
    ///
    /// Short values cut off peers on slow lines. Long values let silent peers hold a connection.
    pub fn close_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.close_timeout = timeout)
    }

    /// Sets the time from a violation to the end of the transport. This timeout is not extended
    /// when the peer takes data. Default: 1 s.
    pub fn failure_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.failure_timeout = timeout)
    }

    /// Sends messages in frames of at most this many bytes of payload. Default: a message is one
    /// frame.
    ///
    /// A longer message is queued whole and cut into fragments while the transport takes it. Pings
    /// and Pongs are sent between two fragments, and a Close is sent after the last. Small values
    /// cost a header per fragment. Each piece of a message that is sent piece by piece is one
    /// frame, however long it is.
    pub fn fragment_len(self, len: NonZeroUsize) -> Self {
        self.set(|settings| settings.fragment_len = Some(len))
    }

    /// Leaves the answers to Pings to the caller. The caller must then answer each Ping with a Pong
    /// that has the same payload (RFC 6455 §5.5.2). Default: Pings are answered automatically.
    ///
    /// This is for relays, which pass on the Pings of one end and the Pongs of the other.
    pub fn manual_pongs(self) -> Self {
        self.set(|settings| settings.manual_pongs = true)
    }

    /// Sets the high-water mark: the number of queued bytes at which senders start to wait.
    /// Default: 64 KiB.
    ///
    /// A message of any length is accepted whole if the queue is empty or shorter than the mark.
    pub fn high_water_mark(self, len: usize) -> Self {
        self.set(|settings| settings.high_water_mark = len)
    }

    /// Sets the idle timeout: the connection is treated as lost if the peer sends nothing for this
    /// time. Default: none.
    ///
    /// The time runs only while a task receives.
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.idle_timeout = Some(timeout))
    }

    /// Sends a Ping whenever the peer has sent nothing for `interval`. The connection is treated as
    /// lost if the Pong takes longer than `timeout`. Default: no Pings.
    ///
    /// An `interval` of less than a millisecond is raised to one millisecond. Both times run only
    /// while a task receives.
    ///
    /// The time for the Pong restarts whenever the transport takes bytes, because the Ping may be
    /// queued after other bytes. The buffers of the operating system can still delay the Ping, and
    /// their fill level is unknown. So choose a generous `timeout` for a connection that sends
    /// much.
    ///
    /// Pings keep middleboxes from dropping the connection, and detect peers that have disappeared.
    pub fn keepalive(self, interval: Duration, timeout: Duration) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        self.set(|settings| settings.keepalive = Some(Keepalive { interval, timeout }))
    }

    /// Sets the longest payload of one frame in bytes, inclusive. Default: no limit other than
    /// [`max_message`](Self::max_message).
    ///
    /// A message in longer frames is refused, even if it is within the limit on messages. The limit
    /// does not apply to compressed messages, which are bounded by `max_message` alone.
    pub fn max_frame(self, len: usize) -> Self {
        self.set(|settings| settings.max_frame_len = Some(len))
    }

    /// Sets the longest message in bytes, in one frame or many, inclusive. Default: 16 MiB.
    ///
    /// A peer can make the connection hold up to twice this amount for an unfinished message.
    pub fn max_message(self, len: usize) -> Self {
        self.set(|settings| settings.max_message_len = len)
    }

    /// Removes the limit on messages, and the limit on frames if one was set. A peer can then
    /// exhaust the memory.
    pub fn unlimited(self) -> Self {
        self.set(|settings| {
            settings.max_frame_len = None;
            settings.max_message_len = usize::MAX;
        })
    }

    /// Sets the write stall timeout: the connection is treated as lost if output waits for this
    /// time and the transport takes no byte of it. Default: 30 s.
    pub fn write_stall_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.write_stall_timeout = timeout)
    }

    /// Changes the settings of this value. Clones keep the old settings.
    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.shared));
        self
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Config").field(&self.shared).finish()
    }
}
