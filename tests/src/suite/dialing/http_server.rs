//! A small server for attempts that end in many ways.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::http;
use crate::socket::{self, TOO_LONG};

/// The path of a redirect to `/`.
pub(super) const MOVED: &str = "/moved";
/// The path of a redirect to [`REFUSED`].
pub(super) const MOVED_TO_REFUSED: &str = "/moved-to-refused";
/// The path of a redirect to itself.
pub(super) const MOVED_TO_ITSELF: &str = "/moved-to-itself";
/// The path of a refusal. Any other path is an upgrade.
pub(super) const REFUSED: &str = "/refused";

/// The time for which a thread sleeps before it looks again.
const TICK: Duration = Duration::from_millis(1);

/// A server that answers one request after the other. It ends each connection after the response,
/// so that it does not depend on the end of the client.
pub(super) struct HttpServer {
    is_stopped: Arc<AtomicBool>,
    serving: JoinHandle<()>,
}

impl HttpServer {
    pub(super) fn on_tcp(listener: TcpListener) -> Self {
        listener.set_nonblocking(true).expect("the flag is set");
        Self::start(move || {
            let (stream, _) = listener.accept()?;
            stream.set_nonblocking(false)?;
            socket::configure(&stream);
            Ok(stream)
        })
    }

    pub(super) fn on_unix(listener: UnixListener) -> Self {
        listener.set_nonblocking(true).expect("the flag is set");
        Self::start(move || {
            let (stream, _) = listener.accept()?;
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(TOO_LONG))?;
            stream.set_write_timeout(Some(TOO_LONG))?;
            Ok(stream)
        })
    }

    fn start<T: Read + Write>(accept: impl Fn() -> io::Result<T> + Send + 'static) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&is_stopped);
        let serving = thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                match accept() {
                    // A client may be dropped at any time.
                    Ok(stream) => drop(answer(stream)),
                    Err(_) => thread::sleep(TICK),
                }
            }
        });
        Self {
            is_stopped,
            serving,
        }
    }

    /// Stops the server. Its listener and its connections are closed.
    pub(super) fn stop(self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        self.serving.join().expect("the server does not panic");
    }
}

fn answer(mut stream: impl Read + Write) -> io::Result<()> {
    let mut received = Vec::new();
    let request = loop {
        if let Some((head, _)) = http::split_head(&received) {
            break head;
        }
        let mut block = [0; 1024];
        let len = stream.read(&mut block)?;
        if len == 0 {
            return Ok(());
        }
        received.extend_from_slice(&block[..len]);
    };
    let location = match request.split(' ').nth(1) {
        Some(MOVED) => "/",
        Some(MOVED_TO_REFUSED) => REFUSED,
        Some(MOVED_TO_ITSELF) => MOVED_TO_ITSELF,
        Some(REFUSED) => {
            let lines = ["HTTP/1.1 403 Forbidden", "Content-Length: 0"];
            return stream.write_all(&http::head(&lines));
        }
        _ => return stream.write_all(&http::switching(&request)),
    };
    let location = format!("Location: {location}");
    let lines = ["HTTP/1.1 302 Found", &location, "Content-Length: 0"];
    stream.write_all(&http::head(&lines))
}
