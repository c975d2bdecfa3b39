//! The WebSocket protocol (RFC 6455) without I/O: framing, masking, UTF-8, fragments, control
//! frames, the closing handshake, limits, and timeouts.
//!
//! This crate turns received bytes into messages, and messages into bytes to send. It never reads a
//! socket, a clock or a random source. It never waits either: it returns the deadline of each
//! timeout, and the caller waits. The opening handshake is in `ws-handshake`. The crates for
//! asynchronous runtimes use both crates. Use this crate alone for a proxy, a game loop, a fuzzer,
//! or your own runtime.
//!
//! # The loop
//!
//! ```
//! use ws_proto::{Config, Connection, Step};
//!
//! let mut server = Connection::server(&Config::default());
//!
//! // Input from a socket: a masked text message "Hello" (RFC 6455 §5.7) and an incomplete frame.
//! let input = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\x01";
//! server.spare()[..input.len()].copy_from_slice(input);
//! server.recv.filled(input.len());
//! loop {
//!     match server.next_message() {
//!         Step::Found(_) => {
//!             let echo = server.recv.take_message().expect("a message was just found");
//!             server.send.message(echo)?;
//!         }
//!         // A control frame has already been answered. After `Busy`, decompression continues.
//!         Step::Control(_) | Step::Busy => {}
//!         Step::NeedInput => break, // Write what is queued, then read more.
//!         Step::Ended => break, // Write what is queued, then end the transport.
//!     }
//! }
//!
//! // Write the slices to the socket, then report how many bytes the socket took.
//! let mut slices = [&[][..]; 4];
//! let used = server.send.slices(&mut slices);
//! assert_eq!(slices[..used].concat(), b"\x81\x05Hello");
//! server.send.advance(7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The caller has four more duties:
//!
//! * Before each wait, call [`SendHalf::deadline`], which returns the time by which the wait must
//!   end. After each wait, call [`SendHalf::expire`], even if input ended the wait. Otherwise a
//!   peer that keeps sending avoids every timeout.
//! * When the transport takes no more output, call [`SendHalf::stalled`]. This starts the write
//!   stall timeout. From then on, until the queue has room again, only the newest Ping is answered.
//!   A blocking socket cannot report that it takes no more, so call `stalled` before each write to
//!   such a socket.
//! * When the input ends, call [`Connection::end_of_input`].
//! * When [`SendHalf::ends_transport`] returns `true`, shut down writing. Drop the transport when
//!   the peer has also ended its direction, or when a deadline has passed.
//!
//! # Features
//!
//! * `std` (default) adds run-time detection of vector instructions to masking and to the UTF-8
//!   check. It also adds `SendHalf::io_slices` for vectored writes.
//! * `deflate` adds the compression of messages (RFC 7692). It requires `std`.
//! * `serde` adds JSON: `Message::json` and `Message::serialize_json`. It works without `std`.
//! * `stats` adds counters of messages and bytes: `RecvHalf::traffic` and `SendHalf::traffic`.

#![no_std]
#![deny(unsafe_code)]
// See crates/clippy.toml.
#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_types))]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod arch;
mod close;
mod closing;
mod config;
mod connection;
mod control;
mod deadline;
mod deflate;
mod error;
mod header;
#[cfg(feature = "serde")]
mod json;
mod mask;
mod message;
mod opcode;
mod prepared;
mod recv;
mod role;
mod send;
mod text;
mod traffic;
mod utf8;

pub use close::{CloseCode, CloseFrame, CloseReason, CloseReasonTooLong, MAX_REASON_LEN};
pub use closing::{End, Initiator};
pub use config::{Config, MAX_FRAGMENTS};
pub use connection::Connection;
pub use control::{Control, ControlPayload, ControlPayloadTooLong, MAX_CONTROL_LEN};
pub use deadline::Expired;
pub use deflate::{DeflateConfig, DeflateParams};
pub use error::{LimitError, ProtocolError, ReceiveError, SendError};
pub use header::{FrameHeader, HeaderRules, MAX_HEADER_LEN};
#[cfg(feature = "serde")]
pub use json::JsonError;
pub use mask::{MaskKey, MaskSource};
pub use message::{IntoOutgoing, Message, MessageKind, MessageRef, Outgoing};
pub use opcode::OpCode;
pub use prepared::Prepared;
pub use recv::{Chunk, DecompressorMemory, IdleRecv, LookAhead, RecvHalf, RecvLending, Step};
pub use role::Role;
#[cfg(feature = "std")]
pub use send::IoSlices;
pub use send::{CompressorMemory, SendHalf, SendLending};
pub use text::{NotUtf8, Text};
#[cfg(feature = "stats")]
pub use traffic::Traffic;
