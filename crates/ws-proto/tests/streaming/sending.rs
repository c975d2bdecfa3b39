//! The other direction: pieces in, frames out.

use proptest::prelude::*;
use ws_proto::{
    CloseCode, CloseFrame, CloseReason, Config, ControlPayload, MessageKind, RecvHalf, Role,
    SendError, SendHalf,
};

use crate::support::{
    BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, Wire, drain, halves, output, receive_all,
};
use crate::{BOTH, INVALID_UTF8, wire};

fn sender(role: Role) -> SendHalf {
    halves(role, &Config::default()).1
}

/// A frame of the peer arrives, and is answered.
fn hear(recv: &mut RecvHalf, send: &mut SendHalf, first: u8, payload: &[u8]) {
    let octets = wire(send.role(), |w| w.frame(first, payload));
    let _ = receive_all(recv, send, &octets);
}

/// The octets that an end with this role sends.
fn expected(role: Role, script: impl Fn(&mut Wire)) -> Vec<u8> {
    let mut wire = Wire::from(role);
    script(&mut wire);
    wire.octets
}

#[test]
fn a_message_leaves_in_a_frame_for_each_piece_and_an_empty_last_one() {
    let payload = ControlPayload::new(b"between").unwrap();
    for role in BOTH {
        for kind in [MessageKind::Text, MessageKind::Binary] {
            let (mut recv, mut send) = halves(role, &Config::default());
            send.message("before").unwrap();
            send.begin(kind).unwrap();
            assert_eq!((send.unfinished(), send.queued() > 20), (None, false));
            send.write(b"a\xce").unwrap();
            assert_eq!(send.unfinished(), Some(kind));
            send.ping(&payload).unwrap();
            send.write(b"").unwrap();
            send.write(b"\xba").unwrap();
            hear(&mut recv, &mut send, FIN | PING, b"between");
            send.pong(&payload).unwrap();
            send.write(&[b'x'; 70_000]).unwrap();
            send.finish().unwrap();
            assert_eq!(send.unfinished(), None);
            send.message("behind").unwrap();
            let opcode = if kind == MessageKind::Text {
                TEXT
            } else {
                BINARY
            };
            let octets = expected(role, |w| {
                w.text("before");
                w.frame(opcode, b"a\xce");
                w.frame(FIN | PING, b"between");
                w.frame(CONTINUATION, b"\xba");
                w.frame(FIN | PONG, b"between");
                w.frame(FIN | PONG, b"between");
                w.frame(CONTINUATION, &[b'x'; 70_000]);
                w.frame(FIN, b"");
                w.text("behind");
            });
            assert!(output(&mut send) == octets, "{role:?} {kind:?}");
        }
    }
}

#[test]
fn a_message_without_pieces_is_one_empty_frame() {
    for role in BOTH {
        let mut send = sender(role);
        for kind in [MessageKind::Text, MessageKind::Binary] {
            send.begin(kind).unwrap();
            let queued = send.queued();
            send.write(b"").unwrap();
            assert_eq!((send.unfinished(), send.queued()), (None, queued));
            send.finish().unwrap();
        }
        let octets = expected(role, |w| {
            w.frame(FIN | TEXT, b"");
            w.frame(FIN | BINARY, b"");
        });
        assert_eq!(output(&mut send), octets);
    }
}

#[test]
fn a_message_begun_without_a_piece_never_was() {
    for role in BOTH {
        let mut send = sender(role);
        send.begin(MessageKind::Text).unwrap();
        send.begin(MessageKind::Binary).unwrap();
        assert_eq!(send.queued(), 0);
        // Not UTF-8: the second beginning counts.
        send.write(b"\xff").unwrap();
        send.finish().unwrap();
        send.begin(MessageKind::Text).unwrap();
        send.write(b"").unwrap();
        send.message("whole").unwrap();
        assert_eq!(send.write(b"x"), Err(SendError::NoMessage));
        assert_eq!(send.finish(), Err(SendError::NoMessage));
        let octets = expected(role, |w| {
            w.frame(BINARY, b"\xff");
            w.frame(FIN, b"");
            w.text("whole");
        });
        assert_eq!(output(&mut send), octets);
    }
}

#[test]
fn other_messages_wait_for_the_end_of_the_unfinished_one() {
    for role in BOTH {
        let mut send = sender(role);
        assert_eq!(send.write(b"x"), Err(SendError::NoMessage));
        assert_eq!(send.finish(), Err(SendError::NoMessage));
        send.begin(MessageKind::Text).unwrap();
        send.write(b"a").unwrap();
        let refused = Err(SendError::UnfinishedMessage);
        assert_eq!(send.message("x"), refused);
        assert_eq!(send.message(vec![7; 100_000]), refused);
        let lent = send.lending().lend_payload(&[7; 100_000][..]).map(|_| ());
        assert_eq!(lent, refused);
        assert_eq!(send.begin(MessageKind::Text), refused);
        assert_eq!(send.begin(MessageKind::Binary), refused);
        assert_eq!(send.unfinished(), Some(MessageKind::Text));
        // As the text that it was begun as.
        assert_eq!(send.write(b"\xff"), Err(SendError::NotUtf8));
        send.write(b"b").unwrap();
        send.finish().unwrap();
        send.message("x").unwrap();
        let octets = expected(role, |w| {
            w.frame(TEXT, b"a");
            w.frame(CONTINUATION, b"b");
            w.frame(FIN, b"");
            w.text("x");
        });
        assert_eq!(output(&mut send), octets);
    }
}

#[test]
fn refused_octets_leave_everything_as_it_was() {
    for role in BOTH {
        let mut send = sender(role);
        send.begin(MessageKind::Text).unwrap();
        for refused in [&b"\xff"[..], b"valid first\xc0", b"\x80", b"ab\xed\xa0"] {
            assert_eq!(send.write(refused), Err(SendError::NotUtf8));
            assert_eq!((send.queued(), send.unfinished()), (0, None));
        }
        send.write(b"\xf0\x9f").unwrap();
        let queued = send.queued();
        for refused in [&b"a"[..], b"\xf0", b"\x98\x80\x80", b"\x98a"] {
            assert_eq!(send.write(refused), Err(SendError::NotUtf8));
            assert_eq!(send.finish(), Err(SendError::NotUtf8));
            assert_eq!(
                (send.queued(), send.unfinished()),
                (queued, Some(MessageKind::Text))
            );
        }
        send.write(b"\x98").unwrap();
        assert_eq!(send.finish(), Err(SendError::NotUtf8));
        send.write(b"\x80").unwrap();
        send.finish().unwrap();
        let octets = expected(role, |w| {
            w.frame(TEXT, b"\xf0\x9f");
            w.frame(CONTINUATION, b"\x98");
            w.frame(CONTINUATION, b"\x80");
            w.frame(FIN, b"");
        });
        assert_eq!(output(&mut send), octets);
    }
}

#[test]
fn a_close_or_the_end_may_come_inside_an_unfinished_message() {
    type Ending = fn(&mut RecvHalf, &mut SendHalf);
    let close = || CloseFrame::new(CloseCode::NORMAL, CloseReason::default());
    let endings: [(Ending, &[u8]); 4] = [
        (
            |_, send| {
                let close = CloseFrame::new(CloseCode::NORMAL, CloseReason::default());
                send.start_close(close).unwrap();
            },
            b"\x03\xe8",
        ),
        (
            |recv, send| hear(recv, send, FIN | CLOSE, b"\x03\xe8"),
            b"\x03\xe8",
        ),
        (
            |recv, send| {
                hear(recv, send, FIN | TEXT, b"\xff");
                assert_eq!(send.failure(), Some(INVALID_UTF8));
            },
            b"\x03\xef",
        ),
        (|_, send| send.transport_ended(), b""),
    ];
    for (ending, code) in endings {
        for role in BOTH {
            let (mut recv, mut send) = halves(role, &Config::default());
            send.begin(MessageKind::Binary).unwrap();
            send.write(b"begun").unwrap();
            ending(&mut recv, &mut send);
            assert_eq!(send.write(b"x"), Err(SendError::Closing));
            assert_eq!(send.write(b""), Err(SendError::Closing));
            assert_eq!(send.finish(), Err(SendError::Closing));
            assert_eq!(send.message("x"), Err(SendError::Closing));
            assert_eq!(send.begin(MessageKind::Text), Err(SendError::Closing));
            assert_eq!(send.start_close(close()), Err(SendError::Closing));
            let octets = expected(role, |w| {
                if !code.is_empty() {
                    w.frame(BINARY, b"begun");
                    w.frame(FIN | CLOSE, code);
                }
            });
            assert_eq!(output(&mut send), octets);
        }
    }
}

#[test]
fn a_pong_held_back_leaves_between_two_pieces() {
    for role in BOTH {
        let (mut recv, mut send) = halves(role, &Config::default());
        send.begin(MessageKind::Binary).unwrap();
        send.write(b"first").unwrap();
        let queued = send.queued();
        send.advance(3);
        send.stalled();
        for number in 0..5 {
            hear(&mut recv, &mut send, FIN | PING, &[number]);
        }
        send.write(b"second").unwrap();
        let wire = expected(role, |w| {
            w.frame(BINARY, b"first");
            w.frame(CONTINUATION, b"second");
            w.frame(FIN | PONG, &[4]);
            w.frame(CONTINUATION, b"third");
        });
        assert!(queued > 3);
        send.advance(send.queued());
        send.write(b"third").unwrap();
        let rest = output(&mut send);
        assert!(wire.ends_with(&rest));
        assert_eq!(
            rest.len(),
            wire.len()
                - expected(role, |w| {
                    w.frame(BINARY, b"first");
                    w.frame(CONTINUATION, b"second");
                })
                .len()
        );
    }
}

#[derive(Clone, Debug)]
enum Act {
    Begin(MessageKind),
    Write(Vec<u8>),
    Finish,
    Message,
    Ping,
    Respond,
    Advance(usize),
}

fn any_act() -> impl Strategy<Value = Act> {
    let characters: Vec<u8> = "aκ€😀".into();
    let piece = prop_oneof![
        4 => (0..10_usize, 0..12_usize)
            .prop_map(move |(from, to)| characters[from.min(to).min(10)..to.min(10)].to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..3),
        1 => Just(vec![b'z'; 9000]),
    ];
    prop_oneof![
        2 => prop_oneof![Just(MessageKind::Text), Just(MessageKind::Binary)].prop_map(Act::Begin),
        8 => piece.prop_map(Act::Write),
        2 => Just(Act::Finish),
        1 => Just(Act::Message),
        1 => Just(Act::Ping),
        1 => Just(Act::Respond),
        2 => prop_oneof![Just(1), 1..100_usize, Just(10_000)].prop_map(Act::Advance),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mix_of_sending_agrees_with_the_frames_written_by_hand(
        acts in prop::collection::vec(any_act(), 0..80),
        role in prop_oneof![Just(Role::Client), Just(Role::Server)],
    ) {
        let (mut recv, mut send) = halves(role, &Config::default());
        let mut wire = Wire::from(role);
        let mut out = Vec::new();
        // Kind, octets, and whether a frame was queued.
        let mut begun: Option<(MessageKind, Vec<u8>, bool)> = None;
        let payload = ControlPayload::new(b"p").unwrap();
        let opcode = |kind, under_way| match (kind, under_way) {
            (_, true) => CONTINUATION,
            (MessageKind::Text, false) => TEXT,
            (MessageKind::Binary, false) => BINARY,
        };
        for act in acts {
            let under_way = begun.as_ref().is_some_and(|(_, _, under_way)| *under_way);
            match act {
                Act::Begin(kind) if under_way => {
                    prop_assert_eq!(send.begin(kind), Err(SendError::UnfinishedMessage));
                }
                Act::Begin(kind) => {
                    prop_assert_eq!(send.begin(kind), Ok(()));
                    begun = Some((kind, Vec::new(), false));
                }
                Act::Message if under_way => {
                    prop_assert_eq!(send.message("m"), Err(SendError::UnfinishedMessage));
                }
                Act::Message => {
                    prop_assert_eq!(send.message("m"), Ok(()));
                    wire.text("m");
                    begun = None;
                }
                Act::Write(piece) => match &mut begun {
                    None => prop_assert_eq!(send.write(&piece), Err(SendError::NoMessage)),
                    Some((kind, octets, under_way)) => {
                        let all = [&octets[..], &piece].concat();
                        let is_text = std::str::from_utf8(&all)
                            .map_or_else(|error| error.error_len().is_none(), |_| true);
                        if *kind == MessageKind::Text && !is_text {
                            prop_assert_eq!(send.write(&piece), Err(SendError::NotUtf8));
                        } else {
                            prop_assert_eq!(send.write(&piece), Ok(()));
                            *octets = all;
                            if !piece.is_empty() {
                                wire.frame(opcode(*kind, *under_way), &piece);
                                *under_way = true;
                            }
                        }
                    }
                },
                Act::Finish => match &begun {
                    None => prop_assert_eq!(send.finish(), Err(SendError::NoMessage)),
                    Some((MessageKind::Text, octets, _))
                        if std::str::from_utf8(octets).is_err() =>
                    {
                        prop_assert_eq!(send.finish(), Err(SendError::NotUtf8));
                    }
                    Some((kind, _, under_way)) => {
                        prop_assert_eq!(send.finish(), Ok(()));
                        wire.frame(FIN | opcode(*kind, *under_way), b"");
                        begun = None;
                    }
                },
                Act::Ping => {
                    send.ping(&payload).unwrap();
                    wire.frame(FIN | PING, b"p");
                }
                Act::Respond => {
                    hear(&mut recv, &mut send, FIN | PING, b"p");
                    wire.frame(FIN | PONG, b"p");
                }
                Act::Advance(len) => {
                    let mut slices = [&[][..]; 1];
                    let used = send.slices(&mut slices);
                    let octets = slices[..used].concat();
                    let len = len.min(octets.len());
                    out.extend_from_slice(&octets[..len]);
                    send.advance(len);
                }
            }
            let unfinished = begun.as_ref().filter(|begun| begun.2).map(|begun| begun.0);
            prop_assert_eq!(send.unfinished(), unfinished);
        }
        drain(&mut send, &mut out);
        prop_assert!(out == wire.octets);
    }
}
