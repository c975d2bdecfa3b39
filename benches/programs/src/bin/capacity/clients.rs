//! The clients: a process of their own, with one thread.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use ws_tokio::{Connector, Control};

use crate::cpu;

/// The number of clients that connect at the same time.
const CONNECTING: usize = 256;

/// The process of the clients. Killed when it is dropped.
pub(crate) struct Clients {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Clients {
    pub(crate) fn start(address: SocketAddr, count: u32) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--clients-of", &address.to_string()])
            .args(["--connections", &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = process.stdout.take().context("the output is a pipe")?;
        Ok(Self {
            process,
            answers: BufReader::new(answers),
        })
    }

    /// Returns the processor time of the clients.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu(&self.process.id().to_string())
    }

    /// Returns the number of Pings that the clients have received.
    pub(crate) fn pings(&mut self) -> Result<u64> {
        let stdin = self.process.stdin.as_mut();
        writeln!(stdin.context("the input is a pipe")?, "pings")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        line.trim().parse().context("the clients have ended")
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // Clients that have ended already are reported by the phase that needs them.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Keeps `count` connections open, and answers each line of the input with the number of Pings.
pub(crate) fn run(address: SocketAddr, count: u32) -> Result<()> {
    let pings = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&pings);
    thread::spawn(move || {
        for _ in std::io::stdin().lines() {
            println!("{}", seen.load(Ordering::Relaxed));
        }
    });
    let url: Arc<str> = format!("ws://{address}/").into();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build()?;
    runtime.block_on(async {
        let turns = Arc::new(Semaphore::new(CONNECTING));
        let clients: Vec<_> = (0..count)
            .map(|_| tokio::spawn(client(Arc::clone(&url), Arc::clone(&turns), pings.clone())))
            .collect();
        for client in clients {
            client.await?;
        }
        Ok(())
    })
}

/// Connects, receives until the end, and begins again.
async fn client(url: Arc<str>, turns: Arc<Semaphore>, pings: Arc<AtomicU64>) {
    loop {
        let turn = turns.acquire().await;
        let connected = Connector::new().connect(&*url).await;
        drop(turn);
        let mut ws = match connected {
            Ok(ws) => ws,
            Err(error) => {
                eprintln!("cannot connect: {error}");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let pings = Arc::clone(&pings);
        ws.observe(move |control| {
            if matches!(control, Control::Ping(_)) {
                pings.fetch_add(1, Ordering::Relaxed);
            }
        });
        while let Ok(Some(_)) = ws.recv().await {}
    }
}
