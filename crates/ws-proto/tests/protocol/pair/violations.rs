//! Violations of rules and limits. Each violation is reported to the peer by one Close.

use ws_proto::{
    CloseCode, Config, Initiator, LimitError, ProtocolError, ReceiveError, Role, SendError,
};

use super::{NONE, end, ended, input, new, output};
use crate::support::{
    BINARY, BOTH, FIN, PING, PONG, Seen, TEXT, close_frame, connection, frames_from, frames_to,
};

#[test]
fn messages_before_a_violation_are_received_and_the_close_has_its_code() {
    for role in BOTH {
        let mut connection = new(role);
        let bytes = frames_to(role, |w| {
            w.text("one");
            w.frame(FIN | PING, b"two");
            w.frame(FIN | BINARY, b"three");
            w.frame(FIN | TEXT, b"\xff");
            w.text("never");
        });
        let (events, error) = input(&mut connection, &bytes);
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
        assert_eq!(
            end(&connection),
            ended(Initiator::Local, (1007, ""), NONE, false)
        );
        assert!(!connection.send.ends_transport(), "the Close is sent first");
        assert_eq!(connection.send.message("late"), Err(SendError::Closing));
        let sent = output(&mut connection);
        let expected = frames_from(role, |w| {
            w.frame(FIN | PONG, b"two");
            w.close(1007, b"");
        });
        assert_eq!(sent, expected);
        assert!(connection.send.ends_transport());
        // Nothing that arrives later changes the result.
        assert_eq!(input(&mut connection, &bytes).1, error);
        assert!(output(&mut connection).is_empty());
    }
}

#[test]
fn a_violation_after_our_close_sends_no_second_one() {
    let mut server = new(Role::Server);
    server.send.start_close(close_frame(1000, "done")).unwrap();
    let sent = output(&mut server);
    assert_eq!(sent, frames_from(Role::Server, |w| w.close(1000, b"done")));
    let (_, error) = input(&mut server, b"\x81\x00");
    assert_eq!(
        error,
        Some(ReceiveError::Protocol(ProtocolError::UnmaskedFrame))
    );
    assert!(output(&mut server).is_empty());
    assert_eq!(
        end(&server),
        ended(Initiator::Local, (1000, "done"), NONE, false)
    );
    assert!(server.send.ends_transport());
}

#[test]
fn limits_have_their_own_close_codes() {
    let config = Config::default().max_message(3);
    let mut server = connection(Role::Server, &config);
    let (_, error) = input(&mut server, &frames_to(Role::Server, |w| w.text("four")));
    let error = error.unwrap();
    let len = 4;
    let limit = 3;
    assert_eq!(
        error,
        ReceiveError::Limit(LimitError::MessageTooLong { len, limit })
    );
    assert_eq!(
        output(&mut server),
        frames_from(Role::Server, |w| w.close(1009, b""))
    );
    let too_many = LimitError::TooManyFragments;
    assert_eq!(too_many.close_code(), CloseCode::POLICY);
}
