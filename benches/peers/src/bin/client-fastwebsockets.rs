//! A client on fastwebsockets that loads an echo server. The library writes each frame separately.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;

use bench_peers::client::{Failure, Workload, run};
use bytes::Bytes;
use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, handshake};
use http_body_util::Empty;
use hyper::Request;
use hyper::header::{CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

type Connection = FragmentCollector<TokioIo<Upgraded>>;

fn main() -> ExitCode {
    run(connect, load)
}

async fn connect(address: SocketAddr) -> Result<Connection, Failure> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let request = Request::builder()
        .uri(format!("http://{address}/"))
        .header(HOST, address.to_string())
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "upgrade")
        .header(SEC_WEBSOCKET_KEY, handshake::generate_key())
        .header(SEC_WEBSOCKET_VERSION, "13")
        .body(Empty::<Bytes>::new())?;
    let (ws, _response) = handshake::client(&TokioExecutor::new(), request, tcp).await?;
    Ok(FragmentCollector::new(ws))
}

async fn load(mut ws: Connection, workload: Rc<Workload>) -> Result<(), Failure> {
    let message = || {
        let payload = Payload::Borrowed(&workload.payload);
        match workload.text() {
            Some(_) => Frame::text(payload),
            None => Frame::binary(payload),
        }
    };
    for _ in 0..workload.in_flight {
        ws.write_frame(message()).await?;
    }
    let mut under_way = workload.in_flight;
    while under_way > 0 {
        let reply = ws.read_frame().await?;
        match reply.opcode {
            OpCode::Text | OpCode::Binary => {}
            OpCode::Close => return Err("the server ended the connection".into()),
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => continue,
        }
        match workload.received(&reply.payload)? {
            true => ws.write_frame(message()).await?,
            false => under_way -= 1,
        }
    }
    Ok(())
}
