//! A Redis of a test's own.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use ws_topics::backplane::Redis;

/// A server on a Unix socket in a directory of its own. Killed when it is dropped.
pub(crate) struct Server {
    dir: PathBuf,
    is_durable: bool,
    process: Child,
}

impl Server {
    /// Starts a server. With `is_durable`, it writes each message to its disk before it answers.
    /// `None` if Redis is not installed, which is printed.
    pub(crate) fn start(is_durable: bool) -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        if Command::new("redis-server")
            .arg("--version")
            .output()
            .is_err()
        {
            // Not captured, unlike `eprintln!`.
            let note = "skipped: redis-server is not installed: apt-get install redis-server";
            writeln!(io::stderr(), "{note}").expect("stderr is open");
            return None;
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("ws-topics-{}-{count}", process::id()));
        fs::create_dir_all(&dir).expect("a directory");
        let process = spawn(&dir, is_durable);
        Some(Self {
            dir,
            is_durable,
            process,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.dir.join("socket").display())
    }

    pub(crate) fn backplane(&self) -> Redis {
        Redis::new(self.url()).expect("a valid URL")
    }

    /// Kills the server, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("the server runs");
        self.process.wait().expect("the server is a child");
    }

    pub(crate) fn restart(&mut self) {
        self.process = spawn(&self.dir, self.is_durable);
    }
}

fn spawn(dir: &PathBuf, is_durable: bool) -> Child {
    let socket = dir.join("socket");
    let process = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendfsync", "always"])
        .args(["--appendonly", if is_durable { "yes" } else { "no" }])
        .arg("--unixsocket")
        .arg(&socket)
        .arg("--dir")
        .arg(dir)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server starts");
    let deadline = Instant::now() + Duration::from_secs(20);
    while UnixStream::connect(&socket).is_err() {
        assert!(Instant::now() < deadline, "Redis does not listen");
        thread::sleep(Duration::from_millis(5));
    }
    process
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that was killed before is not an error.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}
