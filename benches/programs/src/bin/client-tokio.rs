//! A client that loads an echo server. While unread input is left, it queues its messages. Then it
//! writes all queued messages together.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;

use ws_bench_programs::client::{Failure, Workload, run};
use ws_tokio::{MessageRef, WebSocket};

fn main() -> ExitCode {
    run(connect, load)
}

async fn connect(address: SocketAddr) -> Result<WebSocket, Failure> {
    Ok(ws_tokio::connect(&format!("ws://{address}/")).await?)
}

async fn load(mut ws: WebSocket, workload: Rc<Workload>) -> Result<(), Failure> {
    let message = || match workload.text() {
        Some(text) => MessageRef::Text(text),
        None => MessageRef::Binary(&workload.payload),
    };
    for _ in 0..workload.in_flight {
        ws.feed(message()).await?;
    }
    let mut under_way = workload.in_flight;
    while under_way > 0 {
        let received = ws.recv_ref().await?;
        let (reply, out) = received.ok_or("the server ended the connection")?;
        match workload.received(reply.as_bytes())? {
            true => out.feed(message()).await?,
            false => under_way -= 1,
        }
    }
    Ok(())
}
