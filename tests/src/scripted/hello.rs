//! A handshake in place of TLS.

use std::future::poll_fn;
use std::io::{self, IoSlice};

use ws_driver::transport::{
    AnyTransport, ClientTls, ClientTlsHandshake, HttpVersion, Reached, ReadHalf, WriteHalf,
};
use ws_driver::{TlsError, TlsErrorKind};

use super::Manual;

/// A handshake in place of TLS. The client sends `hello HOST`, and the server `ok`. After any other
/// answer, the error is a [`TlsErrorKind::NotTls`]. The bytes after the handshake are not changed.
///
/// [`Server::hello`](super::Server::hello) is the other end.
#[derive(Clone, Copy, Debug)]
pub struct Hello;

impl ClientTls<Manual> for Hello {
    fn connect<'a>(
        &'a self,
        host: &'a str,
        _: &'a [HttpVersion],
        mut transport: AnyTransport<Manual>,
    ) -> ClientTlsHandshake<'a, Manual> {
        Box::pin(async move {
            write_all(&mut transport, format!("hello {host}\n").as_bytes()).await?;
            let mut answer = [0; 3];
            read_exact(&mut transport, &mut answer).await?;
            if &answer != b"ok\n" {
                let error = TlsError::new(TlsErrorKind::NotTls, "the answer is not `ok`");
                return Err(io::Error::other(error));
            }
            Ok(Reached::new(transport, HttpVersion::Http1))
        })
    }
}

async fn write_all(transport: &mut impl WriteHalf, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let slices = [IoSlice::new(bytes)];
        match poll_fn(|cx| transport.poll_write_vectored(cx, &slices)).await {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            written => bytes = &bytes[written?..],
        }
    }
    poll_fn(|cx| transport.poll_flush(cx)).await
}

async fn read_exact(transport: &mut impl ReadHalf, buffer: &mut [u8]) -> io::Result<()> {
    let mut len = 0;
    while len < buffer.len() {
        match poll_fn(|cx| transport.poll_read(cx, &mut buffer[len..])).await {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => len += read?,
        }
    }
    Ok(())
}
