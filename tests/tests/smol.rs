//! The tests of `ws_tests::suite` on smol, with one thread and with several threads.

#![forbid(unsafe_code)]

mod current_thread {
    ws_tests::instantiate!(ws_tests::runtimes::SmolThread);
}

mod multi_thread {
    ws_tests::instantiate!(ws_tests::runtimes::SmolThreads);
}
