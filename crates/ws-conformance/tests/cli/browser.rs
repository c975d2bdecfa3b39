//! The page that runs the cases in a browser.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{Ran, command};
use crate::runs::start_listening;

/// The names of Chromium on different systems.
const CHROMIUM: &[&str] = &["chromium", "chromium-browser", "google-chrome", "chrome"];

/// The time limit for the browser to start and run the cases on a busy machine.
const LONG: Duration = Duration::from_secs(300);

fn chromium() -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    let folders: Vec<_> = env::split_paths(&folders).collect();
    let paths = CHROMIUM
        .iter()
        .flat_map(|name| folders.iter().map(move |it| it.join(name)));
    paths.into_iter().find(|path| path.is_file())
}

#[test]
fn a_browser_runs_the_cases() {
    let Some(chromium) = chromium() else {
        // Not `eprintln`, whose output a passing test does not show.
        let line = "skipped: a_browser_runs_the_cases needs Chromium in PATH";
        writeln!(io::stderr(), "{line}").unwrap();
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let words = [
        "client",
        "--listen",
        "ws://127.0.0.1:0",
        "--cases",
        "1.1.1,1.2.8,7.1.1,22.1.1",
    ];
    let mut suite = command(dir.path(), &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let url = start_listening(&mut suite).replace("ws://", "http://");
    let mut browser = Command::new(chromium)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .arg(format!(
            "--user-data-dir={}",
            dir.path().join("profile").display()
        ))
        .arg("--remote-debugging-port=0")
        .arg(format!("{url}/?run&shutdown&agent=browser"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while suite.try_wait().unwrap().is_none() && started.elapsed() < LONG {
        thread::sleep(Duration::from_millis(50));
    }
    // The suite has ended, unless the time is over.
    drop(suite.kill());
    let ran = Ran::from(suite.wait_with_output().unwrap());
    browser.kill().unwrap();
    browser.wait().unwrap();
    ran.assert_status(0);
    let index = fs::read_to_string(dir.path().join("reports/clients/index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    let cases = index["browser"].as_object().unwrap();
    assert_eq!(cases.len(), 4, "{cases:?}");
}

#[test]
fn the_page_is_served_beside_the_cases() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["client", "--listen", "ws://127.0.0.1:0", "--cases", "1.1.1"];
    let mut suite = command(dir.path(), &words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let address = start_listening(&mut suite).replace("ws://", "");
    let mut tcp = TcpStream::connect(&address).unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut page = String::new();
    tcp.read_to_string(&mut page).unwrap();
    suite.kill().unwrap();
    suite.wait().unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.ends_with("</html>\n"), "{page}");
}
