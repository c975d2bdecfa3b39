//! Answers to Pings, and the order of control frames.

use ws_proto::Role;

use super::{input, new, output, payload};
use crate::support::{
    BINARY, BOTH, FIN, PING, PONG, Seen, Wire, close_frame, feed, frames_from, frames_to, nth_key,
};

#[test]
fn ten_pings_get_ten_pongs_in_order() {
    for role in BOTH {
        let mut connection = new(role);
        let ten = |opcode: u8| {
            move |w: &mut Wire| {
                for i in 0..10 {
                    w.frame(FIN | opcode, format!("payload-{i}").as_bytes());
                }
            }
        };
        let (events, _) = input(&mut connection, &frames_to(role, ten(PING)));
        assert_eq!(events.len(), 10);
        assert_eq!(output(&mut connection), frames_from(role, ten(PONG)));
    }
}

#[test]
fn only_the_newest_ping_is_answered_while_output_is_stalled() {
    let mut server = new(Role::Server);
    server.send.message("waiting").unwrap();
    server.send.advance(3);
    server.send.stalled();
    let before = server.send.queued();
    let mut ping = frames_to(Role::Server, |w| w.frame(FIN | PING, b"00000000"));
    for i in 0..1_000_000_u32 {
        ping[6..10].copy_from_slice(&(i ^ u32::from_le_bytes(nth_key(0))).to_le_bytes());
        let mut pings = 0;
        assert_eq!(feed(&mut server, &ping, |_, _| pings += 1), None);
        assert_eq!((pings, server.send.queued()), (1, before));
    }
    let newest = 999_999_u32.to_le_bytes();
    let expected = frames_from(Role::Server, |w| {
        w.frame(FIN | PONG, &[&newest[..], b"0000"].concat());
    });
    assert_eq!(output(&mut server)[before..], expected);
    // Once output is taken again, every Ping is answered.
    for _ in 0..2 {
        input(&mut server, &ping);
    }
    assert_eq!(output(&mut server), expected.repeat(2));
}

#[test]
fn a_delayed_pong_is_sent_before_the_close_and_none_after_it() {
    for role in BOTH {
        let mut connection = new(role);
        connection.send.message("waiting").unwrap();
        connection.send.stalled();
        let pings = frames_to(role, |w| {
            w.frame(FIN | PING, b"old");
            w.frame(FIN | PING, b"new");
        });
        input(&mut connection, &pings);
        connection.send.start_close(close_frame(1000, "")).unwrap();
        // From now on, no Ping is answered.
        input(&mut connection, &pings);
        let sent = output(&mut connection);
        input(&mut connection, &pings);
        let expected = frames_from(role, |w| {
            w.text("waiting");
            w.frame(FIN | PONG, b"new");
            w.close(1000, b"");
        });
        assert_eq!(sent, expected);
        assert!(output(&mut connection).is_empty());
    }
}

#[test]
fn pings_and_pongs_of_the_caller_are_sent_in_order() {
    for role in BOTH {
        let mut connection = new(role);
        connection.send.message("a").unwrap();
        connection.send.ping(&payload(b"b")).unwrap();
        connection.send.pong(&payload(&[7; 125])).unwrap();
        connection.send.message(&b"c"[..]).unwrap();
        let expected = frames_from(role, |w| {
            w.text("a");
            w.frame(FIN | PING, b"b");
            w.frame(FIN | PONG, &[7; 125]);
            w.frame(FIN | BINARY, b"c");
        });
        assert_eq!(output(&mut connection), expected);
        // A Pong is not answered.
        let pong = frames_to(role, |w| w.frame(FIN | PONG, b"b"));
        assert_eq!(input(&mut connection, &pong).0, [Seen::Pong(b"b".to_vec())]);
        assert!(output(&mut connection).is_empty());
    }
}
