//! Messages of many lengths, and much data in both directions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::OnceLock;

use rustls::version::TLS13;
use ws_driver::{CloseCode, Error, Receiver, Sender};

use super::{Setup, acceptor, connector, open, url};
use crate::socket;
use crate::steps::echo;
use crate::suite::roles::ROLES;
use crate::suite::uploads::PONG_WITHIN;
use crate::suite::{Running, Suite, Transport, start};
use crate::wire::{self, BINARY, PING, PONG};

/// The lengths of messages. A record of TLS has at most 16,384 bytes (RFC 8446 §5.1).
const LENGTHS: [usize; 7] = [0, 1, 1000, 16_384, 16_385, 70_000, 1 << 20];

/// The number of bytes that each end of a busy connection sends.
const MUCH: usize = 16 << 20;

/// Returns the payload of the message with this number. Messages with different numbers differ.
fn payload(number: usize, len: usize) -> &'static [u8] {
    static RANDOM: OnceLock<Vec<u8>> = OnceLock::new();
    let random = RANDOM.get_or_init(|| {
        let mut random = fastrand::Rng::with_seed(1);
        (0..2 << 20).map(|_| random.u8(..)).collect()
    });
    let at = number * 1009 % (1 << 20);
    &random[at..at + len]
}

/// Returns the payloads of messages of many lengths, with at least `total` bytes.
fn payloads(total: usize) -> impl Iterator<Item = &'static [u8]> + Send {
    let mut sent = 0;
    let lengths = LENGTHS.into_iter().cycle().take_while(move |len| {
        let goes_on = sent < total;
        sent += len;
        goes_on
    });
    lengths
        .enumerate()
        .map(|(number, len)| payload(number, len))
}

/// The certificate of the server is valid for the name and for both addresses.
pub fn messages_of_every_length_are_echoed_over_tls<S: Suite>() {
    for (host, ip) in [
        ("localhost", IpAddr::V4(Ipv4Addr::LOCALHOST)),
        ("127.0.0.1", Ipv4Addr::LOCALHOST.into()),
        ("[::1]", Ipv6Addr::LOCALHOST.into()),
    ] {
        let Ok(listener) = TcpListener::bind((ip, 0)) else {
            // Some machines have no IPv6, but every machine has IPv4.
            assert!(ip.is_ipv6());
            continue;
        };
        let address = listener.local_addr().expect("the address of the listener");
        let served = Running::start(move || {
            let (stream, _) = listener.accept().expect("a client");
            S::block_on(async {
                let mut ws = acceptor::<S>().accept(S::adopt(stream)).await;
                let ws = ws.as_mut().expect("the handshake");
                let client = ws.peer_addr().expect("the address of the client");
                assert_eq!(client.ip(), ip);
                echo(ws).await.map(|()| ws.end())
            })
        });
        let end = S::block_on(async {
            let url = format!("wss://{host}:{}/", address.port());
            let connected = connector::<S>().connect(&url).await;
            let mut ws = connected.expect("the handshake");
            for (number, len) in LENGTHS.into_iter().enumerate() {
                let message = payload(number, len);
                ws.send(message).await.expect("the message is sent");
                let echoed = ws.recv().await.expect("the echo").expect("the echo");
                assert!(echoed.as_bytes() == message, "{host}: {len}");
            }
            let closed = ws.close(CloseCode::NORMAL, "bye").await;
            closed.expect("a clean end");
            ws.end()
        });
        assert!(end.expect("the end").clean);
        let end = served.finish().expect("a clean end");
        assert!(end.expect("the end").clean);
    }
}

/// Sends messages with at least `total` bytes.
async fn talk<S: Suite>(
    mut tx: Sender<Transport<S>>,
    total: usize,
) -> Result<Sender<Transport<S>>, Error> {
    for (number, message) in payloads(total).enumerate() {
        match number % 2 {
            0 => tx.send(message).await?,
            _ => tx.feed(message).await?,
        }
    }
    tx.flush().await?;
    Ok(tx)
}

/// Asserts that the messages of [`talk`] arrive.
async fn listen<S: Suite>(
    mut rx: Receiver<Transport<S>>,
    total: usize,
) -> Result<Receiver<Transport<S>>, Error> {
    for (number, message) in payloads(total).enumerate() {
        let received = rx.recv_ref().await?.expect("a message");
        assert!(received.as_bytes() == message, "message {number}");
    }
    Ok(rx)
}

/// Neither direction waits for the other. Both halves of a connection share one TLS session.
pub fn two_tasks_move_much_data_over_tls_in_both_directions_at_once<S: Suite>() {
    let (listener, address) = socket::listen();
    let served = Running::start(move || {
        let (stream, _) = listener.accept().expect("a client");
        S::block_on(async {
            let accepted = acceptor::<S>().accept(S::adopt(stream)).await;
            let (tx, rx) = accepted.expect("the handshake").split();
            let talks = start::<S, _>(talk::<S>(tx, MUCH));
            let mut rx = listen::<S>(rx, MUCH).await.expect("all messages arrive");
            let tx = talks.finish::<S>().await.expect("all messages are sent");
            assert!(rx.recv().await.expect("a clean end").is_none());
            tx.end()
        })
    });
    let end = S::block_on(async {
        let connected = connector::<S>().connect(&url(address)).await;
        let (tx, rx) = connected.expect("the handshake").split();
        let talks = start::<S, _>(talk::<S>(tx, MUCH));
        let listens = start::<S, _>(listen::<S>(rx, MUCH));
        let tx = talks.finish::<S>().await.expect("all messages are sent");
        let rx = listens.finish::<S>().await.expect("all messages arrive");
        let mut ws = tx.reunite(rx).expect("halves of one connection");
        let closed = ws.close(CloseCode::NORMAL, "").await;
        closed.expect("a clean end");
        ws.end()
    });
    assert!(end.expect("the end").clean);
    assert!(served.finish().expect("the end").clean);
}

/// The peer refreshes its keys before every third message and requests the same of our end.
pub fn keys_are_refreshed_amid_traffic_in_both_directions<S: Suite>() {
    const TOTAL: usize = 6 << 20;
    for role in ROLES {
        let (mut peer, running) = open::<S, _, _>(role, Setup::new(&TLS13), |ws| async {
            let (tx, rx) = ws.split();
            let talks = start::<S, _>(talk::<S>(tx, TOTAL));
            let mut rx = listen::<S>(rx, TOTAL).await?;
            let tx = talks.finish::<S>().await?;
            assert!(rx.recv().await?.is_none());
            Ok::<_, Error>(tx.end())
        });
        for (number, message) in payloads(TOTAL).enumerate() {
            if number % 3 == 0 {
                peer.get_mut().refresh_keys();
            }
            peer.send(&role.peer().frame(BINARY, message));
            let frame = peer.read_frame().expect("a message");
            assert!(frame.whole() == (BINARY, message), "{role:?}: {number}");
        }
        peer.send(&role.peer().close(1000, ""));
        let close = peer.read_frame().expect("a Close");
        assert_eq!((close.opcode(), close.close_code()), (wire::CLOSE, 1000));
        peer.end();
        let end = running.finish().expect("a clean end");
        assert!(end.expect("the end").clean, "{role:?}");
    }
}

/// Our end only sends. It must still answer Pings, which are in the same TLS session as what it
/// does not receive.
pub fn pings_over_tls_are_answered_by_an_end_that_only_sends<S: Suite>() {
    for role in ROLES {
        let mut setup = Setup::new(&TLS13);
        setup.buffers = Some(64 << 10);
        let (mut peer, running) = open::<S, _, _>(role, setup, |mut ws| async move {
            for _ in 0..MUCH >> 16 {
                ws.send(&[7; 1 << 16][..]).await?;
            }
            let received = ws.recv().await?;
            ws.close(CloseCode::NORMAL, "").await?;
            Ok::<_, Error>(received)
        });
        peer.send(&role.peer().text("waits"));
        let (mut read, mut pongs, mut pinged_at) = (0, 0, None);
        while read < MUCH {
            if pinged_at.is_none() {
                peer.send(&role.peer().frame(PING, b"there?"));
                pinged_at = Some(read);
            }
            let frame = peer.read_frame().expect("a message");
            if frame.opcode() == PONG {
                pinged_at = None;
                pongs += 1;
            } else {
                read += frame.payload.len();
                assert!(read - pinged_at.unwrap_or(read) <= PONG_WITHIN, "{role:?}");
            }
        }
        assert!(pongs >= 1, "{role:?}");
        while peer.read_frame().expect("a Close").opcode() != wire::CLOSE {}
        peer.send(&role.peer().close(1000, ""));
        peer.end();
        let received = running.finish().expect("a clean end");
        assert_eq!(received, Some("waits".into()), "{role:?}");
    }
}
