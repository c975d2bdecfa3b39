//! Group 9: large messages and round trips.

use std::time::Duration;

use crate::case::{Case, CaseId};
use crate::script::{JudgedBy, Pacing, Payload, Task};

const MIXED_TEXT: &[u8] = b"BAsd7&jh23";
const MIXED_BINARY: &[u8] = b"\x00\xfe\x23\xfa\xf0";
const KIB: usize = 1024;
const MIB: usize = 1024 * 1024;

pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for binary in [false, true] {
        cases.extend((1..=6).map(|x| large(binary, x)));
    }
    for binary in [false, true] {
        cases.extend((1..=9).map(|x| fragmented(binary, x)));
    }
    for binary in [false, true] {
        cases.extend((1..=6).map(|x| chopped(binary, x)));
    }
    for binary in [false, true] {
        cases.extend((1..=6).map(|x| round_trips(binary, x)));
    }
    cases
}

/// Returns a case of the family `second` for text messages, or of the next one for binary messages.
fn case(binary: bool, second: u8, third: u8, titles: [&'static str; 2], task: Task) -> Case {
    let kind = usize::from(binary);
    let id = CaseId::three(9, second + u8::from(binary), third);
    let sections: &[&str] = match second {
        3 => &["RFC 6455 §5.4", "RFC 6455 §10.4"],
        _ => &["RFC 6455 §5.2", "RFC 6455 §10.4"],
    };
    Case::normal(id, titles[kind], task)
        .judged_by(JudgedBy::Echoes)
        .see(sections)
        .heavy()
}

fn kind(binary: bool) -> &'static str {
    if binary { "binary" } else { "text" }
}

fn mixed(binary: bool, len: usize) -> Payload {
    Payload::repeated(if binary { MIXED_BINARY } else { MIXED_TEXT }, len)
}

fn expectation(seconds: u64) -> String {
    format!(
        "An echo of the same type and length within {seconds} s; then a clean close with code 1000."
    )
}

fn large(binary: bool, x: u8) -> Case {
    let len = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB][usize::from(x) - 1];
    let fast = if binary { 4 } else { 2 };
    let seconds = if x <= fast { 10 } else { 100 };
    let task = Task::BigEcho {
        binary,
        payload: mixed(binary, len),
        fragment: None,
        pacing: Pacing::Plain,
        limit: Duration::from_secs(seconds),
    };
    let titles = ["Large text message", "Large binary message"];
    case(binary, 1, x, titles, task).says(
        format!(
            "Sends a {} message of {len} bytes in one frame.",
            kind(binary)
        ),
        expectation(seconds),
    )
}

fn fragmented(binary: bool, x: u8) -> Case {
    let fragment = 64 << (2 * (x - 1));
    // Only the first binary case has a unit of its own.
    let unit: &[u8] = if binary && x == 1 { b"\xfe" } else { b"*" };
    let seconds = 100;
    let task = Task::BigEcho {
        binary,
        payload: Payload::repeated(unit, 4 * MIB),
        fragment: Some(fragment),
        pacing: Pacing::Plain,
        limit: Duration::from_secs(seconds),
    };
    let titles = ["Fragmented text, 4 MiB", "Fragmented binary, 4 MiB"];
    case(binary, 3, x, titles, task).says(
        format!(
            "Sends a {} message of 4 MiB in frames of {fragment} bytes.",
            kind(binary)
        ),
        expectation(seconds),
    )
}

fn chopped(binary: bool, x: u8) -> Case {
    let chop = 32 << x;
    let seconds = 1000;
    let task = Task::BigEcho {
        binary,
        payload: mixed(binary, MIB),
        fragment: None,
        pacing: Pacing::Chop(chop),
        limit: Duration::from_secs(seconds),
    };
    let titles = ["Chopped text, 1 MiB", "Chopped binary, 1 MiB"];
    case(binary, 5, x, titles, task).says(
        format!(
            "Sends a {} message of 1 MiB in one frame, in TCP writes of {chop} bytes.",
            kind(binary)
        ),
        expectation(seconds),
    )
}

fn round_trips(binary: bool, x: u8) -> Case {
    let len = [0, 16, 64, 256, 1024, 4096][usize::from(x) - 1];
    let seconds = [60, 60, 60, 120, 240, 480][usize::from(x) - 1];
    let task = Task::EchoLoop {
        binary,
        payload: Payload::repeated(if binary { b"\xfe" } else { b"*" }, len),
        count: 1000,
        limit: Duration::from_secs(seconds),
    };
    let titles = ["Text round trips x1000", "Binary round trips x1000"];
    case(binary, 7, x, titles, task).says(
        format!(
            "Sends 1000 {} messages of {len} bytes, each when the one before has come back.",
            kind(binary)
        ),
        expectation(seconds),
    )
}
