//! An echo client on tungstenite.

use tungstenite::Error;

fn main() {
    for url in foreign_testees::urls() {
        match echo(&url) {
            Ok(()) | Err(Error::ConnectionClosed) => println!("done {url}"),
            Err(error) => println!("failed {url}: {error}"),
        }
    }
}

fn echo(url: &str) -> Result<(), Error> {
    let (mut ws, _) = tungstenite::connect(url)?;
    loop {
        let message = ws.read()?;
        if message.is_text() || message.is_binary() {
            ws.send(message)?;
        }
    }
}
