//! Shows a server behind a proxy that sends the address of the client by the PROXY protocol, for
//! instance HAProxy with `server ws 127.0.0.1:9001 send-proxy-v2`.
//!
//! ```sh
//! cargo run --features proxy-protocol --example tokio_proxy_protocol -- 127.0.0.1:9001 127.0.0.0/8
//! curl --include --no-buffer --http1.1 --haproxy-protocol http://127.0.0.1:9001/ \
//!   --header 'Connection: Upgrade' --header 'Upgrade: websocket' \
//!   --header 'Sec-WebSocket-Version: 13' --header 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
//! ```

#![forbid(unsafe_code)]

use std::env;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use ws_tokio::listen::{ProxyProtocol, ProxyProtocolError};
use ws_tokio::{AcceptError, Acceptor};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:9001".into());
    let proxies = arguments.next().unwrap_or("127.0.0.0/8".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{} for {proxies}", listener.local_addr()?);
    serve(listener, ProxyProtocol::new([proxies.parse()?])).await;
    Ok(())
}

/// Accepts connections forever, and serves each in its own task.
pub(crate) async fn serve(listener: TcpListener, proxies: ProxyProtocol) {
    let acceptor = Acceptor::new().proxy_protocol(proxies);
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match greet(acceptor, tcp).await {
                        Ok(()) => {}
                        // The proxy is not configured to send a header.
                        Err(AcceptError::ProxyProtocol(ProxyProtocolError::Header(error))) => {
                            eprintln!("check the configuration of the proxy: {error}");
                        }
                        // The proxy checks whether the port is open, or a client has gone.
                        Err(error) if error.is_disconnect() => {}
                        Err(error) => eprintln!("{error}"),
                    }
                });
            }
            // Usually the process has no more file descriptors: see `tokio_echo_server`.
            Err(error) => {
                eprintln!("cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Sends the address of the client to the client.
async fn greet(acceptor: Acceptor, tcp: TcpStream) -> Result<(), AcceptError> {
    let mut ws = acceptor.accept(tcp).await?;
    let client = ws
        .peer_addr()
        .map_or("nobody".into(), |client| client.to_string());
    // A client that leaves early needs no report.
    let _ = ws.send(client).await;
    let _ = ws.close(ws_tokio::CloseCode::NORMAL, "").await;
    Ok(())
}
