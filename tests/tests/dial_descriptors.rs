//! The descriptors of connection attempts, on every runtime.
//!
//! This is the only test of its process, because the descriptors of other tests would be counted.

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
#[test]
fn no_descriptor_remains_on_any_runtime() {
    use ws_tests::runtimes::{AsyncStdThreads, SmolThread, TokioThread};
    use ws_tests::suite::dialing::no_descriptor_of_an_attempt_remains;

    no_descriptor_of_an_attempt_remains::<TokioThread>();
    no_descriptor_of_an_attempt_remains::<SmolThread>();
    no_descriptor_of_an_attempt_remains::<AsyncStdThreads>();
}

#[cfg(not(target_os = "linux"))]
#[test]
fn no_descriptor_remains_on_any_runtime() {
    use std::io::Write;

    // Written directly, because the test runner hides the output of macros.
    let line = b"SKIPPED: only Linux lists the descriptors of a process in /proc\n";
    std::io::stderr().write_all(line).expect("standard error");
}
