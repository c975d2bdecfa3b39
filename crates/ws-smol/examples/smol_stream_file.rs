//! Files of any size over WebSockets, in both directions: a file is one message, and never in memory as a whole.
//!
//! ```sh
//! cargo run --example smol_stream_file -- serve 127.0.0.1:9001 store.bin
//! cargo run --example smol_stream_file -- upload ws://127.0.0.1:9001/upload large.bin
//! cargo run --example smol_stream_file -- download ws://127.0.0.1:9001/download copy.bin
//! ```

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use smol::Timer;
use smol::fs::{self, File};
use smol::future;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use ws_smol::http::StatusCode;
use ws_smol::{Acceptor, CloseCode, Config, Connector, Initiator, MessageKind, Sender, WebSocket};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Bytes of a file in memory at a time.
const PIECE_LEN: usize = 64 << 10;

/// The longest file to store. The connection's own limits are for messages that it puts together in memory; what is
/// read piece by piece has no other end than this.
const MAX_FILE_LEN: u64 = 16 << 30;

fn main() -> Result<()> {
    smol::block_on(async {
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
                    "usage: stream_file serve ADDRESS FILE | upload URL FILE | download URL FILE"
                );
                process::exit(2);
            }
        }
        Ok(())
    })
}

/// Both ends wait for the other's Close, however long a file takes: keepalive finds out if the other is gone. A Ping
/// waits behind the pieces that are queued, so on a slow line the Pong takes a while.
fn config() -> Config {
    Config::default().keepalive(Duration::from_secs(30), Duration::from_secs(120))
}

pub(crate) async fn connect(url: &str) -> Result<WebSocket> {
    Ok(Connector::new().config(config()).connect(url).await?)
}

/// Takes uploads into `file`, and sends it to whoever wants it.
pub(crate) async fn serve(listener: TcpListener, file: PathBuf) {
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let file = file.clone();
                smol::spawn(async move {
                    if let Err(error) = exchange(tcp, &file).await {
                        eprintln!("{peer}: {error}");
                    }
                })
                .detach();
            }
            Err(error) => {
                eprintln!("cannot accept: {error}");
                Timer::after(Duration::from_millis(100)).await;
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

/// Sends a file as one message, and waits until the other end has stored it, which it says by its Close.
pub(crate) async fn send_file(ws: WebSocket, path: &Path) -> Result<u64> {
    let (mut tx, mut rx) = ws.split();
    let sending = async {
        let sent = send_pieces(&mut tx, path).await;
        if sent.is_err() {
            // An unfinished message stays unfinished: the other end must not take it for the whole file.
            let _ = tx.start_close(CloseCode::INTERNAL_ERROR, "cannot send the file");
        }
        sent
    };
    // Meanwhile someone has to receive: for Pings to be answered, and to hear of an end that gives up.
    let receiving = async {
        while rx.recv_ref().await?.is_some() {}
        Ok::<(), ws_smol::Error>(())
    };
    let (sent, received) = future::zip(sending, receiving).await;
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
        // Waits while the queue is over its mark: the file is read as fast as the other end takes it.
        message.write(&piece[..len]).await?;
        sent += len as u64;
    }
    message.finish().await?;
    Ok(sent)
}

/// Stores the next message as a file, and says by the Close whether that worked.
pub(crate) async fn receive_file(mut ws: WebSocket, path: &Path) -> Result<u64> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    // Two uploads at once must not write to one file, and `path` never holds half of one.
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".part{number}"));
    let stored = store(&mut ws, partial.as_ref(), path).await;
    // How the goodbye goes makes no difference any more.
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
    // A piece lies in the block that was just read. Nothing more is read until the file has taken it.
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
