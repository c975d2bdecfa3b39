//! Shutdowns of many connections on every runtime, and their descriptors.
//!
//! This is the only test of its process, because the descriptors of other tests would be counted.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use ws_tests::runtimes::{AsyncStdThreads, SmolThread, SmolThreads, TokioThread, TokioThreads};
use ws_tests::suite::crowd::a_crowd_ends;

/// The number of connections, unless the variable `WS_TEST_CROWD` sets another one.
const CROWD: usize = 250;

#[test]
fn every_connection_of_a_crowd_ends_on_every_runtime() {
    let crowd = std::env::var("WS_TEST_CROWD").map_or(CROWD, |count| {
        count.parse().expect("WS_TEST_CROWD is a number")
    });
    // Both ends of a connection are in this process.
    ws_test_client::resources::raise_descriptor_limit().expect("a limit");
    a_crowd_ends::<TokioThread>(crowd);
    a_crowd_ends::<TokioThreads>(crowd);
    a_crowd_ends::<SmolThread>(crowd);
    a_crowd_ends::<SmolThreads>(crowd);
    a_crowd_ends::<AsyncStdThreads>(crowd);
}
