//! Pairs of connections in memory, for tests.

use ws_handshake::Agreed;
use ws_proto::Config;

use crate::accept::Acceptor;
use crate::any::AnyTransport;
use crate::connect::Connector;
use crate::pipe::duplex;
use crate::transport::Runtime;
use crate::websocket::WebSocket;

/// The capacity of each direction in bytes, similar to that of a socket.
const CAPACITY: usize = 64 * 1024;

/// A connection of the type that the adapter of a runtime uses.
type AnyWebSocket<R> = WebSocket<AnyTransport<R>>;

/// Returns the client's and the server's end of a new connection in memory.
///
/// Both ends use `config`. They compress messages if `config` has a
/// [`DeflateConfig`](crate::DeflateConfig). Each direction of the transport holds up to 64 KiB.
///
/// Each adapter has a function of the same name for its runtime:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ws_tokio::{Config, WebSocket, testing};
///
/// async fn greet(ws: &mut WebSocket) -> Result<(), ws_tokio::Error> {
///     ws.send("welcome").await
/// }
///
/// let (mut client, mut server) = testing::pair(Config::default());
/// greet(&mut server).await?;
/// assert_eq!(client.recv().await?, Some("welcome".into()));
///
/// drop(client); // ends the transport without a Close
/// assert!(server.recv().await.unwrap_err().is_disconnect());
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn pair<R: Runtime>(config: Config) -> (AnyWebSocket<R>, AnyWebSocket<R>) {
    let (near, far) = duplex(CAPACITY);
    let agreed = agree(&config);
    let connector = Connector::<R>::new().config(config.clone());
    let acceptor = Acceptor::<R>::new().config(config);
    let client = connector.upgraded_on(AnyTransport::new(near), agreed.clone(), []);
    let server = acceptor.upgraded_on(AnyTransport::new(far), agreed, []);
    (client, server)
}

#[cfg(not(feature = "deflate"))]
fn agree(_: &Config) -> Agreed {
    Agreed::new()
}

/// Negotiates compression as the ends of a network connection do.
#[cfg(feature = "deflate")]
fn agree(config: &Config) -> Agreed {
    use ws_handshake::{Answer, OriginPolicy, Request, ServerHandshake, Target};

    let Some(deflate) = config.deflate_config() else {
        return Agreed::new();
    };
    let target = Target::parse("ws://localhost/").expect("a valid URL");
    let client = Request::new().deflate(deflate).build(&target, [0; 16]);
    let client = client.expect("a request without headers of the caller");
    let request = ServerHandshake::new(OriginPolicy::default()).receive(client.request());
    let request = request.expect("a valid request").done;
    let answer = Answer::new().deflate(deflate);
    let accepted = request.expect("a complete request").accept(answer);
    accepted
        .expect("an answer to what was offered")
        .agreed()
        .clone()
}
