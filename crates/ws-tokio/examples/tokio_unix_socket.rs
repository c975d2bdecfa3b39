//! Shows a server and a client on a Unix socket, for two programs on one machine. Only users with
//! the right to write to the socket can connect.
//!
//! ```sh
//! cargo run --example tokio_unix_socket -- serve /tmp/echo.sock
//! cargo run --example tokio_unix_socket -- ask /tmp/echo.sock hello
//! ```

#![forbid(unsafe_code)]

#[cfg(unix)]
pub(crate) use unix::{ask, bind, serve};

#[cfg(unix)]
#[tokio::main]
async fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["serve", path] => {
            let listener = bind(path.as_ref())?;
            println!("listening on {path}");
            serve(listener).await;
        }
        ["ask", path, question] => println!("{}", ask(path.as_ref(), question).await?),
        _ => {
            eprintln!("usage: tokio_unix_socket serve PATH | ask PATH MESSAGE");
            std::process::exit(2);
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn main() {
    eprintln!("this system has no Unix sockets");
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::unix::net::UnixStream as StdUnixStream;
    use std::path::Path;
    use std::time::Duration;

    use tokio::net::{UnixListener, UnixStream};
    use ws_tokio::{Acceptor, CloseCode, Connector};

    /// Listens on `path`. Replaces the socket that a server has left behind.
    pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
        match StdUnixStream::connect(path) {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            // The file exists, and no program listens.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path)?;
            }
            Err(_) => {}
        }
        UnixListener::bind(path)
    }

    /// Accepts connections forever, and serves each in its own task.
    pub(crate) async fn serve(listener: UnixListener) {
        let acceptor = Acceptor::new();
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let acceptor = acceptor.clone();
                    tokio::spawn(async move {
                        if let Err(error) = echo(acceptor, stream).await {
                            eprintln!("{error}");
                        }
                    });
                }
                // Usually the process has no more file descriptors: see `tokio_echo_server`.
                Err(error) => {
                    eprintln!("cannot accept: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Serves one connection. `accept` takes every stream, so a Unix socket needs no setting.
    async fn echo(acceptor: Acceptor, stream: UnixStream) -> io::Result<()> {
        if let Ok(peer) = stream.peer_cred() {
            println!("a connection of the user {}", peer.uid());
        }
        let mut ws = acceptor.accept(stream).await?;
        while let Some((message, out)) = ws.recv_ref().await? {
            out.feed(message).await?;
        }
        Ok(())
    }

    /// Sends `question` and returns the answer.
    pub(crate) async fn ask(path: &Path, question: &str) -> io::Result<String> {
        // The host of the URL is only the `Host` header. The path selects the resource as usual.
        let connector = Connector::new().unix_socket(path);
        let mut ws = connector.connect("ws://localhost/").await?;
        ws.send(question).await?;
        let answer = ws.recv().await?;
        ws.close(CloseCode::NORMAL, "no more questions").await?;
        let answer = answer.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(answer.as_text().unwrap_or("(binary)").to_owned())
    }
}
