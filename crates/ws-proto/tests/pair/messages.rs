//! Messages of every size and form arrive, and nothing of them is printed.

use std::num::NonZeroUsize;

use bytes::Bytes;
use ws_proto::{Config, Connection, Message, Role};

use crate::support::{BINARY, CONTINUATION, FIN, Seen, TEXT, Wire, connection};
use crate::{BOTH, input, new, output, payload, wire};

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
fn nothing_private_is_printed() {
    let mut server = new(Role::Server);
    server.send.message("secret").unwrap();
    let message = Message::from("secret");
    let debug = format!("{server:?} {message:?} {:?}", payload(b"secret"));
    assert!(!debug.contains("secret"), "{debug}");
}
