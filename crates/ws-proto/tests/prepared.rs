//! One message for many connections, plain and compressed.

#![forbid(unsafe_code)]

mod support;

use ws_proto::{
    Config, Connection, Message, MessageKind, MessageRef, Outgoing, Prepared, Role, SendHalf, Step,
};

use support::{connection, halves, output, receive_all, take};

fn plain(role: Role) -> SendHalf {
    halves(role, &Config::default()).1
}

fn received(end: &mut Connection, octets: &[u8]) -> Vec<Message> {
    receive_all(&mut end.recv, &mut end.send, octets).unwrap()
}

fn sizes() -> [String; 6] {
    [0, 1, 125, 126, 20_000, 70_000].map(|len| "x".repeat(len))
}

#[test]
fn a_prepared_message_leaves_as_its_message_would() {
    for role in [Role::Client, Role::Server] {
        for text in sizes() {
            for message in [
                Message::from(text.clone()),
                Message::from(text.clone().into_bytes()),
            ] {
                let prepared = Prepared::new(&message);
                let (mut one, mut other) = (plain(role), plain(role));
                one.message(&message).unwrap();
                other.message(&prepared).unwrap();
                assert_eq!(
                    output(&mut one),
                    output(&mut other),
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
fn a_connection_that_cuts_messages_cuts_a_prepared_one() {
    let config = Config::default().fragment_len(1000.try_into().unwrap());
    for len in [1000, 1001, 20_000] {
        let text = "x".repeat(len);
        let mut send = SendHalf::server(&config);
        send.message(&Prepared::new(&text)).unwrap();
        let octets = output(&mut send);
        assert_eq!(octets[0] & 0x80 == 0, len > 1000, "FIN of the first frame");
        let mut client = connection(Role::Client, &config);
        assert_eq!(received(&mut client, &octets), [Message::from(text)]);
    }
}

#[test]
fn a_frame_of_a_server_is_shared_by_all_connections() {
    let prepared = Prepared::new(vec![7; 1 << 20]);
    let mut subscribers: Vec<_> = (0..100).map(|_| plain(Role::Server)).collect();
    let memory = allocation_counter::measure(|| {
        for send in &mut subscribers {
            send.message(&prepared).unwrap();
        }
    });
    assert!(memory.bytes_max < 100 * 200, "{} octets", memory.bytes_max);
    let whole = output(&mut subscribers[0]).len();
    assert_eq!(whole, (1 << 20) + 10);
}

#[test]
fn a_prepared_message_can_be_prepared_again_and_says_little() {
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
    use support::Rng;
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
        let mut send = plain(role);
        send.deflate(params, &DeflateConfig::default().own_window_bits(15));
        let mut peer = connection(role.peer(), &Config::default());
        peer.deflate(params, &DeflateConfig::default());
        (send, peer)
    }

    /// Text that refers to itself far back, and in which `number` is found.
    fn news(number: usize) -> String {
        (0..400)
            .map(|i| format!("{number} says {}; ", i % 97))
            .collect()
    }

    fn is_compressed(octets: &[u8]) -> bool {
        octets[0] & 0x40 != 0
    }

    #[test]
    fn own_and_prepared_messages_mix_under_any_agreement() {
        for role in [Role::Client, Role::Server] {
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
    fn threads_may_share_it() {
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
        assert!(outputs.iter().all(|octets| *octets == outputs[0]));
        assert!(is_compressed(&outputs[0]));
    }

    #[test]
    fn what_does_not_get_shorter_leaves_plain_and_the_context_stays() {
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
        assert!(again.len() * 2 < first.len(), "it refers to the first");
        let all = [first, plain, again].concat();
        assert_eq!(received(&mut peer, &all).len(), 3);
    }

    #[test]
    fn a_message_is_compressed_as_it_asks_to_be() {
        let (mut send, mut peer) = pair(Role::Server, &params(true, 15));
        let text = news(1);
        let mut leaves_compressed = |message: Outgoing<'_>| {
            let text = String::from_utf8(message.as_bytes().to_vec()).unwrap();
            send.message(message).unwrap();
            let octets = output(&mut send);
            let compressed = is_compressed(&octets);
            assert_eq!(received(&mut peer, &octets), [Message::from(text)]);
            compressed
        };
        assert!(leaves_compressed(Outgoing::from(&text)));
        assert!(!leaves_compressed(Outgoing::from(&text).uncompressed()));
        assert!(!leaves_compressed(Outgoing::from("short")));
        assert!(leaves_compressed(Outgoing::from("short").compressed()));
        let secret = Prepared::new(Outgoing::from(&text).uncompressed());
        assert!(!leaves_compressed(Outgoing::from(&secret)));
        assert!(leaves_compressed(Outgoing::from(&Prepared::new(&text))));
    }

    #[test]
    fn a_message_in_pieces_can_leave_as_it_is() {
        let (mut send, mut peer) = pair(Role::Server, &params(true, 15));
        for uncompressed in [true, false] {
            send.begin(MessageKind::Text).unwrap();
            if uncompressed {
                send.leave_uncompressed();
            }
            send.write(news(1).as_bytes()).unwrap();
            // Too late, either way.
            send.leave_uncompressed();
            send.write(b"end").unwrap();
            send.finish().unwrap();
            let octets = output(&mut send);
            assert_eq!(is_compressed(&octets), !uncompressed);
            let text = news(1) + "end";
            assert_eq!(received(&mut peer, &octets), [Message::from(text)]);
        }
    }
}

#[test]
fn what_is_received_is_a_message_like_any_other() {
    let mut send = plain(Role::Server);
    send.message(&Prepared::new(b"octets")).unwrap();
    let octets = output(&mut send);
    let mut client = connection(Role::Client, &Config::default());
    let len = take(client.spare(), &mut &octets[..]);
    client.recv.filled(len);
    let found = client.next_message();
    assert_eq!(found, Step::Found(MessageRef::Binary(b"octets")));
}
