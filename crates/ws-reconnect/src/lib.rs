//! Clients that connect again after their connection was lost, and report what was not delivered.
//!
//! * [`Reconnecting`] is the client. It owns a [`Connector`](ws_driver::Connector), spawns no task,
//!   and returns [`Event`]s.
//! * [`Backoff`] has the times between attempts, and [`Rules`] decide after which failures to try
//!   again.
//! * [`Queue`] bounds the messages that wait for a connection. A [`Gap`] reports what was not
//!   delivered.
//!
//! # Delivery
//!
//! Every message has a number. It is in one of these states:
//!
//! | state | known by | after the loss of the connection |
//! |---|---|---|
//! | queued here | | [sent again, or handed back](Unsent) |
//! | written only in part | the count of wholly written messages | the same: the server cannot have received it completely |
//! | written | | [unconfirmed](Undelivered::unconfirmed) |
//! | confirmed | the Pong to a Ping that followed it | delivered |
//!
//! The client never sends a message twice that the server may have received. To make sure that a
//! message is handled, resend unconfirmed messages with an identity by which the server finds
//! duplicates.
//!
//! The crate requires no runtime. It works with the connectors of every adapter, such as `ws-tokio`
//! and `ws-smol`.

#![forbid(unsafe_code)]

mod backoff;
mod cause;
mod client;
mod error;
mod event;
mod halves;
mod hook;
mod machine;
mod numbers;
mod outgoing;
mod queue;
mod reports;
mod rules;
mod sending;
mod stream;
mod turns;

pub use backoff::Backoff;
pub use cause::Cause;
pub use client::Reconnecting;
pub use error::{Ended, GaveUp, Reason, SendError};
pub use event::{Down, Event, Gap, Opened, Undelivered};
pub use halves::{Receiver, ReuniteError, Sender};
pub use hook::{BoxedHook, Connection, NoHook, OnOpen};
pub use numbers::Numbers;
pub use outgoing::Unsent;
pub use queue::Queue;
pub use rules::{CauseKind, Failure, Rule, Rules, Verdict};

pub use ws_driver::{CloseCode, Message, http};
