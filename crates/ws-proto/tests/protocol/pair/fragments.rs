//! Messages that are sent in several frames, and control frames between these frames (RFC 6455
//! §5.4, §5.5).

use ws_proto::{Config, Connection, FrameHeader, HeaderRules, OpCode, Role, SendError};

use super::{input, payload};
use crate::support::{
    BOTH, FIN, PING, close_frame, connection, fragmenting, frames_to, peek_output,
};

const FRAGMENT: usize = 16 * 1024;

/// The maximum number of bytes before a new control frame in the queue. Frames are made in advance
/// until 16 KiB are queued. The last of these frames may be a whole fragment.
const AHEAD: usize = 2 * FRAGMENT;

fn fragmenting_end(role: Role, len: usize) -> Connection {
    connection(role, &fragmenting(Config::default(), len))
}

/// Takes up to `most` bytes of output.
fn take(connection: &mut Connection, most: usize) -> Vec<u8> {
    let mut taken = Vec::new();
    while taken.len() < most && connection.send.queued() > 0 {
        let mut bytes = peek_output(&connection.send, 16);
        bytes.truncate(most - taken.len());
        connection.send.advance(bytes.len());
        taken.extend(bytes);
    }
    taken
}

/// Returns the opcode, the position, FIN and the payload length of each frame.
fn frames(sender: Role, mut bytes: &[u8]) -> Vec<(OpCode, usize, bool, usize)> {
    let mut frames = Vec::new();
    let mut at = 0;
    let mut rules = HeaderRules::new(sender.peer());
    while let Some((header, len)) = FrameHeader::parse(bytes, &rules).unwrap() {
        let end = len + header.payload_len as usize;
        if end > bytes.len() {
            break;
        }
        if !header.opcode.is_control() {
            rules.message_open = !header.fin;
        }
        frames.push((header.opcode, at, header.fin, header.payload_len as usize));
        bytes = &bytes[end..];
        at += end;
    }
    frames
}

#[test]
fn a_pong_is_sent_at_the_next_frame_boundary_of_a_long_message() {
    for role in BOTH {
        for taken in [0, 1, FRAGMENT, 1_000_000, 8_900_000] {
            for owned in [false, true] {
                let mut end = fragmenting_end(role, FRAGMENT);
                let message = vec![7; 9_000_000];
                match owned {
                    true => end.send.message(message.clone()).unwrap(),
                    false => end.send.message(&message).unwrap(),
                }
                let mut output = take(&mut end, taken);
                end.send.stalled();
                for number in [b"1", b"2"] {
                    input(&mut end, &frames_to(role, |w| w.frame(FIN | PING, number)));
                }
                output.extend(take(&mut end, usize::MAX));
                let frames = frames(role, &output);
                let pongs: Vec<_> = frames.iter().filter(|it| it.0 == OpCode::Pong).collect();
                assert_eq!(pongs.len(), 1, "only the newest Ping is answered");
                assert!(pongs[0].1 <= taken + AHEAD, "{taken}: at {}", pongs[0].1);
                let lens: usize = frames.iter().map(|it| it.3).sum();
                assert_eq!(lens, message.len() + 1);
            }
        }
    }
}

#[test]
fn our_own_pings_are_sent_between_fragments() {
    for role in BOTH {
        let mut end = fragmenting_end(role, FRAGMENT);
        end.send.message(vec![7; 1 << 20]).unwrap();
        end.send.ping(&payload(b"?")).unwrap();
        let output = take(&mut end, usize::MAX);
        let place = frames(role, &output)
            .into_iter()
            .find(|it| it.0 == OpCode::Ping)
            .unwrap()
            .1;
        assert!(place <= AHEAD, "{place}");
    }
}

#[test]
fn a_close_waits_for_the_end_of_the_message_and_pings_before_it_are_answered() {
    for role in BOTH {
        let mut end = fragmenting_end(role, FRAGMENT);
        end.send.message(vec![7; 1 << 20]).unwrap();
        end.send.start_close(close_frame(1000, "bye")).unwrap();
        assert_eq!(end.send.message("late"), Err(SendError::Closing));
        let mut output = take(&mut end, 100_000);
        input(&mut end, &frames_to(role, |w| w.frame(FIN | PING, b"?")));
        output.extend(take(&mut end, usize::MAX));
        let frames = frames(role, &output);
        let [.., (OpCode::Continuation, _, true, _), (OpCode::Close, ..)] = frames[..] else {
            panic!("{:?}", frames.last());
        };
        let pong = frames.iter().find(|it| it.0 == OpCode::Pong).unwrap();
        assert!(pong.1 <= 100_000 + AHEAD);
        // Nothing follows the Close.
        input(&mut end, &frames_to(role, |w| w.frame(FIN | PING, b"?")));
        assert_eq!(end.send.queued(), 0);
    }
}

#[test]
fn a_violation_ends_a_long_message_between_two_fragments() {
    for role in BOTH {
        let mut end = fragmenting_end(role, FRAGMENT);
        end.send.message(vec![7; 1 << 20]).unwrap();
        let mut output = take(&mut end, 100_000);
        input(&mut end, &[0xff]);
        output.extend(take(&mut end, usize::MAX));
        assert!(output.len() <= 100_000 + AHEAD + FRAGMENT);
        let frames = frames(role, &output);
        let [.., (OpCode::Continuation, _, false, _), (OpCode::Close, ..)] = frames[..] else {
            panic!("{:?}", frames.last());
        };
    }
}

#[test]
fn all_frames_of_a_long_message_are_queued_before_the_next_message() {
    for role in BOTH {
        let mut end = fragmenting_end(role, 1000);
        end.send.message(vec![7; 100_000]).unwrap();
        assert!(!end.send.has_room() && end.send.queued() >= 100_000);
        end.send.message("behind").unwrap();
        let output = take(&mut end, usize::MAX);
        let frames = frames(role, &output);
        assert_eq!(frames.len(), 101);
        let starts = frames.iter().filter(|it| it.0 != OpCode::Continuation);
        let starts: Vec<_> = starts.map(|it| (it.0, it.3)).collect();
        assert_eq!(starts, [(OpCode::Binary, 1000), (OpCode::Text, 6)]);
        assert!(frames[99].2 && frames[100].2);
    }
}

#[test]
fn small_fragments_are_written_together() {
    let mut end = fragmenting_end(Role::Server, 10);
    end.send.message(vec![7; 50_000]).unwrap();
    let mut writes = 0;
    while end.send.queued() > 0 {
        let len = peek_output(&end.send, 16).len();
        end.send.advance(len);
        writes += 1;
    }
    assert!(writes < 10, "{writes}");
}

#[test]
fn there_is_room_again_when_less_than_the_high_water_mark_is_left() {
    let mut end = fragmenting_end(Role::Server, FRAGMENT);
    end.send.message(vec![7; 200_000]).unwrap();
    while !end.send.has_room() {
        assert!(end.send.queued() >= 64 * 1024);
        take(&mut end, 1000);
    }
    assert!(end.send.queued() >= 60 * 1024);
}

#[test]
fn lost_output_drops_the_message() {
    for role in BOTH {
        let mut end = fragmenting_end(role, FRAGMENT);
        end.send.message(vec![7; 200_000]).unwrap();
        end.send.start_close(close_frame(1000, "")).unwrap();
        end.send.output_lost();
        assert_eq!(end.send.queued(), 0);
        input(&mut end, &frames_to(role, |w| w.frame(FIN | PING, b"?")));
        assert_eq!(end.send.queued(), 0);
    }
}
