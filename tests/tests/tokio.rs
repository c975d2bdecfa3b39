//! The tests of `ws_tests::suite` on tokio, with one thread and with several threads.

#![forbid(unsafe_code)]

mod current_thread {
    ws_tests::instantiate!(ws_tests::runtimes::TokioThread);
}

mod multi_thread {
    ws_tests::instantiate!(ws_tests::runtimes::TokioThreads);
}
