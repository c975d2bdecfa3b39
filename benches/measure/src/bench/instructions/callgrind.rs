//! Callgrind, the tool of valgrind that counts instructions.

use anyhow::{Result, ensure};

use super::super::measure::is_installed;

/// The start of a command line that counts the instructions of the program after it. A program
/// that the shell starts is counted, too.
pub(super) const WRAPPER: &[&str] = &[
    "valgrind",
    "--tool=callgrind",
    "--callgrind-out-file=/dev/null",
    "--trace-children=yes",
];

/// Returns an error if valgrind is not installed.
pub(super) fn check_installed() -> Result<()> {
    ensure!(
        is_installed("valgrind"),
        "instructions are counted by valgrind, which is not installed: `apt install valgrind`"
    );
    Ok(())
}

/// Parses `==PID== Collected : COUNT` in the output of a program, and adds up the counts of its
/// processes. Returns `None` if there is no count.
pub(super) fn collected(output: &str) -> Option<u64> {
    let mut counts = output.lines().filter_map(|line| {
        let (_, count) = line.split_once("== Collected :")?;
        count.trim().parse::<u64>().ok()
    });
    let first = counts.next()?;
    Some(first + counts.sum::<u64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_what_callgrind_prints() {
        let output =
            "==7== Events    : Ir\n==7== Collected : 1234567\n==7== \n==7== I   refs:  1,234,567\n";
        assert_eq!(collected(output), Some(1_234_567));
        assert_eq!(collected("==7== Collected : \n"), None);
        assert_eq!(collected("valgrind: no such program"), None);
    }

    #[test]
    fn the_counts_of_all_processes_are_added() {
        let output = "listening\n==8== Collected : 30\n==7== Events : Ir\n==7== Collected : 12\n";
        assert_eq!(collected(output), Some(42));
    }
}
