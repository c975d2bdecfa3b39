//! Pieces of any message are held in one block.

use allocation_counter::measure;
use ws_proto::{Config, Role, Step};

use crate::support::{BINARY, CONTINUATION, FIN, TEXT, Wire};
use crate::{count, end, read, read_all, started, wire};

/// The most that was held at once while `run` ran, above what was held before.
fn peak(run: impl FnOnce()) -> u64 {
    measure(run).bytes_max
}

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
        let mut header = Vec::with_capacity(32);
        let mut sum = 0;
        let peak = peak(|| {
            end.recv.lending().lend(vec![b'a'; BLOCK].into());
            for number in 0..all / fragment {
                let mut wire = Wire::from(role.peer());
                let opcode = if number == 0 { kind } else { CONTINUATION };
                let fin = if (number + 1) * fragment == all {
                    FIN
                } else {
                    0
                };
                wire.header(fin | opcode, 127, &fragment.to_be_bytes());
                header.clear();
                header.extend_from_slice(&wire.octets);
                sum += count(&mut end).unwrap() as u64;
                read_all(&mut end, &header);
                if number == 0 {
                    started(&mut end).unwrap();
                }
                let mut left = fragment;
                while left > 0 {
                    sum += count(&mut end).unwrap() as u64;
                    // Whatever lies there is payload now.
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
        assert!(peak <= BLOCK as u64 + 1024, "{peak}");
    }
}

#[test]
fn the_beginning_that_was_put_together_is_given_back_when_it_was_passed_on() {
    let octets = wire(Role::Client, |w| {
        w.frame(BINARY, &[7; 1 << 20]);
        w.frame(CONTINUATION, &[8; 1000]);
    });
    let mut end = end(Role::Client, &Config::default(), 4096);
    let (begun, behind) = octets.split_at(10 + (1 << 20));
    let mut held = measure(|| {
        for mut input in begun.chunks(4096) {
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
        read_all(&mut end, behind);
        assert_eq!(count(&mut end), Ok(1000));
        end.recv.lending().settle();
    })
    .bytes_current;
    assert!(held <= 4096 + 1024, "{held}");
}
