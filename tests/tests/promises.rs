//! Properties of the public types: the traits that they implement, the conversions of errors, and
//! `Debug` output without payloads.

#![forbid(unsafe_code)]

use std::error::Error as _;
use std::io;

use ws_driver::http::{Response, StatusCode};
use ws_driver::{
    AcceptError, ClientError, CloseCode, CloseFrame, CloseReason, Config, ConnectError,
    ConnectPhase, ControlPayload, Error, Message, MessageRef, Outgoing, RejectReason, SendError,
    TargetError, Text, Timeout, TryFeedError,
};
use ws_tests::exec;
use ws_tests::scripted::{self, Scripted};
use ws_tests::wire;

fn is_send<T: Send>(_: &T) {}
fn is_send_sync_static<T: Send + Sync + 'static>() {}
fn is_send_sync_unpin<T: Send + Sync + Unpin + 'static>() {}
fn is_stream<T: futures_util::Stream<Item = Result<Message, Error>>>() {}
fn is_sink<T: futures_util::Sink<Message, Error = Error>>() {}
fn is_error<T: std::error::Error + Send + Sync + 'static>() {}

type Tcp = tokio::net::TcpStream;
type Pipe = tokio::io::DuplexStream;
type Static = ws_tokio::transport::StreamTransport<Pipe>;
type AsyncStdTcp = async_std::net::TcpStream;
type SmolTcp = smol::net::TcpStream;

#[test]
fn connections_messages_and_builders_are_send_and_sync() {
    is_send_sync_static::<ws_driver::WebSocket<Scripted>>();
    is_send_sync_static::<ws_tokio::WebSocket>();
    is_send_sync_static::<ws_tokio::Offer>();
    is_send_sync_static::<ws_tokio::Acceptor>();
    is_send_sync_static::<ws_tokio::Connector>();
    is_send_sync_static::<ws_async_std::WebSocket>();
    is_send_sync_static::<ws_async_std::Offer>();
    is_send_sync_static::<ws_async_std::Acceptor>();
    is_send_sync_static::<ws_async_std::Connector>();
    is_send_sync_static::<ws_smol::WebSocket>();
    is_send_sync_static::<ws_smol::Offer>();
    is_send_sync_static::<ws_smol::Acceptor>();
    is_send_sync_static::<ws_smol::Connector>();
    is_send_sync_static::<Message>();
    is_send_sync_static::<Text>();
    is_send_sync_static::<Config>();
}

#[test]
fn connections_halves_and_errors_are_send_sync_and_unpin() {
    is_send_sync_unpin::<ws_tokio::WebSocket>();
    is_send_sync_unpin::<ws_tokio::WebSocket<Static>>();
    is_send_sync_unpin::<ws_tokio::Sender>();
    is_send_sync_unpin::<ws_tokio::Sender<Static>>();
    is_send_sync_unpin::<ws_tokio::Receiver>();
    is_send_sync_unpin::<ws_tokio::Receiver<Static>>();
    is_send_sync_unpin::<ws_async_std::WebSocket>();
    is_send_sync_unpin::<ws_async_std::Sender>();
    is_send_sync_unpin::<ws_async_std::Receiver>();
    is_send_sync_unpin::<ws_smol::WebSocket>();
    is_send_sync_unpin::<ws_smol::Sender>();
    is_send_sync_unpin::<ws_smol::Receiver>();
    is_send_sync_unpin::<ws_driver::Sender<Scripted>>();
    is_send_sync_unpin::<ws_driver::Receiver<Scripted>>();
    is_send_sync_unpin::<ws_driver::ReuniteError<ws_tokio::transport::AnyTransport>>();
    is_send_sync_unpin::<ws_driver::transport::Locked<Pipe>>();
    is_send_sync_unpin::<Error>();
    is_send_sync_unpin::<Message>();
    is_send_sync_unpin::<ws_driver::End>();
}

#[test]
fn connections_and_halves_are_streams_and_sinks() {
    is_stream::<ws_tokio::WebSocket>();
    is_sink::<ws_tokio::WebSocket>();
    is_stream::<ws_tokio::Receiver>();
    is_sink::<ws_tokio::Sender>();
    is_stream::<ws_async_std::WebSocket>();
    is_sink::<ws_async_std::WebSocket>();
    is_stream::<ws_async_std::Receiver>();
    is_sink::<ws_async_std::Sender>();
    is_stream::<ws_smol::WebSocket>();
    is_sink::<ws_smol::WebSocket>();
    is_stream::<ws_smol::Receiver>();
    is_sink::<ws_smol::Sender>();
    is_stream::<ws_tokio::Receiver<Static>>();
    is_sink::<ws_tokio::Sender<Static>>();
}

#[test]
fn errors_are_send_sync_and_static() {
    is_error::<Error>();
    is_error::<AcceptError>();
    is_error::<ConnectError>();
    is_error::<SendError>();
    is_error::<TryFeedError<Message>>();
    is_error::<ws_driver::AnswerError>();
    is_error::<ws_driver::ClientError>();
    is_error::<ws_driver::LimitError>();
    is_error::<ws_driver::ProtocolError>();
    is_error::<ws_driver::ReceiveError>();
    is_error::<ws_driver::RequestError>();
    is_error::<ws_driver::TargetError>();
    is_error::<ws_driver::CloseReasonTooLong>();
    is_error::<ws_driver::ControlPayloadTooLong>();
    is_error::<ws_driver::ReuniteError<ws_tokio::transport::AnyTransport>>();
    let boxed: Box<dyn std::error::Error + Send + Sync> = Error::Lost.into();
    assert!(boxed.downcast_ref::<Error>().is_some());
}

/// Asserts that the futures of a connection or a sender are `Send`.
macro_rules! sending_is_send {
    ($tx:ident) => {
        is_send(&$tx.send("x"));
        is_send(&$tx.send(vec![1]));
        is_send(&$tx.feed("x"));
        is_send(&$tx.flush());
        is_send(&$tx.ready());
        is_send(&$tx.send_ping("x"));
        is_send(&$tx.send_pong("x"));
        is_send(&$tx.close(CloseCode::NORMAL, "x"));
    };
}

/// Asserts at compile time that the futures of ws-tokio are `Send`. No test calls this function.
#[allow(dead_code)]
fn futures_are_send(
    mut ws: ws_tokio::WebSocket,
    halves: (ws_tokio::Sender<Static>, ws_tokio::Receiver<Static>),
    offers: [ws_tokio::Offer; 3],
    tcp: [Tcp; 4],
) {
    is_send(&ws.recv());
    is_send(&ws.recv_ref());
    sending_is_send!(ws);
    is_send(&async move {
        while let Some((message, out)) = ws.recv_ref().await? {
            out.feed(message).await?;
        }
        Ok::<(), Error>(())
    });
    let (mut tx, mut rx) = halves;
    sending_is_send!(tx);
    is_send(&rx.recv());
    is_send(&rx.recv_ref());
    is_send(&async move {
        while let Some(message) = rx.recv_ref().await? {
            tx.send(message).await?;
        }
        Ok::<(), Error>(())
    });
    let [one, two, three, four] = tcp;
    is_send(&ws_tokio::accept(one));
    is_send(&ws_tokio::connect("ws://h/"));
    let acceptor = ws_tokio::Acceptor::new();
    is_send(&acceptor.accept(two));
    is_send(&acceptor.read(three));
    let connector = ws_tokio::Connector::new();
    is_send(&connector.connect("ws://h/"));
    is_send(&connector.handshake("ws://h/", four));
    let [one, two, three] = offers;
    is_send(&one.accept());
    is_send(&two.reject(ws_driver::http::StatusCode::NOT_FOUND));
    is_send(&three.reject_with(ws_driver::http::Response::new(Vec::new())));
}

/// Asserts at compile time that the futures of ws-async-std and ws-smol are `Send`. No test calls
/// this function.
#[allow(dead_code)]
fn futures_of_other_runtimes_are_send(
    async_std: (ws_async_std::WebSocket, ws_async_std::Sender, AsyncStdTcp),
    smol: (ws_smol::WebSocket, ws_smol::Sender, SmolTcp),
) {
    let (mut ws, mut tx, tcp) = async_std;
    is_send(&ws.recv_ref());
    sending_is_send!(ws);
    sending_is_send!(tx);
    is_send(&ws_async_std::accept(tcp));
    is_send(&ws_async_std::connect("ws://h/"));
    let (mut ws, mut tx, tcp) = smol;
    is_send(&ws.recv_ref());
    sending_is_send!(ws);
    sending_is_send!(tx);
    is_send(&ws_smol::accept(tcp));
    is_send(&ws_smol::connect("ws://h/"));
}

#[test]
fn debug_never_prints_a_payload() {
    const SECRET: &str = "s3cr3t";
    let digits = format!("{:?}", SECRET.as_bytes());
    let digits = digits.trim_matches(['[', ']']);
    let check = |shown: String| {
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(!shown.contains(digits), "{shown}");
    };
    let text = Message::from(SECRET);
    let binary = Message::from(SECRET.as_bytes().to_vec());
    for message in [&text, &binary] {
        check(format!("{message:?} {message:#?}"));
        check(format!("{:?}", message.as_ref()));
        check(format!("{:?}", Outgoing::from(message)));
        check(format!("{:?}", TryFeedError::Full(message)));
    }
    check(format!("{:?}", Text::from(SECRET)));
    check(format!("{:?}", MessageRef::Text(SECRET)));
    check(format!("{:?}", ControlPayload::try_from(SECRET).unwrap()));

    let (mut ws, peer) = scripted::server(&Config::default());
    peer.window(2);
    assert!(exec::glance(ws.send(SECRET)).is_pending());
    peer.push(
        [
            wire::From::Client.text(SECRET),
            wire::From::Client.fragment(1, SECRET.as_bytes()),
        ]
        .concat(),
    );
    check(format!("{:?}", exec::run(ws.recv())));
    check(format!("{ws:?} {ws:#?}"));
    assert!(exec::attempt(ws.recv()).is_pending());
    check(format!("{ws:?}"));
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.push(wire::From::Client.text(SECRET));
    {
        let (message, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        exec::run(out.feed(message)).unwrap();
        check(format!("{message:?} {out:?}"));
    }
    check(format!("{ws:?}"));
    let (mut tx, mut rx) = ws.split();
    peer.window(0);
    peer.push(wire::From::Client.text(SECRET));
    assert!(exec::glance(tx.send(SECRET)).is_pending());
    check(format!("{:?}", exec::run(rx.recv_ref())));
    check(format!("{tx:?} {tx:#?} {rx:?} {rx:#?}"));
    let (other, _) = scripted::server(&Config::default()).0.split();
    let error = other.reunite(rx).unwrap_err();
    check(format!("{error:?} {error} {:?}", error.1));
}

#[test]
fn errors_return_their_kind() {
    let io = || Error::Io(io::ErrorKind::ConnectionReset.into());
    assert!(Error::Timeout(Timeout::Close).is_timeout() && !io().is_timeout());
    for closed in [io(), Error::Lost, Error::Closed(None)] {
        assert!(closed.is_disconnect(), "{closed}");
        assert_eq!(closed.violation_code(), None);
    }
    for timeout in [
        Timeout::Close,
        Timeout::Idle,
        Timeout::Pong,
        Timeout::WriteStall,
    ] {
        assert!(Error::Timeout(timeout).is_disconnect());
    }
    assert!(!Error::Timeout(Timeout::Unreceived).is_disconnect());
    assert!(io().source().is_some());
    assert!(Error::Lost.source().is_none());
    let code = CloseCode::new(1000);
    assert!(!Error::Send(SendError::InvalidCloseCode(code)).is_disconnect());
    // The texts have no full stop at the end and no line break.
    for error in [io(), Error::Lost, Error::Timeout(Timeout::WriteStall)] {
        let shown = error.to_string();
        assert!(!shown.ends_with('.') && !shown.contains('\n'), "{shown}");
    }
    let _ = CloseFrame::new(code, CloseReason::default());
}

#[test]
fn errors_of_opening_return_their_kind() {
    let io = |kind: io::ErrorKind| AcceptError::Io(kind.into());
    assert!(AcceptError::Timeout.is_timeout() && AcceptError::Timeout.is_disconnect());
    assert!(AcceptError::Lost.is_disconnect() && !AcceptError::Lost.is_timeout());
    assert!(io(io::ErrorKind::ConnectionReset).is_disconnect());
    assert!(!io(io::ErrorKind::Other).is_disconnect());
    assert!(!AcceptError::Rejected(RejectReason::MissingKey).is_disconnect());
    let timeout = ConnectError::Timeout(ConnectPhase::Connect);
    assert!(timeout.is_timeout() && timeout.is_disconnect());
    let refused = ConnectError::Handshake(ClientError::Refused(Box::default()));
    assert!(refused.response().is_some() && !refused.is_disconnect());
    for shown in [
        AcceptError::Timeout.to_string(),
        ConnectError::Lost.to_string(),
        ConnectError::TlsUnavailable.to_string(),
        timeout.to_string(),
    ] {
        assert!(!shown.ends_with('.') && !shown.contains('\n'), "{shown}");
    }
}

/// Functions that return [`io::Result`] can use `?` on these errors.
#[test]
fn errors_are_converted_to_io_errors_that_contain_them() {
    use io::ErrorKind as Kind;
    fn inside<E: std::error::Error + 'static>(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<E>())
    }
    let own = io::Error::from(Error::Io(Kind::ConnectionReset.into()));
    assert!(own.kind() == Kind::ConnectionReset && own.get_ref().is_none());
    for (error, kind) in [
        (Error::Lost, Kind::UnexpectedEof),
        (Error::Timeout(Timeout::Idle), Kind::TimedOut),
        (Error::Closed(None), Kind::NotConnected),
    ] {
        let error = io::Error::from(error);
        assert!(error.kind() == kind && inside::<Error>(&error), "{error:?}");
    }
    for (error, kind) in [
        (AcceptError::Lost, Kind::UnexpectedEof),
        (AcceptError::Timeout, Kind::TimedOut),
        (
            AcceptError::Rejected(RejectReason::MissingKey),
            Kind::InvalidData,
        ),
    ] {
        let error = io::Error::from(error);
        assert!(
            error.kind() == kind && inside::<AcceptError>(&error),
            "{error:?}"
        );
    }
    let refused = |status| {
        let mut response = Response::new(Vec::new());
        *response.status_mut() = status;
        ConnectError::Handshake(ClientError::Refused(Box::new(response)))
    };
    for (error, kind) in [
        (refused(StatusCode::FORBIDDEN), Kind::PermissionDenied),
        (refused(StatusCode::NOT_FOUND), Kind::ConnectionRefused),
        (
            ConnectError::Handshake(ClientError::WrongAccept),
            Kind::InvalidData,
        ),
        (
            ConnectError::Target(TargetError::EmptyHost),
            Kind::InvalidInput,
        ),
        (ConnectError::Http2Unsupported, Kind::Unsupported),
        (ConnectError::TlsUnavailable, Kind::Unsupported),
    ] {
        let error = io::Error::from(error);
        assert!(
            error.kind() == kind && inside::<ConnectError>(&error),
            "{error:?}"
        );
    }
}
