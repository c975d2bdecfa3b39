//! A client and a server in memory, with virtual time: what each says to the other, and how it ends.

#![forbid(unsafe_code)]

mod support;

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use support::{
    BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, Seen, TEXT, Wire, connection, feed, halves,
};
use ws_proto::{
    CloseCode, CloseFrame, CloseReason, Config, Connection, ControlPayload, End, Expired,
    Initiator, LimitError, Message, ProtocolError, ReceiveError, Role, SendError,
};

const BOTH: [Role; 2] = [Role::Client, Role::Server];

fn new(role: Role) -> Connection {
    connection(role, &Config::default())
}

fn close(code: u16, reason: &str) -> CloseFrame {
    CloseFrame::new(CloseCode::new(code), CloseReason::new(reason).unwrap())
}

fn payload(octets: &[u8]) -> ControlPayload {
    ControlPayload::new(octets).unwrap()
}

fn output(connection: &mut Connection) -> Vec<u8> {
    support::output(&mut connection.send)
}

fn input(connection: &mut Connection, bytes: &[u8]) -> (Vec<Seen>, Option<ReceiveError>) {
    let mut events = Vec::new();
    let error = feed(connection, bytes, |event, _| events.push(event));
    (events, error)
}

/// Moves all output of one end to the other.
fn pass(from: &mut Connection, to: &mut Connection) -> Vec<Seen> {
    let (events, error) = input(to, &output(from));
    assert_eq!(error, None);
    events
}

fn wire(sender: Role, script: impl Fn(&mut Wire)) -> Vec<u8> {
    let mut wire = Wire::from(sender);
    script(&mut wire);
    wire.octets
}

/// Initiator, code, reason, clean.
fn end(connection: &Connection) -> Option<(Initiator, u16, String, bool)> {
    let End {
        initiator,
        code,
        reason,
        clean,
        ..
    } = connection.send.end()?;
    Some((initiator, code.number(), reason.to_string(), clean))
}

fn ended(
    initiator: Initiator,
    code: u16,
    reason: &str,
    clean: bool,
) -> Option<(Initiator, u16, String, bool)> {
    Some((initiator, code, reason.into(), clean))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn messages_of_every_size_class_arrive_both_ways() {
    for role in BOTH {
        let mut from = new(role);
        let mut to = new(role.peer());
        let mut expected = Wire::from(role);
        for len in [0, 1, 125, 126, 127, 8191, 8192, 65535, 65536, 200_000] {
            let text = "x".repeat(len);
            let octets = vec![0xf7; len];
            from.send.message(text.as_str()).unwrap();
            from.send.message(text.clone()).unwrap();
            from.send.message(&octets).unwrap();
            from.send.message(octets.clone()).unwrap();
            from.send.message(Bytes::from(octets.clone())).unwrap();
            from.send.message(Message::from(text.as_str())).unwrap();
            for first in [TEXT, TEXT, BINARY, BINARY, BINARY, TEXT] {
                let payload = if first == TEXT {
                    text.as_bytes()
                } else {
                    &octets
                };
                expected.frame(FIN | first, payload);
            }
            assert_eq!(from.send.queued(), expected.octets.len());
            let sent = output(&mut from);
            assert!(sent == expected.octets, "{len} octets from the {role:?}");
            expected.octets.clear();
            let (events, error) = input(&mut to, &sent);
            assert_eq!(error, None);
            let text = Seen::Text(text);
            let binary = Seen::Binary(octets);
            let all = [&text, &text, &binary, &binary, &binary, &text];
            assert!(events.iter().eq(all), "{len} octets from the {role:?}");
        }
    }
}

#[test]
fn a_shared_payload_is_not_changed_by_masking() {
    let mut client = new(Role::Client);
    let shared = Bytes::from(vec![7; 20_000]);
    let message = Message::from("y".repeat(20_000));
    client.send.message(&shared).unwrap();
    client.send.message(&message).unwrap();
    client.send.message(shared.slice(5..10_005)).unwrap();
    output(&mut client);
    assert_eq!(shared, vec![7; 20_000]);
    assert_eq!(message.as_text(), Some(&*"y".repeat(20_000)));
}

#[test]
fn a_large_owned_payload_is_not_copied_by_a_server() {
    let mut server = new(Role::Server);
    let payload = Bytes::from(vec![7; 8192]);
    server.send.message(&payload).unwrap();
    server.send.message("behind").unwrap();
    let mut slices = [&[][..]; 4];
    assert_eq!(server.send.slices(&mut slices), 3);
    assert_eq!(slices[1].as_ptr(), payload.as_ptr());
    #[cfg(feature = "std")]
    {
        let slices = server.send.io_slices();
        assert_eq!(slices.len(), 3);
        assert_eq!(slices[1].as_ptr(), payload.as_ptr());
    }
}

#[test]
fn fragments_have_the_length_asked_for_owned_or_borrowed() {
    for role in BOTH {
        for (fragment_len, len) in [(1, 3), (10, 9), (10, 10), (10, 11), (10, 40), (4096, 9000)] {
            let config = Config::default().fragment_len(NonZeroUsize::new(fragment_len).unwrap());
            let octets = vec![9; len];
            let expected = wire(role, |w| {
                let last = octets.chunks(fragment_len).count() - 1;
                for (i, piece) in octets.chunks(fragment_len).enumerate() {
                    let opcode = if i == 0 { BINARY } else { CONTINUATION };
                    w.frame(if i == last { FIN | opcode } else { opcode }, piece);
                }
            });
            let mut borrowed = connection(role, &config);
            borrowed.send.message(&octets).unwrap();
            assert_eq!(output(&mut borrowed), expected);
            let mut owned = connection(role, &config);
            owned.send.message(octets).unwrap();
            assert_eq!(output(&mut owned), expected);
        }
    }
}

#[test]
fn either_side_closes_and_both_agree() {
    for role in BOTH {
        for (code, reason) in [(1000, ""), (1001, "maintenance"), (1013, ""), (4999, "bye")] {
            let mut first = new(role);
            let mut second = new(role.peer());
            first.send.message("last words").unwrap();
            first.send.start_close(Some(close(code, reason))).unwrap();
            assert_eq!(first.send.end(), None);
            assert!(!first.send.ends_transport() && !first.send.is_open());
            let events = pass(&mut first, &mut second);
            let closed = Seen::Close(Some((code, reason.into())));
            assert_eq!(events, [Seen::Text("last words".into()), closed]);
            assert_eq!(end(&second), ended(Initiator::Peer, code, reason, true));
            // The reply repeats the code without the reason.
            let reply = output(&mut second);
            assert_eq!(reply, wire(role.peer(), |w| w.close(code, b"")));
            let (events, error) = input(&mut first, &reply);
            assert_eq!(events, [Seen::Close(Some((code, String::new())))]);
            assert_eq!(error, None);
            assert_eq!(end(&first), ended(Initiator::Local, code, reason, true));
            for connection in [&mut first, &mut second] {
                assert!(connection.send.has_ended());
                assert_eq!(connection.send.message("late"), Err(SendError::Closing));
                assert_eq!(connection.send.ping(&payload(b"")), Err(SendError::Closing));
                assert_eq!(connection.send.start_close(None), Err(SendError::Closing));
                assert_eq!(connection.send.pong(&payload(b"")), Err(SendError::Closing));
                assert!(output(connection).is_empty());
                // The server goes first (RFC 6455 §7.1.1).
                let server = connection.send.role() == Role::Server;
                assert_eq!(connection.send.ends_transport(), server);
                let clean = end(connection);
                connection.end_of_input();
                assert_eq!(end(connection), clean);
            }
        }
    }
}

#[test]
fn both_sides_close_at_once() {
    let mut client = new(Role::Client);
    let mut server = new(Role::Server);
    client
        .send
        .start_close(Some(close(1000, "client")))
        .unwrap();
    server
        .send
        .start_close(Some(close(1001, "server")))
        .unwrap();
    let from_client = output(&mut client);
    pass(&mut server, &mut client);
    assert_eq!(input(&mut server, &from_client).1, None);
    assert!(output(&mut client).is_empty() && output(&mut server).is_empty());
    assert_eq!(end(&client), ended(Initiator::Local, 1000, "client", true));
    assert_eq!(end(&server), ended(Initiator::Local, 1001, "server", true));
    assert!(server.send.ends_transport() && !client.send.ends_transport());
}

#[test]
fn an_empty_close_is_answered_by_an_empty_one() {
    for role in BOTH {
        let mut first = new(role);
        let mut second = new(role.peer());
        first.send.start_close(None).unwrap();
        assert_eq!(pass(&mut first, &mut second), [Seen::Close(None)]);
        let reply = output(&mut second);
        assert_eq!(reply, wire(role.peer(), |w| w.frame(FIN | CLOSE, b"")));
        input(&mut first, &reply);
        assert_eq!(end(&first), ended(Initiator::Local, 1005, "", true));
        assert_eq!(end(&second), ended(Initiator::Peer, 1005, "", true));
    }
}

#[test]
fn codes_that_must_not_be_sent_are_refused_and_nothing_is_queued() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
        let mut connection = new(Role::Client);
        assert_eq!(
            connection.send.start_close(Some(close(code, "x"))),
            Err(SendError::InvalidCloseCode(CloseCode::new(code)))
        );
        assert_eq!(connection.send.queued(), 0);
        assert!(connection.send.is_open() && !connection.send.is_timed());
        connection.send.message("still open").unwrap();
    }
}

#[test]
fn a_close_ends_a_half_message_in_order() {
    let mut server = new(Role::Server);
    let octets = wire(Role::Client, |w| {
        w.frame(TEXT, b"half");
        w.frame(CONTINUATION, b"of");
        w.close(1000, b"");
        w.frame(FIN, b" it");
    });
    let (events, error) = input(&mut server, &octets);
    assert_eq!(events, [Seen::Close(Some((1000, String::new())))]);
    assert_eq!(error, None);
    assert_eq!(end(&server), ended(Initiator::Peer, 1000, "", true));
}

#[test]
fn messages_before_a_violation_come_first_and_the_close_names_it() {
    for role in BOTH {
        let mut connection = new(role);
        let octets = wire(role.peer(), |w| {
            w.text("one");
            w.frame(FIN | PING, b"two");
            w.frame(FIN | BINARY, b"three");
            w.frame(FIN | TEXT, b"\xff");
            w.text("never");
        });
        let (events, error) = input(&mut connection, &octets);
        assert_eq!(
            events,
            [
                Seen::Text("one".into()),
                Seen::Ping(b"two".to_vec()),
                Seen::Binary(b"three".to_vec()),
            ]
        );
        assert_eq!(
            error,
            Some(ReceiveError::Protocol(ProtocolError::InvalidUtf8))
        );
        assert_eq!(end(&connection), ended(Initiator::Local, 1007, "", false));
        assert!(!connection.send.ends_transport(), "the Close comes first");
        assert_eq!(connection.send.message("late"), Err(SendError::Closing));
        let sent = output(&mut connection);
        let expected = wire(role, |w| {
            w.frame(FIN | PONG, b"two");
            w.close(1007, b"");
        });
        assert_eq!(sent, expected);
        assert!(connection.send.ends_transport());
        // A Close that crosses ours changes nothing.
        assert_eq!(input(&mut connection, &octets).1, error);
        assert!(output(&mut connection).is_empty());
    }
}

#[test]
fn a_violation_after_our_close_sends_no_second_one() {
    let mut server = new(Role::Server);
    server.send.start_close(Some(close(1000, "done"))).unwrap();
    let sent = output(&mut server);
    assert_eq!(sent, wire(Role::Server, |w| w.close(1000, b"done")));
    let (_, error) = input(&mut server, b"\x81\x00");
    assert_eq!(
        error,
        Some(ReceiveError::Protocol(ProtocolError::UnmaskedFrame))
    );
    assert!(output(&mut server).is_empty());
    assert_eq!(end(&server), ended(Initiator::Local, 1002, "", false));
    assert!(server.send.ends_transport());
}

#[test]
fn limits_have_their_own_close_codes() {
    let config = Config::default().max_message_len(3);
    let mut server = connection(Role::Server, &config);
    let (_, error) = input(&mut server, &wire(Role::Client, |w| w.text("four")));
    let error = error.unwrap();
    let len = 4;
    let limit = 3;
    assert_eq!(
        error,
        ReceiveError::Limit(LimitError::MessageTooLong { len, limit })
    );
    assert_eq!(
        output(&mut server),
        wire(Role::Server, |w| w.close(1009, b""))
    );
    let too_many = LimitError::TooManyFragments;
    assert_eq!(too_many.close_code(), CloseCode::POLICY);
}

#[test]
fn an_end_of_input_without_a_close_is_abnormal() {
    for role in BOTH {
        let mut open = new(role);
        open.send.message("unsent").unwrap();
        open.end_of_input();
        assert_eq!(end(&open), ended(Initiator::Peer, 1006, "", false));
        assert!(open.send.ends_transport() && output(&mut open).is_empty());
        assert_eq!(open.send.message("late"), Err(SendError::Closing));

        let mut closing = new(role);
        closing.send.start_close(Some(close(1000, "bye"))).unwrap();
        output(&mut closing);
        closing.end_of_input();
        assert_eq!(end(&closing), ended(Initiator::Peer, 1006, "", false));
        assert_eq!(closing.send.deadline(seconds(0)), None);
    }
}

#[test]
fn a_close_still_goes_out_to_a_peer_that_ended_its_direction() {
    for role in BOTH {
        let mut done = new(role);
        input(&mut done, &wire(role.peer(), |w| w.close(1000, b"")));
        done.end_of_input();
        assert_eq!(end(&done), ended(Initiator::Peer, 1000, "", true));
        assert!(!done.send.ends_transport());
        assert_eq!(done.send.deadline(seconds(1)), Some(seconds(6)));
        assert_eq!(output(&mut done), wire(role, |w| w.close(1000, b"")));

        let mut failed = new(role);
        input(&mut failed, &[0xff]);
        failed.end_of_input();
        assert_eq!(end(&failed), ended(Initiator::Local, 1002, "", false));
        assert_eq!(output(&mut failed), wire(role, |w| w.close(1002, b"")));
        assert!(failed.send.ends_transport());

        // An end of the whole transport takes everything with it.
        let mut reset = new(role);
        input(&mut reset, &wire(role.peer(), |w| w.close(1000, b"")));
        reset.send.transport_ended();
        assert_eq!(end(&reset), ended(Initiator::Peer, 1000, "", true));
        assert!(output(&mut reset).is_empty());
        assert_eq!(reset.send.deadline(seconds(1)), None);
    }
}

#[test]
fn the_closing_handshake_has_five_seconds_from_its_first_close() {
    for role in BOTH {
        let mut connection = new(role);
        assert_eq!(connection.send.deadline(seconds(1)), None);
        connection
            .send
            .start_close(Some(close(1001, "away")))
            .unwrap();
        assert!(connection.send.is_timed());
        // Armed without a clock: it runs from the first look.
        assert_eq!(connection.send.expire(seconds(1000)), None);
        assert_eq!(connection.send.deadline(seconds(10)), Some(seconds(15)));
        assert_eq!(connection.send.deadline(seconds(12)), Some(seconds(15)));
        let early = seconds(15) - Duration::from_nanos(1);
        assert_eq!(connection.send.expire(early), None);
        assert_eq!(connection.send.expire(seconds(15)), Some(Expired::Close));
        assert_eq!(connection.send.expire(seconds(16)), None);
        assert_eq!(
            end(&connection),
            ended(Initiator::Local, 1001, "away", false)
        );
        assert!(connection.send.ends_transport() && output(&mut connection).is_empty());
        assert_eq!(connection.send.deadline(seconds(17)), None);
    }
}

#[test]
fn the_peers_close_reply_does_not_stop_the_clock() {
    let mut client = new(Role::Client);
    client.send.start_close(None).unwrap();
    output(&mut client);
    assert_eq!(client.send.deadline(seconds(0)), Some(seconds(5)));
    input(&mut client, b"\x88\x00");
    assert_eq!(client.send.deadline(seconds(3)), Some(seconds(5)));
    assert_eq!(client.send.expire(seconds(5)), Some(Expired::Close));
    assert_eq!(end(&client), ended(Initiator::Local, 1005, "", true));

    // The end that answers has as long.
    let mut server = new(Role::Server);
    input(&mut server, &wire(Role::Client, |w| w.close(1000, b"")));
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(5)));
    assert_eq!(server.send.expire(seconds(5)), Some(Expired::Close));
    assert_eq!(end(&server), ended(Initiator::Peer, 1000, "", true));
}

#[test]
fn a_failure_has_one_second() {
    let mut server = new(Role::Server);
    server.send.start_close(None).unwrap();
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(5)));
    input(&mut server, &[0xff]);
    assert_eq!(server.send.deadline(seconds(2)), Some(seconds(3)));
    assert_eq!(server.send.expire(seconds(3)), Some(Expired::Failure));
    assert_eq!(end(&server), ended(Initiator::Local, 1002, "", false));
    assert!(server.send.ends_transport());
}

#[test]
fn a_stalled_write_has_thirty_seconds_from_the_last_progress() {
    let mut server = new(Role::Server);
    server.send.message("0123456789").unwrap();
    assert_eq!(server.send.deadline(seconds(0)), None);
    server.send.stalled();
    assert_eq!(server.send.deadline(seconds(1)), Some(seconds(31)));
    server.send.stalled();
    server.send.advance(0);
    assert_eq!(server.send.deadline(seconds(20)), Some(seconds(31)));
    // One octet is progress.
    server.send.advance(1);
    assert_eq!(server.send.deadline(seconds(21)), None);
    server.send.stalled();
    assert_eq!(server.send.deadline(seconds(22)), Some(seconds(52)));
    // The earlier of two limits counts.
    server.send.start_close(None).unwrap();
    assert_eq!(server.send.deadline(seconds(50)), Some(seconds(52)));
    assert_eq!(server.send.expire(seconds(52)), Some(Expired::WriteStall));
    assert_eq!(end(&server), ended(Initiator::Local, 1005, "", false));

    let mut open = new(Role::Client);
    open.send.message("x").unwrap();
    open.send.stalled();
    assert_eq!(open.send.deadline(seconds(0)), Some(seconds(30)));
    assert_eq!(open.send.expire(seconds(30)), Some(Expired::WriteStall));
    assert_eq!(end(&open), ended(Initiator::Peer, 1006, "", false));
}

#[test]
fn output_that_is_not_passed_on_stalls_without_holding_up_pongs() {
    let mut server = new(Role::Server);
    server.send.stalled();
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(30)));
    server.send.flushed();
    assert_eq!(server.send.deadline(seconds(0)), None);
    server.send.stalled();
    input(
        &mut server,
        &wire(Role::Client, |w| w.frame(FIN | PING, b"p")),
    );
    assert_eq!(output(&mut server), b"\x8a\x01p");
}

#[test]
fn time_limits_are_configurable() {
    let config = Config::default()
        .close_timeout(seconds(50))
        .failure_timeout(seconds(60))
        .write_stall_timeout(seconds(10));
    let mut server = connection(Role::Server, &config);
    server.send.start_close(None).unwrap();
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(50)));
    server.send.stalled();
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(10)));
    output(&mut server);
    input(&mut server, &[0xff]);
    assert_eq!(server.send.deadline(seconds(0)), Some(seconds(60)));
    let mut far = connection(
        Role::Server,
        &Config::default().close_timeout(Duration::MAX),
    );
    far.send.start_close(None).unwrap();
    assert_eq!(far.send.deadline(seconds(9)), Some(Duration::MAX));
}

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
        connection.send.start_close(Some(close(1000, ""))).unwrap();
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

#[test]
fn room_ends_at_the_high_water_mark() {
    let config = Config::default().high_water_mark(10);
    let mut server = connection(Role::Server, &config);
    assert!(server.send.has_room());
    server.send.message("1234567").unwrap();
    assert_eq!(server.send.queued(), 9);
    assert!(server.send.has_room());
    server.send.message("x").unwrap();
    assert!(!server.send.has_room());
    server.send.advance(3);
    assert!(server.send.has_room());
}

#[test]
fn an_empty_queue_has_room_whatever_the_mark() {
    for role in BOTH {
        let mut connection = connection(role, &Config::default().high_water_mark(0));
        assert!(connection.send.has_room());
        connection.send.message("x").unwrap();
        assert!(!connection.send.has_room());
        let queued = connection.send.queued();
        connection.send.advance(queued - 1);
        assert!(!connection.send.has_room());
        connection.send.advance(1);
        assert!(connection.send.has_room());
    }
}

#[test]
fn sides_can_be_parted_and_joined_in_the_middle_of_a_frame() {
    let octets = wire(Role::Client, |w| w.text("in two parts"));
    let mut server = new(Role::Server);
    assert_eq!(input(&mut server, &octets[..9]), (vec![], None));
    let (recv, send) = server.split();
    assert!(!recv.is_between_messages());
    let mut server = Connection::join(recv, send);
    let (events, _) = input(&mut server, &octets[9..]);
    assert_eq!(events, [Seen::Text("in two parts".into())]);
    let (recv, _) = server.split();
    assert!(recv.is_between_messages());
}

#[test]
fn memory_to_encode_into_is_lent_and_given_back() {
    let (_, mut send) = halves(Role::Server, &Config::default());
    assert!(send.lending().wants_buffer());
    assert_eq!(send.lending().lend(Vec::with_capacity(64 << 10)), None);
    assert!(!send.lending().wants_buffer());
    let own = send.lending().lend(Vec::with_capacity(7));
    assert_eq!(own.map(|own| own.capacity()), Some(7));
    send.message("small").unwrap();
    let given_back = send.lending().reclaim().expect("little of it is in use");
    assert_eq!(given_back.capacity(), 64 << 10);
    assert!(send.lending().reclaim().is_none());
    assert_eq!(support::output(&mut send), b"\x81\x05small");
    assert!(send.lending().reclaim().is_some() && send.lending().wants_buffer());
}

#[test]
fn nothing_private_is_printed() {
    let mut server = new(Role::Server);
    server.send.message("secret").unwrap();
    let message = Message::from("secret");
    let debug = format!("{server:?} {message:?} {:?}", payload(b"secret"));
    assert!(!debug.contains("secret"), "{debug}");
}
