//! An echo server on web-socket, a library without handshake and buffers. The server buffers its
//! input. With `--tuned`, it also buffers its output until the input is exhausted.

#![forbid(unsafe_code)]

use std::io;

use bench_peers::{Options, serve_tokio};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use web_socket::{CloseCode, DataType, Event, Frame, MessageType, WebSocket};

/// The length of each buffer. The floors use the same length.
const BUFFER_LEN: usize = 64 << 10;

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    let tuned = options.tuned;
    serve_tokio(options.port, move |tcp| async move {
        drop(serve(tcp, tuned).await);
    })
}

async fn serve(mut tcp: TcpStream, tuned: bool) -> io::Result<()> {
    accept(&mut tcp).await?;
    // A `BufWriter` with a capacity of 0 passes each write on directly.
    let len = if tuned { BUFFER_LEN } else { 0 };
    let stream = BufReader::with_capacity(BUFFER_LEN, BufWriter::with_capacity(len, tcp));
    let mut ws = WebSocket::server(stream);
    loop {
        match ws.recv().await? {
            Event::Data {
                ty: DataType::Complete(MessageType::Text),
                data,
            } => {
                ws.send(Frame {
                    fin: true,
                    opcode: 1,
                    data: &data,
                })
                .await?;
            }
            Event::Data { data, .. } => ws.send(&*data).await?,
            Event::Ping(data) => ws.send_pong(data).await?,
            Event::Pong(_) => {}
            Event::Error(_) => return ws.close(CloseCode::ProtocolError).await,
            Event::Close { .. } => return ws.close(()).await,
        }
        if ws.stream.buffer().is_empty() {
            ws.flash().await?;
        }
    }
}

/// Does the opening handshake, with only the checks that the comparison needs.
async fn accept(tcp: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let key = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        .map(|(_, value)| derive_accept_key(value.trim().as_bytes()))
        .ok_or(io::ErrorKind::InvalidData)?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {key}\r\n\r\n"
    );
    tcp.write_all(answer.as_bytes()).await
}
