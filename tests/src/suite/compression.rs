//! Compressed messages (RFC 7692) on real sockets.

use ws_driver::{CloseCode, Config, DeflateConfig, Error, Message, MessageKind};

use super::{Connector, Running, Stream, Suite, Ws, accept_with, client, echo_in_pieces, server};
use crate::http;
use crate::socket::RawPeer;
use crate::steps::echo;
use crate::wire::{self, BINARY, From, TEXT};

/// The bits FIN and RSV1 in the first byte of a frame. A compressed message in one frame sets both.
const COMPRESSED: u8 = 0xc0;

/// "Hello", compressed (RFC 7692 §7.2.3.1).
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/// A second "Hello", compressed as a reference to the first (RFC 7692 §7.2.3.2).
const HELLO_AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

/// A way to receive messages and to send messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Owned messages.
    Whole,
    /// Borrowed messages.
    Borrowed,
    /// Piece by piece.
    Pieces,
}

const WAYS: [Way; 3] = [Way::Whole, Way::Borrowed, Way::Pieces];

fn compressing(deflate: DeflateConfig) -> Config {
    Config::default().deflate(deflate)
}

fn incompressible(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(len as u64);
    (0..len).map(|_| random.u8(..)).collect()
}

/// Returns messages of both kinds and of many lengths. Some messages are repeated.
fn messages() -> Vec<Message> {
    let text = "κόσμε 😀 ".repeat(20_000);
    vec![
        Message::from("Hello"),
        Message::from("Hello"),
        Message::from(""),
        Message::from(Vec::new()),
        Message::from("x".repeat(31)),
        Message::from("x".repeat(32)),
        Message::from("x".repeat(33)),
        Message::from(text.clone()),
        Message::from(incompressible(32)),
        Message::from(incompressible(70_000)),
        Message::from(incompressible(70_000)),
        Message::from(vec![0; 1_000_000]),
        Message::from(text),
        Message::from(incompressible(300_000)),
        Message::from("last"),
    ]
}

/// Sends each message back until the connection ends.
async fn echo_in<S: Suite>(mut ws: Ws<S>, way: Way) -> Result<(), Error> {
    match way {
        Way::Whole => {
            while let Some(message) = ws.recv().await? {
                ws.send(message).await?;
            }
            Ok(())
        }
        Way::Borrowed => echo(&mut ws).await,
        Way::Pieces => echo_in_pieces::<S>(ws).await,
    }
}

/// Queues a message, so that the echo can be read while the message is written.
async fn put<S: Suite>(ws: &mut Ws<S>, message: &Message, way: Way) -> Result<(), Error> {
    if way != Way::Pieces {
        return ws.feed(message).await;
    }
    let kind = match message.as_text() {
        Some(_) => MessageKind::Text,
        None => MessageKind::Binary,
    };
    let mut writer = ws.writer(kind)?;
    for piece in message.as_bytes().chunks(100_001) {
        writer.write(piece).await?;
    }
    writer.finish().await
}

/// Receives a message. Returns `true` for text or `false` for binary, and the payload. Returns
/// `None` at the end of the connection.
async fn get<S: Suite>(ws: &mut Ws<S>, way: Way) -> Result<Option<(bool, Vec<u8>)>, Error> {
    match way {
        Way::Whole => {
            let message = ws.recv().await?;
            Ok(message.map(|it| (it.as_text().is_some(), it.as_bytes().to_vec())))
        }
        Way::Borrowed => {
            let received = ws.recv_ref().await?;
            Ok(received.map(|(it, _)| (it.as_text().is_some(), it.as_bytes().to_vec())))
        }
        Way::Pieces => {
            let Some(mut reader) = ws.recv_stream().await? else {
                return Ok(None);
            };
            let is_text = reader.kind() == MessageKind::Text;
            let mut bytes = Vec::new();
            while let Some(piece) = reader.chunk().await? {
                bytes.extend_from_slice(piece);
            }
            Ok(Some((is_text, bytes)))
        }
    }
}

/// Asserts that an echo server returns each message of a client unchanged. Both ends use this
/// library.
///
/// Returns the extensions that the client and the server report.
fn exchange<S: Suite>(
    ours: (Config, Way),
    theirs: (Config, Way),
    messages: &[Message],
) -> (Vec<String>, Vec<String>) {
    let shown = |extensions: &[ws_driver::handshake::Extension]| -> Vec<String> {
        extensions.iter().map(ToString::to_string).collect()
    };
    let (config, way) = theirs;
    let (address, served) = server::<S, _, _>(move |stream: Stream<S>| async move {
        let ws = accept_with::<S>(stream, config).await;
        let agreed = shown(ws.extensions());
        echo_in::<S>(ws, way).await?;
        Ok::<_, Error>(agreed)
    });
    let (config, way) = ours;
    let agreed = S::block_on(async {
        let connector = Connector::<S>::new().config(config);
        let url = format!("ws://{address}/");
        let mut ws = connector.connect(&url).await.expect("an open connection");
        for (number, message) in messages.iter().enumerate() {
            put::<S>(&mut ws, message, way)
                .await
                .expect("room in the queue");
            let echoed = get::<S>(&mut ws, way).await.expect("the echo");
            let (is_text, bytes) = echoed.expect("the echo");
            assert_eq!(is_text, message.as_text().is_some(), "message {number}");
            assert!(bytes == message.as_bytes(), "message {number}");
        }
        let agreed = shown(ws.extensions());
        ws.close(CloseCode::NORMAL, "").await.expect("a clean end");
        agreed
    });
    (agreed, served.finish().expect("a clean end"))
}

/// Each way of one end is combined with each way of the other end.
pub fn compressed_messages_are_echoed_in_every_way<S: Suite>() {
    let config = compressing(DeflateConfig::default());
    for ours in WAYS {
        for theirs in WAYS {
            let (here, there) = exchange::<S>(
                (config.clone(), ours),
                (config.clone(), theirs),
                &messages(),
            );
            assert_eq!(here, there);
            assert_eq!(here.len(), 1, "{here:?}");
        }
    }
}

/// The messages are compressed at four levels, with and without a threshold.
pub fn messages_of_every_level_and_threshold_are_decoded<S: Suite>() {
    for level in [0, 1, 6, 9] {
        for threshold in [0, 1000] {
            let deflate = DeflateConfig::default()
                .level(level)
                .threshold(threshold)
                .mem_level(level);
            let config = compressing(deflate);
            let whole = (config.clone(), Way::Whole);
            exchange::<S>(whole.clone(), whole, &messages());
        }
    }
}

fn takeover(own: bool, peer: bool) -> DeflateConfig {
    let mut config = DeflateConfig::default();
    if !own {
        config = config.own_no_context_takeover();
    }
    if !peer {
        config = config.peer_no_context_takeover();
    }
    config
}

/// If either end asks for no context takeover in a direction, both ends agree on that.
pub fn every_pair_of_takeover_modes_is_agreed_on<S: Suite>() {
    let some: Vec<Message> = [5, 40, 5000, 40, 70_000]
        .iter()
        .map(|len| Message::from("κόσμε".repeat(*len)))
        .collect();
    for modes in 0..16_u8 {
        let mode = |bit: u8| modes & (1 << bit) != 0;
        let client = takeover(mode(0), mode(1));
        let server = takeover(mode(2), mode(3));
        let (here, there) = exchange::<S>(
            (compressing(client), Way::Whole),
            (compressing(server), Way::Whole),
            &some,
        );
        assert_eq!(here, there, "{client:?} {server:?}");
        let has = |parameter: &str| here[0].contains(parameter);
        let context = format!("{here:?}: {client:?} {server:?}");
        let server_resets = !(mode(1) && mode(2));
        let client_resets = !(mode(0) && mode(3));
        assert!(here[0].starts_with("permessage-deflate"), "{context}");
        assert_eq!(has("server_no_context"), server_resets, "{context}");
        assert_eq!(has("client_no_context"), client_resets, "{context}");
    }
}

/// The sizes range from the smallest to the largest, and each end asks for each pair of sizes. An
/// end mentions only the window that it asks of its peer. The data has repetitions at distances
/// that exceed the smaller windows.
pub fn windows_of_every_size_are_agreed_on<S: Suite>() {
    let mut random = fastrand::Rng::with_seed(9);
    let lines: Vec<Vec<u8>> = (0..40)
        .map(|_| incompressible(random.usize(..900)))
        .collect();
    let some: Vec<Message> = (0..8)
        .map(|_| {
            let lines: Vec<&[u8]> = (0..60).map(|_| &lines[random.usize(..40)][..]).collect();
            Message::from(lines.concat())
        })
        .collect();
    for (own, peer) in [(9, 15), (15, 9), (9, 9), (10, 12), (12, 8), (15, 15)] {
        for asks in [false, true] {
            let deflate = DeflateConfig::default()
                .own_window_bits(own)
                .peer_window_bits(peer);
            let (client, server, parameter) = match asks {
                // The client asks for the sizes, and the server accepts them.
                true => (deflate, DeflateConfig::default(), "server_max_window_bits"),
                false => (DeflateConfig::default(), deflate, "client_max_window_bits"),
            };
            let (here, there) = exchange::<S>(
                (compressing(client), Way::Whole),
                (compressing(server), Way::Whole),
                &some,
            );
            assert_eq!(here, there, "{client:?} {server:?}");
            let agreed = match peer {
                15 => "permessage-deflate".to_owned(),
                _ => format!("permessage-deflate; {parameter}={peer}"),
            };
            assert_eq!(here, [agreed], "{client:?} {server:?}");
        }
    }
}

/// Without agreement, neither end compresses, and all messages are still echoed.
pub fn compression_is_agreed_on_only_if_both_ends_enable_it<S: Suite>() {
    let plain = (Config::default(), Way::Whole);
    let wanting = (compressing(DeflateConfig::default()), Way::Whole);
    for (ours, theirs) in [
        (plain.clone(), wanting.clone()),
        (wanting, plain.clone()),
        (plain.clone(), plain),
    ] {
        let (here, there) = exchange::<S>(ours, theirs, &messages());
        assert!(here.is_empty() && there.is_empty(), "{here:?} {there:?}");
    }
}

/// Starts an echo server and opens a connection to the server, with additional lines in the
/// request. Returns the peer and the head of the response.
fn raw_server<S: Suite>(
    config: Config,
    lines: &[&str],
) -> (RawPeer, String, Running<Result<(), Error>>) {
    let (address, running) = server::<S, _, _>(|stream| async move {
        echo(&mut accept_with::<S>(stream, config).await).await
    });
    let mut peer = RawPeer::connect(address);
    let head = peer.request(&http::request_with(lines));
    (peer, head, running)
}

/// Without an agreement, the response has no extension, echoes are not compressed, and a compressed
/// message of the peer is a violation.
pub fn a_peer_without_compression_gets_none_and_may_send_none<S: Suite>() {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    let wanting = compressing(DeflateConfig::default());
    for (config, lines) in [(wanting, &[][..]), (Config::default(), &[offer][..])] {
        let (mut peer, head, running) = raw_server::<S>(config, lines);
        assert_eq!(http::header(&head, "Sec-WebSocket-Extensions"), None);
        peer.send(&From::Client.frame(BINARY, &[7; 10_000]));
        let frame = peer.read_frame().expect("the echo");
        assert_eq!(frame.whole(), (BINARY, &[7; 10_000][..]));
        peer.send(&wire::encode(COMPRESSED | TEXT, Some(wire::KEY), &HELLO));
        peer.expect_close(1002);
        drop(peer);
        let error = running.finish().expect_err("a reserved bit");
        assert!(matches!(error, Error::Receive(_)), "{error:?}");
    }
}

/// A raw client sends the examples of RFC 7692, and messages that are shorter and longer than the
/// threshold of the server.
pub fn compressed_messages_of_another_client_are_decoded<S: Suite>() {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    let config = compressing(DeflateConfig::default().threshold(6));
    let (mut peer, head, running) = raw_server::<S>(config, &[offer]);
    let answer = http::header(&head, "Sec-WebSocket-Extensions").expect("an answer");
    assert!(answer.starts_with("permessage-deflate"), "{answer}");
    let send = |peer: &mut RawPeer, payload: &[u8]| {
        peer.send(&wire::encode(COMPRESSED | TEXT, Some(wire::KEY), payload));
    };
    for payload in [&HELLO[..], &HELLO_AGAIN[..]] {
        send(&mut peer, payload);
        // The echo is shorter than the threshold, so it is not compressed.
        let frame = peer.read_frame().expect("the echo");
        assert_eq!(frame.whole(), (TEXT, &b"Hello"[..]));
    }
    // A message without RSV1 is not compressed.
    peer.send(&From::Client.text("Hello"));
    let frame = peer.read_frame().expect("the echo");
    assert_eq!(frame.whole(), (TEXT, &b"Hello"[..]));
    let mut lens = Vec::new();
    for _ in 0..2 {
        peer.send(&From::Client.frame(BINARY, &incompressible(2000)));
        let frame = peer.read_frame().expect("the echo");
        assert_eq!(frame.first, COMPRESSED | BINARY);
        lens.push(frame.payload.len());
    }
    assert!(
        lens[0] >= 2000 && lens[1] < 100,
        "no context takeover: {lens:?}"
    );
    peer.close();
    running.finish().expect("a clean end");
}

/// Returns payloads with invalid or incomplete compressed data.
fn corruptions() -> Vec<Vec<u8>> {
    vec![
        // A block of the reserved type.
        vec![0xff; 20],
        // A reference to data before the beginning of the first message.
        HELLO_AGAIN.to_vec(),
        // A stored block whose two length fields contradict each other.
        vec![0x00, 0x05, 0x00, 0x00, 0x00, 1, 2, 3, 4, 5],
        // An incomplete block.
        HELLO[..4].to_vec(),
    ]
}

/// The peer gets a Close with code 1007. The error reports a violation by the peer.
pub fn a_corrupt_message_fails_the_connection_of_a_server<S: Suite>() {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate";
    for corrupt in corruptions() {
        let config = compressing(DeflateConfig::default());
        let (mut peer, _, running) = raw_server::<S>(config, &[offer]);
        peer.send(&wire::encode(
            COMPRESSED | BINARY,
            Some(wire::KEY),
            &corrupt,
        ));
        peer.expect_close(1007);
        drop(peer);
        let error = running.finish().expect_err("a corrupt message");
        assert!(matches!(error, Error::Receive(_)), "{error:?}");
        assert_eq!(error.violation_code(), Some(CloseCode::INVALID_PAYLOAD));
    }
}

/// One case is a text that is not UTF-8 after decompression.
pub fn a_corrupt_message_fails_the_connection_of_a_client<S: Suite>() {
    let mut cases: Vec<(u8, Vec<u8>)> = corruptions().into_iter().map(|it| (BINARY, it)).collect();
    // A stored block that contains the byte 0xff, which never occurs in UTF-8.
    cases.push((TEXT, vec![0x00, 0x01, 0x00, 0xfe, 0xff, 0xff, 0x00]));
    for (opcode, corrupt) in cases {
        let (mut peer, running) = client::<S, _, _>(|url| async move {
            let config = compressing(DeflateConfig::default());
            let connector = Connector::<S>::new().config(config);
            let mut ws = connector.connect(&url).await.expect("the handshake");
            echo(&mut ws).await
        });
        let request = peer.read_head();
        let offer = http::header(&request, "Sec-WebSocket-Extensions").expect("an offer");
        assert!(offer.starts_with("permessage-deflate"), "{offer}");
        let lines = ["Sec-WebSocket-Extensions: permessage-deflate"];
        peer.send(&http::switching_with(&request, &lines));
        peer.send(&wire::encode(COMPRESSED | opcode, None, &corrupt));
        peer.read_close(1007);
        peer.end();
        drop(peer);
        let error = running.finish().expect_err("a corrupt message");
        assert!(matches!(error, Error::Receive(_)), "{error:?}");
        assert_eq!(error.violation_code(), Some(CloseCode::INVALID_PAYLOAD));
    }
}
