//! An echo client on tokio-websockets.

use futures_util::{SinkExt, StreamExt};
use tokio_websockets::{ClientBuilder, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for url in foreign_testees::urls() {
        match echo(&url).await {
            Ok(()) => println!("done {url}"),
            Err(error) => println!("failed {url}: {error}"),
        }
    }
}

async fn echo(url: &str) -> Result<(), Error> {
    let builder = ClientBuilder::new()
        .uri(url)
        .map_err(|error| Error::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, error)))?;
    let (mut ws, _response) = builder.connect().await?;
    while let Some(message) = ws.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            ws.send(message).await?;
        }
    }
    Ok(())
}
