//! An echo server on sockudo-ws. It sends each answer separately, as the library's simple example
//! does. With `--tuned`, it queues answers until the input is exhausted, as the echo loop of the
//! library's documentation does.

#![forbid(unsafe_code)]

use std::io;

use bench_peers::{MAX_MESSAGE_LEN, Options, serve_tokio};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use sockudo_ws::deflate::negotiate_server_deflate;
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use sockudo_ws::{
    CompressedWebSocketStream, Config, DeflateConfig, Error, Message, Role, WebSocketStream,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    let policy = options.deflate.then(|| policy(options.level));
    let tuned = options.tuned;
    serve_tokio(options.port, move |tcp| {
        serve(tcp, policy.clone(), tuned).map(drop)
    })
}

fn policy(level: Option<u32>) -> DeflateConfig {
    let default = DeflateConfig::default();
    DeflateConfig {
        compression_level: level.unwrap_or(default.compression_level),
        ..default
    }
}

async fn serve(
    mut tcp: TcpStream,
    policy: Option<DeflateConfig>,
    tuned: bool,
) -> Result<(), Error> {
    let config = Config::builder()
        .max_message_size(MAX_MESSAGE_LEN)
        .max_frame_size(MAX_MESSAGE_LEN)
        .build();
    let (deflate, rest) = handshake(&mut tcp, policy.as_ref()).await?;
    match deflate {
        Some(deflate) => {
            let ws = CompressedWebSocketStream::server_with_leftover(tcp, config, deflate, rest);
            echo(ws, tuned).await
        }
        None => {
            let ws = WebSocketStream::from_raw_with_leftover(tcp, Role::Server, config, rest);
            echo(ws, tuned).await
        }
    }
}

/// Does the opening handshake. Returns the agreed compression, and the bytes that arrived after the
/// request.
async fn handshake(
    tcp: &mut TcpStream,
    policy: Option<&DeflateConfig>,
) -> Result<(Option<DeflateConfig>, Option<Bytes>), Error> {
    let mut input = BytesMut::with_capacity(4096);
    loop {
        if tcp.read_buf(&mut input).await? == 0 {
            return Err(Error::ConnectionClosed);
        }
        let Some((request, len)) = parse_request(&input)? else {
            continue;
        };
        let agreed = policy
            .zip(request.extensions)
            .and_then(|(policy, offers)| negotiate_server_deflate(offers, policy));
        let extension = agreed.as_ref().map(|agreed| agreed.to_response_header());
        let key = generate_accept_key(request.key);
        tcp.write_all(&build_response(&key, None, extension.as_deref()))
            .await?;
        input.advance(len);
        let rest = (!input.is_empty()).then(|| input.freeze());
        return Ok((agreed.map(|agreed| agreed.config), rest));
    }
}

async fn echo<W>(mut ws: W, tuned: bool) -> Result<(), Error>
where
    W: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    while let Some(message) = ws.next().await {
        match message? {
            message @ (Message::Text(_) | Message::Binary(_)) if tuned => ws.feed(message).await?,
            message @ (Message::Text(_) | Message::Binary(_)) => ws.send(message).await?,
            Message::Close(_) => break,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
    Ok(())
}
