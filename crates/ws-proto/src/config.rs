//! Limits and time-outs of a connection.

use alloc::sync::Arc;
use core::fmt;
use core::num::NonZeroUsize;
use core::time::Duration;

#[cfg(feature = "deflate")]
use crate::deflate::DeflateConfig;

/// The most frames that one assembled message may come in.
///
/// Empty fragments cost the peer next to nothing; the Autobahn suite sends 65,537.
pub const MAX_FRAGMENTS: u32 = 131_072;

/// Limits and time limits. The defaults are safe against a hostile peer.
///
/// The setters may be called in any order. Cheap to clone: connections with the same settings share them.
///
/// ```
/// let config = ws_proto::Config::default().max_message(1 << 20);
/// ```
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

/// The dates of Pings that are sent unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keepalive {
    /// Silence of the peer before a Ping.
    pub(crate) interval: Duration,
    /// Time for the Pong.
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
    /// Compresses messages, if the peer agrees to it (RFC 7692). Default: no compression.
    ///
    /// Compression takes memory and time, and tells whoever sees the lengths of messages something about what is in
    /// them: do not compress secrets together with what others chose.
    #[cfg(feature = "deflate")]
    pub fn deflate(self, deflate: DeflateConfig) -> Self {
        self.set(|settings| settings.deflate = Some(deflate))
    }

    /// Returns the settings of [`deflate`](Self::deflate), if it was called.
    #[cfg(feature = "deflate")]
    pub fn deflate_config(&self) -> Option<&DeflateConfig> {
        self.shared.deflate.as_ref()
    }

    /// Sets the time for the closing handshake. Default: 5 s.
    ///
    /// Until our Close has been written, the peer must take 64 KiB, or the rest, in each of these times: what was
    /// queued before goes out first. Once the Close has been written, the time runs anew, up to the end of the
    /// transport.
    ///
    /// Short values cut off peers on slow lines; long ones let silent peers hold a connection.
    pub fn close_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.close_timeout = timeout)
    }

    /// Sets the time from a violation to the end of the transport, whatever the peer takes meanwhile. Default: 1 s.
    pub fn failure_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.failure_timeout = timeout)
    }

    /// Sends messages in frames of at most this many bytes of payload. Default: a message is one frame.
    ///
    /// A longer message is queued whole, and cut as the transport takes it: Pings and Pongs leave between two
    /// fragments, a Close leaves behind the last. Small values cost a header per fragment.
    pub fn fragment_len(self, len: NonZeroUsize) -> Self {
        self.set(|settings| settings.fragment_len = Some(len))
    }

    /// Leaves the answers to Pings to the caller, who has to send a Pong with the payload of each (RFC 6455 §5.5.2).
    /// Default: Pings are answered.
    ///
    /// For relays, which pass on the Pings of one end and the Pongs of the other.
    pub fn manual_pongs(self) -> Self {
        self.set(|settings| settings.manual_pongs = true)
    }

    /// Sets the bytes of queued output from which on senders wait. Default: 64 KiB. A message that finds less queued,
    /// or nothing, is taken whole, however long it is.
    pub fn high_water_mark(self, len: usize) -> Self {
        self.set(|settings| settings.high_water_mark = len)
    }

    /// Sets the time that the peer may send nothing at all before the connection counts as lost. Default: none.
    ///
    /// Counts while somebody receives.
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.idle_timeout = Some(timeout))
    }

    /// Sends a Ping whenever the peer has sent nothing for `interval`; the connection counts as lost if the Pong takes
    /// longer than `timeout`. Default: no Pings.
    ///
    /// An `interval` of less than a millisecond counts as one. Counts while somebody receives.
    ///
    /// The time for the Pong starts anew whenever the transport takes bytes, because the Ping may wait behind them.
    /// The buffers of the operating system can still delay it, and nobody tells how much they hold. So allow
    /// for a generous `timeout` where much is sent.
    ///
    /// Keeps middleboxes from forgetting the connection, and finds peers that are gone.
    pub fn keepalive(self, interval: Duration, timeout: Duration) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        self.set(|settings| settings.keepalive = Some(Keepalive { interval, timeout }))
    }

    /// Sets the longest payload of one frame in bytes, inclusive. Default: no limit beside that of
    /// [`max_message`](Self::max_message).
    ///
    /// Refuses a message that arrives in longer frames, also where it is within the limit on messages. Compressed
    /// messages are bounded by that one alone.
    pub fn max_frame(self, len: usize) -> Self {
        self.set(|settings| settings.max_frame_len = Some(len))
    }

    /// Sets the longest message in bytes, in one frame or many, inclusive. Default: 16 MiB.
    ///
    /// A peer can make the connection hold up to twice this for an unfinished message.
    pub fn max_message(self, len: usize) -> Self {
        self.set(|settings| settings.max_message_len = len)
    }

    /// Takes away the limit on messages, and that on frames if one was set: a peer may then use up the memory.
    pub fn unlimited(self) -> Self {
        self.set(|settings| {
            settings.max_frame_len = None;
            settings.max_message_len = usize::MAX;
        })
    }

    /// Sets the time that output may wait without one byte being taken before the connection counts as lost. Default:
    /// 30 s.
    pub fn write_stall_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.write_stall_timeout = timeout)
    }

    /// Changes the settings of this one alone.
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
