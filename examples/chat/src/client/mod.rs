//! The client for terminals.

mod view;

use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Error, Result, anyhow, bail};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::sleep_until;
use ws_reconnect::{Backoff, Down, Event, Gap, GaveUp, OnOpen, Reason, Reconnecting, Unsent};
use ws_tokio::tls::TlsConnector;
use ws_tokio::{CloseCode, Config, Connector, Message, Tokio};

use crate::args::Join;
use crate::protocol::{FromServer, Said, VERSION};

pub use view::{Shown, View};

/// The Pings to a silent server: the interval, and the time for the answer.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

/// The longest message of a server: 100 names, or a text, in JSON.
const MAX_MESSAGE: usize = 1 << 20;

/// Runs `chat join` until the end of the input.
///
/// # Errors
///
/// The URL or the file of `--authority` cannot be used, or the server refuses the client.
pub async fn run(args: Join) -> Result<()> {
    let url = chat_url(&args.url)?;
    let connector = connector(args.authority.as_deref())?;
    let view = Arc::new(Mutex::new(View::new(args.room, args.name)));
    let joining = Arc::clone(&view);
    let backoff = Backoff::default();
    let backoff = match args.give_up {
        Some(seconds) => backoff.max_down(Duration::from_secs(seconds)),
        None => backoff,
    };
    let client = Reconnecting::new(connector, &url)
        .backoff(backoff)
        // The view sends again what has not come back.
        .unsent(Unsent::HandBack)
        .report_down()
        .on_open(async move |ws| {
            let join = lock(&joining).join().to_json();
            Ok(ws.send(join).await?)
        });
    Terminal { client, view }.run().await
}

/// Returns the URL of the WebSocket for the URL of the page.
///
/// # Errors
///
/// The URL has another scheme than `http`, `https`, `ws` and `wss`.
pub fn chat_url(page: &str) -> Result<String> {
    let (scheme, rest) = page.split_once("://").unwrap_or(("http", page));
    let scheme = match scheme {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        _ => bail!("{page} is not the address of a chat: write http://HOST:PORT or https://HOST"),
    };
    let rest = rest.trim_end_matches('/');
    let rest = rest.strip_suffix("/chat").unwrap_or(rest);
    Ok(format!("{scheme}://{rest}/chat"))
}

/// Returns the connector for a server.
pub(crate) fn connector(authority: Option<&Path>) -> Result<Connector> {
    let config = Config::default()
        .keepalive(KEEPALIVE.0, KEEPALIVE.1)
        .max_message(MAX_MESSAGE);
    let connector = Connector::new().config(config).subprotocol(VERSION);
    let Some(file) = authority else {
        return Ok(connector);
    };
    let pem = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let tls = TlsConnector::builder().roots_pem(pem).build()?;
    Ok(connector.tls(tls))
}

/// Locks the view. A panic elsewhere leaves it consistent.
fn lock(view: &Mutex<View>) -> MutexGuard<'_, View> {
    view.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Terminal<O> {
    client: Reconnecting<Tokio, O>,
    view: Arc<Mutex<View>>,
}

/// Explains to a person why the client gave up.
fn ended(gave_up: &GaveUp) -> Error {
    let GaveUp {
        cause, down_for, ..
    } = gave_up;
    match gave_up.reason {
        Reason::Time => anyhow!("no connection for {} s: {cause}", down_for.as_secs()),
        _ => anyhow!("{cause}"),
    }
}

fn describe_failure(down: &Down) -> String {
    let what = match down.attempts {
        0 => "the connection was lost",
        _ => "cannot connect",
    };
    let delay = down.delay.as_secs_f32();
    format!("{what} ({}); trying again in {delay:.1} s", down.cause)
}

impl<O: OnOpen<Tokio>> Terminal<O> {
    async fn run(mut self) -> Result<()> {
        note("connecting");
        let mut lines = Some(read_lines());
        while lines.is_some() || !lock(&self.view).is_done() {
            let retry_at = lock(&self.view).retry_at();
            tokio::select! {
                event = self.client.next() => match event.map_err(|gave_up| ended(&gave_up))? {
                    Some(event) => self.show(event),
                    None => bail!("the server has ended the chat"),
                },
                line = next_line(&mut lines) => match line.transpose().context("cannot read the input")? {
                    Some(line) if line.trim().is_empty() => {}
                    Some(line) => lock(&self.view).say(line),
                    None => lines = None,
                },
                () = sleep_until(retry_at.unwrap_or_else(Instant::now).into()),
                    if retry_at.is_some() => {}
            }
            self.send().await?;
        }
        self.client.close(CloseCode::NORMAL, "").await?;
        Ok(())
    }

    /// Queues the message that is due. The next turn writes it.
    async fn send(&mut self) -> Result<()> {
        let say = lock(&self.view).next_to_send(Instant::now());
        if let Some(say) = say {
            self.client.feed(say.to_json()).await?;
        }
        Ok(())
    }

    fn show(&self, event: Event) {
        match event {
            Event::Open(open) if open.connection == 1 => note("connected"),
            Event::Open(_) => note("connected again"),
            Event::Down(down) => note(&describe_failure(&down)),
            Event::Gap(gap) => note(&self.describe(&gap)),
            Event::Message(message) => {
                if let Some(shown) = self.receive(&message) {
                    print(&shown);
                }
            }
            _ => {}
        }
    }

    fn receive(&self, message: &Message) -> Option<Shown> {
        let message: FromServer = serde_json::from_str(message.as_text()?).ok()?;
        lock(&self.view).receive(message, Instant::now())
    }

    fn describe(&self, gap: &Gap) -> String {
        let time = gap.down_for.as_secs_f32();
        let unsent = match lock(&self.view).unsent() {
            0 => String::new(),
            count => format!(", {count} not sent yet"),
        };
        format!("not connected for {time:.1} s{unsent}; missed messages follow")
    }
}

/// Reads standard input in a thread of its own. The end of the program does not wait for this
/// thread, unlike for tasks of tokio that read.
fn read_lines() -> Receiver<io::Result<String>> {
    let (sender, lines) = channel(1);
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Returns the next line, and `None` behind the last one. Waits forever after that.
async fn next_line(lines: &mut Option<Receiver<io::Result<String>>>) -> Option<io::Result<String>> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

fn print(shown: &Shown) {
    match shown {
        Shown::Message(said) => {
            // Without a reader, there is nobody to tell.
            let _ = writeln!(io::stdout(), "{}", line(said));
        }
        Shown::Here(names, count) => {
            let names = names.join(", ");
            note(&printable(&format!("{count} here: {names}")));
        }
        Shown::Gap(Some(missed)) => note(&format!("{missed} older messages are not kept any more")),
        Shown::Gap(None) => note("messages may be missing here, because the store has restarted"),
        Shown::NotSent(text) => note(&printable(&format!("not accepted: {text}"))),
    }
}

fn note(text: &str) {
    eprintln!("-- {text}");
}

/// Returns a message as lines for a terminal.
fn line(said: &Said) -> String {
    let seconds = said.time / 1000 % (24 * 60 * 60);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let name = printable(&said.name);
    let text = printable(&said.text);
    format!(
        "{hours:02}:{minutes:02}:{:02} <{name}> {text}",
        seconds % 60
    )
}

/// Replaces control characters, which would control the terminal. The lines of a text are indented.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => printable.push_str("\n    "),
            c if c.is_control() => printable.push('\u{fffd}'),
            c => printable.push(c),
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_page_is_enough() {
        for (page, expected) in [
            ("http://127.0.0.1:9001", "ws://127.0.0.1:9001/chat"),
            ("https://chat.example/", "wss://chat.example/chat"),
            ("ws://localhost:1/chat", "ws://localhost:1/chat"),
            ("localhost:1", "ws://localhost:1/chat"),
        ] {
            assert_eq!(chat_url(page).unwrap(), expected);
        }
        assert!(chat_url("ftp://localhost").is_err());
    }

    #[test]
    fn texts_of_others_do_not_control_the_terminal() {
        let said = Said {
            id: "1".into(),
            name: "Ann".into(),
            text: "a\u{1b}[2Jb\nc".into(),
            time: 3_723_000,
        };
        assert_eq!(line(&said), "01:02:03 <Ann> a\u{fffd}[2Jb\n    c");
    }
}
