//! The web pages of runs and of the command `report`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::thread;

use serde_json::{Value, json};

use crate::command::{PACE, command, run, server};
use crate::runs::start_listening;
use crate::testees::{Client, Fault};

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn test_server(dir: &Path, url: &str, more: &[&str]) {
    let ran = run(dir, &[&["server", "--url", url], more].concat());
    assert!(ran.status < 2, "{}", ran.stderr);
}

/// Returns the pages of a folder, by name.
fn pages(dir: &Path) -> Vec<(String, String)> {
    let names = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let pages = names.filter(|name| name.ends_with(".html"));
    pages
        .map(|name| (name.clone(), read(&dir.join(&name))))
        .collect()
}

/// Returns the targets of the links of a page.
fn links(page: &str) -> BTreeSet<String> {
    let parts = [" href=\"", " src=\""].map(|start| page.split(start).skip(1));
    let targets = parts.into_iter().flatten();
    targets
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// Fails unless every case has a page, every page is linked, and every link leads to a file of the
/// folder or to a section of an RFC.
#[track_caller]
fn assert_complete(dir: &Path) {
    let index: Value = serde_json::from_str(&read(&dir.join("index.json"))).unwrap();
    let of_index = links(&read(&dir.join("index.html")));
    for (agent, cases) in index.as_object().unwrap() {
        for (case, entry) in cases.as_object().unwrap() {
            let page = entry["reportfile"]
                .as_str()
                .unwrap()
                .replace(".json", ".html");
            assert!(of_index.contains(&page), "{case} of {agent} is not linked");
        }
    }
    for (name, page) in pages(dir) {
        for link in links(&page) {
            let path = link.split('#').next().unwrap();
            let outside = link.starts_with("https://www.rfc-editor.org/rfc/rfc");
            let resolves = path.is_empty() || dir.join(path).is_file();
            assert!(outside || resolves || link == "data:,", "{name}: {link}");
        }
        assert!(!page.contains("<script>"), "{name} has a script within");
    }
}

#[test]
fn a_run_leaves_a_page_for_each_case_and_one_for_all() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::named("last-fragment-lost"));
    let words = [
        "--agent",
        "lossy",
        "--cases",
        "1.1.1,1.1.2,5.3,20.1.1",
        "--set",
        "all",
    ];
    test_server(dir.path(), &url, &words);
    let folder = dir.path().join("reports/servers");
    assert_complete(&folder);
    let index = read(&folder.join("index.html"));
    let needs_a_look = index.find("Unexpected results").unwrap();
    let all_cases = index.find("All cases").unwrap();
    let finding = index.find("\"lossy_case_5_3.html\"").unwrap();
    assert!(
        (needs_a_look..all_cases).contains(&finding),
        "failures come first"
    );
    let page = read(&folder.join("lossy_case_5_3.html"));
    for text in [
        "fragment1fragment2",
        "rfc6455.html#section-5.4",
        "GET / HTTP/1.1",
        "101 Switching Protocols",
        "wasServerConnectionDropTimeout",
        "Bytes received by chop size",
        "RX FRAME",
        "TCP DROPPED BY PEER",
        " --cases 5.3 --seed 1 --trace",
        "rel=\"prev\" href=\"lossy_case_1_1_2.html\"",
        "rel=\"next\" href=\"lossy_case_20_1_1.html\"",
    ] {
        assert!(page.contains(text), "`{text}` is not in {page}");
    }
    let extra = read(&folder.join("lossy_case_20_1_1.html"));
    assert!(
        extra.contains("<span class=\"level\">MUST</span>"),
        "{extra}"
    );
    let badge = read(&folder.join("lossy_badge.svg"));
    assert!(badge.contains(">3/4, 1 failed<"), "{badge}");
    let endpoint = read(&folder.join("lossy_badge.json"));
    assert!(
        endpoint.contains(r#""message":"3/4, 1 failed""#),
        "{endpoint}"
    );
}

/// Passes bytes on, and replaces some bytes of the server.
fn forge(mut from: TcpStream, mut to: TcpStream, forgeries: &[(&[u8], &[u8])]) {
    let mut bytes = [0; 65536];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        let mut passed = bytes[..len].to_vec();
        for (honest, forged) in forgeries {
            let found = passed.windows(honest.len()).position(|it| it == *honest);
            if let Some(at) = found {
                passed.splice(at..at + honest.len(), forged.iter().copied());
            }
        }
        if to.write_all(&passed).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Returns the URL of a server with scripts in its name and in its echoes.
fn malicious_server() -> String {
    const FORGERIES: &[(&[u8], &[u8])] = &[
        (
            b"Connection: Upgrade",
            b"Connection: Upgrade\r\nServer: \"'><script>alert(1)</script>",
        ),
        (b"fragment1fragment2", b"<script>/*1*/</scr"),
    ];
    let honest = server(Fault::NONE);
    let honest = honest
        .trim_start_matches("ws://")
        .trim_end_matches('/')
        .to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&honest) else {
                return;
            };
            let (to, from) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || forge(from, to, &[]));
            thread::spawn(move || forge(server, client, FORGERIES));
        }
    });
    url
}

#[test]
fn nothing_that_a_testee_says_becomes_part_of_a_page() {
    let dir = tempfile::tempdir().unwrap();
    test_server(dir.path(), &malicious_server(), &["--cases", "5.3,1.1.1"]);
    let folder = dir.path().join("reports/servers");
    assert_complete(&folder);
    let mut seen = 0;
    for (name, page) in pages(&folder) {
        assert!(!page.contains("<script>"), "{name}");
        assert!(!page.contains("\"'>"), "{name}");
        seen += page.matches("&#60;script&#62;alert(1)").count();
        seen += page.matches("&#60;script&#62;/*1*/").count();
    }
    assert!(seen >= 6, "the names and the payload are shown: {seen}");
}

/// Writes a folder like those of the original: every field has a value of its type there.
fn folder_of_the_original(dir: &Path) {
    let shape = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/report-shape.json");
    let shape: Value = serde_json::from_str(&read(Path::new(shape))).unwrap();
    let value = |types: &Value| match types[0].as_str().unwrap() {
        "string" => json!("text"),
        "number" => json!(1),
        "boolean" => json!(true),
        "array" => json!([]),
        "object" => json!({}),
        _ => Value::Null,
    };
    let fields = shape["case"].as_object().unwrap().iter();
    let fields = fields.map(|(name, types)| (name.clone(), value(types)));
    let mut report = Value::Object(fields.collect());
    for (name, value) in [
        ("agent", json!("theirs")),
        ("id", json!("4.2.4")),
        (
            "description",
            json!("Send <b>Opcode = 14</b>.<br><br>PARTS:<br>a<br>"),
        ),
        ("rxOctetStats", json!({"19": 1, "129": 1})),
        (
            "wirelog",
            json!([["KL", 1], ["RF", [2, "0x03ea"], 8, true, 0, false, null]]),
        ),
    ] {
        report[name] = value;
    }
    let entry = json!({"behavior": "NON-STRICT", "behaviorClose": "FAILED BY CLIENT",
        "duration": 4, "remoteCloseCode": null, "reportfile": "theirs_case_4_2_4.json"});
    let index = json!({"theirs": {"4.2.4": entry}});
    fs::create_dir(dir).unwrap();
    fs::write(dir.join("index.json"), index.to_string()).unwrap();
    fs::write(dir.join("theirs_case_4_2_4.json"), report.to_string()).unwrap();
}

#[test]
fn reports_of_several_testees_and_of_the_original_become_one() {
    let dir = tempfile::tempdir().unwrap();
    folder_of_the_original(&dir.path().join("original"));
    let words = ["--agent", "ours", "--cases", "4.2.*", "--outdir", "ours"];
    test_server(dir.path(), &server(Fault::NONE), &words);
    let ran = run(
        dir.path(),
        &["report", "ours", "again=ours", "original", "--out", "site"],
    );
    ran.assert_status(0);
    assert!(
        ran.stdout.contains("11 result(s) of 3 testee(s)"),
        "{}",
        ran.stdout
    );
    let site = dir.path().join("site");
    assert_complete(&site);
    let index = read(&site.join("index.html"));
    for agent in ["ours", "again", "theirs"] {
        assert!(
            index.contains(&format!("<bdi>{agent}</bdi></th>")),
            "{agent}"
        );
    }
    // Of the original suite, theirs has but one case, and ours the five of 4.2.
    for (count, text) in [(1, "516 not run"), (2, "512 not run"), (4, ">Not run</td>")] {
        assert_eq!(index.matches(text).count(), count, "{text}");
    }
    let badge = read(&site.join("ours_badge.svg"));
    assert!(badge.contains(", 512 not run<"), "{badge}");
    let theirs = read(&site.join("theirs_case_4_2_4.html"));
    for text in [
        "Send Opcode = 14.\nPARTS:\na",
        "Non-strict",
        "FAILED BY CLIENT",
        "0x03ea",
    ] {
        assert!(theirs.contains(text), "`{text}` is not in {theirs}");
    }
    assert!(
        theirs.contains("href=\"again_case_4_2_4.html\""),
        "others are linked"
    );
}

#[test]
fn pages_are_made_anew_where_the_reports_are() {
    let dir = tempfile::tempdir().unwrap();
    folder_of_the_original(&dir.path().join("original"));
    run(dir.path(), &["report", "original"]).assert_status(0);
    assert_complete(&dir.path().join("original"));
    fs::remove_file(dir.path().join("original/theirs_case_4_2_4.json")).unwrap();
    run(dir.path(), &["report", "original"]).assert_status(0);
    let page = read(&dir.path().join("original/theirs_case_4_2_4.html"));
    assert!(page.contains("is missing or cannot be read"), "{page}");
    let ran = run(dir.path(), &["report", "original", "other"]);
    ran.assert_refused("add --out DIR");
    let ran = run(dir.path(), &["report", "nowhere", "--out", "site"]);
    ran.assert_refused("nowhere");
}

#[test]
fn a_comparison_can_be_a_page_that_needs_no_other_file() {
    let dir = tempfile::tempdir().unwrap();
    folder_of_the_original(&dir.path().join("original"));
    let words = ["--cases", "4.2.4", "--outdir", "ours"];
    test_server(dir.path(), &server(Fault::NONE), &words);
    let words = ["compare", "original", "ours", "--html", "comparison.html"];
    run(dir.path(), &words).assert_status(1);
    let page = read(&dir.path().join("comparison.html"));
    for text in [
        "1 different",
        "1 better in the second",
        "Close: FAILED BY CLIENT",
    ] {
        assert!(page.contains(text), "`{text}` is not in {page}");
    }
    assert_eq!(links(&page), BTreeSet::from(["data:,".to_owned()]));
}

#[test]
fn a_client_that_asks_for_its_reports_has_them_when_it_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["client", "--listen", "ws://127.0.0.1:0", "--cases", "1.1.1"];
    let mut child = command(dir.path(), &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let url = start_listening(&mut child);
    let client = Client::new(&url, Fault::NONE).unwrap().with_pace(PACE);
    // The suite may reset TCP when it has seen the Close.
    drop(client.run_case(1));
    client.update_reports();
    let folder = dir.path().join("reports/clients");
    assert!(folder.join("index.html").exists());
    assert!(child.wait().unwrap().success());
    assert_complete(&folder);
    let (_, page) = pages(&folder)
        .into_iter()
        .find(|(name, _)| name.ends_with("1_1_1.html"))
        .unwrap();
    assert!(
        page.contains("ws-conformance client --listen ws://127.0.0.1:0"),
        "{page}"
    );
}
