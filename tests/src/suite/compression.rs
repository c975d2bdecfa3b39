//! Compressed messages (RFC 7692) on real sockets.

use ws_driver::{CloseCode, Config, DeflateConfig, Error, Message, MessageKind};

use super::{Acceptor, Connector, Stream, Suite, Ws, client, server};
use crate::http;
use crate::socket::RawPeer;
use crate::wire::{self, BINARY, From, TEXT};

/// FIN and RSV1: a compressed message in one frame.
const COMPRESSED: u8 = 0xc0;

/// "Hello", compressed (RFC 7692 §7.2.3.1), and again with what came before (§7.2.3.2).
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const HELLO_AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

/// How messages are received and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Messages to keep.
    Whole,
    /// Messages to look at.
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

/// Messages of every kind and size, some of them like those before.
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

/// Echoes to the end, in one way.
async fn echo_in<S: Suite>(ws: Ws<S>, way: Way) -> Result<(), Error> {
    let mut ws = ws;
    match way {
        Way::Whole => {
            while let Some(message) = ws.recv().await? {
                ws.send(message).await?;
            }
        }
        Way::Borrowed => super::echo::<S>(&mut ws).await?,
        Way::Pieces => {
            let (mut tx, mut rx) = ws.split();
            while let Some(mut reader) = rx.recv_stream().await? {
                let mut writer = tx.writer(reader.kind())?;
                while let Some(piece) = reader.chunk().await? {
                    writer.write(piece).await?;
                }
                writer.finish().await?;
            }
        }
    }
    Ok(())
}

/// Sends a message without waiting for more than the room for it.
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

/// Receives a message: whether it is text, and its octets.
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
            let mut octets = Vec::new();
            while let Some(piece) = reader.chunk().await? {
                octets.extend_from_slice(piece);
            }
            Ok(Some((is_text, octets)))
        }
    }
}

/// Sends messages from a client to a server that echoes, both ours; what each says of the extensions.
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
        let ws = Acceptor::<S>::new()
            .config(config)
            .accept(stream)
            .await
            .expect("the handshake");
        let agreed = shown(ws.extensions());
        echo_in::<S>(ws, way).await?;
        Ok::<_, Error>(agreed)
    });
    let (config, way) = ours;
    let agreed = S::block_on(async {
        let connector = Connector::<S>::new().config(config);
        let url = format!("ws://{address}/");
        let mut ws = connector.connect(&url).await.expect("open");
        for (number, message) in messages.iter().enumerate() {
            put::<S>(&mut ws, message, way).await.expect("room");
            let echoed = get::<S>(&mut ws, way).await.expect("the echo");
            let (is_text, octets) = echoed.expect("the echo");
            assert_eq!(is_text, message.as_text().is_some(), "message {number}");
            assert!(octets == message.as_bytes(), "message {number}");
        }
        let agreed = shown(ws.extensions());
        ws.close(CloseCode::NORMAL, "").await.expect("a clean end");
        agreed
    });
    (agreed, served.finish().expect("a clean end"))
}

/// Whichever way either end receives and sends.
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

/// Whether they are compressed hard or not at all, and whatever their length.
pub fn every_level_and_threshold_is_understood<S: Suite>() {
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

/// What either end wants is granted, and both say so.
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
        let says = |parameter: &str| here[0].contains(parameter);
        let context = format!("{here:?}: {client:?} {server:?}");
        let server_resets = !(mode(1) && mode(2));
        let client_resets = !(mode(0) && mode(3));
        assert!(here[0].starts_with("permessage-deflate"), "{context}");
        assert_eq!(says("server_no_context"), server_resets, "{context}");
        assert_eq!(says("client_no_context"), client_resets, "{context}");
    }
}

/// From the smallest to the largest, asked for or taken, with data that refers further back than that.
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
            let (client, server, windows) = match asks {
                // The client asks, and the server takes it.
                true => (deflate, DeflateConfig::default(), (peer, own)),
                false => (DeflateConfig::default(), deflate, (own, peer)),
            };
            let (here, there) = exchange::<S>(
                (compressing(client), Way::Whole),
                (compressing(server), Way::Whole),
                &some,
            );
            assert_eq!(here, there, "{client:?} {server:?}");
            for (name, bits) in [("server", windows.0), ("client", windows.1)] {
                let parameter = format!("{name}_max_window_bits={bits}");
                let context = format!("{here:?}: {client:?} {server:?}");
                assert!(bits == 15 || here[0].contains(&parameter), "{context}");
            }
        }
    }
}

/// Neither end compresses unless both are told to.
pub fn nothing_is_agreed_unless_both_want_it<S: Suite>() {
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

/// Serves one connection with an echo, and opens it with these lines: the peer and the head of the answer.
fn raw_server<S: Suite>(
    config: Config,
    lines: &[&str],
) -> (RawPeer, String, super::Running<Result<(), Error>>) {
    let (address, running) = server::<S, _, _>(|stream| async move {
        let acceptor = Acceptor::<S>::new().config(config);
        echo_in::<S>(
            acceptor.accept(stream).await.expect("the handshake"),
            Way::Borrowed,
        )
        .await
    });
    let mut peer = RawPeer::connect(address);
    peer.send(&http::request_with(lines));
    let head = peer.read_head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    (peer, head, running)
}

/// What is on the wire where nothing was agreed: no extension, no compressed message, and none taken.
pub fn a_peer_without_compression_sees_none_and_may_send_none<S: Suite>() {
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

/// What is on the wire of a server: the examples of the RFC, and messages below and above the threshold.
pub fn compressed_messages_of_a_foreign_client_are_understood<S: Suite>() {
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
        // Below the threshold.
        let frame = peer.read_frame().expect("the echo");
        assert_eq!(frame.whole(), (TEXT, &b"Hello"[..]));
    }
    // No message is compressed that does not say so.
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
    assert!(lens[0] >= 2000 && lens[1] < 100, "no takeover: {lens:?}");
    peer.send(&From::Client.close(1000, ""));
    peer.expect_close(1000);
    drop(peer);
    running.finish().expect("a clean end");
}

/// Octets that are no compressed message, in whole and in part.
fn corruptions() -> Vec<Vec<u8>> {
    vec![
        // A block of the reserved type.
        vec![0xff; 20],
        // A reference to before the beginning.
        HELLO_AGAIN.to_vec(),
        // A stored block whose lengths do not agree.
        vec![0x00, 0x05, 0x00, 0x00, 0x00, 1, 2, 3, 4, 5],
        // A block that is cut.
        HELLO[..4].to_vec(),
    ]
}

/// Close 1007, and an error that names the peer as its cause.
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

/// The same at a client, and for text that is no UTF-8 once it is inflated.
pub fn a_corrupt_message_fails_the_connection_of_a_client<S: Suite>() {
    let mut cases: Vec<(u8, Vec<u8>)> = corruptions().into_iter().map(|it| (BINARY, it)).collect();
    // Stored, and not UTF-8.
    cases.push((TEXT, vec![0x00, 0x01, 0x00, 0xfe, 0xff, 0xff, 0x00]));
    for (opcode, corrupt) in cases {
        let (mut peer, running) = client::<S, _, _>(|url| async move {
            let config = compressing(DeflateConfig::default());
            let mut ws = Connector::<S>::new()
                .config(config)
                .connect(&url)
                .await
                .expect("the handshake");
            super::echo::<S>(&mut ws).await
        });
        let request = peer.read_head();
        let offer = http::header(&request, "Sec-WebSocket-Extensions").expect("an offer");
        assert!(offer.starts_with("permessage-deflate"), "{offer}");
        let lines = ["Sec-WebSocket-Extensions: permessage-deflate"];
        peer.send(&http::switching_with(&request, &lines));
        peer.send(&wire::encode(COMPRESSED | opcode, None, &corrupt));
        let frame = peer.read_frame().expect("a Close");
        assert_eq!((frame.opcode(), frame.close_code()), (wire::CLOSE, 1007));
        peer.end();
        drop(peer);
        let error = running.finish().expect_err("a corrupt message");
        assert!(matches!(error, Error::Receive(_)), "{error:?}");
        assert_eq!(error.violation_code(), Some(CloseCode::INVALID_PAYLOAD));
    }
}
