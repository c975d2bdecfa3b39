//! Tests of the transports with a runtime whose streams record the calls of their methods.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Wake, Waker};

use super::*;
use crate::any::AnyTransport;
use crate::never::Never;
use crate::sync::Mutex;

/// The record of the calls of a stream and its clones, and the results that a test has set.
#[derive(Debug, Default)]
struct Record {
    /// The lengths of the slices of each write.
    written: Vec<Vec<usize>>,
    /// `Some` while the stream is full: the waker of the last write.
    full: Option<Waker>,
    /// The most bytes of one read. `None` if reads fill the buffer.
    available: Option<usize>,
    reads: u32,
    /// The number of times that a connection waited for input without a read.
    waits: u32,
    has_input: bool,
    nodelay: bool,
    flushed: u32,
    closed: u32,
    close_fault: Option<io::ErrorKind>,
}

type Shared = Arc<Mutex<Record>>;

/// The TCP stream of the runtime.
#[derive(Clone, Debug, Default)]
struct Tcp(Shared);

/// Any other stream.
#[derive(Debug, Default)]
struct Pipe(Shared);

/// A stream whose `poll_close` does not end the sending direction.
#[derive(Debug, Default)]
struct Unclosing(Shared);

fn end(record: &Shared) -> io::Result<()> {
    let mut record = record.lock().unwrap();
    record.closed += 1;
    record.close_fault.map_or(Ok(()), |kind| Err(kind.into()))
}

macro_rules! stream {
    ($stream:ty, $close:expr) => {
        impl AsyncRead for $stream {
            fn poll_read(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                let mut record = self.0.lock().unwrap();
                record.reads += 1;
                let len = record.available.unwrap_or(buffer.len());
                buffer[..len].fill(7);
                Poll::Ready(Ok(len))
            }
        }

        impl AsyncWrite for $stream {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                let mut record = self.0.lock().unwrap();
                let lens: Vec<usize> = slices.iter().map(|slice| slice.len()).collect();
                let len = lens.iter().sum();
                record.written.push(lens);
                if let Some(awaiting) = &mut record.full {
                    awaiting.clone_from(cx.waker());
                    return Poll::Pending;
                }
                Poll::Ready(Ok(len))
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.lock().unwrap().flushed += 1;
                Poll::Ready(Ok(()))
            }

            fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                let close: fn(&Shared) -> io::Result<()> = $close;
                Poll::Ready(close(&self.0))
            }
        }
    };
}

stream!(Tcp, end);
stream!(Pipe, end);
stream!(Unclosing, |_| Ok(()));

#[derive(Debug)]
struct Recording;

impl Runtime for Recording {
    type Timer = Never;
    type TcpStream = Tcp;
    type Tcp = TcpTransport<Self>;

    fn tcp(stream: Tcp) -> TcpTransport<Self> {
        TcpTransport::new(stream)
    }

    async fn resolve(_: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(Vec::new())
    }

    async fn connect_tcp(_: SocketAddr) -> io::Result<Tcp> {
        Ok(Tcp::default())
    }
}

impl FuturesRuntime for Recording {
    fn set_nodelay(tcp: &Tcp) -> io::Result<()> {
        tcp.0.lock().unwrap().nodelay = true;
        Ok(())
    }

    fn peer_addr(_: &Tcp) -> io::Result<SocketAddr> {
        Ok(([127, 0, 0, 1], 9001).into())
    }

    fn poll_readable(tcp: &Tcp, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut record = tcp.0.lock().unwrap();
        record.waits += 1;
        match record.has_input {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    }

    fn shut_down(stream: &dyn Any) -> Option<io::Result<()>> {
        let unclosing: &Unclosing = stream.downcast_ref()?;
        Some(end(&unclosing.0))
    }
}

fn transport<S: Default>() -> StreamTransport<Recording, S> {
    StreamTransport::new(S::default())
}

fn tcp_transport() -> TcpTransport<Recording> {
    TcpTransport::new(Tcp::default())
}

fn noop() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn ready<T>(poll: Poll<io::Result<T>>) -> T {
    match poll {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => panic!("pending"),
    }
}

#[test]
fn tcp_sets_nodelay_and_returns_the_address_of_the_peer() {
    let tcp = tcp_transport();
    assert!(tcp.as_ref().0.lock().unwrap().nodelay);
    assert_eq!(tcp.peer_addr().unwrap().port(), 9001);
    let pipe = transport::<Pipe>();
    assert!(!pipe.0.lock().unwrap().nodelay);
    assert_eq!(pipe.peer_addr(), None);
}

#[test]
fn a_tcp_stream_becomes_a_tcp_transport() {
    let any = AnyTransport::<Recording>::from_stream(
        Tcp::default(),
        StreamTransport::<Recording, _>::new,
    );
    assert!(any.tcp().unwrap().0.lock().unwrap().nodelay);
    assert_eq!(any.peer_addr().unwrap().port(), 9001);
    assert!(any.downcast::<TcpTransport<Recording>>().is_ok());
    let any = AnyTransport::<Recording>::from_stream(
        Pipe::default(),
        StreamTransport::<Recording, _>::new,
    );
    assert!(any.tcp().is_none() && any.peer_addr().is_none());
    assert!(AnyTransport::from(tcp_transport()).tcp().is_some());
}

/// A socket that one read has emptied is read again once the runtime reports input.
#[test]
fn an_empty_socket_is_waited_for_and_not_read() {
    let mut tcp = tcp_transport();
    let record = Arc::clone(&tcp.as_ref().0);
    let change = |change: fn(&mut Record)| change(&mut record.lock().unwrap());
    let counts = || {
        let record = record.lock().unwrap();
        (record.reads, record.waits)
    };
    let mut buffer = [0; 8];

    // A full buffer: there may be more.
    assert_eq!(ready(tcp.poll_next_read(&mut noop(), &mut buffer)), 8);
    assert_eq!(ready(tcp.poll_next_read(&mut noop(), &mut buffer)), 8);
    assert_eq!(counts(), (2, 0));
    // The socket is empty now.
    change(|record| record.available = Some(3));
    assert_eq!(ready(tcp.poll_next_read(&mut noop(), &mut buffer)), 3);
    assert!(tcp.poll_next_read(&mut noop(), &mut buffer).is_pending());
    assert!(tcp.poll_next_read(&mut noop(), &mut buffer).is_pending());
    assert_eq!(counts(), (3, 2));
    // The runtime reports input.
    change(|record| record.has_input = true);
    assert_eq!(ready(tcp.poll_next_read(&mut noop(), &mut buffer)), 3);
    assert_eq!(counts(), (4, 3));
    // A read that must find all input reads in any case.
    change(|record| record.has_input = false);
    assert_eq!(ready(tcp.poll_read(&mut noop(), &mut buffer)), 3);
    assert_eq!(counts(), (5, 3));
}

#[test]
fn bytes_pass_in_both_directions_and_slices_in_one_write() {
    let mut pipe = transport::<Pipe>();
    let mut buffer = [0; 3];
    assert_eq!(ready(pipe.poll_read(&mut noop(), &mut buffer)), 3);
    assert_eq!(buffer, [7; 3]);
    let slices = [IoSlice::new(b"head"), IoSlice::new(b"payload")];
    assert_eq!(ready(pipe.poll_write_vectored(&mut noop(), &slices)), 11);
    assert_eq!(
        ready(pipe.poll_write_vectored(&mut noop(), &slices[1..])),
        7
    );
    ready(pipe.poll_flush(&mut noop()));
    let record = pipe.into_inner().0;
    let record = record.lock().unwrap();
    assert_eq!(record.written, [vec![4, 7], vec![7]]);
    assert_eq!((record.flushed, record.closed), (1, 0));
}

/// A waker that counts its wake-ups.
#[derive(Default)]
struct Counting(AtomicU32);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_full_socket_is_written_again_only_after_it_reports_room() {
    let mut tcp = tcp_transport();
    let record = Arc::clone(&tcp.as_ref().0);
    let attempts = || record.lock().unwrap().written.len();
    let [first, last] = [(); 2].map(|()| Arc::new(Counting::default()));
    let [first_waker, last_waker] = [&first, &last].map(|task| Waker::from(Arc::clone(task)));
    let mut poll =
        |waker| tcp.poll_write_vectored(&mut Context::from_waker(waker), &[IoSlice::new(b"x")]);

    for turn in 1..=3 {
        assert_eq!(ready(poll(&first_waker)), 1);
        record.lock().unwrap().full = Some(Waker::noop().clone());
        assert!(poll(&first_waker).is_pending());
        let before = attempts();
        for _ in 0..3 {
            assert!(poll(&last_waker).is_pending());
        }
        assert_eq!(
            attempts(),
            before,
            "a write before the socket reported room"
        );

        let awaiting = record.lock().unwrap().full.take().unwrap();
        awaiting.wake();
        assert_eq!(last.0.load(Ordering::Relaxed), turn);
        assert_eq!(ready(poll(&last_waker)), 1);
        assert_eq!(attempts(), before + 1);
    }
    assert_eq!(
        first.0.load(Ordering::Relaxed),
        0,
        "only the task that called last is woken"
    );
}

#[test]
fn other_streams_are_written_at_every_poll() {
    let mut pipe = transport::<Pipe>();
    pipe.0.lock().unwrap().full = Some(Waker::noop().clone());
    let slice = [IoSlice::new(b"x")];
    for _ in 0..3 {
        assert!(pipe.poll_write_vectored(&mut noop(), &slice).is_pending());
    }
    assert_eq!(pipe.0.lock().unwrap().written.len(), 3);
    pipe.0.lock().unwrap().full = None;
    assert_eq!(ready(pipe.poll_write_vectored(&mut noop(), &slice)), 1);
}

#[test]
fn a_full_socket_is_written_again_after_split_and_after_reunite() {
    let mut tcp = tcp_transport();
    let record = Arc::clone(&tcp.as_ref().0);
    let slice = [IoSlice::new(b"x")];
    record.lock().unwrap().full = Some(Waker::noop().clone());
    assert!(tcp.poll_write_vectored(&mut noop(), &slice).is_pending());
    let (read, mut write) = tcp.split();
    let before = record.lock().unwrap().written.len();
    assert!(write.poll_write_vectored(&mut noop(), &slice).is_pending());
    assert!(record.lock().unwrap().written.len() > before);
    let mut tcp = TcpTransport::reunite(read, write).unwrap();
    record.lock().unwrap().full = None;
    assert_eq!(ready(tcp.poll_write_vectored(&mut noop(), &slice)), 1);
}

#[test]
fn shutdown_closes_the_stream_or_calls_the_runtime() {
    let mut pipe = transport::<Pipe>();
    ready(pipe.poll_shutdown(&mut noop()));
    assert_eq!(pipe.0.lock().unwrap().closed, 1);
    let mut unclosing = transport::<Unclosing>();
    ready(unclosing.poll_shutdown(&mut noop()));
    assert_eq!(unclosing.0.lock().unwrap().closed, 1);
}

#[test]
fn shutdown_after_a_reset_succeeds() {
    let mut pipe = transport::<Pipe>();
    pipe.0.lock().unwrap().close_fault = Some(io::ErrorKind::NotConnected);
    ready(pipe.poll_shutdown(&mut noop()));
    pipe.0.lock().unwrap().close_fault = Some(io::ErrorKind::BrokenPipe);
    let Poll::Ready(Err(error)) = pipe.poll_shutdown(&mut noop()) else {
        panic!("shutdown did not fail");
    };
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn tcp_is_split_by_clones_and_any_other_stream_by_a_lock() {
    let tcp = tcp_transport();
    let record = Arc::clone(&tcp.as_ref().0);
    let (mut read, mut write) = tcp.split();
    assert_eq!(ready(read.poll_read(&mut noop(), &mut [0; 5])), 5);
    let slice = [IoSlice::new(b"x")];
    assert_eq!(ready(write.poll_write_vectored(&mut noop(), &slice)), 1);
    assert_eq!(record.lock().unwrap().written, [[1]]);

    let (mut read, mut write) = transport::<Pipe>().split();
    assert_eq!(ready(read.poll_read(&mut noop(), &mut [0; 5])), 5);
    assert_eq!(ready(write.poll_write_vectored(&mut noop(), &slice)), 1);
}

#[test]
fn only_halves_of_one_transport_are_reunited() {
    let tcp = tcp_transport();
    let stream = tcp.as_ref().clone();
    let (read, write) = tcp.split();
    let tcp = TcpTransport::reunite(read, write).unwrap();
    assert!(Arc::ptr_eq(&tcp.as_ref().0, &stream.0));
    assert_eq!(
        stream.0.lock().unwrap().closed,
        0,
        "the stream remains open"
    );

    // These halves have the same socket, but they come from two transports.
    let (read, _write) = tcp.split();
    let (_read, write) = TcpTransport::<Recording>::new(stream).split();
    assert!(TcpTransport::reunite(read, write).is_none());

    let (read, write) = transport::<Pipe>().split();
    let (other, _) = transport::<Pipe>().split();
    assert!(StreamTransport::reunite(other, write).is_none());
    drop(read);
}

#[test]
fn dropping_the_sending_half_ends_its_direction() {
    let tcp = tcp_transport();
    let record = Arc::clone(&tcp.as_ref().0);
    let (read, write) = tcp.split();
    drop(write);
    assert_eq!(record.lock().unwrap().closed, 1);
    drop(read);
    assert_eq!(record.lock().unwrap().closed, 1);
}

#[test]
fn debug_shows_the_stream() {
    let shown = format!("{:?} {:?}", transport::<Pipe>(), tcp_transport().split());
    assert!(shown.starts_with("StreamTransport(Pipe("), "{shown}");
    assert!(shown.contains("TcpReadHalf(Tcp("), "{shown}");
}
