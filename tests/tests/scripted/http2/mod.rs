//! Clients over HTTP/2 on a scripted transport, with a server whose frames are written by hand.

mod answers;
mod cancel;
mod faults;
mod halves;
mod windows;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};

use ws_driver::transport::AnyTransport;
use ws_driver::{Config, ConnectError, Connector, Message, WebSocket};
use ws_h2::{Driver, H2Transport, Session};
use ws_tests::exec::{self, Task};
use ws_tests::http2::{self, MAX_WINDOW, Output};
use ws_tests::scripted::{self, Manual, Peer, Scripted};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

const URL: &str = "ws://server.example.com/";

/// A message of three DATA frames.
const LARGE: usize = 40_000;

/// A WebSocket of either form.
type Ws = WebSocket<AnyTransport<Manual>>;

/// The forms of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A connection with one WebSocket, which drives it.
    Alone,
    /// A session with one WebSocket, and a driver.
    Session,
}

impl Form {
    const BOTH: [Self; 2] = [Self::Alone, Self::Session];
}

/// A WebSocket, with the driver of its session.
struct Client {
    ws: Ws,
    driver: Option<Driver<Scripted>>,
}

impl Client {
    /// Opens a WebSocket.
    async fn open(form: Form, transport: Scripted) -> Result<Self, ConnectError> {
        let connector = Connector::<Manual>::new();
        if form == Form::Alone {
            let ws = ws_h2::handshake_on(&connector, URL, transport).await?;
            return Ok(Self {
                ws: boxed(ws),
                driver: None,
            });
        }
        let (session, driver) = Session::start(connector, transport).await?;
        let mut driver = Some(driver);
        let opened = driven(&mut driver, session.open(URL)).await;
        Ok(Self {
            ws: boxed(opened?),
            driver,
        })
    }

    /// Runs an operation, and the driver of the session at the same time.
    async fn run<R>(&mut self, operation: impl AsyncFnOnce(&mut Ws) -> R) -> R {
        driven(&mut self.driver, operation(&mut self.ws)).await
    }

    /// Runs the driver of a session, which sends after an operation has ended.
    fn settle(&mut self, peer: &Peer) {
        let mut running = pin!(driven(&mut self.driver, std::future::pending::<()>()));
        let mut task = Task::new();
        // A slow transport wakes the task without end.
        let mut idle = 0;
        while idle < 20 {
            let before = peer.output_len();
            let _ = task.poll(running.as_mut());
            idle = if peer.output_len() > before {
                0
            } else {
                idle + 1
            };
        }
    }
}

/// Converts a WebSocket to the type of all transports.
fn boxed<T>(ws: WebSocket<T>) -> Ws
where
    T: ws_driver::transport::Transport<Timer = ws_tests::clock::ManualTimer> + Send + 'static,
{
    let (transport, unread) = ws.into_parts().expect("a new connection");
    let connector = Connector::<Manual>::new();
    let agreed = ws_driver::handshake::Agreed::default();
    connector.upgraded_on(AnyTransport::new(transport), agreed, unread)
}

/// Runs a future and a driver.
async fn driven<R>(driver: &mut Option<Driver<Scripted>>, future: impl Future<Output = R>) -> R {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Some(running) = driver
            && Pin::new(running).poll(cx).is_ready()
        {
            *driver = None;
        }
        future.as_mut().poll(cx)
    })
    .await
}

/// Plays a server that opens a WebSocket. Returns `None` if `opening` waits forever.
fn try_serve<R>(
    opening: impl Future<Output = Result<R, ConnectError>>,
    peer: &Peer,
    window: u32,
) -> Option<Result<R, ConnectError>> {
    try_answer(opening, peer, window, http2::response())
}

/// Plays a server that sends `answer` to the request. Returns `None` if `opening` waits forever.
fn try_answer<R>(
    opening: impl Future<Output = Result<R, ConnectError>>,
    peer: &Peer,
    window: u32,
    answer: Vec<u8>,
) -> Option<Result<R, ConnectError>> {
    let mut opening = pin!(opening);
    let mut task = Task::new();
    let mut seen = Vec::new();
    peer.push(http2::settings(window));
    // A slow transport moves one byte in each turn.
    for _ in 0..100_000 {
        if let std::task::Poll::Ready(result) = exec::settle(&mut task, opening.as_mut()) {
            return Some(result);
        }
        let output = peer.take_output();
        if output.is_empty() {
            break;
        }
        seen.extend(output);
        if Output::parse(&seen).has_request {
            peer.push(answer);
            break;
        }
    }
    exec::try_run(opening)
}

/// Opens a WebSocket. The server allows `window` bytes.
fn open_with(form: Form, window: u32) -> (Client, Peer) {
    let (transport, peer) = scripted::pair();
    let opened = try_serve(Client::open(form, transport), &peer, window);
    let client = opened.expect("an answer").expect("a WebSocket");
    let _ = (peer.take_output(), peer.take_log());
    (client, peer)
}

fn open(form: Form) -> (Client, Peer) {
    open_with(form, MAX_WINDOW)
}

/// Opens a WebSocket that drives its connection, whose type is that of the transport.
fn open_alone(window: u32) -> (WebSocket<H2Transport<Scripted>>, Peer) {
    let (transport, peer) = scripted::pair();
    let connector = Connector::<Manual>::new().config(Config::default());
    let opening = ws_h2::handshake_on(&connector, URL, transport);
    let opened = try_serve(opening, &peer, window);
    let ws = opened.expect("an answer").expect("a WebSocket");
    let _ = (peer.take_output(), peer.take_log());
    (ws, peer)
}

/// Sends a conversation, which ends with a Close and the end of the stream. Returns its messages.
fn push_conversation(peer: &Peer) -> Vec<Message> {
    let from = wire::From::Server;
    let large = vec![0xa5; LARGE];
    for frame in [
        from.text("first"),
        from.fragment(TEXT, "κόσ".as_bytes()),
        from.frame(PING, b"between"),
        from.frame(CONTINUATION, "με".as_bytes()),
        from.frame(BINARY, &large),
        from.text("last"),
        from.close(1000, "bye"),
    ] {
        peer.push(http2::data(&frame));
    }
    peer.push(http2::end());
    vec![
        Message::from("first"),
        Message::from("κόσμε"),
        Message::from(large),
        Message::from("last"),
    ]
}

/// The opcodes and the payloads of frames.
type Frames = Vec<(u8, Vec<u8>)>;

/// Returns the frames that a client must write when it echoes `messages` and answers the Close.
fn echoes(messages: &[Message]) -> Frames {
    let echo = |message: &Message| {
        let opcode = message.as_text().map_or(BINARY, |_| TEXT);
        (opcode, message.as_bytes().to_vec())
    };
    let close = (CLOSE, wire::close_payload(1000, ""));
    messages.iter().map(echo).chain([close]).collect()
}

/// Returns the frames in the data of a client, without Pongs.
fn frames(output: &Output) -> Frames {
    let (frames, _) = wire::parse(&output.data);
    let whole = frames.iter().map(|frame| {
        let (opcode, payload) = frame.whole();
        (opcode, payload.to_vec())
    });
    whole.filter(|(opcode, _)| *opcode != PONG).collect()
}
