//! Browsers without a window. A page in them performs the checks.

mod chromium;
mod firefox;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::foreign::Foreign;
use crate::process::{PATIENCE, pause};
use crate::stage::Stage;
use crate::tools::Tool;

use chromium::Chromium;
use firefox::Firefox;

/// A running browser with a page.
pub(crate) enum Browser {
    Chromium(Chromium),
    Firefox(Firefox),
}

impl Browser {
    /// Starts the browser of the pairing. Opens the page at `url`, which must have this origin
    /// (RFC 6454 §6.2).
    pub(crate) fn open(stage: &Stage<'_>, url: &str, origin: &str) -> Result<Self> {
        let mut browser = match stage.pairing.foreign {
            Foreign::Chromium => Self::Chromium(Chromium::open(stage, url)?),
            Foreign::Firefox => Self::Firefox(Firefox::open(stage, url)?),
            foreign => bail!("{foreign} is not a browser"),
        };
        browser.has_origin(origin)?;
        Ok(browser)
    }

    /// Waits until the page is there. An error page of a browser has another origin.
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

    /// Returns the value of an expression in the page, after its promise was fulfilled.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Result<Value> {
        match self {
            Self::Chromium(browser) => browser.evaluate(expression),
            Self::Firefox(browser) => browser.evaluate(expression),
        }
    }
}

/// Makes an empty home directory for a browser.
fn home(stage: &Stage<'_>) -> Result<PathBuf> {
    let home = stage.file("home")?;
    if home.exists() {
        fs::remove_dir_all(&home).context("cannot empty the home directory of the browser")?;
    }
    fs::create_dir_all(&home).context("cannot create a home directory for the browser")?;
    Ok(home)
}

/// Makes a database of NSS with our authority in this directory.
fn trust(stage: &Stage<'_>, database: &Path) -> Result<()> {
    fs::create_dir_all(database)?;
    let database = format!("sql:{}", database.display());
    let mut create = stage.tool(Tool::Certutil)?;
    create.args(["-N", "--empty-password", "-d", &database]);
    stage.spawn("certutil -N", create)?.ended_well()?;
    let mut add = stage.tool(Tool::Certutil)?;
    add.args(["-A", "-n", "interop", "-t", "C,,", "-d", &database, "-i"]);
    add.arg(&stage.certificates().authority);
    stage.spawn("certutil -A", add)?.ended_well()
}
