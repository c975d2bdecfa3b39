//! The memory of the process, and of the kernel for sockets.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

/// The caches of the kernel that grow with each connection: the socket, its inode, its name, its
/// file, its places in epoll, and its local port. Kernels merge some of them into others.
const CACHES: [&str; 8] = [
    "TCP",
    "sock_inode_cache",
    "dentry",
    "filp",
    "eventpoll_epi",
    "eventpoll_pwq",
    "tcp_bind_bucket",
    "tcp_bind2_bucket",
];

/// The memory at one moment.
pub(crate) struct Memory {
    /// The resident memory of this process in bytes.
    resident: i64,
    /// The bytes in each cache. Empty without the right to read them.
    caches: BTreeMap<String, i64>,
    /// The bytes in all caches that the kernel cannot reclaim, of all programs. The inodes and
    /// names of sockets are in other caches.
    unreclaimable: i64,
    /// The line of TCP in `/proc/net/sockstat`. Its `mem` are pages in the buffers of sockets.
    sockets: String,
}

impl Memory {
    pub(crate) fn read() -> Result<Self> {
        let sockets = fs::read_to_string("/proc/net/sockstat")?;
        let line = sockets.lines().find(|line| line.starts_with("TCP:"));
        // Only root can read the file.
        let slabinfo = fs::read_to_string("/proc/slabinfo").unwrap_or_default();
        Ok(Self {
            resident: bytes("/proc/self/status", "VmRSS:")?,
            caches: caches(&slabinfo),
            unreclaimable: bytes("/proc/meminfo", "SUnreclaim:")?,
            sockets: line.unwrap_or_default().to_owned(),
        })
    }

    pub(crate) fn resident_since(&self, before: &Self) -> i64 {
        self.resident - before.resident
    }

    fn of(&self, cache: &str) -> i64 {
        self.caches.get(cache).copied().unwrap_or_default()
    }
}

/// Returns the figure of a line `NAME: NUMBER kB`.
fn bytes(path: &str, name: &str) -> Result<i64> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.context("a figure is missing")?.parse::<i64>()? * 1024)
}

/// Returns how often a full backlog has refused a client since the start of the system, of all
/// programs.
pub(crate) fn overflows() -> Result<u64> {
    let text = fs::read_to_string("/proc/net/netstat")?;
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let mut words = || lines.next().unwrap_or_default().split_whitespace();
    let found = words()
        .zip(words())
        .find(|(name, _)| *name == "ListenOverflows");
    Ok(found.context("no ListenOverflows")?.1.parse()?)
}

/// Parses `/proc/slabinfo`. Each line begins with the name, the objects in use, all objects, and
/// the size of an object.
fn caches(slabinfo: &str) -> BTreeMap<String, i64> {
    let parse = |line: &str| {
        let mut fields = line.split_whitespace();
        let name = fields.next().filter(|name| CACHES.contains(name))?;
        let objects: i64 = fields.next()?.parse().ok()?;
        let size: i64 = fields.nth(1)?.parse().ok()?;
        Some((name.to_owned(), objects * size))
    };
    slabinfo.lines().filter_map(parse).collect()
}

/// Prints the bytes of the kernel per connection: of both ends, and of each end. `ours` was read
/// after the clients had ended, and has the ends of the server only.
///
/// The caches with the FIN of each client and with its `TIME_WAIT` are left out.
pub(crate) fn report(before: &Memory, both: &Memory, ours: &Memory, connections: u32) {
    println!("sockets: {}", both.sockets);
    if both.caches.is_empty() {
        println!("kernel: not measured, because only root can read /proc/slabinfo");
        return;
    }
    println!("kernel, bytes per connection:");
    println!("| cache | both ends | server | client |");
    println!("|---|---|---|---|");
    let each = |bytes: i64| bytes / i64::from(connections);
    let mut sums = [0; 3];
    for cache in CACHES {
        let [all, server] = [both, ours].map(|one| each(one.of(cache) - before.of(cache)));
        let row = [all, server, all - server];
        if row != [0; 3] {
            println!("| `{cache}` | {} | {} | {} |", row[0], row[1], row[2]);
        }
        sums.iter_mut().zip(row).for_each(|(sum, one)| *sum += one);
    }
    println!("| sum | {} | {} | {} |", sums[0], sums[1], sums[2]);
    // Pages are not returned when one end closes, so this figure has no parts.
    let pages = each(both.unreclaimable - before.unreclaimable);
    println!("`SUnreclaim` of all programs, both ends: {pages}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caches_of_sockets_are_found() {
        let text = "slabinfo - version: 2.1\n# name <active_objs> <num_objs> <objsize> …\n\
                    TCP 100 117 2368 13 8 : tunables 0 0 0\nbfilp 0 0 256 16\nfilp 10 20 192 21";
        let found = caches(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found["TCP"], found["filp"]), (236_800, 1920));
    }
}
