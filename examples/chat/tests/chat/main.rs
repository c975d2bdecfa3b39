//! Tests of the chat: instances in this process, and the program itself.

#![forbid(unsafe_code)]

mod history;
mod instances;
mod joining;
mod limits;
mod program;
#[cfg(all(unix, feature = "redis"))]
mod redis;
mod support;
