//! The server: one thread, a registry, and a task for each connection.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;
use ws_tokio::{Acceptor, CloseCode, Config, Registry, Report};

/// The time for all connections to open or to close.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A server that runs while one of its methods runs.
pub(crate) struct Server {
    runtime: Runtime,
    address: SocketAddr,
    registry: Registry,
    /// The settings of the next connections.
    acceptor: Arc<Mutex<Acceptor>>,
}

impl Server {
    /// Listens with this backlog, without keepalive.
    pub(crate) fn start(backlog: u32) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(async {
            let socket = TcpSocket::new_v4()?;
            socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            socket.listen(backlog)
        })?;
        let address = listener.local_addr()?;
        let registry = Registry::new();
        let acceptor = Arc::new(Mutex::new(Acceptor::new().registry(&registry)));
        runtime.spawn(accept(listener, Arc::clone(&acceptor)));
        Ok(Self {
            runtime,
            address,
            registry,
            acceptor,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `count` connections are open.
    pub(crate) fn gather(&mut self, count: u32) -> Result<()> {
        let start = Instant::now();
        while self.registry.counts().open != count as usize {
            if start.elapsed() > TIMEOUT {
                bail!("{:?} after {TIMEOUT:?}", self.registry.counts());
            }
            self.serve(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Serves for this time.
    pub(crate) fn serve(&mut self, time: Duration) {
        self.runtime.block_on(async { sleep(time).await });
    }

    /// Closes all connections. New ones are in a new registry, as in the next process of a server
    /// that restarts. They have this keepalive.
    pub(crate) fn restart(&mut self, silence: Duration) -> Result<Report> {
        let registry = Registry::new();
        let config = Config::default().keepalive(silence, Duration::from_secs(30));
        let acceptor = Acceptor::new().config(config).registry(&registry);
        *self.acceptor.lock().unwrap_or_else(PoisonError::into_inner) = acceptor;
        let old = std::mem::replace(&mut self.registry, registry);
        let shutdown = old.shutdown(CloseCode::GOING_AWAY, "restart", TIMEOUT);
        Ok(self.runtime.block_on(shutdown)?)
    }
}

async fn accept(listener: TcpListener, acceptor: Arc<Mutex<Acceptor>>) {
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => {
                let acceptor = acceptor.lock().unwrap_or_else(PoisonError::into_inner);
                tokio::spawn(serve(tcp, acceptor.clone()));
            }
            Err(error) => {
                eprintln!("cannot accept: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(tcp: TcpStream, acceptor: Acceptor) -> std::io::Result<()> {
    let mut ws = acceptor.accept(tcp).await?;
    while ws.recv().await?.is_some() {}
    Ok(())
}
