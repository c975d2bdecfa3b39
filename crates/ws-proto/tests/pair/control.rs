//! Pings are answered, and control frames go out in order.

use ws_proto::Role;

use crate::support::{self, BINARY, FIN, PING, PONG, Seen, Wire, feed};
use crate::{BOTH, close, input, new, output, payload, wire};

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
        let (events, _) = input(&mut connection, &wire(role.peer(), ten(PING)));
        assert_eq!(events.len(), 10);
        assert_eq!(output(&mut connection), wire(role, ten(PONG)));
    }
}

#[test]
fn a_congested_output_answers_the_newest_ping_only() {
    let mut server = new(Role::Server);
    server.send.message("waiting").unwrap();
    server.send.advance(3);
    server.send.stalled();
    let before = server.send.queued();
    let mut ping = wire(Role::Client, |w| w.frame(FIN | PING, b"00000000"));
    for i in 0..1_000_000_u32 {
        ping[6..10].copy_from_slice(&(i ^ u32::from_le_bytes(support::nth_key(0))).to_le_bytes());
        let mut pings = 0;
        assert_eq!(feed(&mut server, &ping, |_, _| pings += 1), None);
        assert_eq!((pings, server.send.queued()), (1, before));
    }
    let newest = 999_999_u32.to_le_bytes();
    let expected = wire(Role::Server, |w| {
        w.frame(FIN | PONG, &[&newest[..], b"0000"].concat());
    });
    assert_eq!(output(&mut server)[before..], expected);
    // Flowing again, every ping counts again.
    for _ in 0..2 {
        input(&mut server, &ping);
    }
    assert_eq!(output(&mut server), expected.repeat(2));
}

#[test]
fn a_waiting_pong_goes_before_the_close_and_none_after() {
    for role in BOTH {
        let mut connection = new(role);
        connection.send.message("waiting").unwrap();
        connection.send.stalled();
        let pings = wire(role.peer(), |w| {
            w.frame(FIN | PING, b"old");
            w.frame(FIN | PING, b"new");
        });
        input(&mut connection, &pings);
        connection.send.start_close(close(1000, "")).unwrap();
        // Pings are answered no more, congested or not.
        input(&mut connection, &pings);
        let sent = output(&mut connection);
        input(&mut connection, &pings);
        let expected = wire(role, |w| {
            w.text("waiting");
            w.frame(FIN | PONG, b"new");
            w.close(1000, b"");
        });
        assert_eq!(sent, expected);
        assert!(output(&mut connection).is_empty());
    }
}

#[test]
fn pongs_and_pings_of_the_caller_go_out_in_order() {
    for role in BOTH {
        let mut connection = new(role);
        connection.send.message("a").unwrap();
        connection.send.ping(&payload(b"b")).unwrap();
        connection.send.pong(&payload(&[7; 125])).unwrap();
        connection.send.message(&b"c"[..]).unwrap();
        let expected = wire(role, |w| {
            w.text("a");
            w.frame(FIN | PING, b"b");
            w.frame(FIN | PONG, &[7; 125]);
            w.frame(FIN | BINARY, b"c");
        });
        assert_eq!(output(&mut connection), expected);
        // A Pong is not answered.
        let pong = wire(role.peer(), |w| w.frame(FIN | PONG, b"b"));
        assert_eq!(input(&mut connection, &pong).0, [Seen::Pong(b"b".to_vec())]);
        assert!(output(&mut connection).is_empty());
    }
}
