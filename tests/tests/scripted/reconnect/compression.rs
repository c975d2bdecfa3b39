//! Compressed messages: each connection has a context of its own.

use ws_driver::handshake::{Agreed, DeflateParams};
use ws_driver::transport::AnyTransport;
use ws_driver::{Acceptor, Config, Connector, DeflateConfig};
use ws_reconnect::{Backoff, Event, Reconnecting};
use ws_tests::exec::{self, attempt};
use ws_tests::scripted::{self, Manual, Scripted};

use super::MILLISECOND;

fn config() -> Config {
    Config::default().deflate(DeflateConfig::default())
}

fn agreed() -> Agreed {
    Agreed::new().with_deflate(DeflateParams::default())
}

/// Returns the messages in the bytes that a server has received. Incomplete ones are not returned.
fn decompress(bytes: Vec<u8>) -> Vec<String> {
    let (transport, peer) = scripted::pair();
    let acceptor = Acceptor::<Manual>::new().config(config());
    let mut ws = acceptor.upgraded_on(transport, agreed(), []);
    peer.push(bytes);
    peer.end();
    let mut texts = Vec::new();
    while let Ok(Some(message)) = exec::run(ws.recv()) {
        texts.push(message.as_text().unwrap().to_owned());
    }
    texts
}

/// Sends the texts over a first connection that takes `window` bytes, and over a second one.
/// Returns the numbers that are unconfirmed after the first one, and the bytes of both.
fn sent(texts: &[String], window: usize) -> (Vec<u64>, [Vec<u8>; 2]) {
    let (transports, peers): (Vec<Scripted>, Vec<_>) =
        [scripted::pair(), scripted::pair()].into_iter().unzip();
    let mut transports = transports.into_iter();
    let mut client = Reconnecting::<Manual>::new(Connector::new().config(config()), "ws://server/")
        .backoff(Backoff::default().first(10 * MILLISECOND))
        .on_connect(move |connector, _| {
            let transport = AnyTransport::new(transports.next().unwrap());
            async move { Ok(connector.upgraded_on(transport, agreed(), [])) }
        });
    peers[0].window(window);
    assert!(matches!(exec::run(client.next()), Ok(Some(Event::Open(_)))));
    for text in texts {
        exec::run(client.feed(text)).unwrap();
    }
    assert!(attempt(client.next()).is_pending());
    peers[0].reset();
    let Ok(Some(Event::Gap(gap))) = exec::run(client.next()) else {
        panic!("no gap");
    };
    exec::run(client.flush()).unwrap();
    let numbers = gap.undelivered.unconfirmed.iter().collect();
    (numbers, [peers[0].take_output(), peers[1].take_output()])
}

#[test]
fn compressed_messages_are_sent_again_if_they_never_left_completely() {
    // The texts have common words, so each refers to the ones before.
    let texts: Vec<_> = (0..5_u32)
        .map(|number| {
            let words = (0..100).map(|word| format!("{:x} ", (word * number).wrapping_mul(40_503)));
            words.collect::<String>()
        })
        .collect();
    let (numbers, [all, _]) = sent(&texts, usize::MAX);
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert!(all.len() < texts.concat().len(), "nothing is compressed");
    for window in 0..all.len() {
        let (numbers, [first, second]) = sent(&texts, window);
        let (first, second) = (decompress(first), decompress(second));
        assert_eq!(numbers.len(), first.len(), "after {window} bytes");
        assert_eq!([first, second].concat(), texts, "after {window} bytes");
    }
}
