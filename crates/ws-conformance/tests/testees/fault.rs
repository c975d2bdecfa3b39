//! What can be wrong with a testee.

use std::str::FromStr;

use super::Role;

/// What is wrong with a testee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    FragmentedEcho,
    EmptyClose,
    NoUpgrade,
    RefusedUpgrade,
    WrongAccept,
    DropsAtOnce,
    ClosesFirst,
    NoEcho,
    WrongOpcode,
    AlteredText,
    Slow,
    LatePong,
    PongAfterData,
    WrongPong,
    NoCloseReply,
    DropsOnClose,
    TalksAfterClose,
    Closes1000,
    Closes1002,
    Utf8Closes1002,
    TcpLeftOpen,
    WrongMasking,
    LongLengths,
    RsvInEcho,
    FailsFast,
    Utf8Unchecked,
    Utf8AtMessageEnd,
    Utf8AtFrameEnd,
    RsvUnchecked,
    OpcodesUnchecked,
    OrderUnchecked,
    LastFragmentLost,
    FragmentsSwapped,
    ControlFragmentsUnchecked,
    ControlLengthUnchecked,
    LongControlsEchoed,
    CloseCodesUnchecked,
    Uncompressed,
    Compressed,
    EchoesUncompressed,
    CompressedFragments,
    AlteredCompressed,
    WindowIgnored,
    ContextKept,
    ContextLost,
    Rsv1Missing,
    Rsv1OnContinuations,
    FinalBlocks,
    UnknownParameter,
    SmallestWindow,
}

/// Where a fault makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Both,
    Server,
}

use Where::{Both, Server};

/// Every fault, its name, where it makes a difference, and what it is.
#[rustfmt::skip]
const LIST: &[(Fault, &str, Where, &str)] = &[
    (Fault::None, "none", Both, "correct"),
    (Fault::FragmentedEcho, "fragmented-echo", Both, "correct: echoes in two fragments"),
    (Fault::EmptyClose, "empty-close", Both, "correct: its Close frames have no code"),
    (Fault::NoUpgrade, "no-upgrade", Server, "never answers the request"),
    (Fault::RefusedUpgrade, "refused-upgrade", Server, "answers 403"),
    (Fault::WrongAccept, "wrong-accept", Server, "answers with the accept value of another key"),
    (Fault::DropsAtOnce, "drops-at-once", Both, "ends TCP right after the opening handshake"),
    (Fault::ClosesFirst, "closes-first", Both, "sends Close right after the opening handshake"),
    (Fault::NoEcho, "no-echo", Both, "ignores data messages"),
    (Fault::WrongOpcode, "wrong-opcode", Both, "echoes text as binary and binary as text"),
    (Fault::AlteredText, "altered-text", Both, "changes one octet of a text, not its length"),
    (Fault::Slow, "slow", Both, "takes 1.3 s to react"),
    (Fault::LatePong, "late-pong", Both, "sends a Pong after 1.5 s"),
    (Fault::PongAfterData, "pong-after-data", Both, "sends a Pong after the next data message"),
    (Fault::WrongPong, "wrong-pong", Both, "the payload of a Pong is one octet longer or shorter"),
    (Fault::NoCloseReply, "no-close-reply", Both, "ignores Close frames"),
    (Fault::DropsOnClose, "drops-on-close", Both, "ends TCP instead of answering a Close"),
    (Fault::TalksAfterClose, "talks-after-close", Both, "answers what came after a Close, then closes"),
    (Fault::Closes1000, "closes-1000", Both, "every Close of it has the code 1000"),
    (Fault::Closes1002, "closes-1002", Both, "every Close of it has the code 1002"),
    (Fault::Utf8Closes1002, "utf8-closes-1002", Both, "closes with 1002 where 1007 is due"),
    (Fault::TcpLeftOpen, "tcp-left-open", Server, "leaves it to the client to end TCP"),
    (Fault::WrongMasking, "wrong-masking", Both, "masks as a server, does not mask as a client"),
    (Fault::LongLengths, "long-lengths", Both, "writes each length in 16 bits at least"),
    (Fault::RsvInEcho, "rsv-in-echo", Both, "sets RSV1 in its data frames"),
    (Fault::FailsFast, "fails-fast", Both, "a violation discards echoes that are not yet written"),
    (Fault::Utf8Unchecked, "utf8-unchecked", Both, "takes any octets for text"),
    (Fault::Utf8AtMessageEnd, "utf8-at-message-end", Both, "looks at text when the message is complete"),
    (Fault::Utf8AtFrameEnd, "utf8-at-frame-end", Both, "looks at text when the frame is complete"),
    (Fault::RsvUnchecked, "rsv-unchecked", Both, "ignores RSV bits"),
    (Fault::OpcodesUnchecked, "opcodes-unchecked", Both, "ignores frames with reserved opcodes"),
    (Fault::OrderUnchecked, "order-unchecked", Both, "takes a stray or a missing continuation"),
    (Fault::LastFragmentLost, "last-fragment-lost", Both, "echoes fragments without the last one"),
    (Fault::FragmentsSwapped, "fragments-swapped", Both, "echoes fragments in reverse order"),
    (Fault::ControlFragmentsUnchecked, "control-fragments-unchecked", Both, "takes a control frame with FIN=0"),
    (Fault::ControlLengthUnchecked, "control-length-unchecked", Both, "takes long control frames"),
    (Fault::LongControlsEchoed, "long-controls-echoed", Both, "takes long control frames and answers with long ones"),
    (Fault::CloseCodesUnchecked, "close-codes-unchecked", Both, "takes and repeats any close code"),
    (Fault::Uncompressed, "uncompressed", Both, "correct: does not agree to compress"),
    (Fault::Compressed, "compressed", Both, "correct: compresses"),
    (Fault::EchoesUncompressed, "echoes-uncompressed", Both, "correct: agrees to compress and does not"),
    (Fault::CompressedFragments, "compressed-fragments", Both, "correct: compresses and echoes in two fragments"),
    (Fault::AlteredCompressed, "altered-compressed", Both, "compresses, and changes one octet of a message"),
    (Fault::WindowIgnored, "window-ignored", Both, "compresses with the largest window whatever was agreed"),
    (Fault::ContextKept, "context-kept", Both, "compresses with context although it agreed not to"),
    (Fault::ContextLost, "context-lost", Both, "decompresses without context although it agreed to keep it"),
    (Fault::Rsv1Missing, "rsv1-missing", Both, "compresses without RSV1"),
    (Fault::Rsv1OnContinuations, "rsv1-on-continuations", Both, "sets RSV1 in every frame of a compressed message"),
    (Fault::FinalBlocks, "final-blocks", Both, "correct: ends each message with the last block of a stream"),
    (Fault::UnknownParameter, "unknown-parameter", Both, "offers or agrees to a parameter that does not exist"),
    (Fault::SmallestWindow, "smallest-window", Both, "correct: asks the peer for a window of 8 bits"),
];

impl Fault {
    /// Every fault that makes a difference to a testee in that role.
    pub(crate) fn all(role: Role) -> impl Iterator<Item = Self> {
        LIST.iter()
            .filter(move |(_, _, place, _)| role == Role::Server || *place == Both)
            .map(|(fault, ..)| *fault)
    }

    /// As files and commands call it.
    pub(crate) fn name(self) -> &'static str {
        self.entry().0
    }

    /// What it is.
    pub(crate) fn description(self) -> &'static str {
        self.entry().1
    }

    /// Whether it agrees to compress.
    pub(crate) fn compresses(self) -> bool {
        matches!(
            self,
            Self::Compressed
                | Self::EchoesUncompressed
                | Self::CompressedFragments
                | Self::AlteredCompressed
                | Self::WindowIgnored
                | Self::ContextKept
                | Self::ContextLost
                | Self::Rsv1Missing
                | Self::Rsv1OnContinuations
                | Self::FinalBlocks
                | Self::UnknownParameter
                | Self::SmallestWindow
        )
    }

    fn entry(self) -> (&'static str, &'static str) {
        let (_, name, _, description) = LIST
            .iter()
            .find(|(fault, ..)| *fault == self)
            .expect("the list has every fault");
        (name, description)
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        LIST.iter()
            .find(|(_, known, ..)| *known == name)
            .map(|(fault, ..)| *fault)
            .ok_or_else(|| format!("there is no fault {name:?}; `testee list` prints them all"))
    }
}
