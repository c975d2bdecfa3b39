//! The behaviours on async-std, whose tasks have several threads.

#![forbid(unsafe_code)]

ws_tests::instantiate!(ws_tests::runtimes::AsyncStdThreads);
