//! The descriptors of connections over TLS, on every runtime.
//!
//! This is the only test of its process, because the descriptors of other tests would be counted.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use ws_tests::runtimes::{AsyncStdThreads, SmolThread, SmolThreads, TokioThread, TokioThreads};
use ws_tests::suite::tls::no_descriptor_of_a_tls_connection_remains;

#[test]
fn no_descriptor_remains_on_any_runtime() {
    no_descriptor_of_a_tls_connection_remains::<TokioThread>();
    no_descriptor_of_a_tls_connection_remains::<TokioThreads>();
    no_descriptor_of_a_tls_connection_remains::<SmolThread>();
    no_descriptor_of_a_tls_connection_remains::<SmolThreads>();
    no_descriptor_of_a_tls_connection_remains::<AsyncStdThreads>();
}
