//! The messages in a topic, with their place in the history of a backplane.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use ws_driver::Prepared;

/// A message in a topic.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) message: Prepared,
    /// [`Cursor::START`] without a backplane.
    pub(crate) cursor: Cursor,
    /// The messages that were missed directly before this one.
    pub(crate) missed: Missed,
}

impl Item {
    pub(crate) fn local(message: Prepared) -> Self {
        Self {
            message,
            cursor: Cursor::START,
            missed: Missed::None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.message.as_bytes().len()
    }

    /// Returns the number of messages that a subscriber misses with this one.
    pub(crate) fn count(&self) -> u64 {
        match self.missed {
            Missed::Exactly(missed) => missed.saturating_add(1),
            Missed::None | Missed::Unknown => 1,
        }
    }
}

/// The place of a message in the history of a topic. Later messages have larger cursors.
///
/// A client that stores the cursor of the last message can continue behind it, on any machine: see
/// `SharedTopics::resume`. The text form is `EPOCH-NUMBER`.
///
/// ```
/// use ws_topics::Cursor;
///
/// let cursor: Cursor = "1764500000000-17".parse()?;
/// assert!(cursor > Cursor::new(1764500000000, 9));
/// assert_eq!(cursor.to_string(), "1764500000000-17");
/// assert!("17".parse::<Cursor>().is_err());
/// # Ok::<(), ws_topics::InvalidCursor>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// The epoch of the history. A new one begins when a history has been lost.
    pub epoch: u64,
    /// The number of the message in the epoch.
    pub number: u64,
}

impl Cursor {
    /// The place before all messages.
    pub const START: Self = Self::new(0, 0);

    /// Makes a cursor.
    #[must_use]
    pub const fn new(epoch: u64, number: u64) -> Self {
        Self { epoch, number }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.number)
    }
}

/// The text is not a [`Cursor`]. Start without a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor, which has the form EPOCH-NUMBER: start without one")]
pub struct InvalidCursor;

impl From<ParseIntError> for InvalidCursor {
    fn from(_: ParseIntError) -> Self {
        Self
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (epoch, number) = text.split_once('-').ok_or(InvalidCursor)?;
        Ok(Self::new(epoch.parse()?, number.parse()?))
    }
}

/// The messages that were missed at a place in a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missed {
    /// No messages.
    #[default]
    None,
    /// This number of messages. They are no longer in the history.
    Exactly(u64),
    /// Any number of messages, or none. The history was lost, and began again.
    Unknown,
}
