//! Shows messages of any length: files are uploaded and downloaded in bounded memory.
//!
//! A file is one message, which is written and read in pieces.
//!
//! ```sh
//! cargo run --example tokio_stream_file -- serve 127.0.0.1:9001 store.bin
//! cargo run --example tokio_stream_file -- upload ws://127.0.0.1:9001/upload large.bin
//! cargo run --example tokio_stream_file -- download ws://127.0.0.1:9001/download copy.bin
//! ```

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use ws_tokio::http::StatusCode;
use ws_tokio::{Acceptor, CloseCode, Config, Connector, Initiator, MessageKind, Sender, WebSocket};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The number of bytes that are read from a file at a time.
const PIECE_LEN: usize = 64 << 10;

/// The length of the longest file that is stored.
///
/// `Config::max_message` does not apply to a message that is read in pieces, so the program needs
/// its own limit.
const MAX_FILE_LEN: u64 = 16 << 30;

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["serve", address, file] => {
            let listener = TcpListener::bind(address).await?;
            println!("listening on ws://{}", listener.local_addr()?);
            serve(listener, file.into()).await;
        }
        ["upload", url, file] => {
            let len = send_file(connect(url).await?, file.as_ref()).await?;
            println!("sent {len} bytes");
        }
        ["download", url, file] => {
            let len = receive_file(connect(url).await?, file.as_ref()).await?;
            println!("received {len} bytes");
        }
        _ => {
            eprintln!(
                "usage: tokio_stream_file serve ADDRESS FILE | upload URL FILE | download URL FILE"
            );
            process::exit(2);
        }
    }
    Ok(())
}

/// Returns the configuration of both ends.
///
/// A transfer can take any time, so no timeout limits it. Keepalive ends the connection if the
/// other end has disappeared. A Ping is sent after the queued pieces, so its Pong can be late on a
/// slow line.
fn config() -> Config {
    Config::default().keepalive(Duration::from_secs(30), Duration::from_secs(120))
}

pub(crate) async fn connect(url: &str) -> Result<WebSocket> {
    Ok(Connector::new().config(config()).connect(url).await?)
}

/// Serves clients forever. Stores each upload in `file`, and sends `file` to each client that
/// downloads.
pub(crate) async fn serve(listener: TcpListener, file: PathBuf) {
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let file = file.clone();
                tokio::spawn(async move {
                    if let Err(error) = exchange(tcp, &file).await {
                        eprintln!("{peer}: {error}");
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

async fn exchange(tcp: TcpStream, file: &Path) -> Result<()> {
    let offer = Acceptor::new().config(config()).read(tcp).await?;
    match offer.path() {
        "/upload" => receive_file(offer.accept().await?, file).await.map(drop),
        "/download" => send_file(offer.accept().await?, file).await.map(drop),
        _ => Ok(offer.reject(StatusCode::NOT_FOUND).await?),
    }
}

/// Sends a file as one message. Then waits for the Close of the other end, which confirms that the
/// file has been stored.
pub(crate) async fn send_file(ws: WebSocket, path: &Path) -> Result<u64> {
    let (mut tx, mut rx) = ws.split();
    let sending = async {
        let sent = send_pieces(&mut tx, path).await;
        if sent.is_err() {
            // The message must not be finished, because the other end would store half a file.
            let _ = tx.start_close(CloseCode::INTERNAL_ERROR, "cannot send the file");
        }
        sent
    };
    // Receiving answers Pings, and detects that the other end has given up.
    let receiving = async {
        while rx.recv_ref().await?.is_some() {}
        Ok::<(), ws_tokio::Error>(())
    };
    let (sent, received) = tokio::join!(sending, receiving);
    match rx.end() {
        Some(end) if end.clean && end.initiator == Initiator::Peer => {
            if end.code() != CloseCode::NORMAL {
                return Err(
                    format!("the other end gave up: {} {}", end.code(), end.reason()).into(),
                );
            }
            sent
        }
        _ => {
            let len = sent?;
            received?;
            Err(format!("the other end did not confirm the {len} bytes").into())
        }
    }
}

async fn send_pieces(tx: &mut Sender, path: &Path) -> Result<u64> {
    let mut file = File::open(path).await?;
    let mut piece = vec![0; PIECE_LEN];
    let mut sent = 0;
    let mut message = tx.writer(MessageKind::Binary)?;
    loop {
        let len = file.read(&mut piece).await?;
        if len == 0 {
            break;
        }
        // Waits while the queue is full. So the file is not read faster than the other end accepts
        // the pieces.
        message.write(&piece[..len]).await?;
        sent += len as u64;
    }
    message.finish().await?;
    Ok(sent)
}

/// Stores the next message as a file, and reports the result to the other end in the Close.
pub(crate) async fn receive_file(mut ws: WebSocket, path: &Path) -> Result<u64> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    // Each upload is written to its own temporary file. So concurrent uploads do not mix, and
    // `path` never holds half a file.
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".part{number}"));
    let stored = store(&mut ws, partial.as_ref(), path).await;
    // An error of the closing handshake does not change the result.
    if stored.is_ok() {
        let _ = ws.close(CloseCode::NORMAL, "stored").await;
    } else {
        let _ = fs::remove_file(&partial).await;
        let _ = ws
            .close(CloseCode::INTERNAL_ERROR, "cannot store the file")
            .await;
    }
    stored
}

async fn store(ws: &mut WebSocket, partial: &Path, path: &Path) -> Result<u64> {
    let Some(mut message) = ws.recv_stream().await? else {
        return Err("the other end sent no file".into());
    };
    let mut file = File::create(partial).await?;
    let mut stored = 0;
    // `piece` is borrowed from the connection. So the connection reads no more input until `piece`
    // has been written to the file.
    while let Some(piece) = message.chunk().await? {
        stored += piece.len() as u64;
        if stored > MAX_FILE_LEN {
            return Err("the file is too long".into());
        }
        file.write_all(piece).await?;
    }
    file.sync_all().await?;
    fs::rename(partial, path).await?;
    Ok(stored)
}
