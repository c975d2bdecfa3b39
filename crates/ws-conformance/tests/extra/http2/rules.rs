//! The parts of an endpoint of HTTP/2 that a testee changes.

use super::checks;
use super::frame::Fields;
use crate::check::Checks;

/// The rules of an endpoint.
pub(crate) struct Rules {
    /// Bytes that are sent before anything else.
    pub(crate) first: &'static [u8],
    /// The values of SETTINGS_ENABLE_CONNECT_PROTOCOL, each in a frame of its own.
    pub(crate) enable_connect: &'static [u32],
    /// The value after the other side changed its parameters.
    pub(crate) enable_connect_later: Option<u32>,
    /// A client sends its request before it has received SETTINGS.
    pub(crate) is_hasty: bool,
    /// The most SETTINGS that are acknowledged.
    pub(crate) acknowledges: usize,
    /// Returns `true` if a parameter is an error.
    pub(crate) bad_parameter: fn(u16) -> bool,
    pub(crate) requests: Checks<Fields>,
    pub(crate) responses: Checks<Fields>,
    /// Changes the head that is sent.
    pub(crate) change: fn(&mut Fields),
    /// Returns `true` if a response with this status is not the last one.
    pub(crate) is_interim: fn(&str) -> bool,
    pub(crate) takes_continuation: bool,
    /// Padding and priority are removed from heads.
    pub(crate) strips_head: bool,
    /// Padding is removed from DATA.
    pub(crate) strips_data: bool,
    /// DATA with more padding than payload is an error.
    pub(crate) checks_padding: bool,
    /// DATA without bytes is the end of the stream.
    pub(crate) ends_at_empty: bool,
    /// The bytes of each DATA that are not lost.
    pub(crate) takes: usize,
    /// The fault of the endpoint of WebSocket.
    pub(crate) echo: &'static str,
    /// The longest DATA that is sent.
    pub(crate) max_data: usize,
    pub(crate) obeys_stream_window: bool,
    pub(crate) obeys_connection_window: bool,
    /// A new initial window changes those of open streams.
    pub(crate) adjusts_windows: bool,
    /// The window without which nothing is sent.
    pub(crate) least_window: i64,
    /// The bytes that are given back after they were read.
    pub(crate) gives_credit: Credit,
    /// An increment of 0 is an error.
    pub(crate) checks_zero: bool,
    /// A stream's window of more than 2^31 - 1 is an error.
    pub(crate) checks_stream_overflow: bool,
    pub(crate) checks_connection_overflow: bool,
    /// A head on an open stream ends it.
    pub(crate) refuses_trailers: bool,
    /// DATA after END_STREAM is an error.
    pub(crate) checks_half_closed: bool,
    /// END_STREAM with HEADERS, and with DATA, ends the stream.
    pub(crate) sees_end_of_head: bool,
    pub(crate) sees_end_of_data: bool,
    /// The own direction ends after a Close, and after a violation.
    pub(crate) ends_streams: bool,
    /// The end of a WebSocket, and RST_STREAM, ends the connection.
    pub(crate) ends_connection: bool,
    pub(crate) at_reset: AtReset,
    /// A violation ends the connection.
    pub(crate) fails_connection: bool,
    /// The stream that DATA of a stream is taken for.
    pub(crate) mixes_streams: bool,
    /// A stream that waits for its window stops all others.
    pub(crate) stalls_all: bool,
    /// The payload of the answer to PING.
    pub(crate) pong: fn(Vec<u8>) -> Vec<u8>,
    /// Frames of unknown types are errors.
    pub(crate) refuses_unknown: bool,
    /// GOAWAY is the end.
    pub(crate) ends_at_go_away: bool,
    /// A client sees that GOAWAY leaves its stream out.
    pub(crate) sees_unprocessed: bool,
}

/// The bytes that are given back to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credit {
    All,
    WithoutPadding,
    None,
}

/// The reaction to RST_STREAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtReset {
    /// The stream is forgotten.
    Forget,
    /// The connection ends.
    End,
    /// A Close is sent.
    Close,
    /// Nothing happens.
    Ignore,
}

impl Rules {
    /// Rules in which nothing is wrong.
    pub(crate) fn correct() -> Self {
        Self {
            first: b"",
            enable_connect: &[1],
            enable_connect_later: None,
            is_hasty: false,
            acknowledges: usize::MAX,
            bad_parameter: |_| false,
            requests: Checks::new(checks::REQUEST),
            responses: Checks::new(checks::RESPONSE),
            change: |_| {},
            is_interim: |status| status.starts_with('1') && status != "101",
            takes_continuation: true,
            strips_head: true,
            strips_data: true,
            checks_padding: true,
            ends_at_empty: false,
            takes: usize::MAX,
            echo: "none",
            max_data: 16_384,
            obeys_stream_window: true,
            obeys_connection_window: true,
            adjusts_windows: true,
            least_window: 1,
            gives_credit: Credit::All,
            checks_zero: true,
            checks_stream_overflow: true,
            checks_connection_overflow: true,
            refuses_trailers: true,
            checks_half_closed: true,
            sees_end_of_head: true,
            sees_end_of_data: true,
            ends_streams: true,
            ends_connection: false,
            at_reset: AtReset::Forget,
            fails_connection: false,
            mixes_streams: false,
            stalls_all: false,
            pong: |payload| payload,
            refuses_unknown: false,
            ends_at_go_away: false,
            sees_unprocessed: true,
        }
    }
}
