//! Shows an echo server over TLS that uses a renewed certificate without a restart.
//!
//! The first file contains the certificate of the server, and the certificates of intermediate
//! authorities after it. The second file contains the private key.
//!
//! ```sh
//! cargo run --example tokio_wss_server --features tls -- server.pem server.key 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, io};

use tokio::net::{TcpListener, TcpStream};
use tokio::{fs, time};
use ws_tokio::Acceptor;
use ws_tokio::tls::TlsAcceptor;

/// The time between two looks at the files.
const INTERVAL: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let (Some(chain), Some(key)) = (args.next(), args.next()) else {
        eprintln!("usage: tokio_wss_server CERTIFICATE.pem KEY.pem [ADDRESS]");
        return ExitCode::from(2);
    };
    let files = Files {
        chain: chain.into(),
        key: key.into(),
    };
    match start(files, args.next().as_deref()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn start(files: Files, address: Option<&str>) -> io::Result<()> {
    let current = files.read().await?;
    let tls = current.acceptor()?;
    let listener = TcpListener::bind(address.unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on wss://{}", listener.local_addr()?);
    tokio::spawn(renew(tls.clone(), files, current, INTERVAL));
    serve(listener, tls).await;
    Ok(())
}

/// The files of the certificate and its key.
pub(crate) struct Files {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
}

/// The contents of both files.
#[derive(PartialEq)]
pub(crate) struct Contents {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    pub(crate) async fn read(&self) -> io::Result<Contents> {
        Ok(Contents {
            chain: fs::read(&self.chain).await?,
            key: fs::read(&self.key).await?,
        })
    }
}

impl Contents {
    /// Makes an acceptor. Fails if the key does not belong to the certificate.
    pub(crate) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        TlsAcceptor::from_pem(&*self.chain, &*self.key).map_err(io::Error::other)
    }
}

/// Reads the files again and again, and uses a new certificate for later connections. `current` is
/// in use.
pub(crate) async fn renew(
    tls: TlsAcceptor,
    files: Files,
    mut current: Contents,
    interval: Duration,
) {
    loop {
        time::sleep(interval).await;
        let renewed = match files.read().await {
            Ok(contents) if contents == current => continue,
            Ok(contents) => contents.acceptor().map(|new| (new, contents)),
            Err(error) => Err(error),
        };
        match renewed {
            Ok((new, contents)) => {
                // Connections that are open keep their session.
                tls.replace(&new);
                current = contents;
                println!("the certificate was replaced");
            }
            // Perhaps only one of the two files was written. The next look tries again.
            Err(error) => eprintln!("the previous certificate stays in use: {error}"),
        }
    }
}

/// Accepts connections forever, and serves each in its own task.
pub(crate) async fn serve(listener: TcpListener, tls: TlsAcceptor) {
    let acceptor = Acceptor::new().tls(tls);
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // If the fault is the client's, it was sent an alert, an HTTP status or a
                    // Close.
                    if let Err(error) = echo(acceptor, tcp).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            // Usually the process has no more file descriptors: see `tokio_echo_server`.
            Err(error) => {
                eprintln!("cannot accept: {error}");
                time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves one connection until it ends. The handshake of TLS is performed here, in the task of the
/// connection, so that a slow client does not delay others.
async fn echo(acceptor: Acceptor, tcp: TcpStream) -> io::Result<()> {
    let mut ws = acceptor.accept(tcp).await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
