//! An echo server on tungstenite.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", foreign_testees::port()?))?;
    println!("ws://{}", listener.local_addr()?);
    io::stdout().flush()?;
    for tcp in listener.incoming() {
        let tcp = tcp?;
        // Errors are ignored here. The suite judges how the connection ends.
        thread::spawn(move || echo(tcp));
    }
    Ok(())
}

fn echo(tcp: TcpStream) -> Result<(), Box<tungstenite::Error>> {
    tcp.set_nodelay(true).map_err(tungstenite::Error::from)?;
    let mut ws = tungstenite::accept(tcp).map_err(|_| tungstenite::Error::ConnectionClosed)?;
    loop {
        let message = ws.read()?;
        if message.is_text() || message.is_binary() {
            ws.send(message)?;
        }
    }
}
