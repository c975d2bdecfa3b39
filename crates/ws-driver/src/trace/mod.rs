//! Events for the library `tracing`: the beginning and the end of connections, and shutdowns.
//! Without the feature `tracing`, they take no memory and no instruction.
//!
//! An event has no payload, no reason of a Close, no URL, and no value of a header except for the
//! agreed subprotocol and extensions.

#[cfg(not(feature = "tracing"))]
mod absent;
#[cfg(feature = "tracing")]
mod events;

#[cfg(not(feature = "tracing"))]
pub(crate) use absent::*;
#[cfg(feature = "tracing")]
pub(crate) use events::*;

#[cfg(all(test, not(feature = "tracing")))]
mod tests {
    #[test]
    fn events_take_no_memory_without_the_feature() {
        assert_eq!(size_of::<super::Trace>(), 0);
    }
}
