//! The program itself: exit codes, signals, TLS, and the client for terminals.

use std::fs;
use std::io::Write as _;

use ws_test_certificates::Authority;

use crate::support::{Client, Program};

/// Runs a part that blocks beside the runtime of the test.
async fn blocking<T: Send + 'static>(part: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(part).await.unwrap()
}

#[test]
fn mistakes_have_their_exit_codes() {
    assert_eq!(
        Program::start(&["serve", "--listen", "nowhere"]).status(),
        Some(2)
    );
    assert_eq!(Program::start(&["join"]).status(), Some(2));
    // Documentation addresses belong to no machine (RFC 5737).
    assert_eq!(
        Program::start(&["serve", "--listen", "192.0.2.1:9"]).status(),
        Some(1)
    );
    let tls = ["serve", "--tls", "no-such-file", "no-such-file"];
    assert_eq!(Program::start(&tls).status(), Some(1));
    assert_eq!(
        Program::start(&["join", "ftp://x", "--name", "A"]).status(),
        Some(1)
    );
    assert_eq!(Program::start(&["serve", "--help"]).status(), Some(0));
}

#[tokio::test]
async fn the_terminal_sends_lines_and_prints_messages() {
    let (_server, url) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let mut ann = Client::join(&url, "lobby", "Ann").await;
    ann.say("\u{3c}hello").await;
    let mut bob = Program::start(&["join", &url, "--name", "Bob"]);
    writeln!(bob.input.as_ref().unwrap(), "hi, Ann\nhow are you?").unwrap();
    ann.sees("how are you?").await;
    ann.say("fine").await;
    let (lines, status) = blocking(move || {
        let lines = [bob.line(), bob.line(), bob.line(), bob.line()];
        (lines, bob.status())
    })
    .await;
    let lines = lines.map(|line| line.split_once(' ').expect("a time").1.to_owned());
    let expected = [
        "<Ann> <hello",
        "<Bob> hi, Ann",
        "<Bob> how are you?",
        "<Ann> fine",
    ];
    assert_eq!(lines, expected);
    assert_eq!(status, Some(0));
    assert_eq!(ann.texts(), ["<hello", "hi, Ann", "how are you?", "fine"]);
}

#[tokio::test]
async fn the_terminal_ends_if_the_server_does_not_let_it_in() {
    let (_server, url) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let status = blocking(move || {
        let mut bob = Program::start(&["join", &url, "--name", "Bob", "--room", "a b"]);
        // It must end although its input does not.
        let input = bob.input.take();
        let status = bob.status();
        drop(input);
        status
    });
    assert_eq!(status.await, Some(1));
}

#[test]
fn the_terminal_gives_up_if_it_may() {
    // Documentation addresses belong to no machine (RFC 5737).
    let args = [
        "join",
        "http://192.0.2.1:9",
        "--name",
        "Bob",
        "--give-up",
        "0",
    ];
    assert_eq!(Program::start(&args).status(), Some(1));
}

#[tokio::test]
async fn a_server_with_tls_serves_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let authority = Authority::new();
    let identity = authority.server();
    let chain = file("chain.pem", identity.certificate);
    let key = file("key.pem", identity.key);
    let root = file("root.pem", authority.certificate());
    let (_server, url) = Program::serve(&["--listen", "127.0.0.1:0", "--tls", &chain, &key]);
    assert!(url.starts_with("https://"), "{url}");
    let (line, status) = blocking(move || {
        let args = ["join", &url, "--name", "Bob", "--authority", &root];
        let mut bob = Program::start(&args);
        writeln!(bob.input.as_ref().unwrap(), "secret").unwrap();
        (bob.line(), bob.status())
    })
    .await;
    assert!(line.ends_with("<Bob> secret"), "{line}");
    assert_eq!(status, Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_shuts_down_with_a_report() {
    let (mut server, url) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let ann = Client::join(&url, "lobby", "Ann").await;
    server.terminate();
    let (code, _) = ann.closed().await;
    assert_eq!(code, 1001);
    let (lines, status) = blocking(move || ([server.line(), server.line()], server.status())).await;
    assert_eq!(lines[0], "shutting down");
    assert!(
        lines[1].starts_with("1 connections closed cleanly, 0 were cut"),
        "{lines:?}"
    );
    assert_eq!(status, Some(0));
}
