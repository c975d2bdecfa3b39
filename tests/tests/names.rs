//! Asserts that each type in a public signature of an adapter has a public name. The three adapters
//! must use the same names.

#![forbid(unsafe_code)]
#![allow(dead_code, reason = "this file only has to compile")]

macro_rules! names {
    ($($adapter:ident, $runtime:ident, $timer:ident;)*) => {$(
        mod $adapter {
            use $adapter::transport::{self, AnyTransport, Split, Timer, Transport};
            use $adapter::{Config, WebSocket, handshake, masks, testing};

            async fn takes_the_common_type(ws: &mut WebSocket) -> Result<(), $adapter::Error> {
                ws.send("one").await
            }

            async fn takes_any<T: Transport>(ws: &mut WebSocket<T>) -> Result<(), $adapter::Error> {
                ws.send("one").await
            }

            async fn calls_both(ws: &mut WebSocket) -> Result<(), $adapter::Error> {
                takes_the_common_type(ws).await?;
                takes_any(ws).await
            }

            struct Connections<T: Split = AnyTransport> {
                whole: WebSocket<T>,
                halves: ($adapter::Sender<T>, $adapter::Receiver<T>),
                offer: $adapter::Offer<T>,
                any_offer: $adapter::AnyOffer<T>,
                plain: $adapter::PlainRequest<T>,
                foreign: $adapter::ReuniteError<T>,
            }

            struct Lent<'a> {
                recv_ref: $adapter::RecvRef<'a, AnyTransport>,
                outbox: &'a mut $adapter::Outbox<AnyTransport>,
                feed: $adapter::Feed<'a, 'a, AnyTransport>,
                reader: $adapter::MessageReader<'a, WebSocket>,
                writer: $adapter::MessageWriter<'a, WebSocket>,
            }

            struct Values<'a> {
                settings: (Config, $adapter::DeflateConfig, $adapter::OriginPolicy),
                listening: ($adapter::HeadLimits, $adapter::listen::ProxyProtocol),
                range: handshake::IpRange,
                messages: ($adapter::Message, $adapter::MessageRef<'a>, $adapter::MessageKind),
                outgoing: ($adapter::Outgoing<'a>, $adapter::Prepared, $adapter::Text),
                bytes: $adapter::Bytes,
                control: ($adapter::Control, $adapter::ControlPayload),
                close: ($adapter::CloseCode, $adapter::CloseReason, $adapter::CloseFrame),
                end: ($adapter::End, $adapter::Initiator),
                status: $adapter::http::StatusCode,
            }

            struct Serving {
                registry: ($adapter::Registry, $adapter::Budget),
                admission: $adapter::Admission,
                shutdown: $adapter::Shutdown,
                report: ($adapter::Report, $adapter::Counts),
                unavailable: $adapter::Unavailable,
            }

            enum Errors {
                Accept($adapter::AcceptError),
                Answer($adapter::AnswerError),
                Client($adapter::ClientError),
                Connect($adapter::ConnectError, $adapter::ConnectPhase),
                Connection($adapter::Error, $adapter::Timeout),
                ControlPayload($adapter::ControlPayloadTooLong),
                Deflate(handshake::DeflateError, handshake::DeflateParameter),
                Extension(handshake::ExtensionError),
                ProxyProtocol($adapter::listen::ProxyProtocolError, handshake::ProxyHeaderError),
                Limit($adapter::LimitError),
                NotUtf8($adapter::NotUtf8),
                Protocol($adapter::ProtocolError),
                Reason($adapter::CloseReasonTooLong),
                Receive($adapter::ReceiveError),
                Reject($adapter::RejectReason, handshake::Rejection),
                Request($adapter::RequestError),
                Send($adapter::SendError),
                Target($adapter::TargetError),
                TryFeed($adapter::TryFeedError<$adapter::Message>),
            }

            struct Handshake {
                agreed: (handshake::Agreed, handshake::DeflateParams, handshake::Role),
                answer: (handshake::Answer, handshake::Accepted),
                client: (handshake::ClientHandshake, handshake::Established),
                extension: handshake::Extension,
                request: (handshake::Request, handshake::Target),
                server: (handshake::ServerHandshake, handshake::UpgradeRequest),
            }

            struct Transports<S> {
                any: (transport::AnyReadHalf, transport::AnyWriteHalf),
                stream: transport::StreamTransport<S>,
                locked: transport::Locked<S>,
                tcp: transport::TcpTransport,
                halves: (transport::TcpReadHalf, transport::TcpWriteHalf),
                timer: transport::$timer,
                scripted: (testing::Script, testing::Scripted<transport::$timer>),
                duplex: testing::Duplex<transport::$timer>,
                duplex_halves: (testing::DuplexRead, testing::DuplexWrite),
                masks: (Box<dyn masks::MaskSource>, masks::OsMasks, masks::MaskKey),
            }

            const PAIR: fn(Config) -> (WebSocket, WebSocket) = testing::pair;

            fn the_runtime<M: Timer, R: transport::Runtime<Timer = M> + transport::Wrap<S>, S>() {}

            fn is_the_runtime() {
                the_runtime::<transport::$timer, $adapter::$runtime, Stream>();
            }

            use super::streams::$adapter::Stream;
        }
    )*};
}

/// The TCP stream of each runtime.
mod streams {
    pub(super) mod ws_tokio {
        pub(crate) type Stream = tokio::net::TcpStream;
    }
    pub(super) mod ws_smol {
        pub(crate) type Stream = smol::net::TcpStream;
    }
    pub(super) mod ws_async_std {
        pub(crate) type Stream = async_std::net::TcpStream;
    }
}

names! {
    ws_tokio, Tokio, TokioTimer;
    ws_smol, Smol, SmolTimer;
    ws_async_std, AsyncStd, AsyncStdTimer;
}
