//! `cargo xtask bench` and `cargo xtask idle`: the speed of servers and clients, and the memory of
//! idle connections.

#![forbid(unsafe_code)]

mod bench;
mod idle;
mod server;
mod table;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
enum Command {
    Bench(bench::Args),
    Idle(idle::Args),
}

fn main() -> ExitCode {
    ws_test_programs::report(&match Command::parse() {
        Command::Bench(args) => bench::run(&args),
        Command::Idle(args) => idle::run(&args),
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Command::command().debug_assert();
    }
}
