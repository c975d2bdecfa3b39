//! Chromium without a window, controlled through the Chrome DevTools Protocol.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::foreign::Over;
use crate::process::{PATIENCE, Pipes, Process, pause};
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

/// A running browser.
pub(crate) struct Browser {
    process: Process,
    commands: Pipes,
    last_id: u64,
}

/// A page that a browser has opened.
pub(crate) struct Page<'a> {
    browser: &'a mut Browser,
    session: String,
}

impl Browser {
    /// Starts a browser. Over TLS, it trusts our authority.
    pub(crate) fn start(stage: &Stage<'_>) -> Result<Self> {
        let home = home(stage)?;
        let chromium = stage.tool(Tool::Chromium)?;
        let mut command = Command::new("sh");
        command.args(["-c", WITH_PIPES, "sh"]);
        command.arg(chromium.get_program());
        command.env("HOME", &home).args(OPTIONS);
        let profile = home.join("profile");
        command.arg(format!("--user-data-dir={}", profile.display()));
        let mut process = stage.spawn("browser", command)?;
        let commands = process.pipes()?;
        Ok(Self {
            process,
            commands,
            last_id: 0,
        })
    }

    /// Opens the page at `url`, which must have this origin (RFC 6454 §6.2).
    pub(crate) fn open(&mut self, url: &str, origin: &str) -> Result<Page<'_>> {
        let target = self.call(None, "Target.createTarget", json!({ "url": url }))?;
        let session = self.call(
            None,
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        )?;
        let session = session["sessionId"].as_str();
        let mut page = Page {
            session: session.context("the browser has no session")?.to_owned(),
            browser: self,
        };
        page.has_origin(origin)?;
        Ok(page)
    }

    /// Calls a method of the protocol, and returns its result.
    fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Result<Value> {
        self.last_id += 1;
        let mut call = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = session {
            call["sessionId"] = session.into();
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

impl Page<'_> {
    /// Waits until the page is there. An error page of the browser has no origin.
    fn has_origin(&mut self, origin: &str) -> Result<()> {
        let started = Instant::now();
        loop {
            let now = self.evaluate("`${document.readyState} ${location.origin}`")?;
            if now == json!(format!("complete {origin}")) {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                bail!("the browser cannot open {origin}: {now}");
            }
            pause()?;
        }
    }

    /// Returns the value of an expression, after its promise was fulfilled.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
        });
        let session = self.session.clone();
        let mut result = self
            .browser
            .call(Some(&session), "Runtime.evaluate", parameters)?;
        let exception = &result["exceptionDetails"];
        ensure!(exception.is_null(), "the page threw {exception}");
        Ok(result["result"]["value"].take())
    }
}

/// Makes a home directory for the browser. In it, the browser trusts our authority.
fn home(stage: &Stage<'_>) -> Result<PathBuf> {
    let home = stage.file("home")?;
    if home.exists() {
        fs::remove_dir_all(&home).context("cannot empty the home directory of the browser")?;
    }
    fs::create_dir_all(&home).context("cannot create a home directory for the browser")?;
    if stage.pairing.over == Over::Tls {
        trust(stage, &home)?;
    }
    Ok(home)
}

/// Makes a database of NSS with our authority.
fn trust(stage: &Stage<'_>, home: &Path) -> Result<()> {
    let database = home.join(".pki/nssdb");
    fs::create_dir_all(&database)?;
    let database = format!("sql:{}", database.display());
    let mut create = stage.tool(Tool::Certutil)?;
    create.args(["-N", "--empty-password", "-d", &database]);
    stage.spawn("certutil -N", create)?.ended_well()?;
    let mut add = stage.tool(Tool::Certutil)?;
    add.args(["-A", "-n", "interop", "-t", "C,,", "-d", &database, "-i"]);
    add.arg(&stage.certificates().authority);
    stage.spawn("certutil -A", add)?.ended_well()
}
