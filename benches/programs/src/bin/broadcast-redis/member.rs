//! A process that publishes and subscribes, with one thread.

use std::io::stdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use ws_topics::backplane::Redis;
use ws_topics::{Event, Missed, Policy, SharedTopics, Subscription};

use crate::Options;
use crate::processes::cpu_ns;

const TOPIC: &str = "news";

/// The bound of each subscriber's queue in messages.
const QUEUE: usize = 1024;

/// The sums over the subscribers of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) received: u64,
    /// The messages that Redis no longer had, as the subscribers were told.
    pub(crate) gaps: u64,
    /// The messages that the subscribers' queues dropped, as they were told.
    pub(crate) lagged: u64,
    /// The messages that a subscriber received a second time.
    pub(crate) repeated: u64,
    pub(crate) cpu_ns: u64,
}

/// Prints `ready`, waits for a line of the input, and prints a report when every subscriber has
/// all messages.
pub(crate) fn run(options: &Options, url: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build()?;
    runtime.block_on(async {
        let topics = SharedTopics::new(Redis::new(url)?.history(options.history));
        let running = topics.clone();
        tokio::spawn(async move {
            let report = |error: &_| eprintln!("{error}");
            running.run::<ws_tokio::Tokio>(report).await
        });
        let mut subscribers = JoinSet::new();
        for _ in share(options.subscribers, options) {
            let policy = Policy::drop_oldest().messages(QUEUE);
            let subscription = topics.subscribe(TOPIC, policy).await?;
            subscribers.spawn(receive(subscription, options.messages));
        }
        println!("ready");
        stdin().read_line(&mut String::new())?;

        let before = cpu_ns("self")?;
        publish(&topics, options).await?;
        let mut report = Report::default();
        while let Some(received) = subscribers.join_next().await {
            report.add(received??);
        }
        report.cpu_ns = cpu_ns("self")? - before;
        println!("{}", serde_json::to_string(&report)?);
        Ok(())
    })
}

impl Report {
    fn add(&mut self, other: Self) {
        self.received += other.received;
        self.gaps += other.gaps;
        self.lagged += other.lagged;
        self.repeated += other.repeated;
    }
}

/// Returns the part of `0..count` that belongs to this process.
fn share(count: usize, options: &Options) -> std::ops::Range<usize> {
    let at = |member: usize| count * member / options.members;
    at(options.member)..at(options.member + 1)
}

/// Publishes the messages of this process. Each message begins with its number.
async fn publish(topics: &SharedTopics<Redis>, options: &Options) -> Result<()> {
    let numbers = share(options.messages, options);
    let next = Arc::new(AtomicUsize::new(numbers.start));
    let mut lanes = JoinSet::new();
    for _ in 0..options.in_flight {
        let (topics, next, len) = (topics.clone(), Arc::clone(&next), options.len as usize);
        lanes.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    return Ok::<_, anyhow::Error>(());
                }
                topics.publish(TOPIC, format!("{number:<len$}")).await?;
            }
        });
    }
    while let Some(done) = lanes.join_next().await {
        done??;
    }
    Ok(())
}

/// Receives until each of `messages` was received or reported as missed.
async fn receive(mut subscription: Subscription, messages: usize) -> Result<Report> {
    let mut seen = vec![false; messages];
    let mut report = Report::default();
    while report.received + report.gaps + report.lagged < messages as u64 {
        match subscription.recv().await? {
            Some(Event::Message(message)) => {
                let text = std::str::from_utf8(message.as_bytes())?;
                let number: usize = text.trim_end().parse()?;
                let seen = seen.get_mut(number).context("an unknown message")?;
                match std::mem::replace(seen, true) {
                    true => report.repeated += 1,
                    false => report.received += 1,
                }
            }
            Some(Event::Gap(Missed::Exactly(missed))) => report.gaps += missed,
            Some(Event::Lagged(missed)) => report.lagged += missed,
            other => bail!("unexpected: {other:?}"),
        }
    }
    Ok(report)
}
