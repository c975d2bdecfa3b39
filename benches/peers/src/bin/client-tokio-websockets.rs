//! A client on tokio-websockets that loads an echo server. If several replies arrived together, it
//! flushes the messages for them once.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;

use bench_peers::client::{Failure, Workload, run};
use bench_peers::{MAX_MESSAGE_LEN, load};
use tokio::net::TcpStream;
use tokio_websockets::{ClientBuilder, Config, Limits, Message, WebSocketStream};

fn main() -> ExitCode {
    run(connect, exchange)
}

async fn connect(address: SocketAddr) -> Result<WebSocketStream<TcpStream>, Failure> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let (ws, _response) = ClientBuilder::new()
        .uri(&format!("ws://{address}/"))?
        .config(Config::default().frame_size(usize::MAX))
        .limits(Limits::default().max_payload_len(Some(MAX_MESSAGE_LEN)))
        .connect_on(tcp)
        .await?;
    Ok(ws)
}

async fn exchange(ws: WebSocketStream<TcpStream>, workload: Rc<Workload>) -> Result<(), Failure> {
    let message = match workload.text() {
        Some(text) => Message::text(text.to_owned()),
        None => Message::binary(workload.payload.clone()),
    };
    load(ws, &workload, message, Message::into_payload).await
}
