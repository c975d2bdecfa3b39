//! Requests that never end, cost too much, or stall.

use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Field, SLACK};
use crate::hostile::finding::{Finding, Time};
use crate::raw::Peer;
use crate::raw::peer::{is_timeout, request, request_of_len};

/// The longest head that a server reads.
const MAX_HEAD: usize = 16 * 1024;

/// How long a handshake may take in all.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a refused peer may go on before TCP ends.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

/// How many handshakes stall.
pub(super) const STALLED: usize = 200;

/// A head that goes on for as long as it is let.
struct Endless {
    what: &'static str,
    start: &'static str,
    again: &'static str,
    /// The status of the answer.
    status: u16,
}

const ENDLESS: &[Endless] = &[
    Endless {
        what: "request line",
        start: "GET /",
        again: "a",
        status: 414,
    },
    Endless {
        what: "header line",
        start: "GET / HTTP/1.1\r\nHost: a\r\nA: ",
        again: "a",
        status: 431,
    },
    Endless {
        what: "header lines",
        start: "GET / HTTP/1.1\r\nHost: a\r\n",
        again: "A: a\r\n",
        status: 431,
    },
];

/// All heads are refused at their limit, and a peer that goes on after that is cut off.
pub(super) fn endless_head(field: &Field) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for head in ENDLESS {
        for (pieces, len) in [("4 KiB pieces", 4096), ("single bytes", 1)] {
            let what = format!("{} in {pieces}", head.what);
            findings.push(refused(field.target.address, head, &what, len)?);
        }
    }
    Ok(findings)
}

/// Sends `head` in pieces of `len` bytes until the server ends the connection.
fn refused(server: SocketAddr, head: &Endless, what: &str, len: usize) -> Result<Finding> {
    let mut peer = Peer::connect(server)?;
    let mut wire = head.start.as_bytes().to_vec();
    wire.extend(head.again.repeat(MAX_HEAD).as_bytes());
    let started = Instant::now();
    let bound = FAREWELL + SLACK;
    // Up to the limit as fast as can be, then on and on.
    let before = wire[..MAX_HEAD]
        .chunks(len)
        .all(|piece| peer.send(piece).is_ok());
    let answered_by = Instant::now();
    let rest = head.again.repeat(len);
    while before && answered_by.elapsed() < 2 * bound {
        if peer.send(&rest.as_bytes()[..len]).is_err() {
            break;
        }
    }
    let took = answered_by.elapsed();
    let status = peer.read_status();
    let figure = match &status {
        Ok(status) => format!("{status}, end {} behind 16 KiB", Time(took)),
        Err(_) => format!("no answer, end after {}", Time(started.elapsed())),
    };
    let wanted = format!("{}, end ≤ {}", head.status, Time(bound));
    let holds = status.is_ok_and(|status| status == head.status) && took <= bound;
    Ok(Finding::new(what, figure, wanted, holds))
}

/// Heads of growing length, in single bytes: what a byte costs must not depend on how many
/// there were before it.
pub(super) fn head_work(field: &Field) -> Result<Vec<Finding>> {
    const LENGTHS: [usize; 3] = [4 * 1024, 8 * 1024, MAX_HEAD];
    const ROUNDS: usize = 3;
    // Waking up and reading cost far more than scanning: even a server that parses the head from its
    // start at every byte, by httparse, was measured at 1.28 to 1.30, and one that does not at 0.97
    // to 1.04.
    const MOST: f64 = 1.15;
    // Work that other programs cause only ever adds to what is measured.
    let mut least = [f64::INFINITY; LENGTHS.len()];
    for _ in 0..ROUNDS {
        for (least, len) in least.iter_mut().zip(LENGTHS) {
            *least = least.min(nanoseconds_per_byte(field, len)?);
        }
    }
    let mut findings: Vec<_> = LENGTHS
        .iter()
        .zip(least)
        .map(|(len, cost)| {
            let what = format!("head of {} KiB", len / 1024);
            Finding::note(&what, format!("{cost:.0} ns per byte"))
        })
        .collect();
    let ratio = least[2] / least[0];
    let (figure, bound) = (format!("{ratio:.2}"), format!("≤ {MOST:.2}"));
    findings.push(Finding::new(
        "16 KiB to 4 KiB",
        figure,
        bound,
        ratio <= MOST,
    ));
    Ok(findings)
}

/// The server's processor time for heads of `len` bytes that arrive byte by byte.
///
/// Many bytes, the same number for each length: the clock of processor time is a slow one.
fn nanoseconds_per_byte(field: &Field, len: usize) -> Result<f64> {
    const CONNECTIONS: usize = 16;
    const BYTES: usize = CONNECTIONS * MAX_HEAD;
    let server = field.target.address;
    let request = request_of_len(server, len);
    let mut pacemaker = Peer::open(server)?;
    let before = field.target.process.cpu()?;
    for _ in 0..BYTES / (CONNECTIONS * len) {
        let mut peers = (0..CONNECTIONS)
            .map(|_| Peer::connect(server))
            .collect::<Result<Vec<_>>>()?;
        // In step, so that the server has read each byte before the next one arrives: bytes that
        // pile up are read at once, which hides what it would cost to read them one by one.
        for byte in request.chunks(1) {
            for peer in &mut peers {
                peer.send(byte)?;
            }
            if !pacemaker.pings() {
                bail!("the server does not answer a ping beside {CONNECTIONS} handshakes");
            }
        }
        for peer in &mut peers {
            peer.upgraded()?;
        }
    }
    let spent = field.target.process.cpu()?.saturating_sub(before);
    Ok(spent.as_nanos() as f64 / BYTES as f64)
}

/// A handshake that stalls.
pub(super) struct Stalled {
    peer: Peer,
    /// The bytes that are sent one at a time. They are too few to be complete in time.
    trickle: Vec<u8>,
    since: Instant,
    /// How long the server put up with it.
    lasted: Option<Duration>,
}

impl Stalled {
    /// Of `peer`, which has said something or nothing since then.
    pub(super) fn new(peer: Peer, since: Instant) -> Self {
        Self {
            peer,
            trickle: Vec::new(),
            since,
            lasted: None,
        }
    }

    /// Goes on with these, one at a time.
    pub(super) fn trickling(self, trickle: Vec<u8>) -> Self {
        Self { trickle, ..self }
    }
}

/// The time for a handshake counts from its start, whatever comes; others do not notice.
pub(super) fn stalled(field: &Field) -> Result<Vec<Finding>> {
    let server = field.target.address;
    let request = request(server, "");
    all_end_in_time(field, |at| {
        let since = Instant::now();
        let mut peer = Peer::connect(server)?;
        let half = &request[..request.len() / 2];
        Ok(match at % 3 {
            0 => Stalled::new(peer, since),
            1 => {
                peer.send(half)?;
                Stalled::new(peer, since)
            }
            _ => Stalled::new(peer, since).trickling(half.to_vec()),
        })
    })
}

/// The server must end all handshakes that `stall` begins, beside live traffic.
pub(super) fn all_end_in_time(
    field: &Field,
    stall: impl Fn(usize) -> Result<Stalled>,
) -> Result<Vec<Finding>> {
    let (stalled, live) = beside_live_traffic(field, || stall_all(stall))?;
    let mut times: Vec<_> = stalled.iter().filter_map(|one| one.lasted).collect();
    times.sort();
    let first = times.first().copied().unwrap_or_default();
    let last = times.last().copied();
    let mut findings = vec![
        Finding::count("handshakes ended", times.len(), stalled.len()),
        Finding::note("the first after", Time(first)),
        Finding::happened("the last after", last, HANDSHAKE + SLACK),
    ];
    findings.extend(live);
    Ok(findings)
}

/// Does `harm` while another connection echoes. Returns what came of the harm, and what the other
/// connection noticed of it.
pub(super) fn beside_live_traffic<T>(
    field: &Field,
    harm: impl FnOnce() -> Result<T>,
) -> Result<(T, [Finding; 2])> {
    const LIVE: Duration = Duration::from_secs(1);
    let peer = Peer::open(field.target.endpoint()).context("live traffic cannot begin")?;
    let done = AtomicBool::new(false);
    let (harm, live) = thread::scope(|scope| {
        let live = scope.spawn(|| round_trips(peer, &done));
        let harm = harm();
        done.store(true, Ordering::Relaxed);
        let live = live.join().expect("the live traffic does not panic");
        (harm, live)
    });
    let (harm, (worst, count)) = (harm?, live?);
    let live = [
        Finding::note("live round trips", count),
        Finding::time("the worst of them", worst, LIVE),
    ];
    Ok((harm, live))
}

/// Echoes until `done`, and at least once: the worst round trip, and how many there were.
fn round_trips(mut peer: Peer, done: &AtomicBool) -> Result<(Duration, usize)> {
    let mut worst = Duration::ZERO;
    let mut count = 0;
    loop {
        let echoed = peer.echo(b"still alive?");
        worst = worst.max(echoed.context("live traffic broke off")?);
        count += 1;
        if done.load(Ordering::Relaxed) {
            return Ok((worst, count));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Stalls all handshakes until the server has ended them, or should have.
fn stall_all(stall: impl Fn(usize) -> Result<Stalled>) -> Result<Vec<Stalled>> {
    const TURN: Duration = Duration::from_millis(20);
    /// Turns between two bytes that trickle.
    const PAUSE: usize = 25;
    let mut all = Vec::new();
    for at in 0..STALLED {
        let stalled = stall(at)?;
        stalled.peer.tcp().set_nonblocking(true)?;
        all.push(stalled);
        // More at once than the system keeps for the server would be tried again only after a second.
        thread::sleep(Duration::from_millis(2));
    }
    let started = Instant::now();
    for turn in 0_usize.. {
        for one in all.iter_mut().filter(|one| one.lasted.is_none()) {
            let byte = one.trickle.get(turn / PAUSE).copied();
            if let Some(byte) = byte.filter(|_| turn % PAUSE == 0) {
                // Whether the server has ended the connection is looked at below.
                let _ = one.peer.send(&[byte]);
            }
            if has_ended(&one.peer) {
                one.lasted = Some(one.since.elapsed());
            }
        }
        let all_ended = all.iter().all(|one| one.lasted.is_some());
        if all_ended || started.elapsed() > HANDSHAKE + 4 * SLACK {
            break;
        }
        thread::sleep(TURN);
    }
    Ok(all)
}

/// Returns `true` if the server has ended its direction. The socket does not block. Input before
/// the end is discarded, with TLS or without.
fn has_ended(peer: &Peer) -> bool {
    let mut tcp = peer.tcp();
    loop {
        match tcp.read(&mut [0; 1024]) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return !is_timeout(&error) && error.kind() != ErrorKind::Interrupted,
        }
    }
}
