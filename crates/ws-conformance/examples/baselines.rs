//! Stores the original suite's verdicts on the testees, for the test `agreement`. See the README
//! beside the verdicts.
//!
//! ```text
//! cargo run -p ws-conformance --example baselines -- --wstest PATH/TO/wstest
//! ```

#![forbid(unsafe_code)]

#[path = "../tests/testees/mod.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod testees;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use serde::Deserialize;
use serde_json::{Value, json};
use testees::{Client, Fault, Role, Server};
use ws_conformance::case::CaseId;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The time limit of a testee. A testee takes longer only if the suite waits without end.
const LIMIT: Duration = Duration::from_secs(900);

/// Stores the original suite's verdicts on the testees.
#[derive(Debug, Parser)]
struct Args {
    /// The original suite's command, version 25.10.1.
    #[arg(long)]
    wstest: PathBuf,
    /// The number of testees at a time. The timers of the suite are short, so the machine must be
    /// idle.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Run only these faults.
    faults: Vec<Fault>,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let work = std::env::temp_dir().join(format!("ws-baselines-{}", std::process::id()));
    let todo = Mutex::new(testees_of(&args));
    let next = || todo.lock().ok().and_then(|mut todo| todo.pop());
    let failed = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..args.jobs {
            scope.spawn(|| {
                while let Some((role, fault)) = next() {
                    let stored = baseline(&args.wstest, &work, role, fault);
                    failed.fetch_or(stored.is_err(), Ordering::Relaxed);
                    match stored {
                        Ok(cases) => println!("{} {}: {cases} cases", role.name(), fault.name()),
                        Err(error) => println!("{} {}: {error}", role.name(), fault.name()),
                    }
                }
            });
        }
    });
    fs::remove_dir_all(&work)?;
    Ok(ExitCode::from(u8::from(failed.into_inner())))
}

fn testees_of(args: &Args) -> Vec<(Role, Fault)> {
    let wanted = |fault: &Fault| args.faults.is_empty() || args.faults.contains(fault);
    let of_role = |role| {
        Fault::original(role)
            .filter(wanted)
            .map(move |fault| (role, fault))
    };
    Role::BOTH.into_iter().flat_map(of_role).collect()
}

/// Returns the cases that a testee runs. If the suite has to wait for a timer in nearly every case,
/// one case of each kind is enough.
fn cases(fault: Fault) -> Vec<&'static str> {
    let groups = |more: &[&'static str]| {
        let all = [
            "1.*", "2.*", "3.*", "4.*", "5.*", "7.*", "10.*", "9.1.1", "9.2.1",
        ];
        [&all, more].concat()
    };
    const SOME_TEXTS: &[&str] = &[
        "6.1.*", "6.2.*", "6.3.*", "6.4.*", "6.5.1", "6.6.1", "6.6.2", "6.12.1",
    ];
    const COMPRESSION: &[&str] = &[
        "12.1.1", "12.1.11", "12.2.3", "12.4.2", "13.1.2", "13.2.3", "13.3.1", "13.3.4", "13.4.1",
        "13.5.3", "13.6.2", "13.7.2",
    ];
    match fault.name() {
        "no-upgrade" => vec![
            "1.1.1", "2.1", "3.1", "6.3.1", "7.1.6", "7.13.1", "9.1.1", "10.1.1",
        ],
        "no-echo" | "slow" | "no-close-reply" | "tcp-left-open" => groups(SOME_TEXTS),
        "window-ignored" => [COMPRESSION, &["13.3.7", "13.5.5", "13.5.7"]].concat(),
        "uncompressed" => COMPRESSION.to_vec(),
        _ if fault.agrees_to_compress() => COMPRESSION.to_vec(),
        "none" => groups(&[
            "6.*", "9.1.2", "9.2.2", "9.3.5", "9.4.5", "9.5.5", "9.7.1", "9.8.2",
        ]),
        "fragmented-echo" | "altered-text" | "wrong-opcode" | "last-fragment-lost" => {
            groups(&["6.*", "9.3.6", "9.4.6"])
        }
        _ => groups(&["6.*"]),
    }
}

/// Runs the suite over one testee and stores the verdicts. Returns their number.
fn baseline(wstest: &Path, work: &Path, role: Role, fault: Fault) -> Result<usize> {
    let dir = work.join(role.name()).join(fault.name());
    fs::create_dir_all(&dir)?;
    match role {
        Role::Server => test_server(wstest, &dir, fault)?,
        Role::Client => test_client(wstest, &dir, fault)?,
    }
    let verdicts = verdicts(&dir, fault)?;
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/baselines");
    let stored = stored.join(role.name());
    fs::create_dir_all(&stored)?;
    let file = stored.join(format!("{}.json", fault.name()));
    fs::write(file, one_line_per_case(&verdicts)?)?;
    Ok(verdicts.len())
}

fn test_server(wstest: &Path, dir: &Path, fault: Fault) -> Result<()> {
    let server = Server::bind(0)?;
    let spec = json!({
        "outdir": "reports",
        "servers": [{"agent": fault.name(), "url": server.url()}],
        "cases": cases(fault),
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    thread::spawn(move || server.serve(fault));
    let mut suite = start(wstest, dir, "fuzzingclient", &spec)?;
    wait(&mut suite, Instant::now() + LIMIT)
}

fn test_client(wstest: &Path, dir: &Path, fault: Fault) -> Result<()> {
    // The suite does not print its port, so it needs one that is free now.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let url = format!("ws://127.0.0.1:{port}");
    let spec = json!({
        "outdir": "reports",
        "url": url,
        "cases": cases(fault),
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    let mut suite = start(wstest, dir, "fuzzingserver", &spec)?;
    let deadline = Instant::now() + LIMIT;
    let client = Client::new(&url, fault)?;
    while client.case_count().is_err() && suite.try_wait()?.is_none() {
        thread::sleep(Duration::from_millis(100));
    }
    client.run(1)?;
    wait(&mut suite, deadline)
}

fn start(wstest: &Path, dir: &Path, mode: &str, spec: &Value) -> Result<Child> {
    fs::write(dir.join("spec.json"), spec.to_string())?;
    let log = File::create(dir.join("wstest.log"))?;
    let child = Command::new(wstest)
        .args(["--mode", mode, "--spec", "spec.json", "--webport", "0"])
        .current_dir(dir)
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    Ok(child)
}

fn wait(suite: &mut Child, deadline: Instant) -> Result<()> {
    while suite.try_wait()?.is_none() {
        if Instant::now() > deadline {
            suite.kill()?;
            suite.wait()?;
            return Err("the suite did not end in time".into());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// One case of the suite's `index.json`.
#[derive(Deserialize)]
struct Entry {
    behavior: String,
    #[serde(rename = "behaviorClose")]
    close: String,
}

fn verdicts(dir: &Path, fault: Fault) -> Result<BTreeMap<CaseId, Entry>> {
    let index = fs::read_to_string(dir.join("reports/index.json"))?;
    let mut agents: BTreeMap<String, BTreeMap<CaseId, Entry>> = serde_json::from_str(&index)?;
    let verdicts = agents.remove(fault.name());
    Ok(verdicts.ok_or("the report lacks the testee")?)
}

fn one_line_per_case(verdicts: &BTreeMap<CaseId, Entry>) -> Result<String> {
    let mut text = String::from("{");
    for (number, (id, Entry { behavior, close })) in verdicts.iter().enumerate() {
        let comma = if number > 0 { "," } else { "" };
        write!(text, "{comma}\n  \"{id}\": [\"{behavior}\", \"{close}\"]")?;
    }
    text.push_str("\n}\n");
    Ok(text)
}
