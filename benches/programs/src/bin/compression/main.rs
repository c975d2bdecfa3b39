//! A program that compresses and decompresses messages in memory, with many settings in turn.
//! `cargo xtask bench --compression` runs the program and draws its figures.
//!
//! The first line of the output is the number of measurements. Each other line is the result of one
//! measurement, in JSON.

#![forbid(unsafe_code)]

mod measure;
mod payload;
mod settings;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use serde::Serialize;

use measure::Figures;
use payload::Payload;
use settings::{Grid, Settings};

/// Measures the cost and the effect of compression.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    grid: Grid,
    /// The number of measurements of each setting with each payload.
    #[arg(long)]
    rounds: u16,
    /// The shortest duration of one measurement, in milliseconds of processor time.
    #[arg(long)]
    millis: u64,
}

/// A line of the output.
#[derive(Serialize)]
struct Line<'a> {
    payload: &'static str,
    /// The length of a message in bytes, before compression.
    len: usize,
    #[serde(flatten)]
    settings: &'a Settings,
    #[serde(flatten)]
    figures: Figures,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let all = options.grid.settings();
    let payloads = payload::all();
    println!(
        "{}",
        usize::from(options.rounds) * all.len() * payloads.len()
    );
    // In each round, every setting has its turn, so that a slow moment of the machine does not
    // decide about one of them.
    for _ in 0..options.rounds {
        for Payload { name, messages } in &payloads {
            for settings in &all {
                let line = Line {
                    payload: name,
                    len: messages[0].len(),
                    settings,
                    figures: measure::measure(
                        settings,
                        messages,
                        Duration::from_millis(options.millis),
                    ),
                };
                println!("{}", serde_json::to_string(&line)?);
            }
        }
    }
    Ok(())
}
