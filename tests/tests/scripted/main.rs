//! Tests of connections over the scripted transport, in virtual time.

#![forbid(unsafe_code)]

mod cancel;
mod close;
mod compression;
mod contract;
mod control;
mod dialing;
mod drive;
mod faults;
mod flow;
mod handshake;
mod http2;
mod json;
mod look_ahead;
mod parts;
mod proxy_protocol;
mod reconnect;
mod registry;
mod silence;
mod split;
mod streaming;
mod tls;
mod transports;
