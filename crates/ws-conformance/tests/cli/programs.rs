//! Testees that the suite starts and ends.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{self, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{PACE, Ran, command, run};
use crate::testees::{Client, Fault, Server};

/// The beginning of the last word of a command line that starts [`testee`].
const MARK: &str = "testee:";

/// The time limit of waits in these tests.
const LONG: Duration = Duration::from_secs(60);

/// The program under test: this program, started again by the command. Without a task, it does
/// nothing.
#[test]
fn testee() {
    let last = env::args().next_back().unwrap_or_default();
    let Some(task) = last.strip_prefix(MARK) else {
        return;
    };
    let (task, address) = task.split_once('@').unwrap();
    match task.split_once('/') {
        Some(("server", fault)) => serve(address, fault),
        Some(("echo", fault)) => {
            let (suite, target) = address.split_once("/runCase").unwrap();
            let client = Client::new(suite, Fault::named(fault)).unwrap();
            // An error ends the case. The suite judges what that means.
            drop(
                client
                    .with_pace(PACE)
                    .run_target(&format!("/runCase{target}")),
            );
        }
        Some(("client", fault)) => {
            let client = Client::new(address, Fault::named(fault)).unwrap();
            client.with_pace(PACE).run(1).unwrap();
        }
        _ => match task {
            "sleeper" => thread::sleep(10 * LONG),
            "late" => {
                thread::sleep(Duration::from_millis(500));
                serve(address, "none");
            }
            "moody" => moody_client(address),
            "once" => {
                let client = Client::new(address, Fault::NONE).unwrap();
                drop(client.with_pace(PACE).run_target("/chat?x"));
            }
            "lazy" => {
                let client = Client::new(address, Fault::NONE).unwrap();
                drop(client.with_pace(PACE).run_case(1));
                eprintln!("nothing more today");
                process::exit(3);
            }
            _ => {
                eprintln!("unknown option `{task}`");
                process::exit(3);
            }
        },
    }
}

/// A client that drops the second of two cases when it runs for the first time.
fn moody_client(url: &str) {
    let client = Client::new(url, Fault::NONE).unwrap().with_pace(PACE);
    if Path::new("again").exists() {
        client.run(1).unwrap();
        return;
    }
    fs::write("again", "").unwrap();
    drop(client.run_case(1));
    let mut tcp = TcpStream::connect(url.replace("ws://", "")).unwrap();
    let agent = Fault::NONE.name();
    let request = format!(
        "GET /runCase?case=2&agent={agent} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    tcp.write_all(request.as_bytes()).unwrap();
    assert!(tcp.read(&mut [0; 1024]).unwrap() > 0);
}

fn serve(port: &str, fault: &str) {
    let server = Server::bind(port.parse().unwrap()).unwrap();
    server.with_pace(PACE).serve(Fault::named(fault));
}

/// Returns the words of a command line that starts [`testee`].
fn testee_words(task: &str) -> Vec<String> {
    let program = env::current_exe().unwrap();
    let words = ["--exact", "programs::testee", "--nocapture"];
    let words = words.map(str::to_owned).into_iter();
    [program.to_string_lossy().into_owned()]
        .into_iter()
        .chain(words)
        .chain([format!("{MARK}{task}")])
        .collect()
}

pub(crate) fn run_with(dir: &Path, words: &[&str], task: &str) -> Ran {
    let program = testee_words(task);
    let program: Vec<_> = program.iter().map(String::as_str).collect();
    run(dir, &[words, &["--"], &program].concat())
}

/// Fails unless nobody listens at the address that the output names.
#[track_caller]
fn assert_nobody_listens(output: &str) {
    let (_, rest) = output.split_once("ws://").unwrap();
    let address = rest.split('/').next().unwrap();
    assert!(TcpStream::connect(address).is_err(), "{address}");
}

#[test]
fn a_server_is_started_and_ended() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["server", "--cases", "1.1.*"];
    let ran = run_with(dir.path(), &words, "server/none@{port}");
    ran.assert_status(0);
    assert_nobody_listens(&ran.stdout);
}

#[test]
fn the_url_may_have_a_path_and_the_replay_has_all_words() {
    let dir = tempfile::tempdir().unwrap();
    let words = [
        "server",
        "--cases",
        "5.3",
        "--url",
        "ws://127.0.0.1:{port}/echo",
    ];
    let ran = run_with(dir.path(), &words, "server/last-fragment-lost@{port}");
    ran.assert_status(1);
    let replay = ran.stdout.lines().find(|line| line.contains("again:"));
    let replay = replay.unwrap();
    for part in [
        "ws-conformance server --url 'ws://127.0.0.1:{port}/echo' --time-scale 5",
        " --cases 5.3 --seed 1 --trace -- ",
        "'testee:server/last-fragment-lost@{port}'",
    ] {
        assert!(replay.contains(part), "`{part}` is not in {replay}");
    }
}

#[test]
fn a_server_may_take_its_time_to_start() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["server", "--cases", "1.1.1"];
    run_with(dir.path(), &words, "late@{port}").assert_status(0);
}

#[test]
fn a_url_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::bind(0).unwrap();
    let url = server.url();
    drop(server);
    let port = url.rsplit(':').next().unwrap().to_owned();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(500));
        serve(&port, "none");
    });
    let words = ["server", "--url", &url, "--wait", "60", "--cases", "1.1.1"];
    run(dir.path(), &words).assert_status(0);
}

#[test]
fn waiting_has_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["server", "--wait", "0.5"];
    let ran = run_with(dir.path(), &words, "sleeper@{port}");
    ran.assert_refused("does not answer within 0.5 s");
    let words = ["server", "--wait", "0.1", "--url", "ws://127.0.0.1:1"];
    run(dir.path(), &words).assert_refused("no answer within 0.1 s");
}

#[test]
fn a_program_that_ends_is_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_with(dir.path(), &["server"], "nonsense@{port}");
    ran.assert_refused("before it answered");
    ran.assert_refused("unknown option `nonsense`");
    let ran = run_with(dir.path(), &["client"], "nonsense@{url}");
    ran.assert_refused("before it ran a case");
    ran.assert_refused("unknown option `nonsense`");
    let log = fs::read_to_string(dir.path().join("reports/clients/testee.log")).unwrap();
    assert!(log.contains("unknown option"), "{log}");
}

#[test]
fn a_server_that_ends_during_the_run_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let words = [
        "server", "--cases", "23.5.3", "--set", "extra", "--jobs", "1",
    ];
    let ran = run_with(dir.path(), &words, "server/dies-of-a-tebibyte@{port}");
    ran.assert_refused("the program ended");
    ran.assert_refused("during the run");
}

#[test]
fn a_command_without_a_place_for_the_port_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["server", "--", "./server"]).assert_refused("write {port} where");
    let words = ["server", "--", "./no-such-program", "{port}"];
    run(dir.path(), &words).assert_refused("cannot start `./no-such-program`");
}

#[test]
fn a_client_is_started_and_the_run_ends_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["client", "--cases", "1.1.*,2.1"];
    run_with(dir.path(), &words, "client/none@{url}").assert_status(0);
    let index = fs::read_to_string(dir.path().join("reports/clients/index.json")).unwrap();
    assert_eq!(index.matches("reportfile").count(), 9, "{index}");
}

#[test]
fn a_client_of_one_case_is_started_for_each() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["client", "--cases", "1.1.*,2.1,7.9.1"];
    let named = [&words[..], &["--agent", "it & me"]].concat();
    run_with(dir.path(), &named, "echo/none@{case}").assert_status(0);
    let index = fs::read_to_string(dir.path().join("reports/clients/index.json")).unwrap();
    assert!(index.contains("\"it & me\""), "{index}");
    assert_eq!(index.matches("reportfile").count(), 10, "{index}");
}

#[test]
fn a_fault_of_a_client_of_one_case_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["client", "--cases", "5.3"];
    let ran = run_with(dir.path(), &words, "echo/last-fragment-lost@{case}");
    ran.assert_status(1);
    assert!(ran.stdout.contains("case 5.3"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("last-fragment-lost@{case}"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_client_of_one_case_that_does_not_connect_is_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["client", "--cases", "1.1.*", "--jobs", "2"];
    let ran = run_with(dir.path(), &words, "nonsense@{case}");
    ran.assert_refused("without a result");
    ran.assert_refused("unknown option `nonsense`");
    let words = ["client", "--agent", "me"];
    run_with(dir.path(), &words, "client/none@{url}").assert_refused("a command with {case}");
}

#[test]
fn a_client_that_ends_early_is_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_with(dir.path(), &["client", "--cases", "1.1.*"], "lazy@{url}");
    ran.assert_refused("before it had run all cases");
    ran.assert_refused("nothing more today");
}

#[test]
fn a_client_of_one_case_that_gets_the_address_of_the_suite_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_with(dir.path(), &["client", "--cases", "1.1.1"], "once@{url}");
    let warning = "warning: a client requested `/chat`, which runs no case; did you mean {case}";
    assert!(ran.stdout.contains(warning), "{}", ran.stdout);
    ran.assert_refused("before it ran a case: it requested `/chat` (did you mean {case}");
}

#[test]
fn a_command_of_a_client_has_one_kind_of_address() {
    let dir = tempfile::tempdir().unwrap();
    for (task, text) in [
        (
            "once@{case}{url}",
            "the command has {case}, and also {url} or {port}",
        ),
        (
            "once@{port}{case}",
            "the command has {case}, and also {url} or {port}",
        ),
        (
            "once",
            "write {case} where the command has the address of a case",
        ),
    ] {
        run_with(dir.path(), &["client"], task).assert_refused(text);
    }
}

#[cfg(unix)]
#[test]
fn an_interruption_ends_the_program() {
    let dir = tempfile::tempdir().unwrap();
    let program = testee_words("server/none@{port}");
    let program: Vec<_> = program.iter().map(String::as_str).collect();
    let words = [
        "server",
        "--cases",
        "1.1.1,6.4.*",
        "--jobs",
        "1",
        "--time-scale",
        "60",
    ];
    let child = command(dir.path(), &[&words[..], &["--"], &*program].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let index = dir.path().join("reports/servers/index.json");
    let started = Instant::now();
    while !fs::read_to_string(&index).is_ok_and(|index| index.contains("1.1.1")) {
        assert!(started.elapsed() < LONG);
        thread::sleep(Duration::from_millis(10));
    }
    let id = child.id().to_string();
    let killed = process::Command::new("kill").args(["-INT", &id]).status();
    assert!(killed.unwrap().success());
    let ran = Ran::from(child.wait_with_output().unwrap());
    ran.assert_refused("interrupted");
    assert_nobody_listens(&ran.stdout);
}
