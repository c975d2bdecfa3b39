//! Servers, programs and clients for the tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};
use std::time::{Duration, Instant};

use chat::args::{Args, Command, Serve};
use chat::client::{Shown, View, chat_url};
use chat::protocol::{FromServer, VERSION};
use chat::server::{Server, Stores};
use clap::Parser as _;
use tokio::time::timeout;
use ws_tokio::{ConnectError, Connector, SocketOptions, WebSocket};
use ws_topics::backplane::Memory;

/// The time for anything to happen on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the settings for these options of `chat serve`.
pub(crate) fn serve(options: &[&str]) -> Serve {
    let args = ["chat", "serve", "--listen", "127.0.0.1:0"];
    match Args::parse_from(args.iter().chain(options)).command {
        Command::Serve(serve) => serve,
        other => panic!("{other:?}"),
    }
}

/// Starts a server without other instances.
pub(crate) async fn start(options: &[&str]) -> Server<Memory> {
    let args = serve(options);
    let stores = Stores::in_memory(&args);
    Server::start(args, stores)
        .await
        .expect("the server starts")
}

/// A client with its view, over one connection at a time.
pub(crate) struct Client {
    ws: WebSocket,
    pub(crate) view: View,
    pub(crate) shown: Vec<Shown>,
}

impl Client {
    /// Joins, and receives the history.
    pub(crate) async fn join(url: &str, room: &str, name: &str) -> Self {
        Self::join_again(url, View::new(room, name)).await
    }

    /// Joins with the view of an earlier client.
    pub(crate) async fn join_again(url: &str, view: View) -> Self {
        Self::join_on(connect(url).await.expect("a connection"), view).await
    }

    /// Joins with little room in the buffers of the system for what the client does not read.
    pub(crate) async fn join_slowly(url: &str, room: &str, name: &str) -> Self {
        let options = SocketOptions::new().receive_buffer(64 << 10);
        let connector = connector().socket_options(options);
        let connected = connector.connect(&chat_url(url).unwrap()).await;
        Self::join_on(connected.expect("a connection"), View::new(room, name)).await
    }

    async fn join_on(ws: WebSocket, view: View) -> Self {
        let mut client = Self {
            ws,
            view,
            shown: Vec::new(),
        };
        client.enter().await;
        client
    }

    /// Loses the connection without a Close, and joins again.
    pub(crate) async fn reconnect(&mut self, url: &str) {
        self.ws = connect(url).await.expect("a connection");
        self.enter().await;
    }

    async fn enter(&mut self) {
        let join = self.view.join();
        self.ws.send(join.to_json()).await.unwrap();
        self.turns(|client| client.view.has_caught_up()).await;
    }

    /// Receives until the server has sent another place.
    pub(crate) async fn place(&mut self) {
        let before = self.view.cursor().map(ToOwned::to_owned);
        self.turns(|client| client.view.cursor() != before.as_deref())
            .await;
    }

    /// Sends a message, and receives until it has come back.
    pub(crate) async fn say(&mut self, text: impl Into<String>) {
        self.view.say(text);
        self.turns(|client| client.view.unsent() == 0).await;
    }

    /// Receives until the user has seen this text.
    pub(crate) async fn sees(&mut self, text: &str) {
        self.turns(|client| client.texts().contains(&text)).await;
    }

    /// Receives until exactly these people are in the room.
    pub(crate) async fn sees_people(&mut self, expected: &[&str]) {
        self.turns(|client| client.people() == expected).await;
    }

    /// Receives until the server has closed the connection.
    pub(crate) async fn closed(self) -> (u16, String) {
        let (close, ..) = self.ended().await;
        close.expect("a Close")
    }

    /// Receives until the end, with or without a Close.
    pub(crate) async fn ended(mut self) -> (Option<(u16, String)>, View, Vec<Shown>) {
        let receiving = async {
            while let Ok(Some(message)) = self.ws.recv().await {
                self.take(&message);
            }
        };
        timeout(PATIENCE, receiving).await.expect("an end in time");
        let close = self.ws.end().and_then(|end| end.peer);
        let close = close.map(|close| (close.code.into(), close.reason.to_string()));
        (close, self.view, self.shown)
    }

    /// Returns the texts that the user has seen.
    pub(crate) fn texts(&self) -> Vec<&str> {
        texts(&self.shown)
    }

    pub(crate) fn people(&self) -> Vec<&str> {
        let mut last = self.shown.iter().rev();
        let names = last.find_map(|shown| match shown {
            Shown::Here(names, _) => Some(names.iter().map(String::as_str).collect()),
            _ => None,
        });
        names.unwrap_or_default()
    }

    /// Sends and receives until the condition holds.
    async fn turns(&mut self, is_over: impl Fn(&Self) -> bool) {
        let turns = async {
            while !is_over(self) {
                self.turn().await;
            }
        };
        let ended = timeout(PATIENCE, turns).await;
        assert!(ended.is_ok(), "too late: {:?}", self.shown);
    }

    async fn turn(&mut self) {
        if let Some(say) = self.view.next_to_send(Instant::now()) {
            self.ws.send(say.to_json()).await.unwrap();
        }
        let retry_at = self.view.retry_at();
        let retry_at = retry_at.unwrap_or_else(|| Instant::now() + PATIENCE);
        tokio::select! {
            message = self.ws.recv() => {
                let message = message.unwrap();
                self.take(&message.expect("the connection stays open"));
            }
            () = tokio::time::sleep_until(retry_at.into()) => {}
        }
    }

    fn take(&mut self, message: &ws_tokio::Message) {
        let message: FromServer = serde_json::from_str(message.as_text().unwrap()).unwrap();
        self.shown
            .extend(self.view.receive(message, Instant::now()));
    }
}

pub(crate) fn texts(shown: &[Shown]) -> Vec<&str> {
    let texts = shown.iter().filter_map(|shown| match shown {
        Shown::Message(said) => Some(&*said.text),
        _ => None,
    });
    texts.collect()
}

pub(crate) async fn connect(url: &str) -> Result<WebSocket, ConnectError> {
    connector().connect(&chat_url(url).unwrap()).await
}

fn connector() -> Connector {
    Connector::new().subprotocol(VERSION)
}

/// Returns the response to a GET.
pub(crate) async fn get(url: &str, path: &str) -> String {
    let (address, path) = (
        url.strip_prefix("http://").unwrap().to_owned(),
        path.to_owned(),
    );
    let read = move || {
        let mut tcp = TcpStream::connect(&address).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            tcp,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut response = String::new();
        tcp.read_to_string(&mut response).unwrap();
        response
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

/// The program `chat`. Killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) input: Option<ChildStdin>,
}

impl Program {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = Process::new(env!("CARGO_BIN_EXE_chat"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let out = BufReader::new(child.stdout.take().unwrap());
        let input = child.stdin.take();
        Self { child, out, input }
    }

    /// Starts `chat serve`, and returns the URL of its page.
    pub(crate) fn serve(args: &[&str]) -> (Self, String) {
        let mut program = Self::start(&[&["serve"], args].concat());
        let line = program.line();
        let url = line.strip_prefix("listening on ").expect("the address");
        let url = url.to_owned();
        (program, url)
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }

    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    #[cfg(unix)]
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let status = Process::new("kill").arg(pid).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end, and returns the exit status.
    pub(crate) fn status(&mut self) -> Option<i32> {
        drop(self.input.take());
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(started.elapsed() < PATIENCE, "the program does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
