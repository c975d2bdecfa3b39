//! The place where a check is performed: our peers, the programs of others, ports and files.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use ws_test_certificates::IdentityFiles;
use ws_test_programs::runtime::Runtime;

use crate::bench::Bench;
use crate::certificates::Certificates;
use crate::foreign::{Foreign, Role};
use crate::install::Installed;
use crate::ours::Ours;
use crate::pairing::Pairing;
use crate::process::{PATIENCE, Process, pause};
use crate::tools::Tool;

/// The place where a check is performed.
pub(crate) struct Stage<'a> {
    bench: &'a Bench,
    pub(crate) pairing: Pairing,
    check: &'a str,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(bench: &'a Bench, pairing: Pairing, check: &'a str) -> Self {
        Self {
            bench,
            pairing,
            check,
        }
    }

    pub(crate) fn certificates(&self) -> &'a Certificates {
        &self.bench.certificates
    }

    pub(crate) fn installed(&self) -> &'a Installed {
        &self.bench.installed
    }

    /// Returns a call of an executable.
    pub(crate) fn tool(&self, tool: Tool) -> Result<Command> {
        self.bench.installed.command(tool)
    }

    /// Returns a call of the script of the foreign program, in this role.
    pub(crate) fn script(&self, foreign: Foreign, role: Role) -> Result<Command> {
        self.bench.installed.script(foreign, role)
    }

    /// Starts a program. `name` is its name in errors.
    pub(crate) fn spawn(&self, name: &str, command: Command) -> Result<Process> {
        Process::spawn(name, command, &self.file(&format!("{name}.log"))?)
    }

    /// Returns the path of a file for this check.
    pub(crate) fn file(&self, name: &str) -> Result<PathBuf> {
        let dir = self
            .bench
            .home
            .join("runs")
            .join(dashed(&self.pairing.to_string()));
        let dir = dir.join(dashed(self.check));
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(dir.join(dashed(name)))
    }

    /// Returns the executable of our echo server.
    fn server_executable(&self) -> Result<&'a Path> {
        self.bench.peers()?.find(&self.runtime()?.echo_server())
    }

    fn runtime(&self) -> Result<Runtime> {
        match self.pairing.ours {
            Ours::Peers(runtime) => Ok(runtime),
            Ours::Examples(_) => bail!("the examples are no peers"),
        }
    }

    /// Starts an example that listens on this port.
    pub(crate) fn example(&self, name: &str, port: u16, arguments: &[&OsStr]) -> Result<Process> {
        let mut command = Command::new(self.bench.examples()?.find(name)?);
        command.args(arguments);
        let mut process = self.spawn(name, command)?;
        wait_for_port(&mut process, port)?;
        Ok(process)
    }

    /// Starts our echo server with these options.
    pub(crate) fn server(&self, options: &[&OsStr]) -> Result<EchoServer> {
        let mut command = Command::new(self.server_executable()?);
        command.args(["--port", "0"]).args(options);
        let mut process = self.spawn("our server", command)?;
        let url = process
            .line(PATIENCE)?
            .context("our server printed no URL")?;
        let port = url.rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.with_context(|| format!("{url:?} is not the URL of a server"))?;
        Ok(EchoServer { process, url, port })
    }

    /// Starts our echo server on a Unix socket. The caller must keep the process.
    pub(crate) fn unix_server(&self, socket: &Path, options: &[&OsStr]) -> Result<Process> {
        let mut command = Command::new(self.server_executable()?);
        command.arg("--unix").arg(socket).args(options);
        let mut process = self.spawn("our server", command)?;
        process.expect(&format!("unix:{}\n", socket.display()))?;
        Ok(process)
    }

    /// Starts our echo server over TCP.
    pub(crate) fn plain_server(&self) -> Result<EchoServer> {
        self.server(&[])
    }

    /// Starts our echo server over TLS.
    pub(crate) fn tls_server(&self) -> Result<EchoServer> {
        self.tls_server_with(&self.certificates().server)
    }

    /// Starts our echo server over TLS with this certificate.
    pub(crate) fn tls_server_with(&self, files: &IdentityFiles) -> Result<EchoServer> {
        self.server(&option("--tls", files))
    }

    /// Starts our echo server over TLS, which demands certificates of clients.
    pub(crate) fn demanding_server(&self) -> Result<EchoServer> {
        let mut options = option("--tls", &self.certificates().server);
        let authority = self.certificates().authority.as_os_str();
        options.extend([OsStr::new("--tls-client-ca"), authority]);
        self.server(&options)
    }

    /// Starts our echo client, which connects to each of `urls`.
    pub(crate) fn client(&self, urls: &[&str], options: &[&OsStr]) -> Result<EchoClient> {
        self.client_in(&[], urls, options)
    }

    /// Starts our echo client with these variables in its environment.
    pub(crate) fn client_in(
        &self,
        environment: &[(&str, &str)],
        urls: &[&str],
        options: &[&OsStr],
    ) -> Result<EchoClient> {
        let mut command = Command::new(self.client_executable()?);
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().to_lowercase().ends_with("_proxy") {
                command.env_remove(name);
            }
        }
        command.envs(environment.iter().copied());
        command.arg("--tls-ca").arg(&self.certificates().authority);
        command.args(options).args(urls);
        let process = self.spawn("our client", command)?;
        Ok(EchoClient(process))
    }

    pub(crate) fn client_executable(&self) -> Result<&'a Path> {
        let name = format!("echo-client-{}", self.runtime()?);
        self.bench.peers()?.find(&name)
    }

    /// Starts our echo client with a certificate, if there is one.
    pub(crate) fn client_as(
        &self,
        url: &str,
        identity: Option<&IdentityFiles>,
    ) -> Result<EchoClient> {
        let options = identity.map(|files| option("--tls-identity", files));
        self.client(&[url], &options.unwrap_or_default())
    }
}

/// Returns the command-line option `name` with both files.
pub(crate) fn option<'a>(name: &'a str, files: &'a IdentityFiles) -> Vec<&'a OsStr> {
    vec![
        OsStr::new(name),
        files.certificate.as_os_str(),
        files.key.as_os_str(),
    ]
}

fn dashed(name: &str) -> String {
    name.replace([' ', '/', ':'], "-")
}

/// Our echo server.
pub(crate) struct EchoServer {
    process: Process,
    /// The URL that it printed.
    pub(crate) url: String,
    pub(crate) port: u16,
}

impl EchoServer {
    /// Returns the URL with the host name that the certificate contains.
    pub(crate) fn named_url(&self) -> String {
        self.url.replace("127.0.0.1", "localhost")
    }

    /// Waits until the server has accepted a connection from this address. It needs the option
    /// `--verbose`.
    pub(crate) fn has_accepted(&mut self, address: SocketAddr) -> Result<()> {
        self.process.expect_error(&format!("accepted {address}\n"))
    }

    /// Returns an error if the server has ended.
    pub(crate) fn runs(&mut self) -> Result<()> {
        ensure!(self.process.is_running()?, "our server has ended");
        Ok(())
    }

    /// Checks that the server still answers. A server must refuse a request that does not open a
    /// WebSocket. A server over TLS must report the reason.
    pub(crate) fn serves(&mut self) -> Result<()> {
        self.runs()?;
        let mut tcp = connect(self.port)?;
        tcp.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        let read = tcp.read_to_string(&mut answer);
        read.context("our server does not answer an HTTP request")?;
        let is_refused = answer.starts_with("HTTP/1.1 4");
        let is_explained = !self.url.starts_with("wss:") || answer.contains("requires TLS");
        ensure!(is_refused && is_explained, "our server answered {answer:?}");
        Ok(())
    }
}

/// Our echo client.
pub(crate) struct EchoClient(Process);

impl EchoClient {
    /// Waits until a connection has ended without an error.
    pub(crate) fn done(&mut self) -> Result<()> {
        let line = self.line()?;
        ensure!(line.starts_with("done "), "our client reports: {line}");
        Ok(())
    }

    /// Waits until a connection has failed. The client must give a reason that contains one of
    /// `reasons`.
    pub(crate) fn failed(&mut self, reasons: &[&str]) -> Result<()> {
        let line = self.line()?;
        let is_expected = reasons.iter().any(|reason| line.contains(reason));
        if !line.starts_with("failed ") || !is_expected {
            bail!("our client reports {line:?}, expected a failure with {reasons:?}");
        }
        Ok(())
    }

    fn line(&mut self) -> Result<String> {
        let line = self.0.line(PATIENCE)?;
        line.context("our client ended without a report")
    }
}

/// Returns a port that is free at this moment.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Connects to a port of this machine, with timeouts.
pub(crate) fn connect(port: u16) -> Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let tcp = TcpStream::connect_timeout(&address, PATIENCE);
    with_timeouts(tcp.with_context(|| format!("cannot connect to {address}"))?)
}

/// Waits until a program listens on its port.
pub(crate) fn wait_for_port(process: &mut Process, port: u16) -> Result<()> {
    let started = Instant::now();
    while connect(port).is_err() {
        if !process.is_running()? {
            let status = process.ended()?;
            return Err(process.died(status, "its start-up"));
        }
        ensure!(
            started.elapsed() < PATIENCE,
            "nothing listens on port {port}"
        );
        pause()?;
    }
    Ok(())
}

/// Waits until bytes have arrived at a port of a program that does not read them.
pub(crate) fn wait_for_input(port: u16) -> Result<()> {
    let started = Instant::now();
    while !has_input(&fs::read_to_string("/proc/net/tcp")?, port) {
        ensure!(started.elapsed() < PATIENCE, "no bytes arrive at {port}");
        pause()?;
    }
    Ok(())
}

/// Returns `true` if an open connection of this local port comes from the address `source`.
pub(crate) fn is_connected(port: u16, source: Ipv4Addr) -> Result<bool> {
    Ok(comes_from(
        &fs::read_to_string("/proc/net/tcp")?,
        port,
        source,
    ))
}

/// Returns `true` if `table` has a connection of this local port with bytes that were not read.
fn has_input(table: &str, port: u16) -> bool {
    let mut connections = open_connections(table, port);
    connections.any(|(_, queues)| !queues.ends_with(":00000000"))
}

fn comes_from(table: &str, port: u16, source: Ipv4Addr) -> bool {
    // The bytes of the address are one number, in the order of the processor.
    let source = format!("{:08X}:", u32::from_be(source.to_bits()));
    open_connections(table, port).any(|(remote, _)| remote.starts_with(&source))
}

/// Returns the remote address and the queues of each open connection of this local port. `table` is
/// `/proc/net/tcp`.
fn open_connections(table: &str, port: u16) -> impl Iterator<Item = (&str, &str)> {
    // A line begins with `sl local_address rem_address st tx_queue:rx_queue`, all in hexadecimal.
    // The state of an open connection is 01.
    let port = format!(":{port:04X}");
    table.lines().filter_map(move |line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, local, remote, "01", queues, ..] = *words else {
            return None;
        };
        local.ends_with(&port).then_some((remote, queues))
    })
}

/// A listener for the connection that a proxy makes.
pub(crate) struct Backend(TcpListener);

impl Backend {
    pub(crate) fn bind() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    pub(crate) fn port(&self) -> Result<u16> {
        Ok(self.0.local_addr()?.port())
    }

    /// Waits for the next connection.
    pub(crate) fn accept(&self) -> Result<TcpStream> {
        let started = Instant::now();
        loop {
            match self.0.accept() {
                Ok((tcp, _)) => {
                    tcp.set_nonblocking(false)?;
                    return with_timeouts(tcp);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            ensure!(started.elapsed() < PATIENCE, "the proxy does not connect");
            pause()?;
        }
    }
}

pub(crate) fn with_timeouts(tcp: TcpStream) -> Result<TcpStream> {
    tcp.set_read_timeout(Some(PATIENCE))?;
    tcp.set_write_timeout(Some(PATIENCE))?;
    Ok(tcp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_found_in_the_table_of_the_system() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n\
             \x20  0: 0100007F:0C38 00000000:0000 0A 00000000:00000001 00:00000000 00000000\n\
             \x20  1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000\n\
             \x20  2: 0100007F:1F91 0100007F:C002 01 00000000:00000041 00:00000000 00000000\n";
        assert!(has_input(table, 8081));
        assert!(comes_from(table, 8080, Ipv4Addr::LOCALHOST));
        assert!(!comes_from(table, 8080, Ipv4Addr::new(127, 0, 0, 2)));
        assert!(!comes_from(table, 3128, Ipv4Addr::UNSPECIFIED));
        for idle in [3128, 8080, 0xC002] {
            assert!(!has_input(table, idle), "{idle}");
        }
    }
}
