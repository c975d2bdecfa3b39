//! The table of the cases and the testees that show that each can fail.

use std::collections::BTreeMap;
use std::fmt::Write;

use ws_conformance::case::CaseId;

use crate::excused::{BY_CHANCE, UNNOTICED, UNPROVEN};
use crate::stored::Results;
use crate::suite::{self, Miss};
use crate::testee::Testee;

pub(crate) const FILE: &str = "BROKEN-TESTEES.md";

const HEAD: &str = "\
# Broken testees

The file is generated: `UPDATE=1 cargo test -p ws-conformance --test extra` writes it.

An extra case proves something only if it can fail. The second table lists each case with testees
that do not pass it, for each role. The testees have a deliberate fault. Those that fail the fewest
cases are first. Each testee runs against all cases of its groups. A testee counts as proof for a
case if it passes more than half of the cases of that group. A testee that fails everything proves
nothing about a single case.

In the first table, `1 of 68` means that the testee does not pass one of the 68 cases that it runs
against: those of its groups that are for its role. Not passed are FAILED, NON-STRICT, and a
connection that does not end as it should. Cases that take long or come in large families run only
against the testees whose fault they are about, and against some correct ones. The last table lists
pairs that are not run. The numbers of testees with the same groups can therefore differ.
";

/// More testees than this are not named for a case.
const SHOWN: usize = 4;

/// The testees that do not pass a case and pass most of its group, by case and role. Those that
/// fail the fewest cases are first.
pub(crate) type Proofs<'a> = BTreeMap<(CaseId, String), Vec<&'a Testee>>;

pub(crate) fn proofs<'a>(testees: &'a [Testee], results: &Results) -> Proofs<'a> {
    let mut counted = Vec::new();
    for testee in testees.iter().filter(|testee| !testee.is_correct) {
        for (id, miss) in results.get(&testee.key()).into_iter().flatten() {
            let failed = failed_of_group(testee, results, id.group());
            let cases = suite::cases_of(testee).into_iter();
            let cases = cases.filter(|case| case.id().group() == id.group()).count();
            let counts = matches!(miss, Miss::Failed | Miss::NonStrict);
            if counts && 2 * failed < cases {
                counted.push(((*id, testee.role().to_string()), failed, testee));
            }
        }
    }
    counted.sort_by_key(|(case, failed, testee)| (case.clone(), *failed, testee.name.clone()));
    let mut proofs = Proofs::new();
    for (case, _, testee) in counted {
        proofs.entry(case).or_default().push(testee);
    }
    proofs
}

fn failed_of_group(testee: &Testee, results: &Results, group: u8) -> usize {
    let misses = results.get(&testee.key()).into_iter().flatten();
    misses.filter(|(id, _)| id.group() == group).count()
}

/// The cases that no testee is shown to fail, as `id role`.
pub(crate) fn unproven(testees: &[Testee], results: &Results) -> Vec<String> {
    let proofs = proofs(testees, results);
    let cases = suite::cases_and_roles().into_iter();
    let unproven = cases.filter(|case| !proofs.contains_key(case));
    unproven.map(|(id, role)| format!("{id} {role}")).collect()
}

/// The text of the file.
pub(crate) fn text(testees: &[Testee], results: &Results) -> String {
    let mut out = HEAD.to_owned();
    write_testees(&mut out, testees, results);
    write_cases(&mut out, &proofs(testees, results));
    write_excused(&mut out);
    out
}

fn write_testees(out: &mut String, testees: &[Testee], results: &Results) {
    out.push_str("\n## Testees\n\n| testee | groups | it | fails |\n|---|---|---|---|\n");
    for testee in testees {
        let groups: Vec<_> = testee.groups.iter().map(u8::to_string).collect();
        let correct = if testee.is_correct { "correct: " } else { "" };
        let failed = results.get(&testee.key()).map_or(0, BTreeMap::len);
        let cases = suite::cases_of(testee).len();
        let (key, groups, does) = (testee.key(), groups.join(", "), &testee.does);
        row(
            out,
            &[
                &key,
                &groups,
                &format!("{correct}{does}"),
                &format!("{failed} of {cases}"),
            ],
        );
    }
}

fn write_cases(out: &mut String, proofs: &Proofs<'_>) {
    out.push_str("\n## Cases\n\n| case | role | fails |\n|---|---|---|\n");
    for ((id, role), testees) in proofs {
        let names = testees.iter().take(SHOWN).map(|testee| &*testee.name);
        let mut names = names.collect::<Vec<_>>().join(", ");
        if let more @ 1.. = testees.len().saturating_sub(SHOWN) {
            let _ = write!(names, ", {more} more");
        }
        row(out, &[&id.to_string(), role, &names]);
    }
}

fn write_excused(out: &mut String) {
    exceptions(out, "Cases that no testee fails", "case", UNPROVEN);
    exceptions(out, "Testees that pass all cases", "testee", UNNOTICED);
    let pairs = BY_CHANCE.iter();
    let pairs: Vec<_> = pairs
        .map(|(testee, case, reason)| (format!("{testee}, {case}"), *reason))
        .collect();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(pair, reason)| (&**pair, *reason))
        .collect();
    exceptions(out, "Pairs that are not run", "testee and case", &pairs);
}

fn exceptions(out: &mut String, title: &str, subject: &str, list: &[(&str, &str)]) {
    if !list.is_empty() {
        let _ = writeln!(out, "\n## {title}\n\n| {subject} | reason |\n|---|---|");
    }
    for (subject, reason) in list {
        row(out, &[subject, reason]);
    }
}

fn row(out: &mut String, cells: &[&str]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}
