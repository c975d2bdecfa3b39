//! The closing handshake, and connections that end without it.

use ws_proto::{CloseCode, CloseFrame, Connection, Initiator, Role, SendError};

use super::{NONE, end, ended, input, new, output, payload, seconds};
use crate::support::{
    BOTH, CLOSE, CONTINUATION, FIN, Seen, TEXT, close_frame, frames_from, frames_to,
};

/// Moves the output of `from` to `to`, and returns the events that `to` reports.
fn pass(from: &mut Connection, to: &mut Connection) -> Vec<Seen> {
    let (events, error) = input(to, &output(from));
    assert_eq!(error, None);
    events
}

#[test]
fn either_end_can_close() {
    for role in BOTH {
        for (code, reason) in [(1000, ""), (1001, "maintenance"), (1013, ""), (4999, "bye")] {
            let mut first = new(role);
            let mut second = new(role.peer());
            first.send.message("last words").unwrap();
            first.send.start_close(close_frame(code, reason)).unwrap();
            assert_eq!(first.send.end(), None);
            assert!(!first.send.ends_transport() && !first.send.is_open());
            let events = pass(&mut first, &mut second);
            let closed = Seen::Close(Some((code, reason.into())));
            assert_eq!(events, [Seen::Text("last words".into()), closed]);
            assert_eq!(
                end(&second),
                ended(Initiator::Peer, (code, ""), (code, reason), true)
            );
            // The reply has the same code and no reason.
            let reply = output(&mut second);
            assert_eq!(reply, frames_to(role, |w| w.close(code, b"")));
            let (events, error) = input(&mut first, &reply);
            assert_eq!(events, [Seen::Close(Some((code, String::new())))]);
            assert_eq!(error, None);
            assert_eq!(
                end(&first),
                ended(Initiator::Local, (code, reason), (code, ""), true)
            );
            for connection in [&mut first, &mut second] {
                assert!(connection.send.has_ended());
                assert_eq!(connection.send.message("late"), Err(SendError::Closing));
                assert_eq!(connection.send.ping(&payload(b"")), Err(SendError::Closing));
                assert_eq!(
                    connection.send.start_close(CloseFrame::without_code()),
                    Err(SendError::Closing)
                );
                assert_eq!(connection.send.pong(&payload(b"")), Err(SendError::Closing));
                assert!(output(connection).is_empty());
                // The server closes the transport first (RFC 6455 §7.1.1).
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
fn both_ends_can_close_at_once() {
    let mut client = new(Role::Client);
    let mut server = new(Role::Server);
    client
        .send
        .start_close(close_frame(1000, "client"))
        .unwrap();
    server
        .send
        .start_close(close_frame(1001, "server"))
        .unwrap();
    let from_client = output(&mut client);
    pass(&mut server, &mut client);
    assert_eq!(input(&mut server, &from_client).1, None);
    assert!(output(&mut client).is_empty() && output(&mut server).is_empty());
    assert_eq!(
        end(&client),
        ended(Initiator::Local, (1000, "client"), (1001, "server"), true)
    );
    assert_eq!(
        end(&server),
        ended(Initiator::Local, (1001, "server"), (1000, "client"), true)
    );
    assert!(server.send.ends_transport() && !client.send.ends_transport());
}

#[test]
fn an_empty_close_is_answered_by_an_empty_close() {
    for role in BOTH {
        let mut first = new(role);
        let mut second = new(role.peer());
        first.send.start_close(CloseFrame::without_code()).unwrap();
        assert_eq!(pass(&mut first, &mut second), [Seen::Close(None)]);
        let reply = output(&mut second);
        assert_eq!(reply, frames_to(role, |w| w.frame(FIN | CLOSE, b"")));
        input(&mut first, &reply);
        assert_eq!(
            end(&first),
            ended(Initiator::Local, (1005, ""), (1005, ""), true)
        );
        assert_eq!(
            end(&second),
            ended(Initiator::Peer, (1005, ""), (1005, ""), true)
        );
    }
}

#[test]
fn a_reason_without_a_code_is_refused_and_nothing_is_queued() {
    let mut connection = new(Role::Client);
    assert_eq!(
        connection.send.start_close(close_frame(1005, "x")),
        Err(SendError::ReasonWithoutCode)
    );
    assert_eq!(connection.send.queued(), 0);
    assert!(connection.send.is_open() && !connection.send.is_timed());
}

#[test]
fn codes_that_must_not_be_sent_are_refused_and_nothing_is_queued() {
    for code in [0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65535] {
        let mut connection = new(Role::Client);
        assert_eq!(
            connection.send.start_close(close_frame(code, "x")),
            Err(SendError::InvalidCloseCode(CloseCode::new(code)))
        );
        assert_eq!(connection.send.queued(), 0);
        assert!(connection.send.is_open() && !connection.send.is_timed());
        connection.send.message("still open").unwrap();
    }
}

#[test]
fn a_close_inside_a_message_is_clean() {
    let mut server = new(Role::Server);
    let bytes = frames_to(Role::Server, |w| {
        w.frame(TEXT, b"half");
        w.frame(CONTINUATION, b"of");
        w.close(1000, b"");
        w.frame(FIN, b" it");
    });
    let (events, error) = input(&mut server, &bytes);
    assert_eq!(events, [Seen::Close(Some((1000, String::new())))]);
    assert_eq!(error, None);
    assert_eq!(
        end(&server),
        ended(Initiator::Peer, (1000, ""), (1000, ""), true)
    );
}

#[test]
fn an_end_of_input_without_a_close_is_abnormal() {
    for role in BOTH {
        let mut open = new(role);
        open.send.message("unsent").unwrap();
        open.end_of_input();
        assert_eq!(end(&open), ended(Initiator::Peer, NONE, NONE, false));
        assert!(open.send.ends_transport() && output(&mut open).is_empty());
        assert_eq!(open.send.message("late"), Err(SendError::Closing));

        let mut closing = new(role);
        closing.send.start_close(close_frame(1000, "bye")).unwrap();
        output(&mut closing);
        closing.end_of_input();
        assert_eq!(
            end(&closing),
            ended(Initiator::Local, (1000, "bye"), NONE, false)
        );
        assert_eq!(closing.send.deadline(seconds(0)), None);
    }
}

#[test]
fn a_close_is_sent_even_if_the_peer_has_ended_its_direction() {
    for role in BOTH {
        let mut done = new(role);
        input(&mut done, &frames_to(role, |w| w.close(1000, b"")));
        done.end_of_input();
        assert_eq!(
            end(&done),
            ended(Initiator::Peer, (1000, ""), (1000, ""), true)
        );
        assert!(!done.send.ends_transport());
        assert_eq!(done.send.deadline(seconds(1)), Some(seconds(6)));
        assert_eq!(output(&mut done), frames_from(role, |w| w.close(1000, b"")));

        let mut failed = new(role);
        input(&mut failed, &[0xff]);
        failed.end_of_input();
        assert_eq!(
            end(&failed),
            ended(Initiator::Local, (1002, ""), NONE, false)
        );
        assert_eq!(
            output(&mut failed),
            frames_from(role, |w| w.close(1002, b""))
        );
        assert!(failed.send.ends_transport());

        // If the whole transport ends, nothing more can be sent.
        let mut reset = new(role);
        input(&mut reset, &frames_to(role, |w| w.close(1000, b"")));
        reset.send.transport_ended();
        assert_eq!(
            end(&reset),
            ended(Initiator::Peer, (1000, ""), (1000, ""), true)
        );
        assert!(output(&mut reset).is_empty());
        assert_eq!(reset.send.deadline(seconds(1)), None);
    }
}

#[test]
fn the_closes_of_both_ends_are_reported_in_every_order_and_even_if_ours_is_lost() {
    for role in BOTH {
        let bye = frames_to(role, |w| w.close(4001, b"bye"));

        // The peer answers our Close with another code.
        let mut answered = new(role);
        answered
            .send
            .start_close(close_frame(1000, "done"))
            .unwrap();
        output(&mut answered);
        input(&mut answered, &bye);
        assert_eq!(
            end(&answered),
            ended(Initiator::Local, (1000, "done"), (4001, "bye"), true)
        );
        let result = answered.send.end().unwrap();
        assert_eq!((result.code().number(), result.reason()), (4001, "bye"));

        // The transport stops taking output before our Close is queued.
        let mut open = new(role);
        open.send.message("unsent").unwrap();
        open.send.output_lost();
        assert_eq!(open.send.end(), None);
        input(&mut open, &bye);
        assert_eq!(
            end(&open),
            ended(Initiator::Peer, NONE, (4001, "bye"), false)
        );

        // The transport stops taking output while our Close is queued.
        let mut closing = new(role);
        closing.send.start_close(close_frame(1000, "done")).unwrap();
        closing.send.output_lost();
        input(&mut closing, &bye);
        assert_eq!(
            end(&closing),
            ended(Initiator::Local, (1000, "done"), (4001, "bye"), false)
        );

        // Our answer is never sent.
        let mut reset = new(role);
        input(&mut reset, &bye);
        reset.send.output_lost();
        reset.send.transport_ended();
        assert_eq!(
            end(&reset),
            ended(Initiator::Peer, (4001, ""), (4001, "bye"), true)
        );
    }
}
