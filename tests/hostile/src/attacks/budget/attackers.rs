//! Connections that attack at the same time, and come back when the server has ended them.

use std::io::{ErrorKind, Read, Write};
use std::iter::Sum;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use socket2::SockRef;
use ws_test_client::peer::{PATIENCE, request};

use super::habits::Habit;

/// The bytes that one attacker sends before it is the turn of the next.
const TURN: usize = 128 * 1024;

/// The time after which an attacker that resets its connection does so.
const RESET_AFTER: Duration = Duration::from_millis(700);

/// The pause if no attacker could send.
const PAUSE: Duration = Duration::from_millis(5);

/// The effort of attackers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Score {
    /// The number of connections that were open at the same time.
    pub(super) together: usize,
    /// The number of connections in all.
    pub(super) opened: usize,
    pub(super) sent: u64,
}

impl Sum for Score {
    fn sum<I: Iterator<Item = Self>>(scores: I) -> Self {
        scores.fold(Self::default(), |sum, score| Self {
            together: sum.together + score.together,
            opened: sum.opened + score.opened,
            sent: sum.sent + score.sent,
        })
    }
}

/// Some attackers, of all kinds.
pub(super) struct Attackers {
    server: SocketAddr,
    attackers: Vec<Attacker>,
    score: Score,
}

struct Attacker {
    habit: Habit,
    /// `None` if the connection could not be opened.
    connection: Option<Connection>,
}

struct Connection {
    tcp: TcpStream,
    opened: Instant,
    /// The number of bytes sent.
    at: usize,
}

impl Attackers {
    pub(super) fn new(
        server: SocketAddr,
        habits: &[Habit],
        places: impl Iterator<Item = usize>,
    ) -> Self {
        let habits = places.filter_map(|place| habits.get(place % habits.len().max(1)));
        let attackers = habits.map(|habit| Attacker {
            habit: habit.clone(),
            connection: None,
        });
        Self {
            server,
            attackers: attackers.collect(),
            score: Score::default(),
        }
    }

    /// Opens all connections, and attacks for this time.
    pub(super) fn run(&mut self, time: Duration, stop: &AtomicBool) -> Result<Score> {
        let mut start = None;
        while !stop.load(Ordering::Relaxed) {
            let mut has_sent = false;
            for attacker in &mut self.attackers {
                has_sent |= attacker.attack(self.server, &mut self.score);
            }
            let open = |attacker: &&Attacker| attacker.connection.is_some();
            let together = self.attackers.iter().filter(open).count();
            self.score.together = self.score.together.max(together);
            // Each attacker has had a first turn.
            let start = *start.get_or_insert_with(Instant::now);
            if start.elapsed() > time {
                return Ok(self.score);
            }
            if !has_sent {
                thread::sleep(PAUSE);
            }
        }
        bail!("the attack was stopped");
    }
}

impl Attacker {
    /// Sends what TCP takes. Opens the connection first if there is none. Returns `true` if it has
    /// sent something.
    fn attack(&mut self, server: SocketAddr, score: &mut Score) -> bool {
        let Some(connection) = &mut self.connection else {
            self.connection = open(server, &self.habit).ok();
            score.opened += usize::from(self.connection.is_some());
            return self.connection.is_some();
        };
        if self.habit.resets && connection.opened.elapsed() > RESET_AFTER {
            let _ = SockRef::from(&connection.tcp).set_linger(Some(Duration::ZERO));
            self.connection = None;
            return true;
        }
        let before = connection.at;
        let is_open = connection.send(&self.habit);
        let sent = connection.at - before;
        score.sent += sent as u64;
        if !is_open {
            self.connection = None;
        }
        sent > 0
    }
}

impl Connection {
    /// Sends what TCP takes. Returns `false` if the server has ended the connection.
    fn send(&mut self, habit: &Habit) -> bool {
        let turn = self.at + TURN;
        while self.at < turn {
            let rest = match habit.head.get(self.at..) {
                Some(rest) if !rest.is_empty() => rest,
                _ if habit.unit.is_empty() => return !self.has_ended(),
                _ => &habit.unit[(self.at - habit.head.len()) % habit.unit.len()..],
            };
            match self.tcp.write(rest) {
                Ok(len) => self.at += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// Returns `true` if the server has ended a connection on which nothing is sent any more. The
    /// bytes that have arrived stay unread.
    fn has_ended(&self) -> bool {
        match self.tcp.peek(&mut [0]) {
            Ok(len) => len == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// Opens a connection.
fn open(server: SocketAddr, habit: &Habit) -> Result<Connection> {
    let mut tcp = TcpStream::connect_timeout(&server, PATIENCE)?;
    tcp.set_nodelay(true)?;
    if habit.upgrades {
        tcp.set_read_timeout(Some(PATIENCE))?;
        let offer = match habit.compresses {
            true => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            false => "",
        };
        tcp.write_all(&request(server, offer))?;
        read_head(&mut tcp)?;
    }
    tcp.set_nonblocking(true)?;
    Ok(Connection {
        tcp,
        opened: Instant::now(),
        at: 0,
    })
}

/// Reads the answer to a request.
fn read_head(tcp: &mut TcpStream) -> Result<()> {
    let mut head = Vec::new();
    let mut block = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let len = tcp.read(&mut block)?;
        head.extend(
            block
                .get(..len)
                .filter(|read| !read.is_empty())
                .context("the end")?,
        );
    }
    Ok(())
}
