//! One type for all transports of a runtime.
//!
//! Connections over TCP, TLS, pipes and proxies then have the same type.

use std::any::Any;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::{fmt, io};

use crate::locked::Locked;
use crate::transport::{ReadHalf, Runtime, Split, Transport, WriteHalf, pass_reads, pass_writes};

/// Any transport of the runtime `R`. TCP is stored unboxed, every other transport in a box.
///
/// Connections have this transport unless they were made by a method that ends in `_on`.
///
/// ```
/// use ws_tokio::handshake::Agreed;
/// use ws_tokio::testing::{Duplex, duplex};
/// use ws_tokio::transport::{AnyTransport, TokioTimer};
/// use ws_tokio::{Connector, WebSocket};
///
/// let (near, _far) = duplex(4096);
/// let transport = AnyTransport::new(near);
/// assert!(transport.tcp().is_none());
///
/// let ws: WebSocket = Connector::new().upgraded_on(transport, Agreed::new(), []);
/// let (transport, unread) = ws.into_parts().expect("an idle connection");
/// let near: Duplex<TokioTimer> = transport.downcast().expect("the transport from above");
/// # drop((near, unread));
/// ```
pub struct AnyTransport<R: Runtime>(Kind<R>);

enum Kind<R: Runtime> {
    Tcp(R::Tcp),
    Boxed(Box<dyn Object<R::Timer>>),
}

/// A transport that can be boxed.
trait Object<M>: Transport<Timer = M> + Any + Send + Sync {}

impl<T: Transport + Any + Send + Sync> Object<T::Timer> for T {}

/// A wrapper that makes a transport `Sync`.
///
/// A shared reference gives access to the peer's address only. Reading and writing never lock the
/// mutex.
struct Exclusive<T>(Mutex<T>);

impl<T> Exclusive<T> {
    #[inline]
    fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: ReadHalf> ReadHalf for Exclusive<T> {
    pass_reads!(exclusive => exclusive.get_mut());
}

impl<T: WriteHalf> WriteHalf for Exclusive<T> {
    pass_writes!(exclusive => exclusive.get_mut());
}

impl<T: Transport> Transport for Exclusive<T> {
    type Timer = T::Timer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        let transport = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        transport.peer_addr()
    }

    fn is_ip(&self) -> bool {
        let transport = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        transport.is_ip()
    }
}

/// A reference to a transport of a known type.
enum TransportRef<'a, T> {
    Tcp(&'a T),
    Locked(MutexGuard<'a, T>),
}

impl<T> Deref for TransportRef<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Tcp(transport) => transport,
            Self::Locked(transport) => transport,
        }
    }
}

impl<R: Runtime> AnyTransport<R> {
    /// Converts any transport. The TCP transport of the runtime is stored unboxed. Any other
    /// transport is moved into a box.
    pub fn new<T>(transport: T) -> Self
    where
        T: Transport<Timer = R::Timer> + Send + 'static,
    {
        let transport = match cast::<T, R::Tcp>(transport) {
            Ok(tcp) => return Self(Kind::Tcp(tcp)),
            Err(transport) => transport,
        };
        cast(transport).unwrap_or_else(|transport| {
            Self(Kind::Boxed(Box::new(Exclusive(Mutex::new(transport)))))
        })
    }

    /// Makes a transport from a stream. A TCP stream becomes the TCP transport of the runtime. Any
    /// other stream is converted by `wrap` and boxed.
    pub fn from_stream<S, T>(stream: S, wrap: impl FnOnce(S) -> T) -> Self
    where
        S: 'static,
        T: Transport<Timer = R::Timer> + Send + 'static,
    {
        match cast::<S, R::TcpStream>(stream) {
            Ok(tcp) => Self::from_tcp(tcp),
            Err(stream) => Self::new(wrap(stream)),
        }
    }

    pub(crate) fn from_tcp(stream: R::TcpStream) -> Self {
        Self(Kind::Tcp(R::tcp(stream)))
    }

    /// Returns the TCP stream. `None` for any other transport.
    pub fn tcp(&self) -> Option<&R::TcpStream> {
        match &self.0 {
            Kind::Tcp(tcp) => Some(tcp.as_ref()),
            Kind::Boxed(_) => None,
        }
    }

    /// Returns a reference to the original transport if its type is `T`.
    ///
    /// A transport in a box is locked while the reference exists. Other calls with the same
    /// transport then block.
    pub fn downcast_ref<T>(&self) -> Option<impl Deref<Target = T> + '_>
    where
        T: Transport<Timer = R::Timer> + Send + 'static,
    {
        match &self.0 {
            Kind::Tcp(tcp) => {
                let tcp: &dyn Any = tcp;
                tcp.downcast_ref().map(TransportRef::Tcp)
            }
            Kind::Boxed(boxed) => {
                let object: &dyn Any = &**boxed;
                let exclusive: &Exclusive<T> = object.downcast_ref()?;
                let locked = exclusive.0.lock();
                Some(TransportRef::Locked(
                    locked.unwrap_or_else(PoisonError::into_inner),
                ))
            }
        }
    }

    /// Returns the original transport if its type is `T`.
    ///
    /// # Errors
    ///
    /// Returns `self` if the transport has another type.
    pub fn downcast<T>(self) -> Result<T, Self>
    where
        T: Transport<Timer = R::Timer> + Send + 'static,
    {
        let boxed = match self.0 {
            Kind::Tcp(tcp) => return cast(tcp).map_err(|tcp| Self(Kind::Tcp(tcp))),
            Kind::Boxed(boxed) => boxed,
        };
        let object: &dyn Any = &*boxed;
        if !object.is::<Exclusive<T>>() {
            return Err(Self(Kind::Boxed(boxed)));
        }
        let object: Box<dyn Any> = boxed;
        let exclusive: Box<Exclusive<T>> = object.downcast().expect("the type was checked above");
        let transport = exclusive.0.into_inner();
        Ok(transport.unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the value as a `B` if `A` is `B`, and unchanged otherwise.
fn cast<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    let mut value = Some(value);
    let any: &mut dyn Any = &mut value;
    let other = any.downcast_mut::<Option<B>>().and_then(Option::take);
    other.ok_or_else(|| value.expect("the cast failed, so the value was not taken"))
}

/// Implements the methods of [`ReadHalf`] for an enum with two variants.
macro_rules! read_either {
    ($one:path, $other:path) => {
        #[inline]
        fn poll_read(
            &mut self,
            cx: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            match &mut self.0 {
                $one(one) => one.poll_read(cx, buffer),
                $other(other) => other.poll_read(cx, buffer),
            }
        }

        #[inline]
        fn poll_next_read(
            &mut self,
            cx: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            match &mut self.0 {
                $one(one) => one.poll_next_read(cx, buffer),
                $other(other) => other.poll_next_read(cx, buffer),
            }
        }
    };
}

impl<R: Runtime> ReadHalf for AnyTransport<R> {
    read_either!(Kind::Tcp, Kind::Boxed);
}

/// Implements the methods of [`WriteHalf`] for an enum with two variants.
macro_rules! write_either {
    ($one:path, $other:path) => {
        #[inline]
        fn poll_write_vectored(
            &mut self,
            cx: &mut Context<'_>,
            slices: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            match &mut self.0 {
                $one(io) => io.poll_write_vectored(cx, slices),
                $other(io) => io.poll_write_vectored(cx, slices),
            }
        }

        #[inline]
        fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            match &mut self.0 {
                $one(io) => io.poll_flush(cx),
                $other(io) => io.poll_flush(cx),
            }
        }

        #[inline]
        fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            match &mut self.0 {
                $one(io) => io.poll_shutdown(cx),
                $other(io) => io.poll_shutdown(cx),
            }
        }
    };
}

impl<R: Runtime> WriteHalf for AnyTransport<R> {
    write_either!(Kind::Tcp, Kind::Boxed);
}

impl<R: Runtime> Transport for AnyTransport<R> {
    type Timer = R::Timer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Tcp(tcp) => tcp.peer_addr(),
            Kind::Boxed(boxed) => boxed.peer_addr(),
        }
    }

    fn is_ip(&self) -> bool {
        match &self.0 {
            Kind::Tcp(tcp) => tcp.is_ip(),
            Kind::Boxed(boxed) => boxed.is_ip(),
        }
    }
}

/// The receiving half of [`AnyTransport`]. A TCP stream has a native half. Any other transport is
/// shared with the sending half, and locked for each operation.
pub struct AnyReadHalf<R: Runtime>(ReadKind<R>);

enum ReadKind<R: Runtime> {
    Tcp(<R::Tcp as Split>::ReadHalf),
    Locked(Locked<Box<dyn Object<R::Timer>>>),
}

/// The sending half of [`AnyTransport`]. A TCP stream has a native half. Any other transport is
/// shared with the receiving half, and locked for each operation.
pub struct AnyWriteHalf<R: Runtime>(WriteKind<R>);

enum WriteKind<R: Runtime> {
    Tcp(<R::Tcp as Split>::WriteHalf),
    Locked(Locked<Box<dyn Object<R::Timer>>>),
}

impl<R: Runtime> Split for AnyTransport<R> {
    type ReadHalf = AnyReadHalf<R>;
    type WriteHalf = AnyWriteHalf<R>;

    fn split(self) -> (AnyReadHalf<R>, AnyWriteHalf<R>) {
        let (read, write) = match self.0 {
            Kind::Tcp(tcp) => {
                let (read, write) = tcp.split();
                (ReadKind::Tcp(read), WriteKind::Tcp(write))
            }
            Kind::Boxed(boxed) => {
                let (read, write) = Locked::pair(boxed);
                (ReadKind::Locked(read), WriteKind::Locked(write))
            }
        };
        (AnyReadHalf(read), AnyWriteHalf(write))
    }

    fn reunite(read: AnyReadHalf<R>, write: AnyWriteHalf<R>) -> Option<Self> {
        let kind = match (read.0, write.0) {
            (ReadKind::Tcp(read), WriteKind::Tcp(write)) => {
                Kind::Tcp(R::Tcp::reunite(read, write)?)
            }
            (ReadKind::Locked(read), WriteKind::Locked(write)) => Kind::Boxed(read.join(write)?),
            (ReadKind::Tcp(_), WriteKind::Locked(_)) | (ReadKind::Locked(_), WriteKind::Tcp(_)) => {
                return None;
            }
        };
        Some(Self(kind))
    }
}

impl<R: Runtime> ReadHalf for AnyReadHalf<R> {
    read_either!(ReadKind::Tcp, ReadKind::Locked);
}

impl<R: Runtime> WriteHalf for AnyWriteHalf<R> {
    write_either!(WriteKind::Tcp, WriteKind::Locked);
}

impl<R: Runtime> fmt::Debug for AnyTransport<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Tcp(_) => "AnyTransport(Tcp)",
            Kind::Boxed(_) => "AnyTransport(Boxed)",
        })
    }
}

impl<R: Runtime> fmt::Debug for AnyReadHalf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyReadHalf(..)")
    }
}

impl<R: Runtime> fmt::Debug for AnyWriteHalf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyWriteHalf(..)")
    }
}
