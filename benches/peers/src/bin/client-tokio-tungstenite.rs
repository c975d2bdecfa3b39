//! A client on tokio-tungstenite that loads an echo server: answers to what arrived together are written together.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;

use bench_peers::client::{Course, Failure, run};
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

async fn exchange(ws: WebSocketStream<TcpStream>, course: Rc<Course>) -> Result<(), Failure> {
    let message = match course.text() {
        Some(text) => Message::text(text),
        None => Message::binary(course.payload.clone()),
    };
    load(ws, &course, message, Message::into_data).await
}
