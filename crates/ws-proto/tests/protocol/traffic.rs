//! The counters of traffic: what one end has sent is what the other end has received.

use ws_proto::{
    Chunk, Config, Connection, ControlPayload, MessageKind, Outgoing, Prepared, Role, SendHalf,
    Step, Traffic,
};

use crate::support::{BOTH, connection, drain, feed, fragmenting, map_step, read_input};

/// A text that is shorter when compressed, and is not copied into the queue.
fn long() -> String {
    "all messages are counted ".repeat(1000)
}

/// Sends messages in every way. Returns the number of messages and of their bytes.
fn send_all(send: &mut SendHalf, sent: &mut Vec<u8>) -> (u64, u64) {
    let (short, long) = ("short", long());
    send.message(short).unwrap();
    send.message(&long).unwrap();
    drain(send, sent);
    send.message(long.clone()).unwrap();
    send.message(&Prepared::new(&*long)).unwrap();
    send.ping(&ControlPayload::new(b"1").unwrap()).unwrap();
    send.message(Outgoing::from(&*long).uncompressed()).unwrap();
    send.pong(&ControlPayload::EMPTY).unwrap();
    send.start_probe(Default::default()).unwrap();
    drain(send, sent);
    let rest = send.lending().lend_payload(&*long).unwrap();
    send.lending().keep_payload(rest);
    send.begin(MessageKind::Text).unwrap();
    for piece in ["a ", "long ", &long] {
        send.write(piece.as_bytes()).unwrap();
    }
    send.finish().unwrap();
    drain(send, sent);
    (7, (short.len() + 6 * long.len() + "a long ".len()) as u64)
}

/// Receives everything as whole messages, or piece by piece.
fn receive_all(end: &mut Connection, mut input: &[u8], in_pieces: bool) {
    if !in_pieces {
        assert_eq!(feed(end, input, |_, _| {}), None);
        return;
    }
    loop {
        let step = match end.next_chunk() {
            Step::Found(Chunk::Data) => continue,
            Step::Found(Chunk::End) => map_step(end.next_start(), |_| ()),
            other => map_step(other, |_| ()),
        };
        match step {
            Step::NeedInput if input.is_empty() => return,
            Step::NeedInput => read_input(end, &mut input),
            _ => {}
        }
    }
}

/// Lets one end send everything to the other, in both roles, and compares their counters.
fn check(prepare: impl Fn(&mut Connection), config: &Config, compressed: u64) {
    for role in BOTH {
        for in_pieces in [false, true] {
            let [mut near, mut far] = [role, role.peer()].map(|role| {
                let mut end = connection(role, config);
                prepare(&mut end);
                end
            });
            let mut bytes = Vec::new();
            let (messages, payload_bytes) = send_all(&mut near.send, &mut bytes);
            for piece in [&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]] {
                receive_all(&mut far, piece, in_pieces);
            }
            let sent = near.send.traffic();
            assert_eq!(sent.messages, messages);
            assert_eq!(sent.payload_bytes, payload_bytes);
            assert_eq!(sent.compressed_messages, compressed);
            assert_eq!((sent.pings, sent.pongs), (2, 1));
            assert_eq!(sent.wire_bytes, bytes.len() as u64);
            assert_eq!(far.recv.traffic(), sent, "{role:?}, in pieces: {in_pieces}");
            // The Pongs to both Pings.
            assert_eq!(far.send.traffic().pongs, 2);
            assert_eq!(near.recv.traffic(), Traffic::default());
        }
    }
}

#[test]
fn both_ends_count_the_same() {
    check(|_| {}, &Config::default(), 0);
    check(|_| {}, &fragmenting(Config::default(), 1000), 0);
}

#[cfg(feature = "deflate")]
#[test]
fn compressed_messages_are_counted() {
    use ws_proto::{DeflateConfig, DeflateParams};

    for own_takeover in [true, false] {
        let params = DeflateParams {
            server_no_context_takeover: !own_takeover,
            client_no_context_takeover: !own_takeover,
            ..DeflateParams::default()
        };
        let deflate = DeflateConfig::default().threshold(100);
        // All but the short message and the one that is sent uncompressed.
        check(|end| end.deflate(&params, &deflate), &Config::default(), 5);
        let config = fragmenting(Config::default(), 20);
        check(|end| end.deflate(&params, &deflate), &config, 5);
    }
}

#[test]
fn an_incomplete_message_counts_only_its_bytes() {
    let mut near = connection(Role::Server, &Config::default());
    let mut far = connection(Role::Client, &Config::default());
    near.send.message(&*long()).unwrap();
    let mut bytes = Vec::new();
    drain(&mut near.send, &mut bytes);
    bytes.truncate(20_000);
    far.recv.lending().set_up(bytes[..10].into(), 4096, 4096);
    receive_all(&mut far, &bytes[10..], true);
    let received = far.recv.traffic();
    assert_eq!((received.messages, received.wire_bytes), (0, 20_000));
    assert_eq!(received.payload_bytes, 20_000 - 4);
}

#[test]
fn traffic_is_added_and_compared() {
    let mut near = connection(Role::Server, &Config::default());
    near.send.message("one").unwrap();
    let before = near.send.traffic();
    near.send.message("three").unwrap();
    let after = near.send.traffic();
    assert_eq!(after.since(before).payload_bytes, 5);
    assert_eq!(before.plus(after).messages, 3);
}
