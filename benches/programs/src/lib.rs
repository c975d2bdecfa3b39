//! The parts that the programs of the echo comparison share.

#![forbid(unsafe_code)]

pub mod broadcast;
pub mod client;
pub mod content;
pub mod floor;
pub mod tokio_server;
