//! Taking the TCP streams of each runtime back from hyper.

use hyper::body::Bytes;
use hyper::upgrade::Upgraded;
use ws_driver::transport::Runtime;

/// A runtime on which hyper serves.
///
/// For a runtime of your own, `impl HyperRuntime for MyRuntime {}` is enough.
#[diagnostic::on_unimplemented(
    message = "ws-hyper does not serve on `{Self}`",
    note = "enable the feature `tokio`, `smol` or `async-std` of ws-hyper for its runtime"
)]
pub trait HyperRuntime: Runtime {
    /// Takes the TCP stream of the runtime back, and the input that hyper has read from it.
    ///
    /// # Errors
    ///
    /// Returns `upgraded` if it is another stream. This is the default. The connection then uses
    /// hyper's stream.
    fn take_back(upgraded: Upgraded) -> Result<(Self::TcpStream, Bytes), Upgraded> {
        Err(upgraded)
    }
}

#[cfg(feature = "tokio")]
impl HyperRuntime for ws_tokio::Tokio {
    fn take_back(upgraded: Upgraded) -> Result<(Self::TcpStream, Bytes), Upgraded> {
        use hyper_util::rt::TokioIo;

        type Served = TokioIo<tokio::net::TcpStream>;

        #[cfg(feature = "auto")]
        let upgraded = match hyper_util::server::conn::auto::upgrade::downcast::<Served>(upgraded) {
            Ok(parts) => return Ok((parts.io.into_inner(), parts.read_buf)),
            Err(upgraded) => upgraded,
        };
        let parts = upgraded.downcast::<Served>()?;
        Ok((parts.io.into_inner(), parts.read_buf))
    }
}

#[cfg(feature = "smol")]
impl HyperRuntime for ws_smol::Smol {
    fn take_back(upgraded: Upgraded) -> Result<(Self::TcpStream, Bytes), Upgraded> {
        let parts = upgraded.downcast::<smol_hyper::rt::FuturesIo<async_net::TcpStream>>()?;
        Ok((parts.io.into_inner(), parts.read_buf))
    }
}

#[cfg(feature = "async-std")]
impl HyperRuntime for ws_async_std::AsyncStd {
    fn take_back(upgraded: Upgraded) -> Result<(Self::TcpStream, Bytes), Upgraded> {
        let parts = upgraded.downcast::<smol_hyper::rt::FuturesIo<async_std::net::TcpStream>>()?;
        Ok((parts.io.into_inner(), parts.read_buf))
    }
}
