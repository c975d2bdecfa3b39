//! The echo server.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use ws_driver::http::{Method, Response, StatusCode};
use ws_driver::listen::ProxyProtocol;
use ws_driver::transport::{AnyTransport, Runtime, Wrap};
use ws_driver::{Acceptor, AnyOffer, Budget, OriginPolicy, PlainRequest, Registry, WebSocket};

use crate::tls::ServerTls;
use crate::{Compression, announce};

/// Accepts WebSocket connections on 127.0.0.1 and echoes every message, until the process is
/// terminated.
///
/// Prints the URL on the first line of standard output.
#[derive(Debug, Parser)]
#[command(version)]
pub struct EchoServer {
    /// The port to listen on; 0 picks a free port.
    #[arg(long, required_unless_present = "unix")]
    port: Option<u16>,
    /// Listen on a Unix socket, which must not exist yet. Prints `unix:PATH` in place of the URL.
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", conflicts_with = "port")]
    unix: Option<PathBuf>,
    /// The number of threads that serve connections.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: u16,
    #[command(flatten)]
    compression: Compression,
    #[command(flatten)]
    pub(crate) tls: ServerTls,
    /// Accept connections from web pages of this origin, such as `http://localhost:8080`. May be
    /// repeated. By default only pages of the server's own host and port are accepted.
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// Require a header of the PROXY protocol, version 1 or 2, from a proxy on this machine.
    #[arg(long)]
    proxy_protocol: bool,
    /// Answer a GET request for this path with the status 200, and other requests that do not open
    /// a WebSocket with 404.
    #[arg(long, value_name = "PATH")]
    health: Option<String>,
    /// Bound the memory of all connections together. A GET request for `/budget` is answered with
    /// the limit, and the bytes in use, at most in use, and connections ended so far.
    #[arg(long, value_name = "BYTES")]
    budget: Option<usize>,
    /// Print `accepted ADDRESS` on standard error for each WebSocket.
    #[arg(long)]
    verbose: bool,
}

/// The settings with which an echo server serves each connection.
///
/// A task that serves a connection holds a pointer to them, as it would hold an [`Acceptor`].
pub struct EchoService<R: Runtime> {
    acceptor: Acceptor<R>,
    /// The path of health checks.
    health: Option<String>,
    budget: Option<Budget>,
    is_verbose: bool,
}

impl EchoServer {
    /// Returns the address to listen on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port.unwrap_or(0)))
    }

    /// Returns the path of the Unix socket to listen on. `None` if the server listens on
    /// [`address`](Self::address).
    #[must_use]
    pub fn unix(&self) -> Option<&Path> {
        #[cfg(unix)]
        return self.unix.as_deref();
        #[cfg(not(unix))]
        None
    }

    /// Returns the settings of the command line. All other settings have the library's defaults.
    ///
    /// # Errors
    ///
    /// If the files for TLS are unusable.
    pub fn service<R: Runtime>(&self) -> io::Result<Arc<EchoService<R>>> {
        let mut acceptor = Acceptor::new()
            .config(self.compression.config())
            .origins(self.origin_policy());
        if let Some(tls) = self.tls.acceptor()? {
            acceptor = acceptor.tls(tls);
        }
        if self.proxy_protocol {
            acceptor = acceptor.proxy_protocol(self.proxies());
        }
        let budget = self.budget.map(Budget::new);
        if let Some(budget) = &budget {
            acceptor = acceptor.registry(&Registry::new().budget(budget));
        }
        Ok(Arc::new(EchoService {
            acceptor,
            health: self.health.clone(),
            budget,
            is_verbose: self.verbose,
        }))
    }

    /// Prints the URL of the server, which listens on `address`.
    pub fn announce(&self, address: SocketAddr) {
        announce(format_args!("{}://{address}", self.tls.scheme()));
    }

    /// Prints the Unix socket that the server listens on.
    pub fn announce_unix(&self, path: &Path) {
        announce(format_args!("unix:{}", path.display()));
    }

    fn origin_policy(&self) -> OriginPolicy {
        match &*self.origins {
            [] => OriginPolicy::default(),
            origins => OriginPolicy::allow_list(origins),
        }
    }

    /// Trusts the proxies of this machine. Those on a Unix socket have no address.
    fn proxies(&self) -> ProxyProtocol {
        let local: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let proxies = ProxyProtocol::new(local.map(Into::into));
        match self.unix() {
            Some(_) => proxies.trust_without_address(),
            None => proxies,
        }
    }
}

impl<R: Runtime> EchoService<R> {
    /// Accepts a connection, or answers a request that does not open a WebSocket. Returns `None`
    /// after an answer.
    async fn accept_or_answer<S>(&self, stream: S) -> io::Result<Option<WebSocket<AnyTransport<R>>>>
    where
        R: Wrap<S>,
    {
        match self.acceptor.read_any(stream).await? {
            AnyOffer::Upgrade(offer) => Ok(Some(offer.accept().await?)),
            AnyOffer::Plain(request) => {
                let response = self.answer(&request);
                request.respond(response).await?;
                Ok(None)
            }
        }
    }

    /// Returns `true` if requests that do not open a WebSocket are answered.
    fn answers_requests(&self) -> bool {
        self.health.is_some() || self.budget.is_some()
    }

    /// Answers a request that does not open a WebSocket.
    fn answer(&self, request: &PlainRequest<AnyTransport<R>>) -> Response<Vec<u8>> {
        let path = (request.method() == Method::GET).then(|| request.path());
        let body = match (path, &self.budget) {
            (Some("/budget"), Some(budget)) => Some(numbers(budget)),
            (Some(path), _) if self.health.as_deref() == Some(path) => Some("ok\n".into()),
            _ => None,
        };
        let (status, body) = match body {
            Some(body) => (StatusCode::OK, body),
            None => (StatusCode::NOT_FOUND, "not found\n".into()),
        };
        let mut response = Response::new(body.into_bytes());
        *response.status_mut() = status;
        response
    }

    fn log(&self, ws: &WebSocket<AnyTransport<R>>) {
        if self.is_verbose {
            match ws.peer_addr() {
                Some(address) => eprintln!("accepted {address}"),
                None => eprintln!("accepted a connection without an address"),
            }
        }
    }
}

/// Returns the numbers of a budget, one in each line.
fn numbers(budget: &Budget) -> String {
    let (limit, used) = (budget.limit(), budget.used());
    let (peak, ended) = (budget.peak(), budget.ended());
    format!("limit {limit}\nused {used}\npeak {peak}\nended {ended}\n")
}

/// Accepts a connection over `stream` and echoes every message until the connection ends.
///
/// # Errors
///
/// If the handshake or the connection fails. A server may ignore this error: a peer that broke a
/// rule has already been sent an HTTP status or a Close.
pub async fn echo<R, S>(service: Arc<EchoService<R>>, stream: S) -> io::Result<()>
where
    R: Wrap<S>,
{
    let Some(mut ws) = (match service.answers_requests() {
        false => Some(service.acceptor.accept(stream).await?),
        // Boxed, because a connection takes the memory of its task for as long as it lives.
        true => Box::pin(service.accept_or_answer(stream)).await?,
    }) else {
        return Ok(());
    };
    service.log(&ws);
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ws_driver::DeflateConfig;

    use super::*;

    fn server(option: &str) -> Result<EchoServer, clap::Error> {
        EchoServer::try_parse_from(["echo", "--port", "0", option])
    }

    #[test]
    fn compression_has_the_requested_settings() {
        let deflate = |option| server(option).unwrap().compression.deflate;
        let default = DeflateConfig::default();
        assert_eq!(deflate("--deflate"), Some(default));
        let small = default.mem_level(1);
        assert_eq!(deflate("--deflate=mem_level=1"), Some(small));
        let large = default.mem_level(9).own_window_bits(15);
        assert_eq!(deflate("--deflate=mem_level=9,window_bits=15"), Some(large));
        let quick = default.level(1);
        assert_eq!(deflate("--deflate=level=1"), Some(quick));
        let fast = DeflateConfig::fast();
        assert_eq!(deflate("--deflate=fast"), Some(fast));
        let small = DeflateConfig::small().level(9);
        assert_eq!(deflate("--deflate=small,level=9"), Some(small));
        for wrong in [
            "--deflate=level=10",
            "--deflate=mem_level=0",
            "--deflate=mem_level=x",
            "--deflate=mem_level=1,window_bits=8",
            "--deflate=9",
        ] {
            assert!(server(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn other_origins_are_accepted_by_name() {
        let policy = |option: &str| server(option).unwrap().origin_policy();
        assert!(matches!(policy("--threads=2"), OriginPolicy::SameAuthority));
        let OriginPolicy::AllowList(allowed) = policy("--origin=http://localhost:8080") else {
            panic!("expected a list of origins");
        };
        assert_eq!(*allowed, ["http://localhost:8080"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_server_has_a_port_or_a_unix_socket() {
        let parse = |options: &[&str]| EchoServer::try_parse_from([&["echo"], options].concat());
        assert_eq!(parse(&["--port", "80"]).unwrap().unix(), None);
        let unix = parse(&["--unix", "socket"]).unwrap();
        assert_eq!(unix.unix(), Some(Path::new("socket")));
        assert!(parse(&[]).is_err());
        assert!(server("--unix=socket").is_err());
    }
}
