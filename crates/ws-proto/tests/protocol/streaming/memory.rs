//! The memory for messages in pieces. This is one block, however long a message is.

use allocation_counter::measure;
use ws_proto::{Config, Role, Step};

use super::{count, end, read, read_all, started};
use crate::support::{BINARY, CONTINUATION, FIN, TEXT, frames_to};

#[test]
fn streaming_256_mib_holds_no_more_than_a_block() {
    const BLOCK: usize = 64 << 10;
    const MIB: u64 = 1 << 20;
    for (role, kind, fragment, all) in [
        (Role::Client, BINARY, 256 * MIB, 256 * MIB),
        (Role::Client, BINARY, MIB, 256 * MIB),
        (Role::Server, BINARY, 3 * MIB, 24 * MIB),
        (Role::Client, TEXT, 8 * MIB, 16 * MIB),
    ] {
        let mut end = end(role, &Config::default(), BLOCK);
        let mut sum = 0;
        let cost = measure(|| {
            end.recv.lending().lend(vec![b'a'; BLOCK].into());
            for number in 0..all / fragment {
                let opcode = if number == 0 { kind } else { CONTINUATION };
                let fin = if (number + 1) * fragment == all {
                    FIN
                } else {
                    0
                };
                let header = frames_to(role, |w| {
                    w.header(fin | opcode, 127, &fragment.to_be_bytes());
                });
                sum += count(&mut end).unwrap() as u64;
                read_all(&mut end, &header);
                if number == 0 {
                    started(&mut end).unwrap();
                }
                let mut left = fragment;
                while left > 0 {
                    sum += count(&mut end).unwrap() as u64;
                    // The bytes that are already in the block serve as the payload.
                    let len = left.min(end.recv.spare().len() as u64);
                    if kind == TEXT {
                        end.recv.spare()[..len as usize].fill(b'a');
                    }
                    end.recv.filled(len as usize);
                    left -= len;
                    if number % 5 == 3 {
                        end.recv.lending().settle();
                    }
                }
            }
            sum += count(&mut end).unwrap() as u64;
        });
        assert_eq!(sum, all);
        assert!(end.recv.is_between_messages());
        assert!(cost.bytes_max <= BLOCK as u64 + 1024, "{cost:?}");
    }
}

#[test]
fn the_memory_of_an_assembled_start_is_freed_after_its_piece() {
    let bytes = frames_to(Role::Client, |w| {
        w.frame(BINARY, &[7; 1 << 20]);
        w.frame(CONTINUATION, &[8; 1000]);
    });
    let mut end = end(Role::Client, &Config::default(), 4096);
    let (start, rest) = bytes.split_at(10 + (1 << 20));
    let mut held = measure(|| {
        for mut input in start.chunks(4096) {
            while !input.is_empty() {
                read(&mut end, &mut input);
                assert_eq!(end.next_message(), Step::NeedInput);
            }
        }
        started(&mut end).unwrap();
    })
    .bytes_current;
    assert!(held >= 1 << 20);
    held += measure(|| {
        assert_eq!(count(&mut end), Ok(1 << 20));
        read_all(&mut end, rest);
        assert_eq!(count(&mut end), Ok(1000));
        end.recv.lending().settle();
    })
    .bytes_current;
    assert!(held <= 4096 + 1024, "{held}");
}
