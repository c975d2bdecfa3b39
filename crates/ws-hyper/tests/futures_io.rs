//! Connections under the server of hyper, on smol and async-std.

#![forbid(unsafe_code)]

use std::convert::Infallible;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use smol_hyper::rt::FuturesIo;
use ws_hyper::Upgrade;

/// Makes a test that echoes a message on a runtime.
macro_rules! echo {
    ($name:ident, $runtime:ident, $net:ident, $run:path) => {
        #[test]
        fn $name() {
            $run(async {
                let listener = $net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let (sender, receiver) = async_channel::unbounded();
                let service = service_fn(move |request: Request<Incoming>| {
                    let acceptor = $runtime::Acceptor::new();
                    let upgrade = Upgrade::new(&acceptor, request).unwrap();
                    let (response, upgrading) = upgrade.accept::<Full<Bytes>>().unwrap();
                    sender.try_send(upgrading).unwrap();
                    async { Ok::<Response<_>, Infallible>(response) }
                });
                let serve = async {
                    let (tcp, _) = listener.accept().await.unwrap();
                    let server = http1::Builder::new();
                    let served = server.serve_connection(FuturesIo::new(tcp), service);
                    served.with_upgrades().await.unwrap();
                    let mut ws = receiver.recv().await.unwrap().await.unwrap();
                    assert!(
                        ws.get_ref()
                            .is_some_and(|transport| transport.tcp().is_some())
                    );
                    let message = ws.recv().await.unwrap().unwrap();
                    ws.send(message).await.unwrap();
                };
                let use_it = async {
                    let url = format!("ws://{address}/");
                    let mut ws = $runtime::connect(&url).await.unwrap();
                    ws.send("hello").await.unwrap();
                    assert_eq!(ws.recv().await.unwrap(), Some("hello".into()));
                };
                futures_lite::future::zip(serve, use_it).await;
            });
        }
    };
}

echo!(
    smol_gets_its_tcp_stream_back,
    ws_smol,
    async_net,
    smol::block_on
);

use async_std::net as async_std_net;
echo!(
    async_std_gets_its_tcp_stream_back,
    ws_async_std,
    async_std_net,
    async_std::task::block_on
);
