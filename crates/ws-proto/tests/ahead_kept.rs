//! Looking ahead for those who receive control frames, or read messages in pieces: nothing is used up or lost.

#![forbid(unsafe_code)]

mod support;

use std::time::Duration;

use proptest::prelude::*;
use support::*;
use ws_proto::{
    Chunk, CloseCode, CloseFrame, CloseReason, Config, Expired, LookAhead, RecvHalf, Role,
    SendHalf, Step,
};

/// Bytes in a block: few, so that messages soon fill it.
const BLOCK: usize = 300;

fn halves(role: Role, config: &Config) -> (RecvHalf, SendHalf) {
    let mut recv = RecvHalf::new(role, config);
    recv.lending().set_up(Box::default(), BLOCK, 2 * BLOCK);
    let send = match role {
        Role::Server => SendHalf::server(config),
        Role::Client => SendHalf::client(config, Keys::default()),
    };
    (recv, send)
}

/// Moves up to `most` bytes of what arrives to `spare`.
fn read(arriving: &mut Vec<u8>, spare: &mut [u8], most: usize) -> usize {
    let len = most.min(spare.len()).min(arriving.len());
    spare[..len].copy_from_slice(&arriving[..len]);
    arriving.drain(..len);
    len
}

/// Looks as far as it can, and returns what it used up.
fn look(
    recv: &mut RecvHalf,
    send: &mut SendHalf,
    arriving: &mut Vec<u8>,
    most: usize,
) -> Vec<Seen> {
    let mut seen = Vec::new();
    loop {
        match recv.look_ahead(send) {
            LookAhead::Control(control) => seen.push(Seen::control(&control)),
            LookAhead::NeedInput if !arriving.is_empty() => {
                let mut lending = recv.lending();
                if let Some(len) = lending.wants_block() {
                    lending.lend_ahead(vec![0; len].into());
                }
                let len = read(arriving, lending.spare_ahead(), most);
                recv.filled(len);
            }
            _ => break,
        }
    }
    recv.lending().settle_ahead();
    seen
}

/// Reads as a driver does, or gives up the block: `false` if nothing is there to read.
fn fill(recv: &mut RecvHalf, send: &mut SendHalf, arriving: &mut Vec<u8>, most: usize) -> bool {
    let mut lending = recv.lending();
    if arriving.is_empty() {
        lending.park(send);
        return false;
    }
    if let Some(len) = lending.wants_block() {
        lending.lend(vec![0; len].into());
    }
    let len = read(arriving, recv.spare(), most);
    recv.filled(len);
    true
}

fn output(send: &mut SendHalf) -> Vec<u8> {
    let mut output = Vec::new();
    while send.queued() > 0 {
        let mut slices = [&[][..]; 16];
        let used = send.slices(&mut slices);
        let bytes = slices[..used].concat();
        send.advance(bytes.len());
        output.extend(bytes);
    }
    output
}

/// Encodes frames in an order that breaks no rule, and the messages and control frames in it.
fn conversation(role: Role, frames: &[(u8, usize)]) -> (Vec<u8>, Vec<Seen>) {
    let mut wire = Wire::from(role.peer());
    let mut seen = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    for (number, &(kind, len)) in frames.iter().enumerate() {
        let payload = vec![number as u8; len];
        let short = &payload[..len.min(125)];
        match (kind, &mut open) {
            (0, _) => {
                wire.frame(FIN | PING, short);
                seen.push(Seen::Ping(short.to_vec()));
            }
            (1, _) => {
                wire.frame(FIN | PONG, short);
                seen.push(Seen::Pong(short.to_vec()));
            }
            (2, None) => {
                wire.frame(BINARY, &payload);
                open = Some(payload);
            }
            (2, Some(message)) => {
                wire.frame(CONTINUATION, &payload);
                message.extend(payload);
            }
            (_, None) => {
                wire.frame(FIN | BINARY, &payload);
                seen.push(Seen::Binary(payload));
            }
            (_, Some(message)) => {
                wire.frame(FIN | CONTINUATION, &payload);
                message.extend(payload);
                seen.extend(open.take().map(Seen::Binary));
            }
        }
    }
    if let Some(message) = open {
        wire.frame(FIN | CONTINUATION, b"");
        seen.push(Seen::Binary(message));
    }
    wire.close(1000, b"");
    seen.push(Seen::Close(Some((1000, String::new()))));
    (wire.octets, seen)
}

fn frames() -> impl Strategy<Value = Vec<(u8, usize)>> {
    let len = prop_oneof![0..20_usize, 0..200_usize, 0..1000_usize];
    prop::collection::vec((0..5_u8, len), 0..30)
}

/// A choice whether to look, and the most that one read brings.
fn turns() -> impl Strategy<Value = Vec<(bool, usize)>> {
    prop::collection::vec((any::<bool>(), 1..700_usize), 1..40)
}

proptest! {
    #[test]
    fn kept_control_frames_are_received_in_order_and_answered_once(
        frames in frames(),
        turns in turns(),
        is_server in any::<bool>(),
        is_manual in any::<bool>(),
    ) {
        let role = if is_server { Role::Server } else { Role::Client };
        let config = match is_manual {
            true => Config::default().manual_pongs(),
            false => Config::default(),
        };
        let (mut arriving, expected) = conversation(role, &frames);
        let (mut recv, mut send) = halves(role, &config);
        recv.keep_controls();
        let mut seen = Vec::new();
        let mut replied = Vec::new();
        for &(looks, most) in turns.iter().cycle() {
            if looks {
                prop_assert!(look(&mut recv, &mut send, &mut arriving, most).is_empty());
            }
            match recv.next_message(&mut send) {
                Step::Found(()) => seen.push(Seen::message(recv.message().expect("a message"))),
                Step::Control(control) => seen.push(Seen::control(&control)),
                Step::NeedInput => {
                    fill(&mut recv, &mut send, &mut arriving, most);
                }
                Step::Busy => {}
                Step::Ended => break,
            }
            replied.extend(output(&mut send));
        }
        prop_assert_eq!(&seen, &expected);
        let answered: Vec<_> = seen
            .into_iter()
            .filter(|it| !is_manual || !matches!(it, Seen::Ping(_)))
            .collect();
        prop_assert_eq!(replied, replies(role, &answered, None));
        prop_assert!(send.end().is_some_and(|end| end.clean));
    }

    #[test]
    fn messages_read_in_pieces_are_the_same_whoever_looks_between(
        frames in frames(),
        turns in turns(),
        is_server in any::<bool>(),
        gives_up in any::<bool>(),
    ) {
        let role = if is_server { Role::Server } else { Role::Client };
        let (mut arriving, expected) = conversation(role, &frames);
        let (mut recv, mut send) = halves(role, &Config::default());
        let mut replied = Vec::new();
        let mut seen = Vec::new();
        let mut message: Option<Vec<u8>> = None;
        for (turn, &(looks, most)) in turns.iter().cycle().enumerate() {
            if looks {
                seen.extend(look(&mut recv, &mut send, &mut arriving, most));
            }
            let step = match &mut message {
                None => match recv.next_start(&mut send) {
                    Step::Found(_) => {
                        message = Some(Vec::new());
                        Step::Found(())
                    }
                    Step::Control(control) => Step::Control(control),
                    Step::NeedInput => Step::NeedInput,
                    Step::Busy => Step::Busy,
                    Step::Ended => Step::Ended,
                },
                // The rest is skipped by the next start.
                Some(_) if gives_up && turn % 5 == 0 => {
                    message = None;
                    Step::Found(())
                }
                Some(bytes) => match recv.next_chunk(&mut send) {
                    Step::Found(Chunk::Data) => {
                        bytes.extend_from_slice(recv.chunk());
                        Step::Found(())
                    }
                    Step::Found(Chunk::End) => {
                        seen.extend(message.take().map(Seen::Binary));
                        Step::Found(())
                    }
                    Step::Control(control) => Step::Control(control),
                    Step::NeedInput => Step::NeedInput,
                    Step::Busy => Step::Busy,
                    Step::Ended => Step::Ended,
                },
            };
            match step {
                Step::Control(control) => seen.push(Seen::control(&control)),
                Step::NeedInput => {
                    fill(&mut recv, &mut send, &mut arriving, most);
                }
                Step::Found(()) | Step::Busy => {}
                Step::Ended => break,
            }
            replied.extend(output(&mut send));
        }
        replied.extend(output(&mut send));
        prop_assert_eq!(replied, replies(role, &expected, None));
        if gives_up {
            let is_control = |it: &&Seen| !matches!(it, Seen::Binary(_));
            prop_assert!(seen.iter().filter(is_control).eq(expected.iter().filter(is_control)));
            prop_assert!(seen.iter().all(|it| matches!(it, Seen::Close(_)) || expected.contains(it)));
        } else {
            prop_assert_eq!(seen, expected);
        }
        prop_assert!(send.end().is_some_and(|end| end.clean));
    }
}

#[test]
fn an_invalid_close_in_front_is_a_violation_for_those_who_keep_control_frames_too() {
    for role in [Role::Server, Role::Client] {
        let mut wire = Wire::from(role.peer());
        wire.frame(FIN | CLOSE, &[0, 1]);
        let (mut recv, mut send) = halves(role, &Config::default().manual_pongs());
        let mut arriving = wire.octets;
        assert!(look(&mut recv, &mut send, &mut arriving, 1000).is_empty());
        assert!(send.failure().is_some());
    }
}

/// The time is that of 64 KiB, however many frames those are.
#[test]
fn a_close_behind_fragments_gives_no_more_time_than_one_behind_a_whole_message() {
    let second = Duration::from_secs(1);
    for fragment_len in [None, Some(1000), Some(20_000), Some(70_000)] {
        let mut config = Config::default().close_timeout(5 * second);
        if let Some(len) = fragment_len {
            config = config.fragment_len(std::num::NonZeroUsize::new(len).unwrap());
        }
        let mut send = SendHalf::server(&config);
        send.message(vec![0; 300_000]).unwrap();
        let close = CloseFrame::new(CloseCode::NORMAL, CloseReason::default());
        send.start_close(close).unwrap();
        let mut now = Duration::ZERO;
        let mut taken = 0;
        while send.queued() > 0 {
            send.deadline(now);
            now += second;
            if let Some(expired) = send.expire(now) {
                assert_eq!(expired, Expired::Close);
                break;
            }
            let mut slices = [&[][..]; 16];
            let used = send.slices(&mut slices);
            let len = slices[..used]
                .iter()
                .map(|slice| slice.len())
                .sum::<usize>();
            taken += len.min(10_000);
            send.advance(len.min(10_000));
        }
        assert_eq!(
            now,
            5 * second,
            "{fragment_len:?}: {taken} bytes were taken"
        );
        assert!(taken <= 40_000);
    }
}
