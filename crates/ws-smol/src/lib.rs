//! Strict and fast WebSockets for smol.
//!
//! A server that echoes, and a client:
//!
//! ```
//! use smol::net::{TcpListener, TcpStream};
//! use ws_smol::CloseCode;
//!
//! async fn echo(tcp: TcpStream) -> std::io::Result<()> {
//!     let mut ws = ws_smol::accept(tcp).await?;
//!     while let Some((message, out)) = ws.recv_ref().await? {
//!         out.feed(message).await?;
//!     }
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # smol::block_on(async {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("ws://{}/", listener.local_addr()?);
//! smol::spawn(async move {
//!     loop {
//!         let (tcp, _) = listener.accept().await?;
//!         smol::spawn(echo(tcp)).detach();
//!     }
//!     # #[expect(unreachable_code)]
//!     # Ok::<(), std::io::Error>(())
//! })
//! .detach();
//!
//! let mut ws = ws_smol::connect(&url).await?;
//! ws.send("hello").await?;
//! let answer = ws.recv().await?.expect("an answer");
//! assert_eq!(answer.as_text(), Some("hello"));
//! ws.close(CloseCode::NORMAL, "bye").await?;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! | to | take |
//! |---|---|
//! | accept or connect with the defaults | [`accept`], [`connect`] |
//! | set limits, time limits, origins, headers | [`Acceptor`], [`Connector`], [`Config`] |
//! | look at a request before accepting it | [`Acceptor::read`](ws_driver::Acceptor::read), [`Offer`] |
//! | send and receive, whole messages or piece by piece | [`WebSocket`] |
//! | send and receive from two tasks | [`Sender`], [`Receiver`] |
//! | let another HTTP server upgrade, such as hyper | [`Acceptor::upgraded`](ws_driver::Acceptor::upgraded), [`handshake`] |
//! | keep the type of a transport, write one, or get a stream back | [`transport`] |
//! | test what is built on connections, without a network | [`testing`] |
//!
//! [The generic `WebSocket`](ws_driver::WebSocket#sending) has the contract of sending, of closing and of cancellation.
//! The protocol itself is in `ws-proto` and `ws-handshake`, the asynchronous part in `ws-driver`. Everything that an
//! application needs is re-exported here. Whole programs are in the directory `examples`.

#![forbid(unsafe_code)]

pub mod transport;

use transport::AnyTransport;
#[doc(inline)]
pub use transport::Smol;
#[doc(inline)]
pub use ws_driver::{
    AcceptError, AnswerError, Bytes, ClientError, CloseCode, CloseFrame, CloseReason,
    CloseReasonTooLong, Config, ConnectError, ConnectPhase, Control, ControlPayload,
    ControlPayloadTooLong, DeflateConfig, End, Error, Feed, Incoming, Initiator, IntoOutgoing,
    IntoTarget, LimitError, Message, MessageKind, MessageReader, MessageRef, MessageWriter,
    NotUtf8, OriginPolicy, Outbox, Outgoing, Prepared, ProtocolError, ReceiveError, RecvRef,
    RejectReason, RequestError, ReuniteError, SendError, TargetError, Text, Timeout, TryFeedError,
    handshake, http, masks, testing,
};

use futures_io::{AsyncRead, AsyncWrite};

/// A WebSocket connection. See [`ws_driver::WebSocket`].
///
/// Connections over TCP, TLS and all other streams are of one type, unless a method that ends in `_on` keeps the type
/// of a transport. A function takes the one, or any:
///
/// ```
/// use ws_smol::{Error, WebSocket, transport::Transport};
///
/// async fn greet(ws: &mut WebSocket) -> Result<(), Error> { ws.send("hello").await }
/// async fn part<T: Transport>(ws: &mut WebSocket<T>) -> Result<(), Error> { ws.send("goodbye").await }
/// ```
///
/// # Sending
///
/// [`send`](ws_driver::WebSocket::send) returns when the message was written. [`feed`](ws_driver::WebSocket::feed)
/// queues it, and the next [`flush`](ws_driver::WebSocket::flush) or receive writes all that is queued: fewer and
/// larger writes. [`try_feed`](ws_driver::WebSocket::try_feed) never waits. [The table](ws_driver::WebSocket#sending)
/// says all of it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// # let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let near = smol::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let (far, _) = listener.accept().await?;
/// # let connector = ws_smol::Connector::new();
/// # let client = connector.handshake("ws://example.com/", near);
/// # let (client, server) = smol::future::zip(client, ws_smol::accept(far)).await;
/// # let (mut ws, mut peer) = (client?, server?);
/// use ws_smol::{Message, TryFeedError};
///
/// ws.send("text").await?;
/// ws.send(vec![1, 2, 3]).await?; // binary
///
/// for number in 0..10 {
///     ws.feed(format!("number {number}")).await?;
/// }
/// ws.flush().await?;
///
/// match ws.try_feed(Message::from("now or never")) {
///     Ok(()) => ws.flush().await?,
///     Err(TryFeedError::Full(message)) => println!("not now: {message:?}"),
///     Err(error) => return Err(error.into()),
/// }
/// # let mut received = 0;
/// # while received < 13 { peer.recv().await?.expect("a message"); received += 1; }
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Receiving
///
/// [`recv`](ws_driver::WebSocket::recv) gives messages to keep, [`recv_ref`](ws_driver::WebSocket::recv_ref) messages
/// to look at, together with the sending half to answer them. After the end,
/// [`end`](ws_driver::WebSocket::end) tells what the Closes said.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// # let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let near = smol::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let (far, _) = listener.accept().await?;
/// # let connector = ws_smol::Connector::new();
/// # let client = connector.handshake("ws://example.com/", near);
/// # let (client, server) = smol::future::zip(client, ws_smol::accept(far)).await;
/// # let (mut ws, mut peer) = (server?, client?);
/// # let peer = smol::spawn(async move {
/// #     peer.send("ping?").await?;
/// #     let answer = peer.recv().await?;
/// #     peer.close(ws_smol::CloseCode::NORMAL, "bye").await?;
/// #     Ok::<_, ws_smol::Error>(answer)
/// # });
/// use ws_smol::MessageRef;
///
/// while let Some((message, out)) = ws.recv_ref().await? {
///     match message {
///         MessageRef::Text(text) => out.feed(&text.to_uppercase()).await?,
///         MessageRef::Binary(bytes) => println!("{} bytes", bytes.len()),
///     }
/// }
/// let end = ws.end().expect("the connection has ended");
/// println!("closed by {:?}: {} {}", end.initiator, end.code(), end.reason());
/// # assert!(end.clean && end.reason() == "bye");
/// # assert_eq!(peer.await?.unwrap().as_text(), Some("PING?"));
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Messages of any length
///
/// [`writer`](ws_driver::WebSocket::writer) and [`recv_stream`](ws_driver::WebSocket::recv_stream) pass messages piece
/// by piece, in bounded memory. The limit on messages does not apply then.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// # let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let near = smol::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let (far, _) = listener.accept().await?;
/// # let connector = ws_smol::Connector::new();
/// # let client = connector.handshake("ws://example.com/", near);
/// # let (client, server) = smol::future::zip(client, ws_smol::accept(far)).await;
/// # let (mut ws, mut peer) = (client?, server?);
/// use ws_smol::MessageKind;
///
/// let mut message = ws.writer(MessageKind::Binary)?;
/// for piece in [b"one ", b"two "] {
///     message.write(piece).await?;
/// }
/// message.finish().await?;
///
/// // At the other end:
/// let mut message = peer.recv_stream().await?.expect("a message");
/// let mut len = 0;
/// while let Some(piece) = message.chunk().await? {
///     len += piece.len();
/// }
/// assert_eq!(len, 8);
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Pings, Pongs and Closes
///
/// They are answered inside, while something is awaited on the connection. [`Config::keepalive`] finds peers that are
/// gone without a word. [`observe`](ws_driver::WebSocket::observe) and [`recv_any`](ws_driver::WebSocket::recv_any)
/// show all of them. [`close`](ws_driver::WebSocket::close) waits until the connection has ended: for no longer than
/// [`Config::close_timeout`], once the Close was written.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// # let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("ws://{}/", listener.local_addr()?);
/// # let server = smol::spawn(async move {
/// #     let mut ws = ws_smol::accept(listener.accept().await?.0).await?;
/// #     std::io::Result::Ok(ws.recv().await?)
/// # });
/// use std::time::Duration;
/// use ws_smol::{CloseCode, Config, Connector, Control};
///
/// let config = Config::default()
///     .keepalive(Duration::from_secs(30), Duration::from_secs(10))
///     .close_timeout(Duration::from_secs(2));
/// let mut ws = Connector::new().config(config).connect(&url).await?;
///
/// ws.observe(|control| match control {
///     Control::Pong(payload) => println!("pong {payload:?}"),
///     other => println!("{other:?}"),
/// });
/// ws.send_ping("are you there?").await?;
///
/// ws.close(CloseCode::NORMAL, "bye").await?;
/// assert!(ws.end().is_some_and(|end| end.clean));
/// # assert!(server.await?.is_none());
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Tests
///
/// Connections over [`testing::duplex`] need no network. `accept_on` and `handshake_on` take any transport, and
/// `AnyTransport::new` makes it one of this type.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// use ws_smol::transport::AnyTransport;
/// use ws_smol::{Acceptor, Connector, WebSocket, testing};
///
/// async fn greet(ws: &mut WebSocket) -> Result<(), ws_smol::Error> {
///     ws.send("welcome").await
/// }
///
/// let (near, far) = testing::duplex(64 * 1024);
/// let (near, far) = (AnyTransport::new(near), AnyTransport::new(far));
/// let (acceptor, connector) = (Acceptor::new(), Connector::new());
/// let accepting = acceptor.accept_on(far);
/// let connecting = connector.handshake_on("ws://test/", near);
/// let (server, client) = smol::future::zip(accepting, connecting).await;
/// let (mut server, mut client) = (server?, client?);
///
/// greet(&mut server).await?;
/// assert_eq!(client.recv().await?, Some("welcome".into()));
///
/// drop(client); // An end without a Close.
/// assert!(server.recv().await.unwrap_err().is_disconnect());
/// # Ok(())
/// # })
/// # }
/// ```
pub type WebSocket<T = AnyTransport> = ws_driver::WebSocket<T>;

/// The settings by which a server accepts connections. See [`ws_driver::Acceptor`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// use std::time::Duration;
/// use ws_smol::{Acceptor, Config, OriginPolicy};
///
/// let config = Config::default().keepalive(Duration::from_secs(30), Duration::from_secs(10));
/// let acceptor = Acceptor::new()
///     .config(config)
///     .max_message(1 << 20)
///     .origins(OriginPolicy::allow_list(["https://app.example.com"]))
///     .handshake_timeout(Duration::from_secs(3));
///
/// // A clone for each connection's task shares the settings.
/// # let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let near = smol::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let (stream, _) = listener.accept().await?;
/// # let client = smol::spawn(async move {
/// #     ws_smol::Connector::new().handshake("ws://example.com/", near).await
/// # });
/// let serving = smol::spawn({
///     let acceptor = acceptor.clone();
///     async move { acceptor.accept(stream).await }
/// });
/// # serving.await?;
/// # client.await?;
/// # Ok(())
/// # })
/// # }
/// ```
pub type Acceptor = ws_driver::Acceptor<Smol>;

/// The settings by which a client connects. See [`ws_driver::Connector`].
///
/// [`handshake`](ws_driver::Connector::handshake) takes a stream that is connected already: TLS, a proxy's tunnel, a
/// Unix socket, or a pipe in a test.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// # let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let stream = smol::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let (far, _) = listener.accept().await?;
/// # let server = smol::spawn(async move {
/// #     let offer = ws_smol::Acceptor::new().read(far).await?;
/// #     assert_eq!(offer.headers()["authorization"], "Bearer 0123");
/// #     offer.subprotocol("chat.v2").accept().await
/// # });
/// use ws_smol::Connector;
///
/// let connector = Connector::new()
///     .subprotocol("chat.v2")
///     .subprotocol("chat.v1")
///     .header("Authorization", "Bearer 0123")
///     .max_message(1 << 20);
/// let ws = connector.handshake("wss://example.com/chat", stream).await?;
/// assert_eq!(ws.protocol(), Some("chat.v2"));
/// # server.await?;
/// # Ok(())
/// # })
/// # }
/// ```
pub type Connector = ws_driver::Connector<Smol>;

/// An opening request that waits for a decision. See [`ws_driver::Offer`].
///
/// ```
/// use smol::io::{AsyncRead, AsyncWrite};
/// use ws_smol::http::StatusCode;
/// use ws_smol::Acceptor;
///
/// async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> std::io::Result<()> {
///     let offer = Acceptor::new().read(stream).await?;
///     if offer.path() != "/chat" {
///         return Ok(offer.reject(StatusCode::NOT_FOUND).await?);
///     }
///     if !offer.protocols().any(|name| name == "chat.v2") {
///         return Ok(offer.reject(StatusCode::BAD_REQUEST).await?);
///     }
///     let mut ws = offer.subprotocol("chat.v2").accept().await?;
///     Ok(ws.send("welcome").await?)
/// }
/// #
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// # let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let near = smol::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let (far, _) = listener.accept().await?;
/// # smol::spawn(serve(far)).detach();
///
/// let connector = ws_smol::Connector::new();
/// match connector.handshake("ws://example.com/elsewhere", near).await {
///     Err(error) => {
///         let response = error.response().expect("the server's response");
///         assert_eq!(response.status(), StatusCode::NOT_FOUND);
///     }
///     Ok(_) => panic!("there is nothing elsewhere"),
/// }
/// # Ok(())
/// # })
/// # }
/// ```
pub type Offer<T = AnyTransport> = ws_driver::Offer<T>;

/// The sending half of a split connection. See [`ws_driver::Sender`].
///
/// Any task may own it. Its methods mean what those of [`WebSocket`] mean. The [`Receiver`] has to be polled too, for
/// Pings to be answered.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// # let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let near = smol::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let (far, _) = listener.accept().await?;
/// # let connector = ws_smol::Connector::new();
/// # let client = connector.handshake("ws://example.com/", near);
/// # let (client, server) = smol::future::zip(client, ws_smol::accept(far)).await;
/// # let (ws, mut server) = (client?, server?);
/// # let server = smol::spawn(async move {
/// #     while let Some((message, out)) = server.recv_ref().await? { out.feed(message).await?; }
/// #     Ok::<_, ws_smol::Error>(())
/// # });
/// use ws_smol::{CloseCode, Error};
///
/// let (mut tx, mut rx) = ws.split();
/// let receiving = smol::spawn(async move {
///     let mut count = 0;
///     while let Some(message) = rx.recv().await? {
///         count += 1;
///     }
///     Ok::<_, Error>(count)
/// });
///
/// tx.send("one").await?;
/// tx.feed("two").await?; // the receiver writes it, since it waits already
/// tx.close(CloseCode::NORMAL, "bye").await?; // returns when the Close was written
/// tx.closed().await?; // returns when the receiver has seen the end
/// assert_eq!(receiving.await?, 2);
/// # server.await?;
/// # Ok(())
/// # })
/// # }
/// ```
pub type Sender<T = AnyTransport> = ws_driver::Sender<T>;

/// The receiving half of a split connection. See [`ws_driver::Receiver`].
///
/// The halves need no tasks: two futures in one do as well. [`reunite`](ws_driver::Receiver::reunite) joins them.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// # let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let near = smol::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let (far, _) = listener.accept().await?;
/// # let connector = ws_smol::Connector::new();
/// # let client = connector.handshake("ws://example.com/", near);
/// # let (client, server) = smol::future::zip(client, ws_smol::accept(far)).await;
/// # let (ws, mut server) = (client?, server?);
/// # let server = smol::spawn(async move {
/// #     while let Some((message, out)) = server.recv_ref().await? { out.feed(message).await?; }
/// #     Ok::<_, ws_smol::Error>(())
/// # });
/// use ws_smol::Error;
///
/// let (mut tx, mut rx) = ws.split();
/// let sending = async {
///     for number in 0..100 {
///         tx.send(number.to_string()).await?;
///     }
///     Ok::<(), Error>(())
/// };
/// let receiving = async {
///     let mut sum = 0;
///     for _ in 0..100 {
///         let message = rx.recv_ref().await?.expect("an answer");
///         sum += message.as_text().map_or(0, str::len);
///     }
///     Ok::<usize, Error>(sum)
/// };
/// let ((), sum) = smol::future::try_zip(sending, receiving).await?;
/// assert_eq!(sum, 190);
///
/// let mut ws = rx.reunite(tx)?;
/// ws.close(ws_smol::CloseCode::NORMAL, "bye").await?;
/// # server.await?;
/// # Ok(())
/// # })
/// # }
/// ```
pub type Receiver<T = AnyTransport> = ws_driver::Receiver<T>;

/// Accepts a WebSocket connection on a stream, with the defaults of [`Acceptor`].
///
/// A request that is not acceptable is answered with the right status before this returns.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// # let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let near = smol::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let (stream, _) = listener.accept().await?;
/// # let client = smol::spawn(async move {
/// #     let mut ws = ws_smol::Connector::new().handshake("ws://example.com/", near).await?;
/// #     std::io::Result::Ok(ws.recv().await?)
/// # });
/// let mut ws = ws_smol::accept(stream).await?;
/// ws.send("welcome").await?;
/// # assert_eq!(client.await?.unwrap().as_text(), Some("welcome"));
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Errors
///
/// As for [`Acceptor::accept`](ws_driver::Acceptor::accept).
///
/// # Cancel safety
///
/// Dropping the future drops the stream.
pub async fn accept<S>(stream: S) -> Result<WebSocket, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Acceptor::new().accept(stream).await
}

/// Connects to a `ws://` URL, with the defaults of [`Connector`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// # let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let port = listener.local_addr()?.port();
/// # let server = smol::spawn(async move {
/// #     let mut ws = ws_smol::accept(listener.accept().await?.0).await?;
/// #     std::io::Result::Ok(ws.recv().await?)
/// # });
/// let mut ws = ws_smol::connect(&format!("ws://localhost:{port}/")).await?;
/// ws.send("hello").await?;
/// # assert_eq!(server.await?.unwrap().as_text(), Some("hello"));
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Errors
///
/// As for [`Connector::connect`](ws_driver::Connector::connect).
///
/// # Cancel safety
///
/// Dropping the future drops the attempt.
pub async fn connect(url: impl IntoTarget) -> Result<WebSocket, ConnectError> {
    Connector::new().connect(url).await
}
