//! Control frames for the user of the crate: Pings of the caller, observers, and relays.

mod observers;
mod pings;
mod relays;
