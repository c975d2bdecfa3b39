//! Opens many WebSockets in one connection of HTTP/2 to an echo server, and prints as JSON what
//! they take and how they disturb each other.

#![forbid(unsafe_code)]

use std::process;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::time::{sleep, timeout};
use ws_h2::{H2Stream, Session};
use ws_test_client::resources::Process;
use ws_tokio::transport::Runtime;
use ws_tokio::{Connector, Tokio, WebSocket};

type Socket = WebSocket<H2Stream<<Tokio as Runtime>::Timer>>;

/// The message of the ping-pong.
const SMALL: [u8; 20] = [b'e'; 20];

/// The message that each socket echoes before it is idle.
static LARGE: [u8; 64 << 10] = [b'E'; 64 << 10];

/// The messages of an upload.
const UPLOAD: usize = 16 << 20;

/// Opens WebSockets in one connection, and measures memory and latency.
#[derive(Parser)]
struct Args {
    /// The URL of an echo server that expects HTTP/2.
    url: String,
    /// The process of the server.
    #[arg(long)]
    server: u32,
    /// The number of WebSockets.
    #[arg(long, default_value_t = 1000)]
    sockets: usize,
    /// The idle time before memory is measured.
    #[arg(long, default_value_t = 5)]
    quiet: u64,
    /// The time of each ping-pong, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

#[derive(Serialize)]
struct Report {
    sockets: usize,
    /// Resident bytes of each socket, in this process and in the server.
    client: u64,
    server: u64,
    /// The ping-pong of one socket while the others are idle, and while one uploads.
    quiet: Latency,
    upload: Latency,
    /// The sockets that echo after one was reset.
    left: usize,
}

/// Times of an echo, in microseconds.
#[derive(Serialize)]
struct Latency {
    echoes: u64,
    p50: u64,
    p99: u64,
    max: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let report = run(&Args::parse()).await?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

async fn run(args: &Args) -> Result<Report> {
    let (client, server) = (Process::new(process::id())?, Process::new(args.server)?);
    let (session, driver) = Session::connect(Connector::new(), &*args.url).await?;
    let driver = tokio::spawn(driver);
    // The first socket grows what the connection keeps for all.
    let first = open(&session, args).await?;
    let before = (client.resident()?, server.resident()?);
    let mut sockets = vec![first];
    for _ in 1..args.sockets {
        sockets.push(open(&session, args).await?);
    }
    for socket in &mut sockets {
        // A connection gives back its memory when it waits.
        let waiting = timeout(Duration::ZERO, socket.drive()).await;
        ensure!(waiting.is_err(), "a message that nobody sent");
    }
    sleep(Duration::from_secs(args.quiet)).await;
    let each = |after: u64, before: u64| after.saturating_sub(before) / (args.sockets as u64);
    let (client, server) = (
        each(client.resident()?, before.0),
        each(server.resident()?, before.1),
    );
    let time = Duration::from_secs(args.seconds);
    let quiet = ping_pong(&mut sockets[0], time).await?;
    let mut uploading = sockets.pop().context("there are at least two sockets")?;
    let upload = tokio::select! {
        latency = ping_pong(&mut sockets[0], time) => latency?,
        ended = upload(&mut uploading) => { ended?; unreachable!("an upload does not end") }
    };
    // Amid its upload, so this resets the stream.
    drop(uploading);
    let left = sockets.len();
    for socket in &mut sockets {
        echo(socket, &SMALL)
            .await
            .context("another socket was lost")?;
    }
    ensure!(!driver.is_finished(), "the connection has ended");
    Ok(Report {
        sockets: args.sockets,
        client,
        server,
        quiet,
        upload,
        left,
    })
}

/// Opens a socket that has echoed.
async fn open(session: &Session<Tokio>, args: &Args) -> Result<Socket> {
    let mut socket = session.open(&*args.url).await?;
    echo(&mut socket, &SMALL).await?;
    echo(&mut socket, &LARGE).await?;
    Ok(socket)
}

async fn echo(socket: &mut Socket, message: &[u8]) -> Result<()> {
    socket.send(message).await?;
    let echoed = socket.recv_ref().await?.context("the server has closed")?;
    ensure!(echoed.0.as_bytes() == message, "the echo differs");
    Ok(())
}

/// Echoes messages one by one.
async fn ping_pong(socket: &mut Socket, time: Duration) -> Result<Latency> {
    let mut times = Histogram::<u64>::new(3)?;
    let end = Instant::now() + time;
    while Instant::now() < end {
        let sent = Instant::now();
        echo(socket, &SMALL).await?;
        times.record(u64::try_from(sent.elapsed().as_micros())?)?;
    }
    Ok(Latency {
        echoes: times.len(),
        p50: times.value_at_quantile(0.5),
        p99: times.value_at_quantile(0.99),
        max: times.max(),
    })
}

/// Echoes large messages without end.
async fn upload(socket: &mut Socket) -> Result<()> {
    let message = vec![b'u'; UPLOAD];
    loop {
        echo(socket, &message).await?;
    }
}
