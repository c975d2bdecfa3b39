//! Shows mutual TLS: the server demands a certificate of the client, and greets the client by the
//! name in it. Both ends are in this program.
//!
//! One authority has issued both certificates. All files are in PEM. The page `docs/tls.md` shows
//! how to make them.
//!
//! ```sh
//! cargo run --example tokio_mutual_tls --features tls -- \
//!     authority.pem server.pem server.key client.pem client.key
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use tokio::net::TcpListener;
use ws_tokio::http::StatusCode;
use ws_tokio::tls::{TlsAcceptor, TlsConnector, TlsTransport};
use ws_tokio::{Acceptor, CloseCode, Connector, Message, Offer};
use x509_parser::prelude::{FromDer, X509Certificate};

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    let [authority, server, server_key, client, client_key] = args.as_slice() else {
        eprintln!("usage: tokio_mutual_tls AUTHORITY SERVER SERVER_KEY CLIENT CLIENT_KEY");
        return ExitCode::from(2);
    };
    let authority = Path::new(authority);
    let server = [server, server_key].map(Path::new);
    let client = [client, client_key].map(Path::new);
    match run(authority, server, client).await {
        Ok(greeting) => {
            println!("{}", greeting.as_text().unwrap_or("(binary)"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts a server, connects to it, and returns the greeting of the server. Each end has the files
/// of a certificate and its key.
pub(crate) async fn run(
    authority: &Path,
    [server, server_key]: [&Path; 2],
    [client, client_key]: [&Path; 2],
) -> Result<Message, Box<dyn Error + Send + Sync>> {
    let roots = fs::read(authority)?;
    let of_server = TlsAcceptor::builder(fs::read(server)?, fs::read(server_key)?)
        .client_roots_pem(&*roots)
        .build()?;
    let of_client = TlsConnector::builder()
        .roots_pem(roots)
        .identity_pem(fs::read(client)?, fs::read(client_key)?)
        .build()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("wss://{}/", listener.local_addr()?);
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await?;
        // Without a certificate of the client, or with one of another authority, this fails.
        welcome(Acceptor::new().tls(of_server).read(tcp).await?).await
    });

    let mut ws = Connector::new().tls(of_client).connect(&url).await?;
    let greeting = ws.recv().await?;
    ws.close(CloseCode::NORMAL, "bye").await?;
    serving.await??;
    greeting.ok_or_else(|| "the server closed the connection without a greeting".into())
}

/// Greets the client, and serves the connection until it ends.
async fn welcome(offer: Offer) -> io::Result<()> {
    // The certificate was issued by the authority. The server decides who may connect.
    let Some(name) = name_of(&offer) else {
        return Ok(offer.reject(StatusCode::FORBIDDEN).await?);
    };
    let mut ws = offer.accept().await?;
    ws.send(format!("hello, {name}")).await?;
    while ws.recv().await?.is_some() {}
    Ok(())
}

/// Returns the common name in the certificate of the client.
fn name_of(offer: &Offer) -> Option<String> {
    let tls = offer.get_ref().downcast_ref::<TlsTransport>()?;
    // The certificates of intermediate authorities follow.
    let certificate = tls.session().peer_certificates()?.first()?;
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().map(str::to_owned)
}
