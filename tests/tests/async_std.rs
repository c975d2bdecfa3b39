//! The tests of `ws_tests::suite` on async-std, which runs its tasks on several threads.

#![forbid(unsafe_code)]

ws_tests::instantiate!(ws_tests::runtimes::AsyncStdThreads);
