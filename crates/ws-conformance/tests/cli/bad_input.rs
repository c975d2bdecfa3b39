//! Runs that are not possible end with status 2 and a reason.

use std::fs;
use std::net::TcpListener;

use crate::command::{NOWHERE, http_server, run, server};
use crate::testees::Fault;

#[test]
fn options_that_make_no_sense_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let url = NOWHERE;
    for (words, text) in [
        (&["server"][..], "--url"),
        (&["client"], "--listen"),
        (
            &["server", "--url", "http://127.0.0.1/"],
            "not a WebSocket URL",
        ),
        (&["server", "--url", url, "--insecure"], "write wss://"),
        (
            &[
                "client",
                "--listen",
                "ws://[::1]:0",
                "--cert",
                "c",
                "--key",
                "k",
            ],
            "wss://[::1]:0",
        ),
        (&["client", "--listen", "ws://127.0.0.1"], "port is missing"),
        (&["server", "--url", url, "--jobs", "0"], "--jobs"),
        (&["server", "--url", url, "--time-scale", "0"], "factor"),
        (&["server", "--url", url, "--nonsense"], "--nonsense"),
    ] {
        run(dir.path(), words).assert_refused(text);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "no reports");
}

#[test]
fn unknown_cases_are_refused_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = |words: &[&str]| {
        let common = ["server", "--url", "ws://127.0.0.1:9"];
        run(dir.path(), &[&common, words].concat())
    };
    refusal(&["--cases", "8.1"]).assert_refused("no case matches `8.1`");
    refusal(&["--case", "7.1"]).assert_refused("`7.1.*` would match");
    refusal(&["--cases", "12.*", "--set", "extra"]).assert_refused("matches no case for this role");
    refusal(&["--exclude", "99"]).assert_refused("no case matches `99`");
    refusal(&["--cases", "9.3.*", "--exclude", "9.*"]).assert_refused("no case is left");
    refusal(&["--cases", "1.1.1,28.1.*"]).assert_refused("28.1.* is about HTTP/2: add --http2");
}

#[test]
fn a_server_that_is_not_there_or_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let probe = |url: &str| run(dir.path(), &["server", "--url", url, "--cases", "3.1"]);
    let url = NOWHERE;
    let refused = probe(url);
    refused.assert_refused("cannot connect");
    assert!(refused.stderr.contains(url), "{}", refused.stderr);
    // The cause appears once.
    assert_eq!(refused.stderr.matches("os error").count(), 1);
    let not_found = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    probe(&http_server(not_found)).assert_refused("404");
    probe(&http_server("SSH-2.0-OpenSSH_9.6\r\n\r\n")).assert_refused("handshake");
    probe(&server(Fault::named("wrong-accept"))).assert_refused("handshake");
    let url = http_server("HTTP/1.1 400 Bad Request\r\n\r\n");
    let http2 = ["server", "--http2", "--url", &url, "--cases", "3.1"];
    run(dir.path(), &http2).assert_refused("it may not serve HTTP/2");
}

#[test]
fn a_server_that_never_echoes_does_not_pass_by_silence() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::named("no-echo"));
    let cases = ["--cases", "3.1", "--time-scale", "1"];
    let words = [&["server", "--url", &url], &cases[..]].concat();
    run(dir.path(), &words).assert_refused("does not echo");
}

#[test]
fn a_busy_port_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    run(dir.path(), &["client", "--listen", &url]).assert_refused(&url);
}

#[test]
fn settings_files_with_mistakes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("spec.json");
    let refusal = |command: &str, text: &str| {
        fs::write(&file, text).unwrap();
        run(dir.path(), &[command, "--spec", "spec.json"])
    };
    let servers = r#""servers": [{"url": "ws://127.0.0.1:9"}]"#;
    let spec = |more: &str| format!("{{{servers}, {more}}}");
    refusal("server", "{").assert_refused("spec.json");
    refusal("server", &spec(r#""cases": ["8.1"]"#)).assert_refused("no case matches `8.1`");
    let options = spec(r#""cases": ["*"], "options": {"failByDrop": true}"#);
    refusal("server", &options).assert_refused("option `failByDrop` cannot be true");
    let unknown = spec(r#""cases": ["*"], "options": {"x": 1}"#);
    refusal("server", &unknown).assert_refused("there is no option `x`");
    let client = spec(r#""cases": ["*"]"#);
    refusal("client", &client).assert_refused("`ws-conformance server`");
    run(dir.path(), &["server", "--spec", "none.json"]).assert_refused("none.json");
}

#[test]
fn expectations_with_mistakes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let entry = "[[expect]]\ncases = '7.1.6'\nbehavior = 'FAILED'\nclose = 'OK'\n";
    fs::write(dir.path().join("expect.toml"), entry).unwrap();
    let words = [
        "server",
        "--url",
        "ws://127.0.0.1:9",
        "--expect",
        "expect.toml",
    ];
    run(dir.path(), &words).assert_refused("line 2: `reason` is missing");
    let missing = [
        "server",
        "--url",
        "ws://127.0.0.1:9",
        "--expect",
        "none.toml",
    ];
    run(dir.path(), &missing).assert_refused("none.toml");
}

#[test]
fn an_outdir_that_cannot_be_written_is_refused_before_the_run() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let url = server(Fault::NONE);
    let words = [
        "server", "--url", &url, "--cases", "1.1.1", "--outdir", "file",
    ];
    run(dir.path(), &words).assert_refused("cannot write the report file");
}
