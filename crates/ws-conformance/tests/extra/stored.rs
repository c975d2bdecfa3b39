//! The stored results: a line for each testee, with the cases that it does not pass.
//!
//! A mark after an id shows the verdict: none for FAILED, `~` for NON-STRICT, `^` for a
//! case that is passed but for the end of the connection, `!` for a connection that was not opened
//! in a case about something else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::{env, fs, io};

use crate::suite::{Miss, Misses};

/// The cases that each testee does not pass, by [`Testee::key`](crate::testee::Testee::key).
pub(crate) type Results = BTreeMap<String, Misses>;

const FILE: &str = "tests/data/broken-testees.txt";

/// `true` if the files are to be written anew.
pub(crate) fn is_update() -> bool {
    env::var_os("UPDATE").is_some()
}

pub(crate) fn path(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), file].iter().collect()
}

/// The stored results, or none if there is no file.
pub(crate) fn load() -> Results {
    match fs::read_to_string(path(FILE)) {
        Ok(text) => text.lines().map(line).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Results::new(),
        Err(error) => panic!("{FILE}: {error}"),
    }
}

pub(crate) fn save(results: &Results) {
    let lines = results.iter().map(|(key, misses)| {
        let ids = misses
            .iter()
            .map(|(id, miss)| format!(" {id}{}", mark(*miss)));
        format!("{key}:{}\n", ids.collect::<String>())
    });
    fs::write(path(FILE), lines.collect::<String>()).expect("the file can be written");
}

fn line(line: &str) -> (String, Misses) {
    let (key, ids) = line.split_once(':').expect("a colon follows the name");
    let misses = ids.split_whitespace().map(|item| {
        let id = item.trim_end_matches(['~', '^', '!']);
        let miss = match &item[id.len()..] {
            "~" => Miss::NonStrict,
            "^" => Miss::Close,
            "!" => Miss::NotOpened,
            _ => Miss::Failed,
        };
        (id.parse().expect("an id"), miss)
    });
    (key.to_owned(), misses.collect())
}

fn mark(miss: Miss) -> &'static str {
    match miss {
        Miss::Failed => "",
        Miss::NonStrict => "~",
        Miss::Close => "^",
        Miss::NotOpened => "!",
    }
}

/// The differences between two results, in sentences.
pub(crate) fn differences(found: &Results, expected: &Results) -> Vec<String> {
    let (found, expected) = (verdicts(found), verdicts(expected));
    let new = (&found - &expected).into_iter().map(|it| it + " is new");
    let gone = (&expected - &found).into_iter().map(|it| it + " is gone");
    new.chain(gone).collect()
}

fn verdicts(results: &Results) -> BTreeSet<String> {
    let of_testee = |(key, misses): (&String, &Misses)| {
        let verdict = |(id, miss)| format!("{key}: {id} {miss:?}");
        misses.iter().map(verdict).collect::<Vec<_>>()
    };
    results.iter().flat_map(of_testee).collect()
}
