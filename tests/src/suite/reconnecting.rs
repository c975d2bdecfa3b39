//! Clients that connect again, on real sockets: a server that restarts, and a proxy that dies in
//! the middle of a message.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use ws_driver::{CloseCode, Config, DeflateConfig};
use ws_reconnect::{Backoff, Event, Reconnecting, Undelivered};

use super::{Connector, Running, Suite, tls};
use crate::http;
use crate::proxy::{Deed, Plan, Protocol, Proxy};
use crate::socket;
use crate::wire::{self, CLOSE, Frame, PING, TEXT};

/// The longest delay between two attempts.
const MOST: Duration = Duration::from_millis(30);

/// An address that no other test uses. So no other test gets the port while it is free.
const HOST: &str = match cfg!(target_os = "linux") {
    true => "127.0.0.77",
    false => "127.0.0.1",
};

/// The texts that a server has read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, text: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Serves a connection: echoes messages and answers Pings, until the client closes or `most`
/// messages were read.
fn serve(mut stream: TcpStream, most: usize, log: &Log) -> io::Result<()> {
    socket::configure(&stream);
    let mut head = Vec::new();
    while http::split_head(&head).is_none() {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let (head, _) = http::split_head(&head).expect("a complete head");
    stream.write_all(&http::switching(&head))?;
    for _ in 0..most {
        let frame = loop {
            let frame = Frame::read(&mut stream)?;
            match frame.opcode() {
                PING => {
                    let pong = wire::From::Server.frame(wire::PONG, &frame.payload);
                    stream.write_all(&pong)?;
                }
                CLOSE => {
                    return stream.write_all(&wire::From::Server.frame(CLOSE, &frame.payload));
                }
                _ => break frame,
            }
        };
        let text = String::from_utf8(frame.payload).expect("a text");
        stream.write_all(&wire::From::Server.frame(TEXT, text.as_bytes()))?;
        log.add(text);
    }
    Ok(())
}

/// Sends `count` messages, and those again that are unconfirmed. Returns what was reported.
async fn deliver<S: Suite>(
    mut client: Reconnecting<S::Runtime>,
    texts: Vec<String>,
) -> (Vec<String>, u64) {
    let mut pending: BTreeMap<u64, String> = BTreeMap::new();
    let mut unconfirmed = Vec::new();
    let mut gaps = 0;
    let mut left = texts.into_iter();
    loop {
        match left.next() {
            Some(text) => {
                let number = client.send(text.as_str()).await.expect("an open client");
                pending.insert(number, text);
            }
            None if client.confirmed() >= pending.keys().last().copied().unwrap_or(0) => break,
            None => {}
        }
        // A Pong is no event, so this looks at what is confirmed now and then.
        let event = next_within::<S>(&mut client, Duration::from_millis(5)).await;
        if let Some(Event::Gap(gap)) = event {
            gaps += 1;
            assert!(gap.undelivered.unsent.is_empty() && gap.undelivered.dropped.is_empty());
            let again: Vec<_> = gap
                .undelivered
                .unconfirmed
                .iter()
                .filter_map(|number| pending.remove(&number))
                .collect();
            unconfirmed.extend(again.iter().cloned());
            for text in again {
                let number = client.send(text.as_str()).await.expect("an open client");
                pending.insert(number, text);
            }
        }
    }
    let closed: Undelivered = client.close(CloseCode::NORMAL, "").await.expect("a close");
    assert!(closed.is_empty(), "{closed:?}");
    (unconfirmed, gaps)
}

/// Returns the next event. `None` if none comes in this time.
async fn next_within<S: Suite>(
    client: &mut Reconnecting<S::Runtime>,
    time: Duration,
) -> Option<Event> {
    let mut next = pin!(client.next());
    let mut sleep = pin!(S::sleep(time));
    poll_fn(|cx| match next.as_mut().poll(cx) {
        Poll::Ready(event) => {
            let event = event.expect("the client does not give up");
            Poll::Ready(Some(event.expect("the server does not close")))
        }
        Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// Asserts that every text was read, and only those twice that were reported as unconfirmed.
fn check(texts: &[String], read: &[String], unconfirmed: &[String]) {
    let all: BTreeSet<_> = read.iter().collect();
    assert!(
        texts.iter().all(|text| all.contains(text)),
        "a message is lost"
    );
    for text in &all {
        let times = read.iter().filter(|other| other == text).count();
        let again = unconfirmed.iter().filter(|other| other == text).count();
        assert!(times <= 1 + again, "a message was sent {times} times");
    }
}

fn texts(count: usize, len: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{number}:{}", "x".repeat(len)))
        .collect()
}

fn client<S: Suite>(connector: Connector<S>, url: &str) -> Reconnecting<S::Runtime> {
    Reconnecting::new(connector, url)
        .backoff(Backoff::default().first(MOST).max(MOST))
        .confirm_every(Duration::from_millis(5))
}

/// The server stops after some messages, refuses connections for a while, and starts again.
///
/// # Panics
///
/// If the test fails.
pub fn a_client_outlives_restarts_of_its_server<S: Suite>() {
    let listener = TcpListener::bind((HOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let log = Log::default();
    let serving = Running::start({
        let log = log.clone();
        move || {
            let mut listener = Some(listener);
            for most in [3, 1, 5, usize::MAX] {
                let listening = listener
                    .take()
                    .unwrap_or_else(|| TcpListener::bind(address).expect("the port is still free"));
                let (stream, _) = listening.accept().expect("a client");
                // The end of the server is no error.
                let _ = serve(stream, most, &log);
                drop(listening);
                thread::sleep(Duration::from_millis(30));
            }
        }
    });
    let texts = texts(20, 1_000);
    let client = client::<S>(Connector::<S>::new(), &format!("ws://{address}/"));
    let (unconfirmed, gaps) = S::block_on(deliver::<S>(client, texts.clone()));
    let () = serving.finish();
    assert_eq!(gaps, 3);
    check(&texts, &log.take(), &unconfirmed);
}

/// The proxy dies whenever it has passed on some bytes, in the middle of a message.
///
/// # Panics
///
/// If the test fails.
pub fn a_client_outlives_proxies_that_die_in_a_message<S: Suite>() {
    for deed in [Deed::CutAfter(11_000), Deed::ResetAfter(11_000)] {
        let (listener, address) = socket::listen();
        let log = Log::default();
        thread::spawn({
            let log = log.clone();
            move || {
                for stream in listener.incoming() {
                    let _ = serve(stream.expect("a client"), usize::MAX, &log);
                }
            }
        });
        let proxy = Proxy::start(Plan {
            protocol: Protocol::Http,
            credentials: None,
            deed,
        });
        let way = ws_driver::handshake::Proxy::parse(&format!("http://{}", proxy.address));
        let connector = Connector::<S>::new().proxy(way.expect("the URL of a proxy"));
        let texts = texts(12, 3_000);
        let client = client::<S>(connector, &format!("ws://{address}/"));
        let (unconfirmed, gaps) = S::block_on(deliver::<S>(client, texts.clone()));
        assert!(gaps >= 3, "{gaps} gaps");
        let _ = proxy.stop();
        check(&texts, &log.take(), &unconfirmed);
    }
}

/// The server drops each of its first connections after some messages. The client finds the end of
/// TCP without a `close_notify`.
///
/// # Panics
///
/// If the test fails.
pub fn a_client_outlives_the_connections_of_a_compressing_tls_server<S: Suite>() {
    let config = Config::default().deflate(DeflateConfig::default());
    let (listener, address) = socket::listen();
    let log = Log::default();
    let serving = Running::start({
        let (log, acceptor) = (log.clone(), tls::acceptor::<S>().config(config.clone()));
        move || {
            for most in [3, 1, 5, usize::MAX] {
                let (stream, _) = listener.accept().expect("a client");
                S::block_on(async {
                    let mut ws = acceptor
                        .accept(S::adopt(stream))
                        .await
                        .expect("a handshake");
                    assert_eq!(ws.extensions().len(), 1, "compression was agreed");
                    for _ in 0..most {
                        let Ok(Some(message)) = ws.recv().await else {
                            break;
                        };
                        log.add(message.as_text().expect("a text").to_owned());
                    }
                });
            }
        }
    });
    let texts = texts(20, 1_000);
    let connector = tls::connector::<S>().config(config);
    let client = client::<S>(connector, &tls::url(address));
    let (unconfirmed, gaps) = S::block_on(deliver::<S>(client, texts.clone()));
    let () = serving.finish();
    assert_eq!(gaps, 3);
    check(&texts, &log.take(), &unconfirmed);
}
