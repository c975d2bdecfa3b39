//! An echo server on wtx, like the library's echo example. The library writes each frame
//! separately.

#![forbid(unsafe_code)]

use std::io;

use bench_peers::{Options, serve_tokio};
use tokio::net::TcpStream;
use wtx::collection::Vector;
use wtx::web_socket::{OpCode, WebSocketAcceptor, WebSocketPayloadOrigin};

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    serve_tokio(options.port, |tcp| async {
        drop(echo(tcp).await);
    })
}

async fn echo(tcp: TcpStream) -> wtx::Result<()> {
    let mut ws = WebSocketAcceptor::default().accept(tcp).await?;
    let (mut common, mut reader, mut writer) = ws.split_mut();
    let mut buffer = Vector::new();
    loop {
        let origin = WebSocketPayloadOrigin::Adaptive;
        let mut frame = reader.read_frame(&mut buffer, &mut common, origin).await?;
        match frame.op_code() {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => writer.write_frame(&mut common, &mut frame).await?,
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
        buffer.clear();
    }
}
