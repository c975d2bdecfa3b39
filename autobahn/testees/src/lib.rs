//! The command lines of the echo programs.

use std::io::{self, Error};

/// Returns the port that the option `--port` has on the command line.
///
/// # Errors
///
/// If the command line is not `--port N`.
pub fn port() -> io::Result<u16> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [flag, port] if flag == "--port" => port.parse().map_err(Error::other),
        _ => Err(Error::other("usage: --port N, where 0 picks a free port")),
    }
}

/// Returns the URLs to connect to. These are the arguments of the program. The lines of standard
/// input replace an argument `-`.
pub fn urls() -> impl Iterator<Item = String> {
    std::env::args()
        .skip(1)
        .flat_map(|arg| -> Box<dyn Iterator<Item = String>> {
            match arg.as_str() {
                "-" => Box::new(io::stdin().lines().map_while(Result::ok)),
                _ => Box::new(std::iter::once(arg)),
            }
        })
}
