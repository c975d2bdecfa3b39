//! Messages that are sent piece by piece.

use proptest::prelude::*;
use ws_proto::{Config, ControlPayload, MessageKind, RecvHalf, SendError, SendHalf};

use super::INVALID_UTF8;
use crate::support::{
    BINARY, BOTH, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, Wire, cases, close_frame, drain,
    frames_from, halves, opcode, output, peek_output, receive_frame, sender,
};

#[test]
fn each_piece_is_sent_in_its_own_frame_and_the_last_frame_is_empty() {
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
            receive_frame(&mut recv, &mut send, FIN | PING, b"between").unwrap();
            send.pong(&payload).unwrap();
            send.write(&[b'x'; 70_000]).unwrap();
            send.finish().unwrap();
            assert_eq!(send.unfinished(), None);
            send.message("behind").unwrap();
            let bytes = frames_from(role, |w| {
                w.text("before");
                w.frame(opcode(kind), b"a\xce");
                w.frame(FIN | PING, b"between");
                w.frame(CONTINUATION, b"\xba");
                w.frame(FIN | PONG, b"between");
                w.frame(FIN | PONG, b"between");
                w.frame(CONTINUATION, &[b'x'; 70_000]);
                w.frame(FIN, b"");
                w.text("behind");
            });
            assert!(output(&mut send) == bytes, "{role:?} {kind:?}");
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
        let bytes = frames_from(role, |w| {
            w.frame(FIN | TEXT, b"");
            w.frame(FIN | BINARY, b"");
        });
        assert_eq!(output(&mut send), bytes);
    }
}

#[test]
fn a_message_without_pieces_can_be_replaced_before_it_is_finished() {
    for role in BOTH {
        let mut send = sender(role);
        send.begin(MessageKind::Text).unwrap();
        send.begin(MessageKind::Binary).unwrap();
        assert_eq!(send.queued(), 0);
        // The second call of `begin` has replaced the text by a binary message, which need not be
        // UTF-8.
        send.write(b"\xff").unwrap();
        send.finish().unwrap();
        send.begin(MessageKind::Text).unwrap();
        send.write(b"").unwrap();
        send.message("whole").unwrap();
        assert_eq!(send.write(b"x"), Err(SendError::NoMessage));
        assert_eq!(send.finish(), Err(SendError::NoMessage));
        let bytes = frames_from(role, |w| {
            w.frame(BINARY, b"\xff");
            w.frame(FIN, b"");
            w.text("whole");
        });
        assert_eq!(output(&mut send), bytes);
    }
}

#[test]
fn other_messages_are_refused_until_a_message_in_pieces_is_finished() {
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
        // The message is still text.
        assert_eq!(send.write(b"\xff"), Err(SendError::NotUtf8));
        send.write(b"b").unwrap();
        send.finish().unwrap();
        send.message("x").unwrap();
        let bytes = frames_from(role, |w| {
            w.frame(TEXT, b"a");
            w.frame(CONTINUATION, b"b");
            w.frame(FIN, b"");
            w.text("x");
        });
        assert_eq!(output(&mut send), bytes);
    }
}

#[test]
fn refused_bytes_change_nothing() {
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
        let bytes = frames_from(role, |w| {
            w.frame(TEXT, b"\xf0\x9f");
            w.frame(CONTINUATION, b"\x98");
            w.frame(CONTINUATION, b"\x80");
            w.frame(FIN, b"");
        });
        assert_eq!(output(&mut send), bytes);
    }
}

#[test]
fn a_close_or_the_end_of_the_transport_stops_an_unfinished_message() {
    type Ending = fn(&mut RecvHalf, &mut SendHalf);
    let endings: [(Ending, &[u8]); 4] = [
        (
            |_, send| send.start_close(close_frame(1000, "")).unwrap(),
            b"\x03\xe8",
        ),
        (
            |recv, send| {
                receive_frame(recv, send, FIN | CLOSE, b"\x03\xe8").unwrap();
            },
            b"\x03\xe8",
        ),
        (
            |recv, send| {
                let refused = receive_frame(recv, send, FIN | TEXT, b"\xff");
                assert_eq!(refused, Err(INVALID_UTF8));
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
            let close = close_frame(1000, "");
            assert_eq!(send.start_close(close), Err(SendError::Closing));
            let bytes = frames_from(role, |w| {
                if !code.is_empty() {
                    w.frame(BINARY, b"begun");
                    w.frame(FIN | CLOSE, code);
                }
            });
            assert_eq!(output(&mut send), bytes);
        }
    }
}

#[test]
fn a_delayed_pong_is_sent_between_two_pieces() {
    for role in BOTH {
        let (mut recv, mut send) = halves(role, &Config::default());
        send.begin(MessageKind::Binary).unwrap();
        send.write(b"first").unwrap();
        assert!(send.queued() > 3);
        send.advance(3);
        send.stalled();
        for number in 0..5 {
            receive_frame(&mut recv, &mut send, FIN | PING, &[number]).unwrap();
        }
        send.write(b"second").unwrap();
        let start = |w: &mut Wire| {
            w.frame(BINARY, b"first");
            w.frame(CONTINUATION, b"second");
        };
        let all = frames_from(role, |w| {
            start(w);
            w.frame(FIN | PONG, &[4]);
            w.frame(CONTINUATION, b"third");
        });
        send.advance(send.queued());
        send.write(b"third").unwrap();
        let taken = frames_from(role, start).len();
        assert_eq!(output(&mut send), all[taken..]);
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
    #![proptest_config(cases(500))]

    #[test]
    fn any_order_of_calls_sends_the_frames_written_by_hand(
        acts in prop::collection::vec(any_act(), 0..80),
        role in prop::sample::select(&BOTH[..]),
    ) {
        let (mut recv, mut send) = halves(role, &Config::default());
        let mut wire = Wire::from(role);
        let mut out = Vec::new();
        // The kind of the message that has begun, its bytes, and `true` once a frame of the message
        // was queued.
        let mut begun: Option<(MessageKind, Vec<u8>, bool)> = None;
        let payload = ControlPayload::new(b"p").unwrap();
        let next_opcode = |kind, under_way| if under_way { CONTINUATION } else { opcode(kind) };
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
                    Some((kind, bytes, under_way)) => {
                        let all = [&bytes[..], &piece].concat();
                        let is_text = std::str::from_utf8(&all)
                            .map_or_else(|error| error.error_len().is_none(), |_| true);
                        if *kind == MessageKind::Text && !is_text {
                            prop_assert_eq!(send.write(&piece), Err(SendError::NotUtf8));
                        } else {
                            prop_assert_eq!(send.write(&piece), Ok(()));
                            *bytes = all;
                            if !piece.is_empty() {
                                wire.frame(next_opcode(*kind, *under_way), &piece);
                                *under_way = true;
                            }
                        }
                    }
                },
                Act::Finish => match &begun {
                    None => prop_assert_eq!(send.finish(), Err(SendError::NoMessage)),
                    Some((MessageKind::Text, bytes, _))
                        if std::str::from_utf8(bytes).is_err() =>
                    {
                        prop_assert_eq!(send.finish(), Err(SendError::NotUtf8));
                    }
                    Some((kind, _, under_way)) => {
                        prop_assert_eq!(send.finish(), Ok(()));
                        wire.frame(FIN | next_opcode(*kind, *under_way), b"");
                        begun = None;
                    }
                },
                Act::Ping => {
                    send.ping(&payload).unwrap();
                    wire.frame(FIN | PING, b"p");
                }
                Act::Respond => {
                    receive_frame(&mut recv, &mut send, FIN | PING, b"p").unwrap();
                    wire.frame(FIN | PONG, b"p");
                }
                Act::Advance(len) => {
                    let bytes = peek_output(&send, 1);
                    let len = len.min(bytes.len());
                    out.extend_from_slice(&bytes[..len]);
                    send.advance(len);
                }
            }
            let unfinished = begun.as_ref().filter(|begun| begun.2).map(|begun| begun.0);
            prop_assert_eq!(send.unfinished(), unfinished);
        }
        drain(&mut send, &mut out);
        prop_assert!(out == wire.bytes);
    }
}
