//! A client that loads an echo server. What it sends while input is left is written together.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;

use ws_benches::client::{Course, Failure, run};
use ws_tokio::{MessageRef, WebSocket};

fn main() -> ExitCode {
    run(connect, load)
}

async fn connect(address: SocketAddr) -> Result<WebSocket, Failure> {
    Ok(ws_tokio::connect(&format!("ws://{address}/")).await?)
}

async fn load(mut ws: WebSocket, course: Rc<Course>) -> Result<(), Failure> {
    let message = || match course.text() {
        Some(text) => MessageRef::Text(text),
        None => MessageRef::Binary(&course.payload),
    };
    for _ in 0..course.in_flight {
        ws.feed(message()).await?;
    }
    let mut under_way = course.in_flight;
    while under_way > 0 {
        let received = ws.recv_ref().await?;
        let (reply, out) = received.ok_or("the server ended the connection")?;
        match course.received(reply.as_bytes())? {
            true => out.feed(message()).await?,
            false => under_way -= 1,
        }
    }
    Ok(())
}
