//! Shows a client behind a proxy, which sends one text message and prints the answer.
//!
//! With a third argument, the client uses this proxy for every server. Without it, the client reads
//! the variables that curl reads: `WSS_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` and so on.
//!
//! ```sh
//! cargo run --features tls --example tokio_behind_a_proxy -- \
//!     wss://echo.websocket.org/ hello socks5h://user:password@127.0.0.1:1080
//! ALL_PROXY=http://127.0.0.1:3128 NO_PROXY=.internal \
//!     cargo run --features tls --example tokio_behind_a_proxy -- wss://echo.websocket.org/ hello
//! ```

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use ws_tokio::handshake::{Proxies, Proxy, Target};
use ws_tokio::{CloseCode, ConnectError, ConnectPhase, Connector, Message};

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let (Some(url), Some(question)) = (args.next(), args.next()) else {
        eprintln!("usage: tokio_behind_a_proxy URL MESSAGE [PROXY]");
        return ExitCode::from(2);
    };
    match run(&url, &question, args.next().as_deref()).await {
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

async fn run(
    url: &str,
    question: &str,
    proxy: Option<&str>,
) -> Result<Message, Box<dyn Error + Send + Sync>> {
    let proxies = match proxy {
        Some(proxy) => Proxies::from(Proxy::parse(proxy)?),
        // An invalid variable is an error. Otherwise the client would bypass the proxy.
        None => Proxies::from_env()?,
    };
    // The text of a proxy has no password, so it can be written to a log.
    match proxies.proxy_for(&Target::parse(url)?) {
        Some(proxy) => eprintln!("connecting through {proxy}"),
        None => eprintln!("connecting without a proxy"),
    }
    ask(url, question, proxies).await
}

/// Sends `question` through a proxy, and returns the answer.
pub(crate) async fn ask(
    url: &str,
    question: &str,
    proxies: Proxies,
) -> Result<Message, Box<dyn Error + Send + Sync>> {
    let connector = Connector::new()
        .proxy(proxies)
        // A proxy that hangs is reported sooner, and as such.
        .phase_timeout(ConnectPhase::Proxy, Duration::from_secs(5));
    let mut ws = connector.connect(url).await?;
    ws.send(question).await?;
    let answer = ws.recv().await?;
    ws.close(CloseCode::NORMAL, "no more questions").await?;
    answer.ok_or_else(|| "the server closed the connection without an answer".into())
}

/// Returns advice for the errors of proxies. The error itself contains the address of the proxy.
pub(crate) fn advice(error: &ConnectError) -> Option<String> {
    let ConnectError::Proxy(error) = error else {
        return None;
    };
    // The page of an HTTP proxy often explains why it refused.
    if let Some(response) = error.response() {
        return Some(String::from_utf8_lossy(response.body()).into_owned());
    }
    error.is_disconnect().then(|| "try again later".into())
}
