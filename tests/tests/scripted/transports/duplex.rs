//! `duplex`: two connected transports in memory.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ws_driver::testing::{Duplex, duplex};
use ws_driver::transport::{ReadHalf, Split, WriteHalf};
use ws_driver::{CloseCode, Config, Error, Receiver};
use ws_tests::clock::{self, ManualTimer};
use ws_tests::exec::{self, Order, Task, Tasks, Wakes};
use ws_tests::scripted::End;
use ws_tests::steps::{echo, take_over};

/// Runs a client and an echo server over a duplex of this capacity.
fn exchange(capacity: usize, order: Order) {
    let (here, there) = duplex::<ManualTimer>(capacity);
    let mut server = take_over(End::Server, &Config::default(), here, []);
    let mut client = take_over(End::Client, &Config::default(), there, []);
    let longest = if capacity < 7 { 5000 } else { 200_000 };
    let mut lengths = vec![0, 1, 7, 125, 126, 1000, 65_535, 65_536, 200_000];
    lengths.retain(|len| *len <= longest);
    let mut tasks = Tasks::new(order);
    let serving = tasks.spawn(async move {
        let result = echo(&mut server).await;
        (result, server.end())
    });
    let asking = tasks.spawn(async move {
        for len in lengths {
            client.feed("text").await?;
            client.send(vec![7; len]).await?;
            client
                .feed(client.round_trip().map_or("none", |_| "some"))
                .await?;
            let got = client.recv().await?;
            assert_eq!(got, Some("text".into()));
            let got = client.recv().await?;
            assert_eq!(got, Some(vec![7; len].into()), "{capacity}");
            let got = client.recv().await?;
            assert_eq!(got, Some("none".into()));
        }
        client.close(CloseCode::NORMAL, "bye").await?;
        Ok::<_, Error>(client.end())
    });
    let before = clock::elapsed();
    assert!(tasks.run(), "capacity {capacity}: a task waits forever");
    assert_eq!(clock::elapsed(), before, "virtual time passed");
    let end = asking.output().unwrap().unwrap().unwrap();
    assert!(end.clean && end.code() == CloseCode::NORMAL);
    let (result, end) = serving.output().unwrap();
    result.unwrap();
    assert!(end.clone().unwrap().clean, "{end:?}");
    assert_eq!(end.unwrap().reason(), "bye");
}

#[test]
fn two_connections_exchange_messages_in_memory_of_any_capacity() {
    for order in Order::BOTH {
        for capacity in [0, 1, 7, 1000, 64 * 1024] {
            exchange(capacity, order);
        }
    }
}

/// Receives to the end and returns the number of messages.
async fn count_messages(rx: &mut Receiver<Duplex<ManualTimer>>) -> Result<usize, Error> {
    let mut count = 0;
    while rx.recv().await?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn two_split_connections_exchange_messages_in_memory() {
    for order in Order::BOTH {
        for capacity in [1, 7, 64 * 1024] {
            let (here, there) = duplex::<ManualTimer>(capacity);
            let (mut server_tx, mut server_rx) =
                take_over(End::Server, &Config::default(), here, []).split();
            let (mut client_tx, mut client_rx) =
                take_over(End::Client, &Config::default(), there, []).split();
            let mut tasks = Tasks::new(order);
            let sending = tasks.spawn(async move {
                for number in 0..50 {
                    server_tx.feed(format!("server {number}")).await?;
                    client_tx.feed(format!("client {number}")).await?;
                }
                server_tx.flush().await?;
                client_tx.flush().await?;
                client_tx.close(CloseCode::NORMAL, "").await
            });
            let at_server = tasks.spawn(async move { count_messages(&mut server_rx).await });
            let at_client = tasks.spawn(async move { count_messages(&mut client_rx).await });
            assert!(tasks.run(), "{capacity}: a task waits forever");
            sending.output().unwrap().unwrap();
            assert_eq!(at_server.output().unwrap().unwrap(), 50);
            assert_eq!(at_client.output().unwrap().unwrap(), 50);
        }
    }
}

fn write<W: WriteHalf>(to: &mut W, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    to.poll_write_vectored(cx, &[IoSlice::new(&[]), IoSlice::new(bytes)])
}

fn read<R: ReadHalf>(from: &mut R, cx: &mut Context<'_>, len: usize) -> Poll<io::Result<Vec<u8>>> {
    let mut buffer = vec![0; len];
    from.poll_read(cx, &mut buffer).map_ok(|got| {
        buffer.truncate(got);
        buffer
    })
}

fn write_now<W: WriteHalf>(to: &mut W, cx: &mut Context<'_>, bytes: &[u8]) -> usize {
    exec::expect_ready(write(to, cx, bytes)).unwrap()
}

fn read_now<R: ReadHalf>(from: &mut R, cx: &mut Context<'_>, len: usize) -> Vec<u8> {
    exec::expect_ready(read(from, cx, len)).unwrap()
}

fn assert_broken_pipe(written: Poll<io::Result<usize>>) {
    assert!(matches!(written, Poll::Ready(Err(e)) if e.kind() == io::ErrorKind::BrokenPipe));
}

#[test]
fn a_duplex_holds_its_capacity_and_wakes_waiting_tasks() {
    let (mut here, mut there) = duplex::<ManualTimer>(7);
    let (reader, reader_waker) = Wakes::counter();
    let (writer, writer_waker) = Wakes::counter();
    let cx_read = &mut Context::from_waker(&reader_waker);
    let cx_write = &mut Context::from_waker(&writer_waker);

    assert!(read(&mut there, cx_read, 10).is_pending());
    assert_eq!(write_now(&mut here, cx_write, b"abc"), 3);
    assert_eq!(reader.count(), 1);
    assert_eq!(write_now(&mut here, cx_write, b"defghi"), 4);
    assert_eq!(reader.count(), 1, "woken although no task waits");
    assert!(write(&mut here, cx_write, b"h").is_pending());
    assert_eq!(writer.count(), 0);
    assert!(matches!(here.poll_flush(cx_write), Poll::Ready(Ok(()))));
    assert_eq!(read_now(&mut there, cx_read, 2), b"ab");
    assert_eq!(writer.count(), 1);
    assert_eq!(write_now(&mut here, cx_write, b"hijk"), 2);
    // The other direction is independent.
    assert!(read(&mut here, cx_write, 2).is_pending());
    assert_eq!(write_now(&mut there, cx_read, b"back"), 4);
    assert_eq!(writer.count(), 2);
    assert_eq!(read_now(&mut here, cx_write, 9), b"back");
    // The end of input follows the bytes that were written.
    assert!(matches!(here.poll_shutdown(cx_write), Poll::Ready(Ok(()))));
    assert!(matches!(here.poll_shutdown(cx_write), Poll::Ready(Ok(()))));
    assert_broken_pipe(write(&mut here, cx_write, b"late"));
    let mut rest = Vec::new();
    while rest.len() < 7 {
        match read(&mut there, cx_read, 99) {
            Poll::Ready(Ok(got)) if !got.is_empty() => rest.extend(got),
            other => panic!("{other:?} after {rest:?}"),
        }
    }
    assert_eq!(rest, b"cdefghi");
    for _ in 0..2 {
        assert!(read_now(&mut there, cx_read, 99).is_empty());
    }
    // The other direction still works.
    assert_eq!(write_now(&mut there, cx_read, b"x"), 1);
    assert_eq!(read_now(&mut here, cx_write, 9), b"x");
}

#[test]
fn a_dropped_transport_is_the_end_of_input_and_a_broken_pipe() {
    let (here, mut there) = duplex::<ManualTimer>(4);
    let (wakes, waker) = Wakes::counter();
    let cx = &mut Context::from_waker(&waker);
    assert!(read(&mut there, cx, 1).is_pending());
    drop(here);
    assert_eq!(wakes.count(), 1, "the reader is not woken exactly once");
    assert!(read_now(&mut there, cx, 1).is_empty());
    assert_broken_pipe(write(&mut there, cx, b"x"));

    let (here, mut there) = duplex::<ManualTimer>(4);
    let (wakes, waker) = Wakes::counter();
    let cx = &mut Context::from_waker(&waker);
    assert_eq!(write_now(&mut there, cx, b"full"), 4);
    assert!(write(&mut there, cx, b"x").is_pending());
    drop(here);
    assert_eq!(wakes.count(), 1, "the writer is not woken exactly once");
    assert_broken_pipe(write(&mut there, cx, b"x"));
}

#[test]
fn a_dropped_half_ends_one_direction() {
    let (here, mut there) = duplex::<ManualTimer>(4);
    let (_, waker) = Wakes::counter();
    let cx = &mut Context::from_waker(&waker);
    let (mut here_read, here_write) = here.split();
    drop(here_write);
    assert!(read_now(&mut there, cx, 1).is_empty());
    assert_eq!(write_now(&mut there, cx, b"go on"), 4);
    assert_eq!(read_now(&mut here_read, cx, 9), b"go o");

    let (here, mut there) = duplex::<ManualTimer>(4);
    let (here_read, mut here_write) = here.split();
    assert_eq!(write_now(&mut there, cx, b"x"), 1);
    drop(here_read);
    assert_broken_pipe(write(&mut there, cx, b"x"));
    assert_eq!(write_now(&mut here_write, cx, b"abc"), 3);
    drop(here_write);
    assert_eq!(read_now(&mut there, cx, 9), b"abc");
    assert!(read_now(&mut there, cx, 9).is_empty());
}

#[test]
fn a_connection_reports_that_the_other_transport_was_dropped() {
    for end in End::BOTH {
        let (here, there) = duplex::<ManualTimer>(10);
        let mut ws = take_over(end, &Config::default(), here, []);
        let mut receiving = pin!(ws.recv());
        let mut task = Task::new();
        assert!(exec::settle(&mut task, receiving.as_mut()).is_pending());
        drop(there);
        assert!(task.is_woken());
        let result = exec::expect_ready(exec::settle(&mut task, receiving.as_mut()));
        assert!(matches!(result, Err(Error::Lost)), "{result:?}");

        let (here, there) = duplex::<ManualTimer>(10);
        let mut ws = take_over(end, &Config::default(), here, []);
        let mut sending = pin!(ws.send(vec![0; 100]));
        let mut task = Task::new();
        assert!(exec::settle(&mut task, sending.as_mut()).is_pending());
        drop(there);
        assert!(task.is_woken());
        let result = exec::expect_ready(exec::settle(&mut task, sending.as_mut()));
        assert!(
            matches!(&result, Err(Error::Io(e)) if e.kind() == io::ErrorKind::BrokenPipe),
            "{result:?}"
        );
    }
}

/// Runs `act` on another thread. Returns `false` if `act` hangs.
fn returns(act: impl FnOnce() + Send + 'static) -> bool {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        act();
        let _ = done.send(());
    });
    wait.recv_timeout(Duration::from_secs(5)).is_ok()
}

/// A task that is polled inside `wake`, as some executors do.
struct Inline(Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>);

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        let Ok(mut future) = self.0.try_lock() else {
            return;
        };
        let waker = Waker::from(Arc::clone(&self));
        if let Some(running) = future.as_mut()
            && running
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
        {
            *future = None;
        }
    }
}

#[test]
fn a_waker_may_poll_its_task() {
    assert!(
        returns(|| {
            let (mut here, mut there) = duplex::<ManualTimer>(10);
            let task = Arc::new(Inline(Mutex::new(Some(Box::pin(async move {
                let got = poll_fn(|cx| read(&mut there, cx, 9)).await;
                assert_eq!(got.unwrap(), b"x");
            })))));
            Arc::clone(&task).wake();
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(write(&mut here, cx, b"x").is_ready());
            assert!(task.0.lock().unwrap().is_none());
        }),
        "the lock is held during the wake-up"
    );
}

/// A task whose executor was dropped. Its waker holds the last reference, so waking the task drops
/// it.
struct Orphan {
    _kept: Mutex<Duplex<ManualTimer>>,
}

impl Wake for Orphan {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_waker_may_hold_the_last_reference_to_the_other_transport() {
    assert!(
        returns(|| {
            let (mut here, there) = duplex::<ManualTimer>(10);
            let task = Arc::new(Orphan {
                _kept: Mutex::new(there),
            });
            let waker = Waker::from(Arc::clone(&task));
            let cx = &mut Context::from_waker(&waker);
            assert!(read(&mut *task._kept.lock().unwrap(), cx, 9).is_pending());
            drop((task, waker));
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(write(&mut here, cx, b"x").is_ready());
        }),
        "the lock is held during the wake-up"
    );
}
