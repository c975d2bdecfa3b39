//! Shows a client over TLS, which sends one text message and prints the answer.
//!
//! It trusts the authorities that the operating system trusts. With a file, it trusts only the
//! private authorities in that file.
//!
//! ```sh
//! cargo run --example tokio_wss_client --features tls -- wss://echo.websocket.org/ hello
//! cargo run --example tokio_wss_client --features tls -- wss://localhost:9001/ hello authority.pem
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use ws_tokio::tls::{TlsConnector, TlsTransport};
use ws_tokio::{CloseCode, ConnectError, Connector, Message, TlsErrorKind};

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let (Some(url), Some(question)) = (args.next(), args.next()) else {
        eprintln!("usage: tokio_wss_client URL MESSAGE [AUTHORITY.pem]");
        return ExitCode::from(2);
    };
    let authority = args.next();
    match ask(&url, &question, authority.as_deref().map(Path::new)).await {
        Ok(answer) => {
            println!("{}", answer.as_text().unwrap_or("(binary)"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            if let Some(advice) = error.downcast_ref().and_then(advice) {
                eprintln!("{advice}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Sends `question` and returns the answer. Trusts the authorities in the PEM file `authority`, if
/// there is one.
pub(crate) async fn ask(
    url: &str,
    question: &str,
    authority: Option<&Path>,
) -> Result<Message, Box<dyn Error + Send + Sync>> {
    // Without a call of `tls`, the default is used for `wss://` URLs. Sessions are resumed between
    // connections of one connector and its clones. So a program makes its connector once.
    let mut connector = Connector::new();
    if let Some(authority) = authority {
        let roots = fs::read(authority)?;
        connector = connector.tls(TlsConnector::builder().roots_pem(roots).build()?);
    }
    let mut ws = connector.connect(url).await?;
    if let Some(tls) = ws
        .get_ref()
        .and_then(|io| io.downcast_ref::<TlsTransport>())
        && let Some(version) = tls.session().protocol_version()
    {
        eprintln!("connected with {version:?}");
    }
    ws.send(question).await?;
    let answer = ws.recv().await?;
    ws.close(CloseCode::NORMAL, "no more questions").await?;
    answer.ok_or_else(|| "the server closed the connection without an answer".into())
}

/// Returns advice for some errors. Each kind of error is a variant of `TlsErrorKind`.
pub(crate) fn advice(error: &ConnectError) -> Option<&'static str> {
    let ConnectError::Tls(error) = error else {
        return None;
    };
    match error.kind() {
        TlsErrorKind::CertificateUnknownIssuer => {
            Some("is the authority private? pass a PEM file with its certificate")
        }
        TlsErrorKind::CertificateWrongName => Some("use the name that the certificate is for"),
        TlsErrorKind::CertificateExpired | TlsErrorKind::CertificateNotYetValid => {
            Some("check the clocks of both machines")
        }
        TlsErrorKind::NotTls => Some("try ws:// instead of wss://"),
        _ => None,
    }
}
