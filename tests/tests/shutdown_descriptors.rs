//! Shutdowns of many connections on every runtime, and their descriptors.
//!
//! This is the only test of its process, because the descriptors of other tests would be counted.
//! The clients are in another process. For the figures of 10,000 connections:
//!
//! ```sh
//! WS_TEST_CROWD=10000 cargo test -p ws-tests --test shutdown_descriptors -- --nocapture
//! ```

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use ws_tests::runtimes::{AsyncStdThreads, SmolThread, SmolThreads, TokioThread, TokioThreads};
use ws_tests::suite::crowd::{a_crowd_ends, be_the_clients};

/// The number of connections, unless the variable `WS_TEST_CROWD` sets another one.
const CROWD: usize = 250;

#[test]
fn every_connection_of_a_crowd_ends_on_every_runtime() {
    let crowd = std::env::var("WS_TEST_CROWD").map_or(CROWD, |count| {
        count.parse().expect("WS_TEST_CROWD is a number")
    });
    ws_test_client::resources::raise_descriptor_limit().expect("a limit");
    a_crowd_ends::<TokioThread>(crowd);
    a_crowd_ends::<TokioThreads>(crowd);
    a_crowd_ends::<SmolThread>(crowd);
    a_crowd_ends::<SmolThreads>(crowd);
    a_crowd_ends::<AsyncStdThreads>(crowd);
}

#[test]
#[ignore = "the other test runs this in a process of its own"]
fn clients_of_a_crowd() {
    ws_test_client::resources::raise_descriptor_limit().expect("a limit");
    be_the_clients();
}
