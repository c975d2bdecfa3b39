//! A program that is a testee with a deliberate fault, to try a suite on it.
//!
//! ```text
//! cargo run -p ws-conformance --example testee -- list
//! cargo run -p ws-conformance --example testee -- server --fault late-pong --port 0
//! cargo run -p ws-conformance --example testee -- client --fault late-pong --url ws://127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

#[path = "../tests/testees/mod.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod testees;

use std::error::Error;

use clap::Parser;
use testees::{Client, Fault, Role, Server};

/// A WebSocket echo endpoint with one fault.
#[derive(Debug, Parser)]
enum Args {
    /// Print the faults.
    List,
    /// Echo to all clients until the process is killed. Prints the URL.
    Server {
        /// The fault of the testee.
        #[arg(long, default_value = "none")]
        fault: Fault,
        /// The port to listen on. 0 selects a free port.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Run all cases of a fuzzing server, as the agent with the fault's name.
    Client {
        /// The fault of the testee.
        #[arg(long, default_value = "none")]
        fault: Fault,
        /// The fuzzing server, such as ws://127.0.0.1:9001.
        #[arg(long)]
        url: String,
        /// The number of cases at a time.
        #[arg(long, default_value_t = 1)]
        jobs: usize,
    },
}

fn main() -> Result<(), Box<dyn Error>> {
    match Args::parse() {
        Args::List => list(),
        Args::Server { fault, port } => {
            let server = Server::bind(port)?;
            println!("{}", server.url());
            server.serve(fault);
        }
        Args::Client { fault, url, jobs } => Client::new(&url, fault)?.run(jobs)?,
    }
    Ok(())
}

fn list() {
    for fault in Fault::all() {
        let only = match Role::BOTH.map(|role| fault.is_for(role)) {
            [true, true] => "",
            [true, false] => " (client only)",
            [false, _] => " (server only)",
        };
        println!("{:34} {}{only}", fault.name(), fault.description());
    }
}
