//! The command: exit status and messages, settings files, expectations, reports.

#![forbid(unsafe_code)]

mod bad_input;
mod browser;
mod command;
mod interruption;
mod pages;
mod programs;
mod reasons;
mod reports;
mod retries;
mod runs;
mod sets;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../testees/mod.rs"]
mod testees;
