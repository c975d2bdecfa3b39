//! A conformance suite for WebSocket servers and clients in any language. It has all 517 cases of
//! the AutobahnTestSuite 25.10.1, with their ids, bytes, verdicts and reports.
//!
//! Most users run the command, see `ws-conformance --help`. The library is for other harnesses.
//! They disable the default feature `cli`, which is for the command:
//!
//! ```no_run
//! use ws_conformance::servers::{self, Target};
//! use ws_conformance::settings::Settings;
//! use ws_conformance::verdict::Verdict;
//!
//! let settings = Settings::default();
//! let target = Target::new("ws://127.0.0.1:9001")?;
//! // A server that does nothing must not pass the cases that demand silence.
//! servers::probe(&target, &settings)?;
//! for case in ws_conformance::cases::all() {
//!     let record = servers::run_case(&target, case, &settings);
//!     if record.verdict != Verdict::GOOD {
//!         println!("{}: {}; {}", record.id, record.verdict, record.result);
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to | use |
//! |---|---|
//! | test a server, one connection per case | [`servers`], many at a time by [`pool`] |
//! | test clients, which request cases by the original's control paths | [`clients`] |
//! | list the cases | [`cases`], [`case`] |
//! | write and read reports, compare them with others and with expectations | [`report`], [`compare`], [`expect`] |
//! | read the original's settings files | [`spec`] |
//! | use TLS, for `wss://` | [`tls`] |
//! | use HTTP/2 | [`servers::Target::with_http2`], [`clients::Listener::with_http2`] |

#![forbid(unsafe_code)]

pub mod case;
pub mod cases;
pub mod clients;
pub mod compare;
pub mod data_sets;
pub mod expect;
pub mod pool;
pub mod record;
pub mod report;
pub mod role;
pub mod script;
pub mod servers;
pub mod settings;
pub mod spec;
pub mod tls;
pub mod verdict;
pub mod wire_log;

mod channel;
mod deflate;
mod dialogue;
mod endpoint;
mod http;
mod http2;
mod judge;
mod run;
mod target;
mod timestamp;
mod transport;
mod wire;
