//! Dialogues with testees that send what a test lists.

use super::*;
use crate::dialogue::passed;
use crate::dialogue::scripted::{Scripted, level};

const SERVER: Scripted = Scripted::new(Role::Server);
const CLIENT: Scripted = Scripted::new(Role::Client);

/// Asserts the level of a dialogue for both roles.
#[track_caller]
fn assert_level(
    frames: &[Frame],
    dialogue: &dyn Fn(&mut Peer<'_>) -> Outcome,
    expected: &'static str,
) {
    for testee in [SERVER, CLIENT] {
        let outcome = testee.play(frames, dialogue).outcome;
        assert_eq!(level(&outcome), expected, "{outcome:?}");
    }
}

fn close(code: u16) -> Frame {
    Frame::close(code, b"")
}

#[test]
fn an_echo_is_the_same_message() {
    let echo = |peer: &mut Peer<'_>| {
        peer.expect_echo(&Frame::text("Hello"))?;
        passed("It is.")
    };
    let parts = [
        Frame::text("Hel").unfinished(),
        Frame::ping("!"),
        Frame::continuation("lo"),
    ];
    for (frames, expected) in [
        (&[Frame::text("Hello")][..], "passed"),
        (&[Frame::pong("a"), Frame::text("Hello")], "passed"),
        (&parts, "passed"),
        (&parts[..2], "MUST"),
        (&[Frame::binary("Hello")], "MUST"),
        (&[Frame::text("Hellö")], "MUST"),
        (&[close(1000), Frame::text("Hello")], "MUST"),
        (&[Frame::text("Hello").with_rsv(1)], "MUST"),
    ] {
        assert_level(frames, &echo, expected);
    }
}

#[test]
fn pongs_come_in_order_and_the_last_one_in_any_case() {
    let pings = [&b"a"[..], b"b", b"c"].map(<[u8]>::to_vec);
    let pongs = |peer: &mut Peer<'_>| {
        peer.expect_pongs(&pings, REPLY)?;
        passed("They are there.")
    };
    for (payloads, expected) in [
        (&["a", "b", "c"][..], "passed"),
        (&["c"], "passed"),
        (&["x", "b", "y", "c"], "passed"),
        (&["a", "b"], "MUST"),
        (&["b", "a", "c"], "MUST"),
        (&[], "MUST"),
    ] {
        let frames: Vec<_> = payloads
            .iter()
            .map(|payload| Frame::pong(*payload))
            .collect();
        assert_level(&frames, &pongs, expected);
    }
}

#[test]
fn a_connection_is_failed_by_a_close_or_the_end_of_tcp_and_nothing_else() {
    let message = || Frame::text("a");
    for (frames, expected) in [
        (&[close(1002)][..], "passed"),
        (&[close(1007)], "passed"),
        (&[Frame::new(8, "")], "passed"),
        (&[], "passed"),
        (&[close(1002), Frame::pong("")], "passed"),
        (&[close(1000)], "SHOULD"),
        (&[close(1005)], "MUST"),
        (&[close(1002), close(1002)], "MUST"),
        (&[close(1002), message()], "MUST"),
        (&[close(1002), message().with_rsv(1)], "MUST"),
        (&[message()], "MUST"),
        (&[Frame::pong(""), close(1002)], "MUST"),
        (&[message().wrongly_masked()], "MUST"),
    ] {
        assert_level(frames, &|peer| peer.expect_fail(&[1002, 1007]), expected);
    }
}

#[test]
fn an_expected_close_cannot_be_left_out() {
    for (frames, expected) in [
        (&[close(1000)][..], "passed"),
        (&[Frame::pong(""), close(1000)], "passed"),
        (&[close(1000), Frame::text("a")], "MUST"),
        (&[Frame::text("a"), close(1000)], "MUST"),
        (&[close(1001)], "SHOULD"),
        (&[], "MUST"),
    ] {
        assert_level(frames, &|peer| peer.expect_close(&[1000]), expected);
    }
}

#[test]
fn the_end_of_a_connection_is_noted() {
    let end = |testee: Scripted, frames: &[Frame]| {
        let opened = |peer: &mut Peer<'_>| {
            peer.opened();
            passed("Nothing happens.")
        };
        testee.play(frames, &opened).end
    };
    let [server, client] = [SERVER, CLIENT].map(|testee| Scripted {
        ends_tcp: false,
        ..testee
    });
    for (testee, frames, expected) in [
        (SERVER, &[close(1000)][..], End::Clean),
        (SERVER, &[Frame::new(8, "")], End::Clean),
        (SERVER, &[Frame::text("a"), close(1000)], End::Clean),
        (SERVER, &[close(1001)], End::WrongCode),
        (SERVER, &[], End::Unanswered),
        (server, &[], End::Unanswered),
        (server, &[close(1000)], End::LeftOpen),
        (CLIENT, &[close(1000)], End::Clean),
        (client, &[close(1000)], End::Clean),
        (client, &[], End::Unanswered),
    ] {
        assert_eq!(end(testee, frames), expected, "{frames:?}");
    }
}

#[test]
fn the_end_of_a_connection_that_the_testee_ended_is_noted() {
    let end = |frames: &[Frame], dialogue: &dyn Fn(&mut Peer<'_>) -> Outcome| {
        let opened = |peer: &mut Peer<'_>| {
            peer.opened();
            dialogue(peer)
        };
        SERVER.play(frames, &opened).end
    };
    let fail = |peer: &mut Peer<'_>| peer.expect_fail(&[1002]);
    assert_eq!(end(&[close(1002)], &fail), End::Clean);
    assert_eq!(end(&[], &fail), End::ByTestee);
    let close_only = |peer: &mut Peer<'_>| peer.expect_close_only(&[1001]);
    assert_eq!(end(&[close(1001)], &close_only), End::Clean);
    let played = SERVER.play(&[close(1000)], &|_| passed("Nothing happens."));
    assert_eq!(played.end, End::NeverOpened);
}

#[test]
fn frames_are_sent_and_pings_answered() {
    let dialogue = |peer: &mut Peer<'_>| {
        peer.send_together(&[Frame::text("a"), Frame::pong("b")])?;
        peer.send(Frame::binary("c"))?;
        peer.expect_echo(&Frame::text("a"))?;
        passed("The echo is right.")
    };
    let played = SERVER.play(&[Frame::ping("!"), Frame::text("a")], &dialogue);
    assert_eq!(level(&played.outcome), "passed");
    let mut received = &played.received[..];
    let mut reader = Channel::new(Role::Client, 0);
    let items = std::iter::from_fn(|| reader.receive(&mut received));
    let items: Vec<_> = items
        .filter(|item| !matches!(item, Received::Frame { .. }))
        .collect();
    let message = |binary, payload: &[u8]| Received::Message {
        binary,
        payload: payload.to_vec(),
    };
    let expected = [
        message(false, b"a"),
        Received::Pong(b"b".to_vec()),
        message(true, b"c"),
        Received::Pong(b"!".to_vec()),
    ];
    assert_eq!(items, expected);
}

#[test]
fn a_client_that_sends_opens_the_connection_unless_it_asks_again() {
    let open = Scripted {
        ends_tcp: false,
        ..CLIENT
    };
    for (client, bytes, expected) in [
        (CLIENT, &b""[..], "passed"),
        (CLIENT, b"GET / HTTP/1.1", "passed"),
        (open, b"GET / HTTP/1.1", "passed"),
        (CLIENT, b"\x81\x80", "MUST"),
        (open, b"\x81\x80", "MUST"),
        (open, b"", "MUST"),
    ] {
        let played = client.play_bytes(bytes, &|peer| peer.expect_not_opened());
        assert_eq!(level(&played.outcome), expected, "{bytes:?}");
    }
}
