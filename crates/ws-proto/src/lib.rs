//! The WebSocket protocol (RFC 6455) without I/O: framing, masking, UTF-8, fragments, control frames, closing,
//! limits, and time limits as data.
//!
//! This crate takes bytes and gives messages, takes messages and gives bytes. It never reads a socket, a clock or a
//! random source, and never waits. The opening handshake is `ws-handshake`; asynchronous connections for particular
//! runtimes are built from both. Take this crate alone for a proxy, a game loop, a fuzzer, or a runtime of your own.
//!
//! # The loop
//!
//! ```
//! use ws_proto::{Config, Connection, Step};
//!
//! let mut server = Connection::server(&Config::default());
//!
//! // A masked text message "Hello" (RFC 6455 §5.7) and an unfinished frame behind it, as read from a socket.
//! let input = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\x01";
//! server.spare()[..input.len()].copy_from_slice(input);
//! server.recv.filled(input.len());
//! loop {
//!     match server.next_message() {
//!         Step::Found(_) => {
//!             let echo = server.recv.take_message().expect("it was found just now");
//!             server.send.message(echo)?;
//!         }
//!         Step::Control(_) | Step::Busy => {} // Answered already; go on.
//!         Step::NeedInput => break,           // Write what is queued, then read more.
//!         Step::Ended => break,               // Write what is queued, then end the transport.
//!     }
//! }
//!
//! // What to write to the socket, and how much of it the socket took.
//! let mut slices = [&[][..]; 4];
//! let used = server.send.slices(&mut slices);
//! assert_eq!(slices[..used].concat(), b"\x81\x05Hello");
//! server.send.advance(7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Beside the loop stand four duties. Before waiting, ask [`SendHalf::deadline`] how long to wait at most, and call
//! [`SendHalf::expire`] after it, also when input ended the wait: otherwise a peer that keeps sending outlives every
//! time limit. When the transport takes no more output, call [`SendHalf::stalled`], which bounds the replies that
//! wait (with a blocking socket: before each write). When the input ends, call [`Connection::end_of_input`]. When [`SendHalf::ends_transport`] says so, shut
//! down writing, and drop the transport when the peer has done the same or a deadline passes.
//!
//! Features: `std` (default) adds run-time detection of vector units to masking and to the UTF-8 check, and output as
//! `IoSlice`s.

#![no_std]
#![deny(unsafe_code)]
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
mod mask;
mod message;
mod opcode;
mod prepared;
mod recv;
mod role;
mod send;
mod text;
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
pub use mask::{MaskKey, MaskSource};
pub use message::{IntoOutgoing, Message, MessageKind, MessageRef, Outgoing};
pub use opcode::OpCode;
pub use prepared::Prepared;
pub use recv::{Chunk, DecompressorMemory, LookAhead, RecvHalf, RecvLending, Step};
pub use role::Role;
#[cfg(feature = "std")]
pub use send::IoSlices;
pub use send::{CompressorMemory, SendHalf, SendLending};
pub use text::{NotUtf8, Text};
