//! Requests that never end, cost too much, or stall.

use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ws_test_client::Peer;
use ws_test_client::peer::{is_timeout, request, request_of_len};

use super::{Field, SLACK};
use crate::finding::{Finding, Time};

/// The longest head that a server reads.
const MAX_HEAD: usize = 16 * 1024;

/// The time limit of a handshake.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);

/// The time after which TCP ends if a refused peer continues to send.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

/// The number of handshakes that stall.
pub(super) const STALLED: usize = 200;

/// A head without an end.
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

/// Sends endless heads. Each is refused at its limit, and a peer that continues to send is cut off.
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
    // Up to the limit, the bytes are sent as fast as possible, and after it without end.
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
        Ok(status) => format!("{status}, end {} after 16 KiB", Time(took)),
        Err(_) => format!("no answer, end after {}", Time(started.elapsed())),
    };
    let wanted = format!("{}, end ≤ {}", head.status, Time(bound));
    let holds = status.is_ok_and(|status| status == head.status) && took <= bound;
    Ok(Finding::new(what, figure, wanted, holds))
}

/// Sends heads of growing length, in single bytes. The cost of a byte must not depend on the number
/// of bytes before it.
pub(super) fn head_work(field: &Field) -> Result<Vec<Finding>> {
    const LENGTHS: [usize; 3] = [4 * 1024, 8 * 1024, MAX_HEAD];
    const ROUNDS: usize = 3;
    // Waking and reading cost far more than scanning. A server that parses the head with httparse
    // from its start at every byte was measured at 1.28 to 1.30. A server that does not was
    // measured at 0.97 to 1.04.
    const MOST: f64 = 1.15;
    // Work of other programs can only increase the measured time.
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

/// Measures the server's processor time for heads of `len` bytes that arrive byte by byte.
///
/// The number of bytes is large, and the same for each length, because the clock of processor time
/// is coarse.
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
        // The server has to read each byte before the next one arrives. Bytes that pile up are read
        // at once, which would hide the cost of reading single bytes.
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
    /// The time until the server ended the handshake.
    lasted: Option<Duration>,
}

impl Stalled {
    /// Creates a stalled handshake of `peer`, which may have sent bytes since `since`.
    pub(super) fn new(peer: Peer, since: Instant) -> Self {
        Self {
            peer,
            trickle: Vec::new(),
            since,
            lasted: None,
        }
    }

    /// Adds bytes that are sent one at a time.
    pub(super) fn trickling(self, trickle: Vec<u8>) -> Self {
        Self { trickle, ..self }
    }
}

/// The time limit of a handshake counts from its start, even if bytes arrive. Other connections are
/// not affected.
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

/// Begins handshakes with `stall`, beside live traffic. The server must end all of them in time.
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

/// Calls `harm` while another connection echoes. Returns the result of `harm`, and the findings of
/// the other connection.
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

/// Echoes until `done`, at least once. Returns the longest round trip, and the number of round
/// trips.
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
    /// The number of turns between two bytes that trickle.
    const PAUSE: usize = 25;
    let mut all = Vec::new();
    for at in 0..STALLED {
        let stalled = stall(at)?;
        stalled.peer.tcp().set_nonblocking(true)?;
        all.push(stalled);
        // If more arrive at once than the system queues for the server, they are tried again only
        // after a second.
        thread::sleep(Duration::from_millis(2));
    }
    let started = Instant::now();
    for turn in 0_usize.. {
        for one in all.iter_mut().filter(|one| one.lasted.is_none()) {
            let byte = one.trickle.get(turn / PAUSE).copied();
            if let Some(byte) = byte.filter(|_| turn % PAUSE == 0) {
                // Whether the server has ended the connection is checked below.
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
