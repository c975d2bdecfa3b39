//! A chat with rooms. `examples/chat/README.md` describes how to run it, and `docs/chat.md` how it
//! is built.
//!
//! | module | subject |
//! |---|---|
//! | [`args`] | the command line |
//! | [`protocol`] | the messages between a client and the server |
//! | [`server`] | the listener, its routes, and the shutdown |
//! | `session` | one client from its join to its end |
//! | [`presence`] | the names in each room, over all instances |
//! | [`limits`] | lengths and rates |
//! | [`random`] | identities |
//! | `metrics` | the numbers for Prometheus |
//! | `page` | the page for browsers, which is part of the program |
//! | [`client`] | the client for terminals |
//! | [`load`] | many clients, and what the server delivers to them |

#![forbid(unsafe_code)]

pub mod args;
pub mod client;
pub mod limits;
pub mod load;
mod metrics;
mod page;
pub mod presence;
pub mod protocol;
pub mod random;
pub mod server;
mod session;
