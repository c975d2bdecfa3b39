//! An echo server on tokio-websockets.

use std::io::{self, Write};

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_websockets::{Error, ServerBuilder};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", foreign_testees::port()?)).await?;
    println!("ws://{}", listener.local_addr()?);
    io::stdout().flush()?;
    loop {
        let (tcp, _) = listener.accept().await?;
        // Errors are ignored here. The suite judges how the connection ends.
        tokio::spawn(echo(tcp));
    }
}

async fn echo(tcp: TcpStream) -> Result<(), Error> {
    tcp.set_nodelay(true)?;
    let (_request, mut ws) = ServerBuilder::new().accept(tcp).await?;
    while let Some(message) = ws.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            ws.send(message).await?;
        }
    }
    Ok(())
}
