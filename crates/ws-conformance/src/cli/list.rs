//! `ws-conformance list`.

use anyhow::Result;
use serde::Serialize;
use ws_conformance::case_id::CaseId;
use ws_conformance::cases::{self, Case};

use super::Outcome;
use super::output::Output;

/// List the cases: id and title.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print JSON, with description and expectation of each case
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Item<'a> {
    id: CaseId,
    number: usize,
    title: &'a str,
    description: &'a str,
    expectation: &'a str,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let output = Output::stdout();
    if args.json {
        let items: Vec<_> = cases::all().iter().map(item).collect();
        output.line(serde_json::to_string_pretty(&items)?);
    } else {
        for case in cases::all() {
            output.line(format!("{:<8} {}", case.id().to_string(), case.title()));
        }
    }
    Ok(Outcome::AsExpected)
}

fn item(case: &Case) -> Item<'_> {
    Item {
        id: case.id(),
        number: case.number(),
        title: case.title(),
        description: case.description(),
        expectation: case.expectation(),
    }
}
