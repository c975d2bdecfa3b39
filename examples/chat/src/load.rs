//! Many clients, and what the server delivers to them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use ws_tokio::{CloseCode, Connector, WebSocket};

use crate::args::Load;
use crate::client::{chat_url, connector};
use crate::protocol::{FromClient, FromServer, Join, Say};
use crate::random;

/// The clients that connect at the same time.
const CONNECTING: usize = 50;

/// The time for a client to join.
const JOINING: Duration = Duration::from_secs(30);

/// The time after the last message for the rest to arrive.
const REST: Duration = Duration::from_secs(1);

/// The work of all clients.
struct Plan {
    url: String,
    connector: Connector,
    rooms: usize,
    /// The time between two messages of a client.
    pause: Duration,
    time: Duration,
    /// The clients send their times since then.
    start: Instant,
    connecting: Semaphore,
    joined: Barrier,
}

/// The results of one client.
#[derive(Default)]
struct Results {
    sent: u64,
    refused: u64,
    delays: Vec<Duration>,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// Runs `chat load`.
///
/// # Errors
///
/// A client could not join, or was disconnected.
pub async fn run(args: Load) -> Result<()> {
    let (clients, rooms) = (args.clients.get(), args.rooms.get());
    let rate = f64::from(args.rate.get()) * rooms as f64 / clients as f64;
    let plan = Arc::new(Plan {
        url: chat_url(&args.url)?,
        connector: connector(None)?,
        rooms,
        pause: Duration::from_secs_f64(1.0 / rate),
        time: Duration::from_secs(args.seconds),
        start: Instant::now(),
        connecting: Semaphore::new(CONNECTING),
        joined: Barrier::new(clients + 1),
    });
    let mut running = JoinSet::new();
    for number in 0..clients {
        let plan = Arc::clone(&plan);
        running.spawn(async move { plan.run_client(number).await });
    }
    tokio::select! {
        _ = plan.joined.wait() => {}
        // A client that ends before all have joined has failed.
        Some(failed) = running.join_next() => {
            failed??;
            bail!("a client has ended too early");
        }
    }
    println!(
        "{clients} clients in {rooms} rooms joined in {:.1?}",
        plan.start.elapsed()
    );
    let before = args.server.map(Usage::of).transpose()?;
    let mut all = Results::default();
    while let Some(results) = running.join_next().await {
        all.add(results??);
    }
    all.print();
    if let (Some(before), Some(pid)) = (before, args.server) {
        Usage::of(pid)?.print_since(&before);
    }
    Ok(())
}

impl Plan {
    async fn run_client(&self, number: usize) -> Result<Results> {
        let mut ws = {
            let _turn = self.connecting.acquire().await?;
            let joining = timeout(JOINING, self.join(number));
            let joined = joining
                .await
                .with_context(|| format!("client {number} did not join"))?;
            joined.with_context(|| format!("client {number}"))?
        };
        self.joined.wait().await;
        let mut results = Results::default();
        self.exchange(&mut ws, number, &mut results).await?;
        ws.close(CloseCode::NORMAL, "").await?;
        Ok(results)
    }

    async fn join(&self, number: usize) -> Result<WebSocket> {
        let mut ws = self.connector.connect(&self.url).await?;
        let join = FromClient::Join(Join {
            room: format!("load-{}", number % self.rooms),
            name: format!("client {number}"),
            cursor: None,
        });
        ws.send(join.to_json()).await?;
        loop {
            match receive(&mut ws).await? {
                FromServer::At { .. } => return Ok(ws),
                _ => continue,
            }
        }
    }

    /// Sends at the rate of a client, and receives what all send.
    async fn exchange(
        &self,
        ws: &mut WebSocket,
        number: usize,
        results: &mut Results,
    ) -> Result<()> {
        let begin = Instant::now();
        // The clients of a room take turns.
        let place = (number / self.rooms) as f64 * 0.618_034 % 1.0;
        let first = begin + self.pause.mul_f64(place);
        let mut turns = interval_at(first.into(), self.pause);
        turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let end = begin + self.time;
        loop {
            tokio::select! {
                message = receive(ws) => results.count(self.start, message?),
                turn = turns.tick(), if Instant::now() < end => {
                    if turn.into_std() < end {
                        ws.feed(self.say().to_json()).await?;
                        results.sent += 1;
                    }
                }
                () = tokio::time::sleep_until((end + REST).into()) => return Ok(()),
            }
        }
    }

    fn say(&self) -> FromClient {
        FromClient::Say(Say {
            id: random::id(),
            text: format!(
                "{} The quick brown fox jumps over it.",
                self.start.elapsed().as_nanos()
            ),
        })
    }
}

async fn receive(ws: &mut WebSocket) -> Result<FromServer> {
    let Some(message) = ws.recv().await? else {
        let close = ws.end().and_then(|end| end.peer);
        bail!("disconnected by the server: {close:?}");
    };
    let text = message.as_text().context("a binary message")?;
    Ok(serde_json::from_str(text)?)
}

impl Results {
    fn count(&mut self, start: Instant, message: FromServer) {
        match message {
            FromServer::Refused(_) => self.refused += 1,
            FromServer::Message(said) => {
                let now = Instant::now();
                let sent = said
                    .text
                    .split(' ')
                    .next()
                    .and_then(|nanos| nanos.parse().ok());
                let sent = start + Duration::from_nanos(sent.unwrap_or(0));
                self.delays.push(now.saturating_duration_since(sent));
                self.first.get_or_insert(now);
                self.last = Some(now);
            }
            _ => {}
        }
    }

    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.refused += other.refused;
        self.delays.extend(other.delays);
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
    }

    fn print(mut self) {
        let time = self.last.zip(self.first).map(|(last, first)| last - first);
        let seconds = time.unwrap_or_default().as_secs_f64().max(0.001);
        let delivered = self.delays.len();
        let rate = delivered as f64 / seconds;
        println!(
            "sent       {} messages, {} refused",
            self.sent, self.refused
        );
        println!("delivered  {delivered} messages in {seconds:.1} s: {rate:.0} per second");
        self.delays.sort_unstable();
        let at = |part: f64| {
            let index = (delivered as f64 * part) as usize;
            self.delays
                .get(index)
                .or(self.delays.last())
                .copied()
                .unwrap_or_default()
        };
        println!(
            "delay      median {:.1?}, 99 % {:.1?}, longest {:.1?}",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}

/// The use of a process on Linux.
struct Usage {
    when: Instant,
    processor: Duration,
    resident: u64,
}

impl Usage {
    fn of(pid: u32) -> Result<Self> {
        let read = |name| {
            let path = format!("/proc/{pid}/{name}");
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let stat = read("stat")?;
        // The name of the program is in parentheses, and may have spaces.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<u64> = fields
            .split(' ')
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        ensure!(fields.len() > 23, "/proc/{pid}/stat has too few fields");
        Ok(Self {
            when: Instant::now(),
            // Fields 14 and 15, in hundredths of a second; the state is field 3.
            processor: Duration::from_millis(10 * (fields[12] + fields[13])),
            // Field 24, in pages.
            resident: fields[22] * 4096,
        })
    }

    fn print_since(&self, before: &Self) {
        let time = (self.when - before.when).as_secs_f64();
        let processor = (self.processor - before.processor).as_secs_f64();
        let percent = 100.0 * processor / time;
        let memory = self.resident as f64 / f64::from(1 << 20);
        println!("server     {percent:.0} % of one core, {memory:.0} MiB resident");
    }
}
