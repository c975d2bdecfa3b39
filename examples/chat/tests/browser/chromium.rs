//! Chromium, controlled through the Chrome DevTools Protocol over pipes.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The time for anything to happen on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The browser does nothing on its own.
const OPTIONS: [&str; 10] = [
    "--headless",
    "--remote-debugging-pipe",
    // The sandbox does not work for root, nor in most containers. The pages are ours.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
];

/// The browser reads its commands from the file descriptor 3, and writes the results to 4.
const WITH_PIPES: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >&2"#;

/// A running browser. Killed when it is dropped.
pub(crate) struct Chromium {
    process: Child,
    _home: TempDir,
    pipes: RefCell<Pipes>,
}

struct Pipes {
    commands: ChildStdin,
    answers: Receiver<Value>,
    last_id: u64,
    /// The events that came before an answer, with their sessions.
    events: Vec<Value>,
}

/// A page in a context of its own: it shares no storage with others.
pub(crate) struct Page<'b> {
    browser: &'b Chromium,
    session: String,
}

impl Chromium {
    /// `None` if it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let is_installed = |name: &&str| {
            let script = format!("command -v {name}");
            let found = Command::new("sh").args(["-c", &script]).output();
            found.is_ok_and(|output| output.status.success())
        };
        let name = names.into_iter().find(is_installed)?;
        let home = tempfile::tempdir().unwrap();
        let mut process = Command::new("sh")
            .args(["-c", WITH_PIPES, "sh", name])
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", home.path().display()))
            .env("HOME", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, answers) = mpsc::channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        thread::spawn(move || {
            // A message of the protocol ends with a zero.
            for message in output.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("JSON");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let commands = process.stdin.take().unwrap();
        let pipes = Pipes {
            commands,
            answers,
            last_id: 0,
            events: Vec::new(),
        };
        Some(Self {
            process,
            _home: home,
            pipes: RefCell::new(pipes),
        })
    }

    /// Opens a page.
    pub(crate) fn open(&self, url: &str) -> Page<'_> {
        let context = self.call(None, "Target.createBrowserContext", json!({}));
        let target =
            json!({ "url": "about:blank", "browserContextId": context["browserContextId"] });
        let target = self.call(None, "Target.createTarget", target);
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.call(None, "Target.attachToTarget", attach);
        let session = attached["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned();
        let page = Page {
            browser: self,
            session,
        };
        for domain in [
            "Runtime.enable",
            "Log.enable",
            "Network.enable",
            "Page.enable",
        ] {
            page.call(domain, json!({}));
        }
        // Otherwise only one page at a time would have the focus.
        page.call(
            "Emulation.setFocusEmulationEnabled",
            json!({ "enabled": true }),
        );
        page.call("Page.navigate", json!({ "url": url }));
        page
    }

    fn call(&self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        let mut pipes = self.pipes.borrow_mut();
        pipes.last_id += 1;
        let id = pipes.last_id;
        let mut call = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            call["sessionId"] = session.into();
        }
        let mut bytes = serde_json::to_vec(&call).unwrap();
        bytes.push(0);
        pipes.commands.write_all(&bytes).expect("the browser runs");
        loop {
            let answer = pipes.answers.recv_timeout(PATIENCE);
            let mut answer = answer.unwrap_or_else(|_| panic!("{method} has no result"));
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            pipes.events.push(answer);
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Page<'_> {
    fn call(&self, method: &str, parameters: Value) -> Value {
        self.browser.call(Some(&self.session), method, parameters)
    }

    /// Returns the value of an expression in the page.
    pub(crate) fn evaluate(&self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true });
        let mut result = self.call("Runtime.evaluate", parameters);
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}: {result}"
        );
        result["result"]["value"].take()
    }

    /// Waits until an expression has this value.
    pub(crate) fn until(&self, expression: &str, expected: Value) {
        let started = Instant::now();
        loop {
            // There is no document yet while the page is loaded.
            let tried =
                format!("(() => {{ try {{ return {expression} }} catch {{ return null }} }})()");
            let value = self.evaluate(&tried);
            if value == expected {
                return;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "{expression} is {value}, not {expected}; {:?}",
                self.errors()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Types a text, as a keyboard with suggestions would.
    pub(crate) fn type_text(&self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Presses a key: `Enter`, or `ShiftTab`.
    pub(crate) fn key(&self, name: &str) {
        let (key, code, text, modifiers) = match name {
            "Enter" => ("Enter", 13, "\r", 0),
            "ShiftTab" => ("Tab", 9, "", 8),
            _ => panic!("{name}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({
                "type": kind, "key": key, "code": key,
                "windowsVirtualKeyCode": code, "modifiers": modifiers,
            });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Ends or restores the network of the page.
    pub(crate) fn offline(&self, is_offline: bool) {
        let conditions = json!({
            "offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.call("Network.emulateNetworkConditions", conditions);
    }

    /// Returns a picture of the page, in PNG.
    pub(crate) fn picture(&self, width: u32, height: u32, scheme: &str) -> Vec<u8> {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", scheme);
        thread::sleep(Duration::from_millis(200));
        let picture = self.call("Page.captureScreenshot", json!({}));
        STANDARD
            .decode(picture["data"].as_str().expect("a picture"))
            .expect("base64")
    }

    /// Returns the errors and warnings of the page so far.
    pub(crate) fn errors(&self) -> Vec<String> {
        // An answer comes behind all events before it.
        self.evaluate("0");
        let pipes = self.browser.pipes.borrow();
        let events = pipes.events.iter();
        let ours = events.filter(|event| event["sessionId"] == self.session);
        let errors = ours.filter(|event| {
            let (method, params) = (&event["method"], &event["params"]);
            *method == "Runtime.exceptionThrown"
                || *method == "Log.entryAdded" && params["entry"]["level"] != "verbose"
                || *method == "Runtime.consoleAPICalled"
        });
        errors.map(ToString::to_string).collect()
    }
}
