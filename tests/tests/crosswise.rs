//! The same conversation between a client and a server, for every pair of runtimes.

#![forbid(unsafe_code)]

use futures_util::future::try_join;
use ws_driver::{CloseCode, End, Error, Initiator, IntoOutgoing, MessageKind, MessageRef};
use ws_tests::fault::Fault;
use ws_tests::runtimes::{AsyncStdThreads, SmolThread, TokioThread};
use ws_tests::suite::{Acceptor, Connector, Running, Stream, Suite, Ws, server};

/// The end that closes the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closer {
    Client,
    Server,
}

const SUBPROTOCOL: &str = "talk.v1";
/// The lengths of the pieces of a streamed message in bytes. The shortest header allows 125 bytes.
/// The last two pieces are longer than a block of 64 KiB and a block of 256 KiB.
const PIECES: [usize; 5] = [1, 125, 126, 70_000, 300_000];
const LAST_WORDS: &str = "κόσμε, goodbye";

/// Makes the content of a message of `len` bytes.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 3 % 251) as u8).collect()
}

/// The server of the conversation. It echoes messages until the message "go on", and then one
/// message piece by piece. It measures a round trip. Then `closer` closes the connection.
async fn serve<S: Suite>(stream: Stream<S>, closer: Closer) -> Result<Option<End>, Fault> {
    let offer = Acceptor::<S>::new().read(stream).await?;
    assert_eq!(
        (offer.path(), offer.query()),
        ("/talk", Some("of=cabbages"))
    );
    assert!(offer.peer_addr().is_some());
    let mut ws = offer.subprotocol(SUBPROTOCOL).accept().await?;
    let mut done = false;
    while !done && let Some((message, out)) = ws.recv_ref().await? {
        done = matches!(message, MessageRef::Text("go on"));
        out.feed(message).await?;
    }

    let mut reader = ws.recv_stream().await?.expect("a message");
    assert_eq!(reader.kind(), MessageKind::Binary);
    let mut received = Vec::new();
    while let Some(piece) = reader.chunk().await? {
        received.extend_from_slice(piece);
    }
    let mut writer = ws.writer(MessageKind::Binary)?;
    for piece in received.chunks(10_000) {
        writer.write(piece).await?;
    }
    writer.finish().await?;

    assert!(ws.ping().await?.is_some(), "no round trip was measured");
    ws.send("your turn").await?;
    match closer {
        Closer::Client => assert!(ws.recv().await?.is_none()),
        Closer::Server => ws.close(CloseCode::GOING_AWAY, LAST_WORDS).await?,
    }
    assert!(ws.recv().await?.is_none(), "a message follows the end");
    Ok(ws.end())
}

/// The client of the conversation. Its server is [`serve`].
async fn call<S: Suite>(url: String, closer: Closer) -> Result<Option<End>, Fault> {
    let connector = Connector::<S>::new().subprotocol(SUBPROTOCOL);
    let mut ws = connector.connect(&url).await?;
    assert_eq!(ws.protocol(), Some(SUBPROTOCOL));
    assert!(ws.peer_addr().is_some());
    echoed::<S>(&mut ws, "hello").await?;
    echoed::<S>(&mut ws, "").await?;
    echoed::<S>(&mut ws, &bytes(256)[..]).await?;
    echoed::<S>(&mut ws, &"κόσμε ".repeat(300_000)).await?;
    echoed::<S>(&mut ws, bytes(3 << 20)).await?;
    assert!(ws.ping().await?.is_some(), "no round trip was measured");

    // The two halves send and receive at the same time.
    let (mut tx, mut rx) = ws.split();
    let send = async {
        for number in 0..500 {
            tx.feed(number.to_string()).await?;
        }
        tx.flush().await
    };
    let receive = async {
        for number in 0..500 {
            let message = rx.recv().await?.expect("an echo");
            assert_eq!(message.as_text(), Some(number.to_string().as_str()));
        }
        Ok::<(), Error>(())
    };
    try_join(send, receive).await?;
    let mut ws = tx.reunite(rx).expect("halves of one connection");

    echoed::<S>(&mut ws, "go on").await?;
    let mut writer = ws.writer(MessageKind::Binary)?;
    for len in PIECES {
        writer.write(bytes(len)).await?;
    }
    writer.finish().await?;
    let answer = ws.recv().await?.expect("the echo of the streamed message");
    assert!(answer.as_bytes() == PIECES.map(bytes).concat());

    // This call also answers the server's Ping.
    let message = ws.recv().await?.expect("the last message");
    assert_eq!(message.as_text(), Some("your turn"));
    match closer {
        Closer::Client => ws.close(CloseCode::NORMAL, LAST_WORDS).await?,
        Closer::Server => assert!(ws.recv().await?.is_none()),
    }
    assert!(ws.recv().await?.is_none(), "a message follows the end");
    Ok(ws.end())
}

/// Asserts that the peer echoes this message unchanged.
async fn echoed<'a, S: Suite>(
    ws: &mut Ws<S>,
    message: impl IntoOutgoing<'a> + Clone,
) -> Result<(), Error> {
    let expected = message.clone().into_outgoing();
    ws.send(message).await?;
    let answer = ws.recv().await?.expect("an echo");
    assert_eq!(answer.kind(), expected.kind());
    assert!(answer.as_bytes() == expected.as_bytes());
    Ok(())
}

fn converse<C: Suite, S: Suite>(closer: Closer) {
    let (address, serving) = server::<S, _, _>(move |stream| serve::<S>(stream, closer));
    let calling = Running::start(move || {
        C::block_on(call::<C>(
            format!("ws://{address}/talk?of=cabbages"),
            closer,
        ))
    });
    let client = calling.finish().unwrap().expect("an end");
    let server = serving.finish().unwrap().expect("an end");
    let (first, other, code) = match closer {
        Closer::Client => (&client, &server, CloseCode::NORMAL),
        Closer::Server => (&server, &client, CloseCode::GOING_AWAY),
    };
    assert_eq!(first.initiator, Initiator::Local);
    assert_eq!(other.initiator, Initiator::Peer);
    for (end, closed) in [(first, &first.local), (other, &other.peer)] {
        assert!(end.clean);
        let close = closed.as_ref().expect("a Close");
        assert_eq!((close.code, &*close.reason), (code, LAST_WORDS));
    }
}

macro_rules! pairs {
    ($($name:ident: $client:ident, $server:ident;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn the_client_closes() {
                converse::<$client, $server>(Closer::Client);
            }

            #[test]
            fn the_server_closes() {
                converse::<$client, $server>(Closer::Server);
            }
        })*
    };
}

pairs! {
    async_std_to_async_std: AsyncStdThreads, AsyncStdThreads;
    async_std_to_smol: AsyncStdThreads, SmolThread;
    async_std_to_tokio: AsyncStdThreads, TokioThread;
    smol_to_async_std: SmolThread, AsyncStdThreads;
    smol_to_smol: SmolThread, SmolThread;
    smol_to_tokio: SmolThread, TokioThread;
    tokio_to_async_std: TokioThread, AsyncStdThreads;
    tokio_to_smol: TokioThread, SmolThread;
    tokio_to_tokio: TokioThread, TokioThread;
}
