//! An echo server on fastwebsockets, like the library's echo example. The library writes each frame
//! separately.

#![forbid(unsafe_code)]

use std::io;

use bench_peers::{Options, serve_tokio};
use bytes::Bytes;
use fastwebsockets::upgrade::{UpgradeFut, upgrade};
use fastwebsockets::{FragmentCollector, OpCode, WebSocketError};
use futures_util::FutureExt;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::task::unconstrained;

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    serve_tokio(options.port, |tcp| {
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(tcp), service_fn(accept));
        connection.with_upgrades().map(drop)
    })
}

async fn accept(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = upgrade(&mut request)?;
    tokio::spawn(unconstrained(async {
        drop(echo(upgraded).await);
    }));
    Ok(response)
}

async fn echo(upgraded: UpgradeFut) -> Result<(), WebSocketError> {
    let mut ws = FragmentCollector::new(upgraded.await?);
    loop {
        let frame = ws.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => ws.write_frame(frame).await?,
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}
