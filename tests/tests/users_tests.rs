//! The transports of the module `testing`, used as in the tests of a user.

#![forbid(unsafe_code)]

use std::io;

use ws_tokio::handshake::{Agreed, Answer, Request, ServerHandshake, Target};
use ws_tokio::testing::{Duplex, Script, duplex};
use ws_tokio::transport::TokioTimer;
use ws_tokio::{
    Acceptor, CloseCode, Config, Connector, DeflateConfig, Error, OriginPolicy, WebSocket,
};

/// A text frame "hi" from a client. The masking key is zero.
const HI: &[u8] = b"\x81\x82\0\0\0\0hi";

#[tokio::test]
async fn a_script_gives_input_and_returns_output() {
    let script = Script::new();
    let mut ws =
        Acceptor::new().upgraded_on(script.transport::<TokioTimer>(), Agreed::default(), []);
    script.input(&HI[..3]);
    script.input(&HI[3..]);
    let message = ws.recv().await.unwrap().unwrap();
    assert_eq!(message.as_text(), Some("hi"));

    script.shorten_writes(1);
    ws.send(message).await.unwrap();
    assert_eq!(script.take_output(), b"\x81\x02hi");

    script.input(*b"\x88\x80\0\0\0\0");
    script.end_input();
    assert!(ws.recv().await.unwrap().is_none());
    assert_eq!(script.take_output(), b"\x88\x00");
    assert!(script.is_shut_down());
}

#[tokio::test]
async fn a_script_limits_output_and_makes_operations_fail() {
    let script = Script::new();
    let mut ws =
        Acceptor::new().upgraded_on(script.transport::<TokioTimer>(), Agreed::default(), HI);
    script.limit_output(3);
    let sending = tokio::spawn({
        let script = script.clone();
        async move {
            tokio::task::yield_now().await;
            assert_eq!(script.take_output(), b"\x81\x02h");
            script.limit_output(usize::MAX);
        }
    });
    ws.send("hi").await.unwrap();
    sending.await.unwrap();

    script.fail_output(io::ErrorKind::BrokenPipe);
    assert!(matches!(ws.send("hi").await, Err(Error::Io(_))));
    assert_eq!(ws.recv().await.unwrap().unwrap().as_text(), Some("hi"));
    script.fail_input(io::ErrorKind::ConnectionReset);
    assert!(matches!(ws.recv().await, Err(Error::Io(_))));
    assert!(ws.recv().await.unwrap().is_none());
}

#[tokio::test]
async fn two_connections_exchange_messages_in_memory() {
    let (here, there) = duplex::<TokioTimer>(16);
    let mut server: WebSocket<Duplex<TokioTimer>> =
        Acceptor::new().upgraded_on(there, Agreed::default(), []);
    let mut client = Connector::new().upgraded_on(here, Agreed::default(), []);
    let echo = tokio::spawn(async move {
        while let Some((message, out)) = server.recv_ref().await? {
            out.feed(message).await?;
        }
        Ok::<_, Error>(server.end())
    });
    let long = "long ".repeat(1000);
    client.send(&long).await.unwrap();
    let answer = client.recv().await.unwrap().unwrap();
    assert_eq!(answer.as_text(), Some(long.as_str()));
    client.close(CloseCode::NORMAL, "bye").await.unwrap();
    let end = echo.await.unwrap().unwrap().unwrap();
    assert_eq!(
        (end.code(), end.reason(), end.clean),
        (CloseCode::NORMAL, "bye", true)
    );
}

/// The handshake was done outside of the driver. Its result is used in both roles.
#[tokio::test]
async fn the_result_of_a_foreign_handshake_is_used() {
    let deflate = DeflateConfig::default();
    let config = || Config::default().deflate(deflate);
    let target = Target::parse("ws://example.com/").unwrap();
    let request = Request::new().protocol("chat").deflate(&deflate);
    let mut client = request.build(&target, *b"the sample nonce").unwrap();
    let mut server = ServerHandshake::new(OriginPolicy::default());
    let offer = server.receive(client.request()).unwrap().done.unwrap();
    let answer = Answer::new().protocol("chat").deflate(&deflate);
    let accepted = offer.accept(answer).unwrap();
    let established = client.receive(&accepted.encode()).unwrap().done.unwrap();

    let (near, far) = tokio::io::duplex(1000);
    let (_, agreed) = accepted.into_parts();
    let mut server = Acceptor::new().config(config()).upgraded(near, agreed, []);
    let (_, agreed) = established.into_parts();
    let mut client = Connector::new().config(config()).upgraded(far, agreed, []);
    for ws in [&server, &client] {
        assert_eq!(ws.protocol(), Some("chat"));
        assert_eq!(ws.extensions()[0].name(), "permessage-deflate");
    }
    // The message fits into the pipe only if it is compressed.
    let long = "long ".repeat(10_000);
    client.send(&long).await.unwrap();
    let message = server.recv().await.unwrap().unwrap();
    assert_eq!(message.as_text(), Some(long.as_str()));
    server.send(message).await.unwrap();
    assert!(client.recv().await.unwrap().is_some());
}
