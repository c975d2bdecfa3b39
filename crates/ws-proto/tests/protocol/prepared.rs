//! Prepared messages: one message for many connections, plain and compressed.

use ws_proto::{
    Config, Connection, Message, MessageKind, MessageRef, Outgoing, Prepared, Role, SendHalf, Step,
};

use crate::support::{BOTH, connection, fragmenting, output, read_input, receive_all, sender};

fn received(end: &mut Connection, bytes: &[u8]) -> Vec<Message> {
    receive_all(&mut end.recv, &mut end.send, bytes).unwrap()
}

fn sizes() -> [String; 6] {
    [0, 1, 125, 126, 20_000, 70_000].map(|len| "x".repeat(len))
}

#[test]
fn a_prepared_message_is_encoded_like_its_message() {
    for role in BOTH {
        for text in sizes() {
            for message in [
                Message::from(text.clone()),
                Message::from(text.clone().into_bytes()),
            ] {
                let prepared = Prepared::new(&message);
                let [mut plain, mut shared] = [(); 2].map(|()| sender(role));
                plain.message(&message).unwrap();
                shared.message(&prepared).unwrap();
                assert_eq!(
                    output(&mut plain),
                    output(&mut shared),
                    "{role:?} {}",
                    text.len()
                );
                assert_eq!(prepared.kind(), message.kind());
                assert_eq!(prepared.as_bytes(), message.as_bytes());
            }
        }
    }
}

#[test]
fn a_prepared_message_is_sent_in_fragments_if_so_configured() {
    let config = fragmenting(Config::default(), 1000);
    for len in [1000, 1001, 20_000] {
        let text = "x".repeat(len);
        let mut send = SendHalf::server(&config);
        send.message(&Prepared::new(&text)).unwrap();
        let bytes = output(&mut send);
        assert_eq!(bytes[0] & 0x80 == 0, len > 1000, "FIN of the first frame");
        let mut client = connection(Role::Client, &config);
        assert_eq!(received(&mut client, &bytes), [Message::from(text)]);
    }
}

#[test]
fn all_connections_of_a_server_share_one_frame() {
    let prepared = Prepared::new(vec![7; 1 << 20]);
    let mut subscribers: Vec<_> = (0..100).map(|_| sender(Role::Server)).collect();
    let memory = allocation_counter::measure(|| {
        for send in &mut subscribers {
            send.message(&prepared).unwrap();
        }
    });
    assert!(memory.bytes_max < 100 * 200, "{} bytes", memory.bytes_max);
    let whole = output(&mut subscribers[0]).len();
    assert_eq!(whole, (1 << 20) + 10);
}

#[test]
fn a_prepared_message_can_be_prepared_again_and_debug_shows_no_payload() {
    let prepared = Prepared::new("secret");
    let again = Prepared::new(Outgoing::from(&prepared).uncompressed());
    assert_eq!(again.as_bytes(), b"secret");
    assert_eq!(Prepared::new(&again).as_bytes(), b"secret");
    assert_eq!(format!("{again:?}"), "Text(6 bytes)");
    assert_eq!(again.kind(), MessageKind::Text);
}

#[cfg(feature = "deflate")]
mod compressed {
    use super::*;
    use crate::support::Rng;
    use ws_proto::{DeflateConfig, DeflateParams};

    fn params(takeover: bool, window_bits: u8) -> DeflateParams {
        DeflateParams {
            server_no_context_takeover: !takeover,
            client_no_context_takeover: !takeover,
            server_max_window_bits: window_bits,
            client_max_window_bits: window_bits,
        }
    }

    fn pair(role: Role, params: &DeflateParams) -> (SendHalf, Connection) {
        let mut send = sender(role);
        send.deflate(params, &DeflateConfig::default().own_window_bits(15));
        let mut peer = connection(role.peer(), &Config::default());
        peer.deflate(params, &DeflateConfig::default());
        (send, peer)
    }

    /// Returns text that contains `number` and repeats itself at a long distance.
    fn news(number: usize) -> String {
        (0..400)
            .map(|i| format!("{number} says {}; ", i % 97))
            .collect()
    }

    fn is_compressed(bytes: &[u8]) -> bool {
        bytes[0] & 0x40 != 0
    }

    #[test]
    fn prepared_and_other_messages_can_be_mixed_under_any_agreement() {
        for role in BOTH {
            for takeover in [true, false] {
                for window_bits in 8..=15 {
                    let params = params(takeover, window_bits);
                    let (mut send, mut peer) = pair(role, &params);
                    let shared = Prepared::new(news(0));
                    for turn in 0..6 {
                        let (own, other) = (news(turn), Prepared::new(news(turn + 1)));
                        send.message(&own).unwrap();
                        send.message(&shared).unwrap();
                        send.message(&own).unwrap();
                        send.message(&own).unwrap();
                        send.message(&other).unwrap();
                        send.message(&shared).unwrap();
                        let expected = [&own, &news(0), &own, &own, &news(turn + 1), &news(0)];
                        let got = received(&mut peer, &output(&mut send));
                        let expected = expected.map(|text| Message::from(text.as_str()));
                        assert_eq!(got, expected, "{role:?} {params:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_prepared_message_is_compressed_once_per_window() {
        let prepared = Prepared::new(news(1).repeat(20));
        for window_bits in [9, 12, 15] {
            let first = {
                let (mut send, _) = pair(Role::Server, &params(true, window_bits));
                let first = allocation_counter::measure(|| send.message(&prepared).unwrap());
                assert!(is_compressed(&output(&mut send)));
                first
            };
            let (mut send, _) = pair(Role::Server, &params(true, window_bits));
            let second = allocation_counter::measure(|| send.message(&prepared).unwrap());
            assert!(first.bytes_max > 100_000, "{}", first.bytes_max);
            assert!(second.bytes_max < 20_000, "{}", second.bytes_max);
        }
    }

    #[test]
    fn threads_can_share_a_prepared_message() {
        let prepared = Prepared::new(news(3));
        let outputs: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let (mut send, _) = pair(Role::Server, &params(true, 15));
                        send.message(&prepared).unwrap();
                        output(&mut send)
                    })
                })
                .collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(outputs.iter().all(|bytes| *bytes == outputs[0]));
        assert!(is_compressed(&outputs[0]));
    }

    #[test]
    fn an_incompressible_message_is_sent_uncompressed_and_keeps_the_context() {
        let mut random = Rng::new(1);
        let noise: Vec<u8> = (0..3000).map(|_| random.next() as u8).collect();
        let (mut send, mut peer) = pair(Role::Server, &params(true, 15));
        send.message(news(1)).unwrap();
        let first = output(&mut send);
        send.message(&Prepared::new(&noise)).unwrap();
        let plain = output(&mut send);
        send.message(news(1)).unwrap();
        let again = output(&mut send);
        assert!(!is_compressed(&plain));
        assert!(
            again.len() * 2 < first.len(),
            "the last message does not refer to the first message"
        );
        let all = [first, plain, again].concat();
        assert_eq!(received(&mut peer, &all).len(), 3);
    }

    #[test]
    fn a_message_can_choose_its_compression() {
        let (mut send, mut peer) = pair(Role::Server, &params(true, 15));
        let text = news(1);
        let mut sends_compressed = |message: Outgoing<'_>| {
            let text = String::from_utf8(message.as_bytes().to_vec()).unwrap();
            send.message(message).unwrap();
            let bytes = output(&mut send);
            let compressed = is_compressed(&bytes);
            assert_eq!(received(&mut peer, &bytes), [Message::from(text)]);
            compressed
        };
        assert!(sends_compressed(Outgoing::from(&text)));
        assert!(!sends_compressed(Outgoing::from(&text).uncompressed()));
        assert!(!sends_compressed(Outgoing::from("short")));
        assert!(sends_compressed(Outgoing::from("short").compressed()));
        let secret = Prepared::new(Outgoing::from(&text).uncompressed());
        assert!(!sends_compressed(Outgoing::from(&secret)));
        assert!(sends_compressed(Outgoing::from(&Prepared::new(&text))));
    }

    #[test]
    fn a_message_in_pieces_can_be_sent_uncompressed() {
        let (mut send, mut peer) = pair(Role::Server, &params(true, 15));
        for uncompressed in [true, false] {
            send.begin(MessageKind::Text).unwrap();
            if uncompressed {
                send.leave_uncompressed();
            }
            send.write(news(1).as_bytes()).unwrap();
            // A piece has been queued, so this call has no effect.
            send.leave_uncompressed();
            send.write(b"end").unwrap();
            send.finish().unwrap();
            let bytes = output(&mut send);
            assert_eq!(is_compressed(&bytes), !uncompressed);
            let text = news(1) + "end";
            assert_eq!(received(&mut peer, &bytes), [Message::from(text)]);
        }
    }
}

#[test]
fn a_prepared_message_is_received_like_any_other() {
    let mut send = sender(Role::Server);
    send.message(&Prepared::new(b"bytes")).unwrap();
    let bytes = output(&mut send);
    let mut client = connection(Role::Client, &Config::default());
    read_input(&mut client, &mut &bytes[..]);
    let found = client.next_message();
    assert_eq!(found, Step::Found(MessageRef::Binary(b"bytes")));
}
