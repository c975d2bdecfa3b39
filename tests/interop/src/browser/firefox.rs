//! Firefox, controlled through WebDriver BiDi.

use std::fs;
use std::net::TcpStream;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{home, trust};
use crate::dialogue::Dialogue;
use crate::foreign::Over;
use crate::process::{PATIENCE, Process};
use crate::scripts::CHECK_PATIENCE;
use crate::stage::{Stage, connect};
use crate::tools::Tool;

/// The line with the address of the protocol begins with this text.
const LISTENING: &str = "WebDriver BiDi listening on ws://127.0.0.1:";

/// The browser does nothing on its own.
const PREFERENCES: &str = r#"
user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("toolkit.telemetry.enabled", false);
"#;

/// A running browser with a page.
pub(crate) struct Firefox {
    commands: Dialogue<TcpStream>,
    last_id: u64,
    /// The browsing context of the page.
    context: Value,
    _process: Process,
}

impl Firefox {
    /// Starts a browser, and opens the page at `url`. Over TLS, the browser trusts our authority.
    pub(super) fn open(stage: &Stage<'_>, url: &str) -> Result<Self> {
        let home = home(stage)?;
        let profile = home.join("profile");
        fs::create_dir_all(&profile)?;
        fs::write(profile.join("user.js"), PREFERENCES)?;
        if stage.pairing.over == Over::Tls {
            trust(stage, &profile)?;
        }
        let mut command = stage.tool(Tool::Firefox)?;
        command.env("HOME", &home);
        command.args(["--headless", "--no-remote", "--remote-debugging-port", "0"]);
        command.arg("--profile").arg(&profile);
        let mut process = stage.spawn("browser", command)?;
        process.expect_error(LISTENING)?;
        let port = process.err.line(PATIENCE)?.context("no port")?;
        let tcp = connect(port.parse()?)?;
        tcp.set_read_timeout(Some(CHECK_PATIENCE))?;
        let mut browser = Self {
            commands: Dialogue::connect_to(tcp, &format!("127.0.0.1:{port}"), "/session")?,
            last_id: 0,
            context: Value::Null,
            _process: process,
        };
        browser.create_page(url)?;
        Ok(browser)
    }

    fn create_page(&mut self, url: &str) -> Result<()> {
        self.call("session.new", json!({ "capabilities": {} }))?;
        let mut page = self.call("browsingContext.create", json!({ "type": "tab" }))?;
        self.context = page["context"].take();
        let parameters = json!({ "context": self.context, "url": url, "wait": "complete" });
        self.call("browsingContext.navigate", parameters)?;
        Ok(())
    }

    /// Returns the value of an expression in the page, after its promise was fulfilled.
    pub(super) fn evaluate(&mut self, expression: &str) -> Result<Value> {
        // The protocol describes the type of each value. A text is enough.
        let expression = format!("Promise.resolve({expression}).then(JSON.stringify)");
        let parameters = json!({
            "expression": expression,
            "target": { "context": self.context },
            "awaitPromise": true,
        });
        let result = self.call("script.evaluate", parameters)?;
        let exception = &result["exceptionDetails"];
        ensure!(exception.is_null(), "the page threw {exception}");
        let text = result["result"]["value"].as_str();
        Ok(serde_json::from_str(
            text.context("the page returned no text")?,
        )?)
    }

    /// Calls a method of the protocol, and returns its result.
    fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.last_id += 1;
        let call = json!({ "id": self.last_id, "method": method, "params": parameters });
        self.commands.send_text(&call.to_string())?;
        loop {
            let message = self.commands.receive_text();
            let message = message.with_context(|| format!("{method} has no result"))?;
            let mut message: Value = serde_json::from_str(&message)?;
            // The others are events.
            if message["id"] == self.last_id {
                if message["type"] != "success" {
                    bail!("{method} failed: {message}");
                }
                return Ok(message["result"].take());
            }
        }
    }
}
