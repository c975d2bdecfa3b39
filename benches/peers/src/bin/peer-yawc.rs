//! An echo server on yawc, like the library's echo example. With `--tuned`, it resembles the server
//! of the library's own benchmark.

#![forbid(unsafe_code)]

use std::io;

use bench_peers::{MAX_MESSAGE_LEN, Options, echo, serve_tokio};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use yawc::{CompressionLevel, Frame, OpCode, WebSocket};

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    let settings = settings(&options);
    let tuned = options.tuned;
    serve_tokio(options.port, move |tcp| {
        let settings = settings.clone();
        let service = service_fn(move |request| upgrade(request, settings.clone(), tuned));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(tcp), service);
        connection.with_upgrades().map(drop)
    })
}

fn settings(options: &Options) -> yawc::Options {
    let mut settings = yawc::Options::default()
        .with_utf8()
        .with_limits(2 * MAX_MESSAGE_LEN, 4 * MAX_MESSAGE_LEN);
    if options.tuned {
        settings = settings
            .with_read_buffer_capacity(128 << 10)
            .with_backpressure_boundary(64 << 10);
    }
    match options.level {
        _ if !options.deflate => settings.without_compression(),
        Some(level) => settings.with_compression_level(CompressionLevel::new(level)),
        None => settings.with_balanced_compression(),
    }
}

async fn upgrade(
    mut request: Request<Incoming>,
    settings: yawc::Options,
    tuned: bool,
) -> yawc::Result<Response<Empty<Bytes>>> {
    let (response, upgraded) = WebSocket::upgrade_with_options(&mut request, settings)?;
    tokio::spawn(async move {
        let Ok(ws) = upgraded.await else { return };
        // An error only means that the connection has ended.
        drop(echo(ws.map(yawc::Result::Ok), tuned, is_data).await);
    });
    Ok(response)
}

fn is_data(frame: &Frame) -> bool {
    matches!(frame.opcode(), OpCode::Text | OpCode::Binary)
}
