//! Tests of the opening handshake of both roles, and of the way through a proxy, without I/O.

#![forbid(unsafe_code)]

mod any_request;
mod api;
mod authentication;
mod chunking;
mod client;
mod common;
mod connect;
mod deflate;
mod examples;
mod injection;
mod malformed_requests;
mod no_panic;
mod odd_responses;
mod proxy_header;
mod refusals;
mod rejections;
mod server;
mod socks5;
mod tunnel;
