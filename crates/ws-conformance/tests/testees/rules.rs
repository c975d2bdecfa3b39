//! The rules of an echo endpoint. Those of the default are right; a fault changes some of them.

use super::codec::{self, Header, Unmasking};
use super::echo::Frame;
use super::message::Message;
use super::utf8::BadText;

/// The first byte and the payload of each frame.
type Frames = &'static [(u8, &'static [u8])];

/// The behavior of an endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(super) upgrade: Upgrade,
    pub(super) start: Start,
    /// The time between the arrival of bytes and the moment at which they are read.
    pub(super) reaction_ms: u64,
    /// The broken rules that the endpoint does not notice.
    pub(super) overlooks: fn(&Breach<'_>) -> bool,
    /// The reaction to a header that breaks no rule.
    pub(super) at_header: fn(&Header) -> Reaction,
    /// The reaction to a complete frame that breaks no rule.
    pub(super) at_frame: fn(&Frame<'_>) -> Reaction,
    /// The reaction to a complete message, which may be changed before it goes back.
    pub(super) at_message: fn(&mut Message) -> Reaction,
    /// The reaction to the end of the peer's direction of TCP.
    pub(super) at_end: AtEnd,
    pub(super) unmask: fn(&mut [u8], Unmasking),
    pub(super) long_length: fn([u8; 8]) -> u64,
    pub(super) max_message: u64,
    /// `true` if the endpoint fails where a header does not arrive in one piece.
    pub(super) needs_whole_headers: bool,
    /// The longest silence of the peer.
    pub(super) patience_ms: u64,
    /// The longest silence of the peer within a frame.
    pub(super) frame_patience_ms: u64,
    pub(super) text: TextRules,
    pub(super) pongs: Pongs,
    /// Changes the payload of a Pong.
    pub(super) pong: fn(&mut Vec<u8>),
    /// The payload of the endpoint's Close.
    pub(super) close: fn(&Stop) -> Vec<u8>,
    /// The frames that follow the endpoint's Close, each with its first byte.
    pub(super) after_close: fn(&Stop) -> Frames,
    /// The time for which the endpoint reads after its Close.
    pub(super) reads_on_ms: fn(&Stop) -> u64,
    /// `true` if the endpoint ignores what breaks a rule.
    pub(super) ignores_violations: bool,
    /// `true` if the reset of a connection within a frame ends the server.
    pub(super) dies_of_reset: bool,
    /// The time before a server reads a request.
    pub(super) accept_delay_ms: u64,
    /// `true` if echoes that are not yet written are dropped when the endpoint fails.
    pub(super) discards_output: bool,
    pub(super) tcp_end: TcpEnd,
    /// The longest time for which the peer may leave its receive window full.
    pub(super) write_patience_ms: u64,
    /// `true` if some output is lost after output that had to wait for the peer.
    pub(super) loses_output: bool,
    pub(super) masking: Masking,
    pub(super) long_lengths: bool,
    /// RSV bits of data frames, in the place that they have in the first byte.
    pub(super) rsv: u8,
    /// `true` if echoes are sent in two fragments.
    pub(super) fragments: bool,
    /// The number of connections that a server serves at a time.
    pub(super) max_connections: usize,
    /// The reaction of a server to more of them.
    pub(super) at_overload: Reaction,
    /// `true` if a server serves one connection after the other.
    pub(super) one_at_a_time: bool,
    pub(super) deflate: DeflateRules,
}

/// The answer of a server to the opening handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upgrade {
    Right,
    Silent,
    Refused,
    WrongAccept,
}

/// The first act of an endpoint after the opening handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Read,
    Drop,
    Close,
}

/// The reaction of an endpoint to bytes that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reaction {
    /// The right thing.
    Right,
    /// The right thing, this many milliseconds later.
    Late(u64),
    /// Nothing.
    Ignore,
    /// The right thing, and the message that is arriving is lost.
    ForgetMessage,
    /// The right thing, and later messages cannot refer to earlier ones.
    ForgetContext,
    /// The message is echoed after the next one.
    HoldBack,
    /// The message is echoed twice.
    Repeat,
    /// A Close with this code.
    Fail(u16),
    /// The end of TCP.
    Drop,
    /// The end of TCP, and of the server.
    Die,
}

/// The reaction of an endpoint to the end of the peer's direction of TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtEnd {
    End,
    /// Leaves the other direction open.
    Stay,
    /// Treats the frame that is arriving as complete, then ends.
    Complete,
}

/// The end of TCP after the last frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TcpEnd {
    /// A server ends TCP; a client waits for that, for a limited time.
    Right,
    /// A server waits for the client.
    ByClient,
    /// The endpoint waits until the peer sends nothing.
    AfterSilence,
    /// The endpoint leaves TCP open.
    Never,
    /// The endpoint leaves TCP open after a violation.
    NeverAfterFailure,
}

/// The time at which Pings are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pongs {
    AtOnce,
    AfterMillis(u64),
    AfterData,
    /// After everything else that was read, in pairs of which the second comes first.
    Swapped,
}

/// The masking of the endpoint's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Masking {
    /// A client masks with random keys, a server does not mask.
    Right,
    /// A server masks, a client does not.
    Wrong,
    /// A client uses the same key for each frame.
    SameKey,
    /// A client adds this to its key after each frame.
    Step(u32),
}

/// The times and places at which texts are checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextRules {
    pub(super) when: TextCheck,
    /// `true` if binary messages are checked, too.
    pub(super) of_binary: bool,
    /// `true` if no character may be cut by the end of a fragment.
    pub(super) by_fragment: bool,
    /// `true` if no character may be cut by a Ping.
    pub(super) by_ping: bool,
    /// No character may be cut by multiples of this.
    pub(super) block: usize,
}

/// The time at which texts are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextCheck {
    OnArrival,
    FrameEnd,
    MessageEnd,
}

/// The rules of compression.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeflateRules {
    /// `true` if the endpoint agrees to compress.
    pub(super) agrees: bool,
    /// The parameters of a client's offer.
    pub(super) offer: &'static str,
    /// Parameters of a server's answer that no client offered.
    pub(super) answer: &'static str,
    /// `true` if a server agrees to what a client offers for its own messages.
    pub(super) agrees_for_client: bool,
    /// `true` if echoes are compressed.
    pub(super) compresses: bool,
    pub(super) small_windows: bool,
    pub(super) resets_own_context: bool,
    pub(super) keeps_peer_context: bool,
    /// The longest distance of references, for a peer that agreed to a window of this number of
    /// bits. Bytes that are farther away are zero.
    pub(super) reach: fn(u8) -> usize,
    /// The form of a compressed message of this length.
    pub(super) frames: fn(usize) -> CompressedFrames,
    /// `true` if each message ends with the last block of a stream.
    pub(super) final_blocks: bool,
    /// `true` if each fragment is inflated as a message.
    pub(super) by_fragment: bool,
    /// The most that one message is inflated to. More is lost.
    pub(super) truncates_at: usize,
    /// `true` if nothing can be inflated after the last block of a stream.
    pub(super) ends_with_stream: bool,
    /// `true` if a message ends with the last block of its first stream.
    pub(super) takes_one_stream: bool,
    /// `true` if RSV1 is set for all messages after the first one with RSV1.
    pub(super) is_sticky: bool,
    /// The reaction to a compressed message before it is inflated.
    pub(super) at_message: fn(&[u8]) -> Reaction,
    /// Changes what was inflated of a message that cannot be inflated as a whole.
    pub(super) beginning: fn(&mut Vec<u8>),
    /// The reaction to a message that cannot be inflated.
    pub(super) at_undecodable: Reaction,
    /// The reaction to a message that is too long when it is inflated.
    pub(super) at_bomb: Reaction,
}

/// The frames of a compressed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompressedFrames {
    /// A frame with RSV1.
    One,
    /// Two frames, the first one with RSV1.
    Two,
    /// Two frames with RSV1.
    TwoWithRsv1,
    /// A frame without RSV1.
    WithoutRsv1,
}

/// The reason for which an endpoint stops echoing.
#[derive(Debug)]
pub(super) enum Stop {
    /// The peer's Close, with this payload.
    Closed(Vec<u8>),
    /// The peer broke a rule, for which this is the close code.
    Violation(u16),
    /// The endpoint ends TCP.
    Drop,
    /// The endpoint ends TCP, and with it the server.
    Die,
}

/// A rule for what the peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Clients mask, servers do not (RFC 6455 §5.1).
    Mask,
    /// Reserved opcodes (§5.2).
    Opcode,
    /// Reserved bits (§5.2, RFC 7692 §6).
    Rsv,
    /// The shortest form of the length (§5.2).
    ShortestLength,
    /// The highest bit of a length (§5.2).
    HighestBit,
    /// The length of a control frame (§5.5).
    ControlLength,
    /// FIN of a control frame (§5.5).
    ControlFin,
    /// Continuations, and nothing else, continue messages (§5.4).
    Order,
    /// The endpoint's own limit (§10.4).
    Limit,
    /// UTF-8 in texts (§8.1).
    Text(BadText),
    /// UTF-8 in reasons (§5.5.1).
    Reason(BadText),
    /// Close codes (§7.4).
    CloseCode(u16),
    /// Compressed data (RFC 7692 §7.2.2).
    Inflate,
}

/// A rule that the peer broke.
#[derive(Clone, Copy, Debug)]
pub(super) struct Breach<'a> {
    pub(super) rule: Rule,
    pub(super) header: Header,
    /// The position of the frame in a message that is arriving.
    pub(super) fragment: Option<usize>,
    /// `true` if a Ping came after the first frame of the message.
    pub(super) after_ping: bool,
    /// The offset of the first wrong byte in the text.
    pub(super) offset: usize,
    /// The message as it was compressed.
    pub(super) compressed: &'a [u8],
}

impl Breach<'_> {
    /// Returns `true` if this rule was broken by a frame with this opcode.
    pub(super) fn is(&self, rule: Rule, opcode: u8) -> bool {
        (self.rule, self.header.opcode) == (rule, opcode)
    }

    pub(super) fn is_of_control(&self, rule: Rule) -> bool {
        self.rule == rule && self.header.is_control()
    }
}

const NORMAL: u16 = 1000;
pub(super) const PROTOCOL_ERROR: u16 = 1002;
pub(super) const INVALID_PAYLOAD: u16 = 1007;
pub(super) const TOO_BIG: u16 = 1009;
/// Longer than the longest message of the original suite, and shorter than those that are too long
/// on purpose.
const MAX_MESSAGE: u64 = 32 << 20;

impl Default for Rules {
    fn default() -> Self {
        Self {
            upgrade: Upgrade::Right,
            start: Start::Read,
            reaction_ms: 0,
            overlooks: |_| false,
            at_header: |_| Reaction::Right,
            at_frame: |_| Reaction::Right,
            at_message: |_| Reaction::Right,
            at_end: AtEnd::End,
            unmask: codec::unmask,
            long_length: u64::from_be_bytes,
            max_message: MAX_MESSAGE,
            needs_whole_headers: false,
            patience_ms: 60_000,
            frame_patience_ms: u64::MAX,
            text: TextRules {
                when: TextCheck::OnArrival,
                of_binary: false,
                by_fragment: false,
                by_ping: false,
                block: usize::MAX,
            },
            pongs: Pongs::AtOnce,
            pong: |_| {},
            close: close_payload,
            after_close: |_| &[],
            reads_on_ms: |_| 0,
            ignores_violations: false,
            dies_of_reset: false,
            accept_delay_ms: 0,
            discards_output: false,
            tcp_end: TcpEnd::Right,
            write_patience_ms: 2500,
            loses_output: false,
            masking: Masking::Right,
            long_lengths: false,
            rsv: 0,
            fragments: false,
            max_connections: usize::MAX,
            at_overload: Reaction::Drop,
            one_at_a_time: false,
            deflate: DeflateRules::default(),
        }
    }
}

impl Default for DeflateRules {
    fn default() -> Self {
        Self {
            agrees: false,
            offer: "; client_max_window_bits",
            answer: "",
            agrees_for_client: false,
            compresses: true,
            small_windows: true,
            resets_own_context: true,
            keeps_peer_context: true,
            reach: |_| 1 << 15,
            frames: |_| CompressedFrames::One,
            final_blocks: false,
            by_fragment: false,
            truncates_at: usize::MAX,
            ends_with_stream: false,
            takes_one_stream: false,
            is_sticky: false,
            at_message: |_| Reaction::Right,
            beginning: |_| {},
            at_undecodable: Reaction::Fail(INVALID_PAYLOAD),
            at_bomb: Reaction::Fail(TOO_BIG),
        }
    }
}

/// Repeats the code of the peer's Close, without its reason.
pub(super) fn close_payload(stop: &Stop) -> Vec<u8> {
    match stop {
        Stop::Closed(payload) => payload[..payload.len().min(2)].to_vec(),
        Stop::Violation(code) => code.to_be_bytes().to_vec(),
        Stop::Drop | Stop::Die => Vec::new(),
    }
}

pub(super) fn normal(_: &Stop) -> Vec<u8> {
    NORMAL.to_be_bytes().to_vec()
}
