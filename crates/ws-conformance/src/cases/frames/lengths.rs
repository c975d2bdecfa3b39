//! 23.1: lengths.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::cases::fails::fails;
use crate::wire::Frame;

const TITLE: &str = "Framing: lengths";

#[rustfmt::skip]
pub(super) fn cases() -> Vec<Case> {
    const SHORTEST: &[&str] = &["RFC 6455 §5.2"];
    const CONTROL: &[&str] = &["RFC 6455 §5.5"];
    vec![
        wrong("23.1.1", "a text of 5 octets whose length has 16 bits", SHORTEST, || Frame::text("Hello").length_in_16_bits()),
        wrong("23.1.2", "a text of 125 octets whose length has 16 bits", SHORTEST, || text(125).length_in_16_bits()),
        wrong("23.1.3", "a text of 5 octets whose length has 64 bits", SHORTEST, || Frame::text("Hello").length_in_64_bits()),
        wrong("23.1.4", "a text of 65535 octets whose length has 64 bits", SHORTEST, || text(65_535).length_in_64_bits()),
        wrong("23.1.5", "the header of a binary message whose length has its highest bit set", SHORTEST, || Frame::binary("").announcing(1 << 63)),
        longest(),
        wrong("23.1.7", "a Ping of 5 octets whose length has 16 bits", CONTROL, || Frame::ping("Hello").length_in_16_bits()),
        wrong("23.1.8", "a Ping of 126 octets", CONTROL, || Frame::ping([b'*'; 126])),
        wrong("23.1.9", "a Close of 126 octets", CONTROL, || Frame::close(1000, &[b'*'; 124])),
        wrong("23.1.10", "a Ping of 5 octets whose length has 64 bits", CONTROL, || Frame::ping("Hello").length_in_64_bits()),
    ]
}

fn wrong(id: &str, sends: &str, rules: &'static [&'static str], frame: fn() -> Frame) -> Case {
    fails(id, Both, TITLE, rules, &[1002], move || vec![frame()]).does(format!(
        "Sends a message, which has to come back, then {sends}."
    ))
}

/// A legal length; nobody has that much memory.
fn longest() -> Case {
    let frames = || vec![Frame::binary("").announcing((1 << 63) - 1)];
    let rules = &["RFC 6455 §5.2", "RFC 6455 §10.4"];
    fails("23.1.6", Both, TITLE, rules, &[1002, 1009], frames).does(
        "Sends a message, which has to come back, then the header of a binary message of 2^63-1 octets.",
    )
}

fn text(len: usize) -> Frame {
    Frame::text(vec![b'*'; len])
}
