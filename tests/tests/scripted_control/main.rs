//! Control frames for the user of the crate: Pings of the caller, observers, and relays.

#![forbid(unsafe_code)]

mod observers;
mod pings;
mod relays;
