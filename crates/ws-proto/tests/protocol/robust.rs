//! Random bytes, and calls in any order. Nothing panics, no message is received twice, and text is
//! always UTF-8.

use std::time::Duration;

use proptest::prelude::*;
use ws_proto::{
    CloseCode, CloseFrame, Config, Connection, ControlPayload, FrameHeader, HeaderRules, Message,
    MessageRef, Role, SendHalf, Step,
};

use crate::support::plan::{Habit, Plan, receive_blocks};
use crate::support::{
    BINARY, BOTH, FIN, Keys, PING, TEXT, cases, close_frame, connection, fragmenting, frames_from,
    halves, peek_output, read_input, receive, sender, singles, take,
};

/// Returns random bytes. Many of them begin like a frame, so that they reach more of the decoder.
fn wild() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        Just(0x81_u8),
        Just(0x01),
        Just(0x00),
        Just(0x80),
        Just(0x82),
        any::<u8>()
    ];
    let framed = prop::collection::vec(
        (
            first,
            0..12_u8,
            any::<bool>(),
            prop::collection::vec(any::<u8>(), 0..16),
        ),
        0..6,
    )
    .prop_map(|frames| {
        let mut bytes = Vec::new();
        for (first, len, masked, payload) in frames {
            bytes.extend_from_slice(&[first, len | if masked { 0x80 } else { 0 }]);
            bytes.extend_from_slice(&payload);
        }
        bytes
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..200), framed]
}

fn check(message: MessageRef<'_>) {
    if let MessageRef::Text(text) = message {
        assert!(std::str::from_utf8(text.as_bytes()).is_ok());
    }
}

/// A call on a receiving half, or input for the half.
#[derive(Clone, Debug)]
enum Call {
    Input(Vec<u8>),
    Garbage(u8, usize),
    Step,
    Spare(u8),
    Filled(usize),
    Lend(usize, u8),
    Settle,
    Park,
    Discard,
    Take,
    Drop,
    Hold,
}

fn call() -> impl Strategy<Value = Call> {
    let text = prop_oneof![
        Just("hello".to_owned()),
        Just("κόσμε".to_owned()),
        Just("€".repeat(60)),
        Just(String::new())
    ];
    let frames = (text, 0..3_u8, any::<bool>()).prop_map(|(text, how, broken)| {
        let mut bytes = text.into_bytes();
        if broken {
            bytes.push(0xc2);
        }
        Call::Input(frames_from(Role::Server, |w| match how {
            0 => w.frame(FIN | TEXT, &bytes),
            1 => w.fragments(TEXT, &bytes, 3),
            _ => w.frame(TEXT, &bytes),
        }))
    });
    prop_oneof![
        6 => frames,
        1 => wild().prop_map(Call::Input),
        2 => (any::<u8>(), 0..40_usize).prop_map(|(byte, len)| Call::Garbage(byte, len)),
        8 => Just(Call::Step),
        2 => any::<u8>().prop_map(Call::Spare),
        2 => (0..300_usize).prop_map(Call::Filled),
        3 => (prop_oneof![Just(0_usize), Just(16), Just(64), Just(300), Just(9000)], any::<u8>())
            .prop_map(|(len, byte)| Call::Lend(len, byte)),
        3 => Just(Call::Settle),
        2 => Just(Call::Park),
        1 => Just(Call::Discard),
        1 => Just(Call::Take),
        1 => Just(Call::Drop),
        1 => Just(Call::Hold),
    ]
}

/// A call on a connection.
#[derive(Clone, Debug)]
enum Act {
    Receive(Vec<u8>),
    Step,
    Send(usize, bool),
    Ping(usize),
    Pong(usize),
    Close(Option<u16>),
    Advance(usize),
    Stalled,
    EndOfInput,
    TransportEnded,
    Later(u64),
    Look,
    Lend,
    Reclaim,
    SplitAndJoin,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => wild().prop_map(Act::Receive),
        4 => Just(Act::Step),
        4 => (0..20_000_usize, any::<bool>()).prop_map(|(len, owned)| Act::Send(len, owned)),
        2 => (0..=125_usize).prop_map(Act::Ping),
        1 => (0..=125_usize).prop_map(Act::Pong),
        1 => prop::option::of(any::<u16>()).prop_map(Act::Close),
        6 => prop_oneof![0..20_usize, 0..30_000_usize, Just(usize::MAX)].prop_map(Act::Advance),
        3 => Just(Act::Stalled),
        1 => Just(Act::EndOfInput),
        1 => Just(Act::TransportEnded),
        2 => (0..40_u64).prop_map(Act::Later),
        2 => Just(Act::Look),
        1 => Just(Act::Lend),
        2 => Just(Act::Reclaim),
        1 => Just(Act::SplitAndJoin),
    ]
}

fn queued(send: &SendHalf) -> Vec<u8> {
    peek_output(send, 256)
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn random_bytes_never_panic(
        role in prop::sample::select(&BOTH[..]),
        bytes in wild(),
        seed in any::<u64>(),
    ) {
        let config = Config::default().max_frame(1000).max_message(1500);
        let whole = receive(role, &config, &[&bytes]);
        let singles = singles(&bytes);
        prop_assert_eq!(&receive(role, &config, &singles), &whole);
        let plan = Plan {
            block_len: 16,
            park: Habit::Always,
            settle: Habit::Sometimes,
            lend: Habit::Sometimes,
            early: seed % 2 == 0,
            seed,
        };
        prop_assert_eq!(&receive_blocks(role, &config, &singles, &plan), &whole);
    }

    #[test]
    fn random_headers_never_panic_and_can_be_encoded_again(
        role in prop::sample::select(&BOTH[..]),
        bytes in prop::collection::vec(any::<u8>(), 0..20),
        message_open in any::<bool>(),
        rsv1 in any::<bool>(),
    ) {
        let mut rules = HeaderRules::new(role);
        rules.message_open = message_open;
        rules.rsv1 = rsv1;
        if let Ok(Some((header, len))) = FrameHeader::parse(&bytes, &rules) {
            let mut encoded = Vec::new();
            header.encode(&mut encoded);
            prop_assert_eq!(&encoded[..], &bytes[..len]);
        }
    }

    #[test]
    fn no_order_of_calls_returns_text_that_is_not_utf8(
        calls in prop::collection::vec(call(), 0..40),
        early in wild(),
        block_len in prop_oneof![Just(0_usize), Just(16), Just(64), Just(5000)],
    ) {
        let (mut recv, mut send) = halves(Role::Client, &Config::default());
        recv.lending().set_up(early.into(), block_len, block_len);
        let mut has_ended = false;
        for call in calls {
            let message = recv.message().map(MessageRef::to_message);
            let unread = recv.unread().to_vec();
            match call {
                Call::Input(bytes) => {
                    // The helper `take` requires room. A block of length 0 has no room.
                    let spare = recv.spare();
                    let len = spare.len().min(bytes.len());
                    spare[..len].copy_from_slice(&bytes[..len]);
                    recv.filled(len);
                }
                Call::Garbage(byte, len) => {
                    let spare = recv.spare();
                    let len = spare.len().min(len);
                    spare[..len].fill(byte);
                    recv.filled(len);
                }
                Call::Step => {
                    let is_held = recv.is_holding();
                    let step = recv.next_message(&mut send);
                    let found = step == Step::Found(());
                    // Calls between `hold` and this step may have dropped the message. The step can
                    // then be `Found` without a message.
                    prop_assert!(recv.message().is_some() == found || is_held && found);
                    // After `Ended`, each step returns `Ended`.
                    prop_assert!(!has_ended || step == Step::Ended);
                    has_ended = step == Step::Ended;
                }
                Call::Spare(byte) => {
                    recv.spare().fill(byte);
                    prop_assert!(recv.message().is_none());
                }
                Call::Filled(len) => recv.filled(len),
                Call::Lend(len, byte) => {
                    recv.lending().lend(vec![byte; len].into());
                    prop_assert_eq!(recv.unread(), unread);
                }
                Call::Settle => {
                    recv.lending().settle();
                    prop_assert_eq!(recv.message().map(MessageRef::to_message), message);
                    prop_assert_eq!(recv.unread(), unread);
                }
                Call::Park => {
                    recv.lending().park(&mut send);
                    prop_assert_eq!(recv.message().map(MessageRef::to_message), message);
                    has_ended |= send.failure().is_some();
                }
                Call::Discard => {
                    recv.lending().discard();
                    prop_assert!(recv.message().is_none() && recv.unread().is_empty());
                }
                Call::Take => prop_assert_eq!(recv.take_message(), message),
                Call::Drop => {
                    recv.drop_message();
                    prop_assert!(recv.message().is_none() || recv.is_holding());
                }
                Call::Hold => {
                    recv.hold();
                    prop_assert!(recv.is_holding() || message.is_none());
                }
            }
            if let Some(message) = recv.message() {
                check(message);
            }
        }
        if let Some(Message::Text(text)) = recv.take_message() {
            prop_assert!(std::str::from_utf8(text.as_ref()).is_ok());
        }
    }

    #[test]
    fn no_order_of_calls_breaks_a_connection(
        role in prop::sample::select(&BOTH[..]),
        acts in prop::collection::vec(act(), 0..40),
        fragment_len in prop::option::of(1..9000_usize),
    ) {
        let config = fragmenting(Config::default().max_message(100), fragment_len);
        let mut connection = connection(role, &config);
        let mut now = Duration::ZERO;
        let mut end = None;
        let mut failed = None;
        let mut has_ended = false;
        for act in acts {
            let before = queued(&connection.send);
            let mut appends = true;
            if let Act::Receive(bytes) = &act {
                read_input(&mut connection, &mut &bytes[..]);
            }
            match act {
                Act::Receive(_) | Act::Step => {
                    let step = connection.next_message();
                    prop_assert!(!has_ended || step == Step::Ended);
                    has_ended = step == Step::Ended;
                    if let Step::Found(message) = step {
                        check(message);
                    }
                    prop_assert!(!has_ended || connection.send.end().is_some());
                }
                Act::Send(len, owned) => {
                    let open = connection.send.is_open();
                    let sent = if owned {
                        connection.send.message(vec![7; len])
                    } else {
                        connection.send.message(vec![7; len].as_slice())
                    };
                    prop_assert_eq!(sent.is_ok(), open);
                }
                Act::Ping(len) => {
                    let _ = connection.send.ping(&ControlPayload::new(vec![1; len]).unwrap());
                }
                Act::Pong(len) => {
                    let payload = ControlPayload::new(vec![1; len]).unwrap();
                    let _ = connection.send.pong(&payload);
                }
                Act::Close(code) => {
                    let close = code
                        .map_or_else(CloseFrame::without_code, |code| close_frame(code, "why"));
                    if connection.send.start_close(close).is_ok() {
                        prop_assert!(code.is_none_or(|code| CloseCode::new(code).is_sendable()));
                    }
                }
                Act::Advance(len) => {
                    connection.send.advance(len);
                    let after = queued(&connection.send);
                    let left = before.get(len..).unwrap_or_default();
                    prop_assert!(after.starts_with(left));
                    appends = false;
                }
                Act::Stalled => connection.send.stalled(),
                Act::EndOfInput | Act::TransportEnded => {
                    if matches!(act, Act::EndOfInput) {
                        connection.end_of_input();
                    } else {
                        connection.send.transport_ended();
                        prop_assert_eq!(connection.send.queued(), 0);
                    }
                    prop_assert!(connection.send.end().is_some());
                    appends = false;
                }
                Act::Later(seconds) => {
                    now += Duration::from_secs(seconds);
                    if connection.send.expire(now).is_some() {
                        prop_assert!(connection.send.end().is_some());
                        prop_assert!(!connection.send.is_timed());
                        appends = false;
                    }
                }
                Act::Look => {
                    let timed = connection.send.is_timed();
                    prop_assert_eq!(connection.send.deadline(now).is_some(), timed);
                }
                Act::Lend => drop(connection.send.lending().lend(Vec::with_capacity(20_000))),
                Act::Reclaim => drop(connection.send.lending().reclaim()),
                Act::SplitAndJoin => {
                    let (recv, send) = connection.split();
                    connection = Connection::join(recv, send);
                }
            }
            let send = &mut connection.send;
            let after = queued(send);
            prop_assert!(!appends || after.starts_with(&before));
            // 256 slices may be too few for all fragments. They never hold more than is queued.
            prop_assert!(after.len() <= send.queued());
            prop_assert_eq!(send.queued() == 0, after.is_empty());
            // Once the connection has ended, the result does not change.
            if end.is_some() {
                prop_assert_eq!(connection.send.end(), end);
            }
            end = connection.send.end();
            prop_assert!(failed.is_none() || connection.send.failure() == failed);
            failed = connection.send.failure();
        }
    }
}

#[test]
fn parking_before_the_input_was_searched_loses_nothing() {
    let input = frames_from(Role::Server, |w| {
        w.text("first");
        w.text("second");
    });
    let (mut recv, mut send) = halves(Role::Client, &Config::default());
    recv.lending().set_up(input.clone().into(), 64, 64);
    assert_eq!(recv.lending().park(&mut send).len(), 0);
    assert_eq!(recv.unread(), input);
    for text in ["first", "second"] {
        assert_eq!(recv.next_message(&mut send), Step::Found(()));
        assert_eq!(recv.lending().park(&mut send).len(), 0);
        assert_eq!(recv.message(), Some(MessageRef::Text(text)));
    }
    assert_eq!(recv.next_message(&mut send), Step::NeedInput);
    assert_eq!(recv.lending().park(&mut send).len(), input.len());
    // Parking also keeps input that is read after a step has found nothing.
    recv.lending().lend(vec![0; 64].into());
    assert_eq!(take(recv.spare(), &mut &input[..]), input.len());
    recv.filled(input.len());
    assert_eq!(recv.lending().park(&mut send).len(), 0);
    assert_eq!(recv.unread(), input);
}

#[test]
fn a_failed_receiver_has_an_empty_block() {
    for broken in [&b"\xff"[..], b"\x81\x01\xff"] {
        let (mut recv, mut send) = halves(Role::Client, &Config::default());
        recv.lending().set_up(Box::default(), 64, 64);
        recv.lending().lend(vec![b'x'; 64].into());
        recv.spare()[..broken.len()].copy_from_slice(broken);
        recv.filled(64);
        assert_eq!(recv.next_message(&mut send), Step::Ended);
        let error = send.failure();
        assert!(error.is_some());
        assert_eq!(recv.next_message(&mut send), Step::Ended);
        assert_eq!(send.failure(), error);
        assert_eq!(recv.spare().len(), 64);
        assert!(recv.unread().is_empty() && recv.message().is_none());
    }
}

#[test]
fn each_frame_has_its_own_masking_key() {
    let mut send = sender(Role::Client);
    let mut boxed = SendHalf::client(&Config::default(), Box::new(Keys::default()));
    for send in [&mut send, &mut boxed] {
        assert_eq!(send.role(), Role::Client);
        send.message("a").unwrap();
        send.ping(&ControlPayload::EMPTY).unwrap();
        send.message(vec![0; 9000]).unwrap();
    }
    let expected = frames_from(Role::Client, |w| {
        w.text("a");
        w.frame(FIN | PING, b"");
        w.frame(FIN | BINARY, &[0; 9000]);
    });
    assert_eq!(queued(&send), expected);
    assert_eq!(queued(&boxed), expected);
}
