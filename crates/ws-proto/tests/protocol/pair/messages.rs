//! Messages of every size and form.

use bytes::Bytes;
use ws_proto::{Config, Connection, Message, Role};

use super::{input, new, output, payload};
use crate::support::{
    BINARY, BOTH, FIN, Seen, TEXT, Wire, connection, fragmenting, frames_from, frames_to,
};

#[test]
fn messages_of_every_size_class_arrive_both_ways() {
    for role in BOTH {
        let mut from = new(role);
        let mut to = new(role.peer());
        let mut expected = Wire::from(role);
        for len in [0, 1, 125, 126, 127, 8191, 8192, 65535, 65536, 200_000] {
            let text = "x".repeat(len);
            let bytes = vec![0xf7; len];
            from.send.message(text.as_str()).unwrap();
            from.send.message(text.clone()).unwrap();
            from.send.message(&bytes).unwrap();
            from.send.message(bytes.clone()).unwrap();
            from.send.message(Bytes::from(bytes.clone())).unwrap();
            from.send.message(Message::from(text.as_str())).unwrap();
            for first in [TEXT, TEXT, BINARY, BINARY, BINARY, TEXT] {
                let payload = if first == TEXT {
                    text.as_bytes()
                } else {
                    &bytes
                };
                expected.frame(FIN | first, payload);
            }
            assert_eq!(from.send.queued(), expected.bytes.len());
            let sent = output(&mut from);
            assert!(sent == expected.bytes, "{len} bytes from the {role:?}");
            expected.bytes.clear();
            let (events, error) = input(&mut to, &sent);
            assert_eq!(error, None);
            let text = Seen::Text(text);
            let binary = Seen::Binary(bytes);
            let all = [&text, &text, &binary, &binary, &binary, &text];
            assert!(events.iter().eq(all), "{len} bytes from the {role:?}");
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
fn fragments_have_the_configured_length() {
    for role in BOTH {
        for (fragment_len, len) in [(1, 3), (10, 9), (10, 10), (10, 11), (10, 40), (4096, 9000)] {
            let config = fragmenting(Config::default(), fragment_len);
            let bytes = vec![9; len];
            let expected = frames_from(role, |w| w.pieces(BINARY, bytes.chunks(fragment_len)));
            let mut borrowed = connection(role, &config);
            borrowed.send.message(&bytes).unwrap();
            assert_eq!(output(&mut borrowed), expected);
            let mut owned = connection(role, &config);
            owned.send.message(bytes).unwrap();
            assert_eq!(output(&mut owned), expected);
        }
    }
}

#[test]
fn a_connection_can_be_split_and_joined_inside_a_frame() {
    let bytes = frames_to(Role::Server, |w| w.text("in two parts"));
    let mut server = new(Role::Server);
    assert_eq!(input(&mut server, &bytes[..9]), (vec![], None));
    let (recv, send) = server.split();
    assert!(!recv.is_between_messages());
    let mut server = Connection::join(recv, send);
    let (events, _) = input(&mut server, &bytes[9..]);
    assert_eq!(events, [Seen::Text("in two parts".into())]);
    let (recv, _) = server.split();
    assert!(recv.is_between_messages());
}

#[test]
fn debug_output_shows_no_payload() {
    let mut server = new(Role::Server);
    server.send.message("secret").unwrap();
    let message = Message::from("secret");
    let debug = format!("{server:?} {message:?} {:?}", payload(b"secret"));
    assert!(!debug.contains("secret"), "{debug}");
}
