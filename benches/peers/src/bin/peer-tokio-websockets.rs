//! An echo server on tokio-websockets, like the library's echo example. It cannot batch answers,
//! because the library flushes when it receives.

#![forbid(unsafe_code)]

use std::io;

use bench_peers::tls::Options;
use bench_peers::{MAX_MESSAGE_LEN, echo, serve_tokio};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::unconstrained;
use tokio_websockets::{Config, Error, Limits, Message, ServerBuilder};

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    let port = options.common.port;
    match options.acceptor()? {
        None => serve_tokio(port, |tcp| async {
            drop(unconstrained(serve(tcp)).await);
        }),
        Some(tls) => serve_tokio(port, move |tcp| {
            let tls = tls.accept(tcp);
            async { drop(unconstrained(async { serve(tls.await?).await }).await) }
        }),
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), Error> {
    let (_request, ws) = ServerBuilder::new()
        .config(Config::default().frame_size(usize::MAX))
        .limits(Limits::default().max_payload_len(Some(MAX_MESSAGE_LEN)))
        .accept(stream)
        .await?;
    echo(ws, false, |message: &Message| {
        message.is_text() || message.is_binary()
    })
    .await
}
