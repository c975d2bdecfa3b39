//! Instances over a real Redis, which are killed in turn with it.
//!
//! Without `redis-server`, the test prints a line and does nothing.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chat::client::{Shown, View};
use chat::protocol::FromServer;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::support::{PATIENCE, Program, connect, texts};

/// The clients, and the messages that each of them sends.
const CLIENTS: usize = 4;
const MESSAGES: usize = 100;

/// A Redis that writes each message to its disk before it answers. Killed when it is dropped.
struct Redis {
    dir: TempDir,
    port: u16,
    process: Child,
}

impl Redis {
    /// `None` if Redis is not installed, which is printed.
    fn start() -> Option<Self> {
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
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let process = spawn(&dir, port);
        Some(Self { dir, port, process })
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn restart(&mut self) {
        self.process = spawn(&self.dir, self.port);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(dir: &TempDir, port: u16) -> Child {
    let process = Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
        ])
        .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
        .arg(dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < PATIENCE, "Redis does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    process
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// An instance that keeps its address when it is killed and started again.
struct Instance {
    program: Program,
    args: [String; 2],
}

impl Instance {
    fn start(redis: &Redis) -> Self {
        let args = [
            format!("127.0.0.1:{}", free_port()),
            format!("redis://127.0.0.1:{}/", redis.port),
        ];
        Self {
            program: Self::spawn(&args),
            args,
        }
    }

    fn spawn([listen, redis]: &[String; 2]) -> Program {
        let args = [
            "--listen", listen, "--redis", redis, "--rate", "1000", "--burst", "1000",
        ];
        Program::serve(&args).0
    }

    fn url(&self) -> String {
        format!("http://{}", self.args[0])
    }

    fn kill(&mut self) {
        self.program.kill();
    }

    fn restart(&mut self) {
        self.program = Self::spawn(&self.args);
    }
}

/// A client that connects again whenever it is disconnected, to one instance after the other.
struct Client {
    view: View,
    shown: Vec<Shown>,
    urls: Vec<String>,
    next_url: usize,
    seen: Arc<AtomicUsize>,
}

impl Client {
    /// Sends its messages, and receives until it has seen those of all.
    async fn run(mut self) -> Vec<Shown> {
        let mut number = 0;
        while texts(&self.shown).len() < CLIENTS * MESSAGES {
            let url = self.urls[self.next_url % self.urls.len()].clone();
            self.next_url += 1;
            // Errors are expected: instances are killed.
            let _ = self.serve(&url, &mut number).await;
            sleep(Duration::from_millis(20)).await;
        }
        self.shown
    }

    /// Uses one connection until it ends.
    async fn serve(&mut self, url: &str, number: &mut usize) -> Result<(), ws_tokio::Error> {
        let Ok(mut ws) = connect(url).await else {
            return Ok(());
        };
        ws.send(self.view.join().to_json()).await?;
        while texts(&self.shown).len() < CLIENTS * MESSAGES {
            // Typed without regard to the connection.
            if *number < MESSAGES && self.view.unsent() < 3 {
                self.view.say(number.to_string());
                *number += 1;
            }
            if let Some(say) = self.view.next_to_send(Instant::now()) {
                ws.send(say.to_json()).await?;
            }
            let pause = sleep(Duration::from_millis(20));
            tokio::select! {
                message = ws.recv() => {
                    let Some(message) = message? else {
                        return Ok(());
                    };
                    let message = message.as_text().expect("a text");
                    let message: FromServer = serde_json::from_str(message).expect("JSON");
                    self.shown.extend(self.view.receive(message, Instant::now()));
                    self.seen.fetch_max(texts(&self.shown).len(), Ordering::Relaxed);
                }
                () = pause => {}
            }
        }
        Ok(())
    }
}

/// Waits until a client has seen this number of messages.
async fn until(seen: &AtomicUsize, count: usize) {
    let waiting = async {
        while seen.load(Ordering::Relaxed) < count {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("the chat goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_redis_and_instances_are_killed() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let mut instances = [Instance::start(&redis), Instance::start(&redis)];
    let urls: Vec<_> = instances.iter().map(Instance::url).collect();
    let seen = Arc::new(AtomicUsize::new(0));
    let clients = (0..CLIENTS).map(|number| Client {
        view: View::new("lobby", format!("client {number}")),
        shown: Vec::new(),
        urls: urls.clone(),
        next_url: number,
        seen: Arc::clone(&seen),
    });
    let running: Vec<_> = clients.map(|client| tokio::spawn(client.run())).collect();

    let all = CLIENTS * MESSAGES;
    until(&seen, all / 5).await;
    redis.kill();
    sleep(Duration::from_millis(200)).await;
    redis.restart();
    for (index, part) in [(0, 2), (1, 3)] {
        until(&seen, all * part / 5).await;
        instances[index].kill();
        sleep(Duration::from_millis(100)).await;
        instances[index].restart();
    }
    until(&seen, all * 4 / 5).await;
    redis.kill();
    redis.restart();

    let mut views = Vec::new();
    for client in running {
        let shown = timeout(PATIENCE, client)
            .await
            .expect("everything arrives")
            .unwrap();
        assert!(
            !shown
                .iter()
                .any(|shown| matches!(shown, Shown::Gap(Some(_)) | Shown::NotSent(_))),
            "nothing was forgotten or refused"
        );
        let said = shown.into_iter().filter_map(|shown| match shown {
            Shown::Message(said) => Some((said.name, said.text)),
            _ => None,
        });
        views.push(said.collect::<Vec<_>>());
    }
    for view in &views {
        assert_eq!(view, &views[0], "the order is the same for all");
    }
    let mut by_name = HashMap::<_, Vec<_>>::new();
    for (name, text) in &views[0] {
        by_name
            .entry(name)
            .or_default()
            .push(text.parse::<usize>().unwrap());
    }
    assert_eq!(by_name.len(), CLIENTS);
    for (name, numbers) in by_name {
        assert_eq!(numbers, (0..MESSAGES).collect::<Vec<_>>(), "{name}");
    }
}
