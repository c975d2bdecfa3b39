//! The page in Chromium, without a window.
//!
//! Without Chromium, the test prints a line and does nothing. With `CHAT_SCREENSHOTS=DIR` in the
//! environment, it stores pictures of the page there.

#![cfg(unix)]
#![forbid(unsafe_code)]

mod chromium;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::{env, fs};

use chat::args::{Args, Command, Serve};
use chat::server::{Server, Stores};
use clap::Parser as _;
use serde_json::json;
use ws_topics::backplane::Memory;

use chromium::{Chromium, Page};

/// A text that would run a script if it became markup.
const MARKUP: &str =
    "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>";

const MESSAGES: &str =
    "[...document.querySelectorAll('#messages .message p')].map(p => p.textContent)";
const WAITING: &str = "[...document.querySelectorAll('#outbox .message')].map(p => p.textContent)";
const STATE: &str = "document.querySelector('#state').textContent";

fn settings(listen: &str) -> Serve {
    let args = ["chat", "serve", "--listen", listen];
    match Args::parse_from(args).command {
        Command::Serve(serve) => serve,
        other => panic!("{other:?}"),
    }
}

/// A server on a runtime of its own, which can be started again with its history.
struct Host {
    runtime: tokio::runtime::Runtime,
    stores: Stores<Memory>,
    server: Option<Server<Memory>>,
    url: String,
}

impl Host {
    fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let args = settings("127.0.0.1:0");
        let stores = Stores::in_memory(&args);
        let server = runtime
            .block_on(Server::start(args, stores.clone()))
            .unwrap();
        let url = server.url();
        Self {
            runtime,
            stores,
            server: Some(server),
            url,
        }
    }

    /// Shuts the server down. Clients are sent away.
    fn stop(&mut self) {
        let server = self.server.take().expect("a running server");
        let patience = std::time::Duration::from_secs(5);
        self.runtime.block_on(server.shutdown(patience)).unwrap();
    }

    /// Starts the server again, with its address and its history.
    fn restart(&mut self) {
        let args = settings(self.url.strip_prefix("http://").unwrap());
        let server = self
            .runtime
            .block_on(Server::start(args, self.stores.clone()));
        self.server = Some(server.unwrap());
    }
}

#[test]
fn two_people_talk_while_one_is_offline_and_the_server_restarts() {
    let Some(chromium) = Chromium::start() else {
        let note = "skipped: chromium is not installed: apt-get install chromium";
        // Not captured, unlike `eprintln!`.
        writeln!(io::stderr(), "{note}").expect("stderr is open");
        return;
    };
    let mut host = Host::start();
    let ann = chromium.open(&host.url);
    enter_by_keyboard(&ann, "Ann");
    let bob = chromium.open(&host.url);
    enter_by_keyboard(&bob, "Bob");
    ann.until("document.querySelectorAll('#names li').length", json!(2));

    say(&ann, "Hello, Bob");
    say(&bob, MARKUP);
    for page in [&ann, &bob] {
        page.until(MESSAGES, json!(["Hello, Bob", MARKUP]));
        page.until("document.title.includes('broken')", json!(false));
    }

    // Bob is offline, and writes nevertheless.
    bob.offline(true);
    bob.until(STATE, json!("offline"));
    say(&bob, "Typed while offline");
    bob.until(WAITING, json!(["Typed while offlinenot sent yet"]));
    say(&ann, "Where are you, Bob?");
    pictures(&bob, "offline");
    bob.offline(false);
    let mut expected = json!([
        "Hello, Bob",
        MARKUP,
        "Where are you, Bob?",
        "Typed while offline"
    ]);
    for page in [&ann, &bob] {
        page.until(MESSAGES, expected.clone());
        page.until(WAITING, json!([]));
    }

    // Ann writes while the server restarts.
    host.stop();
    ann.until("document.querySelector('#retry').hidden", json!(false));
    say(&ann, "Is anybody there?");
    host.restart();
    // The delay before the next attempt is random. The button ends it.
    for page in [&ann, &bob] {
        page.evaluate("document.querySelector('#retry').click()");
        page.until(STATE, json!("connected"));
    }
    expected
        .as_array_mut()
        .unwrap()
        .push("Is anybody there?".into());
    for page in [&ann, &bob] {
        page.until(MESSAGES, expected.clone());
    }
    pictures(&ann, "chat");
    ann.evaluate("document.querySelector('#show-people').click()");
    pictures(&ann, "people");
    leave_by_keyboard(&ann);
    pictures(&ann, "entrance");
    bob.until("document.querySelectorAll('#names li').length", json!(1));

    for page in [&ann, &bob] {
        let errors = page.errors();
        // Attempts to connect while the server is away are reported by the browser itself.
        let ours: Vec<_> = errors
            .iter()
            .filter(|error| !error.contains("WebSocket connection to"))
            .collect();
        assert!(ours.is_empty(), "{ours:?}");
    }
}

/// Fills in the entrance with nothing but keys.
fn enter_by_keyboard(page: &Page<'_>, name: &str) {
    page.until("document.activeElement.id", json!("name"));
    page.evaluate("document.activeElement.value = ''");
    page.type_text(name);
    page.key("Enter");
    page.until("document.activeElement.id", json!("text"));
    page.until(STATE, json!("connected"));
}

/// Sends a message with nothing but keys.
fn say(page: &Page<'_>, text: &str) {
    page.until("document.activeElement.id", json!("text"));
    page.type_text(text);
    page.key("Enter");
    page.until("document.querySelector('#text').value", json!(""));
}

/// Goes back from the input to the button, and presses it.
fn leave_by_keyboard(page: &Page<'_>) {
    for _ in 0..20 {
        page.key("ShiftTab");
        if page.evaluate("document.activeElement.id") == "leave" {
            page.key("Enter");
            page.until("document.querySelector('#chat').hidden", json!(true));
            return;
        }
    }
    panic!("no way to the button by keys");
}

/// Stores pictures at the widths of a desktop and of a phone, dark and light.
fn pictures(page: &Page<'_>, name: &str) {
    let Some(dir) = env::var_os("CHAT_SCREENSHOTS").map(PathBuf::from) else {
        return;
    };
    fs::create_dir_all(&dir).unwrap();
    for (width, height, device) in [
        (1280, 800, "desktop"),
        (390, 844, "phone"),
        (390, 420, "keyboard"),
    ] {
        for scheme in ["light", "dark"] {
            let picture = page.picture(width, height, scheme);
            fs::write(dir.join(format!("{name}-{device}-{scheme}.png")), picture).unwrap();
        }
    }
}
