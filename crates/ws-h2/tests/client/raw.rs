//! A server on h2 that ends streams and connections in each possible way.

use std::net::SocketAddr;

use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use hyper::body::Bytes;
use hyper::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::PATIENCE;

/// The way in which the server ends a stream, after it has read the first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A Close, and then the end of the stream.
    CloseAndEnd,
    /// A Close. The stream ends after the Close of the client.
    Close,
    /// The end of the stream.
    End,
    /// RST_STREAM.
    Reset,
    /// A Close, and then RST_STREAM.
    CloseAndReset,
    /// GOAWAY for streams that begin later, and then a Close.
    GoAwayAndClose,
    /// GOAWAY with an error.
    GoAway,
    /// The end of TCP.
    EndOfTcp,
    /// The server leaves the end to the client.
    None,
}

/// The end of a connection, as the server sees it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seen {
    /// The client has ended its direction of the stream.
    StreamEnded,
    /// The client has reset the stream.
    StreamReset(u32),
    /// The stream was lost with its connection.
    StreamLost,
    /// The connection has ended without an error.
    ConnectionEnded,
    /// The connection has failed.
    ConnectionLost,
}

/// An unmasked Close with code 1000.
const CLOSE: &[u8] = &[0x88, 2, 0x03, 0xe8];

/// Serves one connection. Returns its address, and what the server sees.
pub(crate) async fn start(ending: Ending) -> (SocketAddr, mpsc::UnboundedReceiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, sights) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let tcp = listener.accept().await.unwrap().0;
        serve(tcp, ending, seen).await;
    });
    (address, sights)
}

/// Returns all that the server has seen, in the order of [`Seen`].
pub(crate) async fn all(mut sights: mpsc::UnboundedReceiver<Seen>) -> Vec<Seen> {
    let mut all = Vec::new();
    while let Some(seen) = timeout(PATIENCE, sights.recv()).await.unwrap() {
        all.push(seen);
    }
    all.sort();
    all
}

async fn serve(tcp: TcpStream, ending: Ending, seen: mpsc::UnboundedSender<Seen>) {
    let mut builder = server::Builder::new();
    let starting = builder.enable_connect_protocol().handshake(tcp);
    let mut connection: server::Connection<_, Bytes> = starting.await.unwrap();
    let (orders, mut order) = mpsc::unbounded_channel();
    let ended = loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    tokio::spawn(answer(request, respond, ending, orders.clone(), seen.clone()));
                }
                Some(Err(_)) => break Seen::ConnectionLost,
                None => break Seen::ConnectionEnded,
            },
            Some((order, done)) = order.recv() => {
                match order {
                    Ending::GoAwayAndClose => connection.graceful_shutdown(),
                    Ending::GoAway => connection.abrupt_shutdown(Reason::INTERNAL_ERROR),
                    _ => return,
                }
                let _ = done.send(());
            }
        }
    };
    // Some tests do not look.
    let _ = seen.send(ended);
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    ending: Ending,
    orders: mpsc::UnboundedSender<(Ending, oneshot::Sender<()>)>,
    seen: mpsc::UnboundedSender<Seen>,
) {
    let mut body = request.into_body();
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    body.data().await.unwrap().unwrap();
    match ending {
        Ending::CloseAndEnd => send_close(&mut stream, true),
        Ending::Close => send_close(&mut stream, false),
        Ending::End => stream.send_data(Bytes::new(), true).unwrap(),
        Ending::Reset => stream.send_reset(Reason::INTERNAL_ERROR),
        Ending::CloseAndReset => {
            send_close(&mut stream, false);
            // The Close of the client.
            drop(body.data().await.unwrap());
            stream.send_reset(Reason::INTERNAL_ERROR);
        }
        Ending::GoAwayAndClose => {
            // GOAWAY leaves before the Close.
            let (done, is_done) = oneshot::channel();
            orders.send((ending, done)).unwrap();
            is_done.await.unwrap();
            send_close(&mut stream, true);
        }
        Ending::GoAway | Ending::EndOfTcp => orders.send((ending, oneshot::channel().0)).unwrap(),
        Ending::None => {}
    }
    drop(orders);
    let sight = loop {
        match body.data().await {
            Some(Ok(data)) if ending == Ending::Close && !data.is_empty() => {
                stream.send_data(Bytes::new(), true).unwrap();
            }
            Some(Ok(_)) => {}
            None => break Seen::StreamEnded,
            Some(Err(error)) if error.is_reset() && error.is_remote() => {
                break Seen::StreamReset(error.reason().unwrap().into());
            }
            Some(Err(_)) => break Seen::StreamLost,
        }
    };
    let _ = seen.send(sight);
}

fn send_close(stream: &mut SendStream<Bytes>, is_end: bool) {
    stream.send_data(Bytes::from_static(CLOSE), is_end).unwrap();
}
