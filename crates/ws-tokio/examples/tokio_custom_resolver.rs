//! Shows a client that resolves some names itself, as the file `/etc/hosts` or `curl --resolve`
//! does. It sends one text message and prints the answer.
//!
//! A resolver may also ask DNS over HTTPS, or cache and sort the addresses. TLS still checks the
//! name in the URL, so a wrong address cannot impersonate a server.
//!
//! ```sh
//! cargo run --example tokio_custom_resolver -- \
//!     ws://chat.internal:9001/ hello chat.internal=192.0.2.1,127.0.0.1
//! ```

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, io};

use ws_tokio::{CloseCode, ConnectError, Connector};

/// The addresses of each name, in lower case.
pub(crate) type Hosts = HashMap<String, Vec<IpAddr>>;

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let (Some(url), Some(question)) = (args.next(), args.next()) else {
        eprintln!("usage: tokio_custom_resolver URL MESSAGE [NAME=ADDRESS,ADDRESS...]...");
        return ExitCode::from(2);
    };
    let Some(hosts) = args.map(|entry| parse(&entry)).collect() else {
        eprintln!("write names and their addresses as NAME=ADDRESS,ADDRESS");
        return ExitCode::from(2);
    };
    match ask(&connector(hosts), &url, &question).await {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Parses `NAME=ADDRESS,ADDRESS`.
pub(crate) fn parse(entry: &str) -> Option<(String, Vec<IpAddr>)> {
    let (name, addresses) = entry.split_once('=')?;
    let addresses = addresses.split(',').map(|address| address.parse().ok());
    Some((name.to_ascii_lowercase(), addresses.collect::<Option<_>>()?))
}

/// Makes a connector that looks up names in `hosts`, and all other names as usual.
pub(crate) fn connector(hosts: Hosts) -> Connector {
    let hosts = Arc::new(hosts);
    Connector::new().resolver(move |host, port| resolve(Arc::clone(&hosts), host, port))
}

async fn resolve(hosts: Arc<Hosts>, host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    match hosts.get(&host.to_ascii_lowercase()) {
        // The port may be changed here, too. The URL and the `Host` header stay as they are.
        Some(addresses) => Ok(addresses.iter().map(|ip| (*ip, port).into()).collect()),
        None => Ok(tokio::net::lookup_host((host, port)).await?.collect()),
    }
}

/// Sends `question` and returns the answer. Prints the addresses that could not be reached.
pub(crate) async fn ask(
    connector: &Connector,
    url: &str,
    question: &str,
) -> Result<String, io::Error> {
    let connected = connector.connect(url).await;
    if let Err(ConnectError::Unreachable(unreachable)) = &connected {
        for failed in unreachable.addresses() {
            eprintln!("{}: {}", failed.address, failed.error);
        }
    }
    let mut ws = connected?;
    eprintln!("connected to {:?}", ws.peer_addr());
    ws.send(question).await?;
    let answer = ws.recv().await?;
    ws.close(CloseCode::NORMAL, "no more questions").await?;
    let answer = answer.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(answer.as_text().unwrap_or("(binary)").to_owned())
}
