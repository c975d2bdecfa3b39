//! Cases against a client that sends what a test lists, and then ends TCP.

use crate::case::Play;
use crate::cases::find;
use crate::dialogue::scripted::{Scripted, level};
use crate::role::Role;
use crate::wire::Frame;

#[track_caller]
fn assert_level(id: &str, frames: &[Frame], expected: &str) {
    let case = find(id.parse().unwrap()).unwrap();
    let Play::Dialogue(dialogue) = case.play() else {
        panic!("{id} is a script");
    };
    let outcome = Scripted::new(Role::Client).play(frames, dialogue).outcome;
    assert_eq!(level(&outcome), expected, "{id}: {outcome:?}");
}

fn echo() -> Frame {
    Frame::text("Are you there?")
}

#[test]
fn an_answer_to_a_wrong_code_is_judged_by_its_own_code() {
    for (id, code, expected) in [
        ("24.1.4", 1015, "MUST"),
        ("24.1.4", 1002, "passed"),
        ("24.1.4", 1000, "SHOULD"),
        ("24.1.4", 1012, "MUST"),
        ("24.1.6", 5000, "informs"),
        ("24.1.6", 1002, "passed"),
        ("24.1.6", 1000, "passed"),
        ("24.1.6", 1012, "MUST"),
    ] {
        assert_level(id, &[echo(), Frame::close(code, b"")], expected);
    }
    assert_level("24.1.4", &[echo()], "passed");
    assert_level("24.1.4", &[echo(), echo()], "MUST");
    assert_level("24.1.4", &[Frame::close(1002, b"")], "MUST");
    let both = [echo(), Frame::close(1002, b""), echo()];
    assert_level("24.1.4", &both, "MUST");
}

#[test]
fn a_pong_has_the_payload_of_the_ping() {
    let message = Frame::text("fragment1fragment2");
    let case = |frames: &[Frame], expected| assert_level("23.4.8", frames, expected);
    case(&[Frame::pong("now"), message.clone()], "passed");
    case(&[Frame::pong("new"), message.clone()], "MUST");
    case(&[Frame::pong("now"), Frame::text("fragment1")], "MUST");
    case(&[message.clone(), Frame::pong("now")], "MUST");
}
