//! An echo server on tokio-websockets, like the library's echo example. It cannot batch answers,
//! because the library flushes when it receives.

#![forbid(unsafe_code)]

use std::io;

use bench_peers::{MAX_MESSAGE_LEN, Options, echo, serve_tokio};
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio_websockets::{Config, Error, Limits, Message, ServerBuilder};

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    serve_tokio(options.port, |tcp| async {
        drop(unconstrained(serve(tcp)).await);
    })
}

async fn serve(tcp: TcpStream) -> Result<(), Error> {
    let (_request, ws) = ServerBuilder::new()
        .config(Config::default().frame_size(usize::MAX))
        .limits(Limits::default().max_payload_len(Some(MAX_MESSAGE_LEN)))
        .accept(tcp)
        .await?;
    echo(ws, false, |message: &Message| {
        message.is_text() || message.is_binary()
    })
    .await
}
