//! The processes of a measurement.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

use anyhow::{Context, Result, bail, ensure};

use crate::Options;
use crate::member::Report;

/// The time for Redis to listen.
const START_UP: Duration = Duration::from_secs(20);

/// A Redis without persistence. Killed when it is dropped.
pub(crate) struct Redis {
    process: Child,
    dir: PathBuf,
    url: String,
}

impl Redis {
    /// Starts a server on a free port. `None` if Redis is not installed.
    pub(crate) fn start() -> Result<Option<Self>> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let dir = env::temp_dir().join(format!("broadcast-redis-{}", process::id()));
        fs::create_dir_all(&dir)?;
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(&dir)
            .stdout(Stdio::null())
            .spawn();
        let process = match process {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            process => process.context("cannot start redis-server")?,
        };
        let url = format!("redis://{address}/");
        let mut redis = Self { process, dir, url };
        redis.wait_until_it_listens(address)?;
        Ok(Some(redis))
    }

    fn wait_until_it_listens(&mut self, address: SocketAddr) -> Result<()> {
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.process.try_wait()? {
                bail!("redis-server has ended: {status}");
            }
            ensure!(start.elapsed() < START_UP, "redis-server does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the processor time of the thread that executes commands.
    pub(crate) fn cpu_ns(&self) -> Result<u64> {
        cpu_ns(&self.process.id().to_string())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        end(&mut self.process);
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A process with subscribers. Killed when it is dropped.
pub(crate) struct Member {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Member {
    pub(crate) fn start(options: &Options, member: usize, of: usize, url: &str) -> Result<Self> {
        let number = |name: &str, value: usize| [format!("--{name}"), value.to_string()];
        let mut process = Command::new(env::current_exe()?)
            .args(["--join", url])
            .args(number("member", member))
            .args(number("members", of))
            .args(number("messages", options.messages))
            .args(number("len", options.len as usize))
            .args(number("subscribers", options.subscribers))
            .args(number("in-flight", options.in_flight))
            .args(number("history", options.history))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().context("the output is a pipe")?;
        Ok(Self {
            process,
            output: BufReader::new(output),
        })
    }

    pub(crate) fn wait_until_ready(&mut self) -> Result<()> {
        ensure!(self.line()? == "ready", "a process did not start");
        Ok(())
    }

    pub(crate) fn go(&mut self) -> Result<()> {
        let input = self.process.stdin.as_mut();
        Ok(writeln!(input.context("the input is a pipe")?, "go")?)
    }

    /// Waits until all subscribers have all messages.
    pub(crate) fn report(&mut self) -> Result<Report> {
        serde_json::from_str(&self.line()?).context("a process failed")
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// Ends a process, which may have ended already.
fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

/// Returns the processor time of the main thread of a process in nanoseconds.
pub(crate) fn cpu_ns(process: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/schedstat"))?;
    let run = text.split_whitespace().next().context("no time")?;
    Ok(run.parse()?)
}
