//! Tests of the command over TLS.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::certificates::{self, Files};
use crate::testees::{Client, Fault};
use crate::{PACE, bridge, plain_server};

fn command(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ws-conformance"));
    command.args(words).args(["--time-scale", "20"]);
    command.current_dir(dir);
    command
}

#[track_caller]
fn assert_refused(dir: &Path, words: &[&str], text: &str) {
    let Output { status, stderr, .. } = command(dir, words).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(text), "`{text}` is not in: {stderr}");
}

fn url(files: &Files) -> String {
    let address = bridge::in_front_of(plain_server(), &files.server());
    format!("wss://localhost:{}", address.port())
}

#[test]
fn a_server_passes_with_the_right_authority_or_with_none_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let files = certificates::signed("localhost");
    let authority = files.authority();
    let url = url(&files);
    let words = ["server", "--url", &url, "--cases", "1.1.1,3.1"];
    for more in [&["--ca", authority.to_str().unwrap()][..], &["--insecure"]] {
        let output = command(dir.path(), &[&words, more].concat()).output();
        let Output { status, stdout, .. } = output.unwrap();
        let stdout = String::from_utf8(stdout).unwrap();
        assert_eq!(status.code(), Some(0), "{stdout}");
    }
}

#[test]
fn a_server_without_a_certificate_to_trust_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (files, why) in [
        (certificates::signed("localhost"), "--insecure"),
        (certificates::expired(), "expired"),
        (certificates::signed("example.org"), "not valid for name"),
    ] {
        let (url, authority) = (url(&files), files.authority());
        let right = authority.to_str().unwrap();
        let words = ["server", "--url", &url, "--cases", "3.1"];
        match why {
            "--insecure" => assert_refused(dir.path(), &words, why),
            _ => assert_refused(dir.path(), &[&words[..], &["--ca", right]].concat(), why),
        }
    }
    let words = ["server", "--url", "wss://localhost:1", "--ca", "none.pem"];
    assert_refused(dir.path(), &words, "none.pem");
}

#[test]
fn a_server_that_speaks_no_tls_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let address = bridge::listen(|tcp| tcp.shutdown(std::net::Shutdown::Write));
    let url = format!("wss://{address}");
    let words = ["server", "--url", &url, "--cases", "3.1", "--insecure"];
    assert_refused(dir.path(), &words, "check that the server uses TLS");
}

#[test]
fn clients_need_a_certificate_and_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let (files, other) = (
        certificates::signed("localhost"),
        certificates::signed("localhost"),
    );
    let words = ["client", "--listen", "wss://127.0.0.1:0"];
    assert_refused(dir.path(), &words, "--cert FILE");
    let cert = files.cert();
    let with = |key: &Path| {
        let more = ["--cert", cert.to_str().unwrap(), "--key"];
        [&words[..], &more, &[key.to_str().unwrap()]]
            .concat()
            .join("\n")
    };
    let refused = |key: &Path, text: &str| {
        let words = with(key);
        assert_refused(dir.path(), &words.lines().collect::<Vec<_>>(), text);
    };
    refused(&other.key(), "not that of the certificate");
    refused(&cert, "no private key");
    refused(Path::new("none.pem"), "none.pem");
}

#[test]
fn a_settings_file_names_the_certificate_and_a_client_passes() {
    let files = certificates::signed("localhost");
    let dir = tempfile::tempdir().unwrap();
    let spec = serde_json::json!({
        "url": "wss://127.0.0.1:0", "cases": ["1.1.*"], "outdir": "out",
        "cert": files.cert(), "key": files.key(),
    });
    fs::write(dir.path().join("spec.json"), spec.to_string()).unwrap();
    let mut child = command(dir.path(), &["client", "--spec", "spec.json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let url = line.split(' ').find(|word| word.starts_with("wss://"));
    let address = url.unwrap().trim_start_matches("wss://");
    let address = address.trim_end_matches(',').parse().unwrap();
    let address = bridge::to(address, &files.client());
    let client = Client::new(&format!("ws://{address}"), Fault::NONE).unwrap();
    client.with_pace(PACE).run(2).unwrap();
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:?}");
    assert!(dir.path().join("out/index.json").exists());
}
