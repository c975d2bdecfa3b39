//! A client on tokio-tungstenite that loads an echo server. It sends one message for each reply. If
//! several replies arrived together, it sends the new messages with one flush.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;

use bench_peers::client::{Failure, Workload, run};
use bench_peers::load;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

fn main() -> ExitCode {
    run(connect, exchange)
}

async fn connect(address: SocketAddr) -> Result<WebSocketStream<TcpStream>, Failure> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let (ws, _response) = client_async(format!("ws://{address}/"), tcp).await?;
    Ok(ws)
}

async fn exchange(ws: WebSocketStream<TcpStream>, workload: Rc<Workload>) -> Result<(), Failure> {
    let message = match workload.text() {
        Some(text) => Message::text(text),
        None => Message::binary(workload.payload.clone()),
    };
    load(ws, &workload, message, Message::into_data).await
}
