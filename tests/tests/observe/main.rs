//! The events and the counters of connections, over memory and on every runtime.

#![forbid(unsafe_code)]

mod events;
mod recorder;
mod registry_stats;
mod runtimes;
mod stats;
