//! Chromium without a window, controlled through the Chrome DevTools Protocol.

use std::io::Write as _;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{home, trust};
use crate::foreign::Over;
use crate::process::{Pipes, Process};
use crate::scripts::CHECK_PATIENCE;
use crate::stage::Stage;
use crate::tools::Tool;

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

/// A message of the protocol ends with this byte.
const END: u8 = 0;

/// A running browser with a page.
pub(crate) struct Chromium {
    process: Process,
    commands: Pipes,
    last_id: u64,
    /// The session of the page.
    session: Option<String>,
}

impl Chromium {
    /// Starts a browser, and opens the page at `url`. Over TLS, the browser trusts our authority.
    pub(super) fn open(stage: &Stage<'_>, url: &str) -> Result<Self> {
        let home = home(stage)?;
        if stage.pairing.over == Over::Tls {
            trust(stage, &home.join(".pki/nssdb"))?;
        }
        let chromium = stage.tool(Tool::Chromium)?;
        let mut command = Command::new("sh");
        command.args(["-c", WITH_PIPES, "sh"]);
        command.arg(chromium.get_program());
        command.env("HOME", &home).args(OPTIONS);
        let profile = home.join("profile");
        command.arg(format!("--user-data-dir={}", profile.display()));
        let mut process = stage.spawn("browser", command)?;
        let commands = process.pipes()?;
        let mut browser = Self {
            process,
            commands,
            last_id: 0,
            session: None,
        };
        browser.create_page(url)?;
        Ok(browser)
    }

    fn create_page(&mut self, url: &str) -> Result<()> {
        let target = self.call("Target.createTarget", json!({ "url": url }))?;
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.call("Target.attachToTarget", target)?;
        let session = attached["sessionId"].as_str();
        self.session = Some(session.context("the browser has no session")?.to_owned());
        Ok(())
    }

    /// Returns the value of an expression in the page, after its promise was fulfilled.
    pub(super) fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
        });
        let mut result = self.call("Runtime.evaluate", parameters)?;
        let exception = &result["exceptionDetails"];
        ensure!(exception.is_null(), "the page threw {exception}");
        Ok(result["result"]["value"].take())
    }

    /// Calls a method of the protocol, and returns its result.
    fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.last_id += 1;
        let mut call = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            call["sessionId"] = session.as_str().into();
        }
        let mut bytes = serde_json::to_vec(&call)?;
        bytes.push(END);
        self.commands.write_all(&bytes)?;
        loop {
            let message = self.process.out.until(END, CHECK_PATIENCE);
            let message = message.with_context(|| format!("{method} has no result"))?;
            let message = message.context("the browser has ended")?;
            let mut message: Value = serde_json::from_str(&message)?;
            // The others are events.
            if message["id"] == self.last_id {
                let error = &message["error"];
                ensure!(error.is_null(), "{method} failed: {error}");
                return Ok(message["result"].take());
            }
        }
    }
}
