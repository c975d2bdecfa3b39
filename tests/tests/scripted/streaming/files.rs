//! Large files: they are sent and received in bounded memory.

use std::pin::pin;
use std::task::Poll;

use ws_driver::{Config, MessageKind};
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{End, queued};
use ws_tests::wire::{self, BINARY, CONTINUATION, PING, PONG};

use super::FIN;

#[test]
fn large_files_are_sent_and_received_in_bounded_memory() {
    const MIB: usize = 1 << 20;
    const ALL: usize = 64 * MIB;
    const PIECE: usize = 32 * 1024;
    const MARK: usize = 64 * 1024;
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        // Sending: the peer takes about three pieces whenever the writer waits.
        let piece = vec![0x5a; PIECE];
        let mut taken = 0;
        let mut most = 0;
        let mut written = 0;
        {
            let mut writer = ws.writer(MessageKind::Binary).unwrap();
            exec::run(writer.write(&piece)).unwrap();
        }
        peer.window(0);
        while written < ALL {
            let mut writer = ws.resume_writer().unwrap();
            match exec::attempt(writer.write(&piece)) {
                Poll::Ready(result) => {
                    result.unwrap();
                    written += PIECE;
                }
                Poll::Pending => {
                    taken += peer.take_output().len();
                    peer.window(100_000);
                }
            }
            if written % (MIB / 2) == 0 {
                most = most.max(queued(&ws));
            }
        }
        assert!(most <= MARK + PIECE + 14, "{most} bytes are queued");
        peer.window(usize::MAX);
        exec::run(ws.resume_writer().unwrap().finish()).unwrap();
        taken += peer.take_output().len();
        let header = if end == End::Client { 8 } else { 4 };
        assert_eq!(taken, (ALL / PIECE + 1) * (PIECE + header) + header - 2);

        // Receiving: the file is one frame that is longer than the limit on messages.
        let len = ALL as u64;
        let header = match end {
            End::Client => [&[FIN | BINARY, 127][..], &len.to_be_bytes()].concat(),
            End::Server => [&[FIN | BINARY, 255][..], &len.to_be_bytes(), &[0; 4]].concat(),
        };
        peer.push(header);
        peer.pieces(10_000, 10_000);
        let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
        peer.push_forever(&vec![0xa5; 256 * 1024]);
        let mut sum = 0;
        while let Some(piece) = exec::run(reader.chunk()).unwrap() {
            assert!(piece.len() <= MARK);
            sum += piece.len();
            if sum + 256 * 1024 > ALL {
                peer.push_forever(&[]);
            }
            if sum < ALL && peer.unread() == 0 && sum + 256 * 1024 > ALL {
                peer.push(vec![0xa5; ALL - sum]);
            }
        }
        assert_eq!(sum, ALL);
    }
}

#[test]
fn halves_relay_a_file_piece_by_piece_in_bounded_memory() {
    const ALL: usize = 16 << 20;
    const FRAGMENT: usize = 50_000;
    for end in End::BOTH {
        let (ws, peer) = end.open(&Config::default());
        let (mut tx, mut rx) = ws.split();
        peer.pieces(9000, 9000);
        peer.window(0);
        let mut echo = pin!(async {
            let mut reader = rx.recv_stream().await?.expect("a message");
            let mut writer = tx.writer(reader.kind())?;
            while let Some(piece) = reader.chunk().await? {
                writer.write(piece).await?;
            }
            writer.finish().await
        });
        let mut task = Task::new();
        let (mut pushed, mut echoed, mut written) = (0, 0, 0);
        let mut output = Vec::new();
        let mut first = BINARY;
        let mut pongs = 0;
        loop {
            while pushed < ALL && peer.unread() < 100_000 {
                let len = FRAGMENT.min(ALL - pushed);
                pushed += len;
                let fin = if pushed == ALL { FIN } else { 0 };
                let key = (end == End::Server).then_some([0, 1, 2, 3]);
                peer.push(wire::encode(fin | first, key, &vec![pushed as u8; len]));
                first = CONTINUATION;
                peer.push(end.peer().frame(PING, b"p"));
            }
            let done = exec::settle(&mut task, echo.as_mut()).is_ready();
            let new = peer.take_output();
            written += new.len();
            output.extend(new);
            let held = (pushed - peer.unread().min(pushed)).saturating_sub(written);
            assert!(held <= 4 * 64 * 1024, "{held} bytes are held");
            while let Some((frame, len)) = wire::parse_one(&output) {
                output.drain(..len);
                if frame.opcode() == PONG {
                    pongs += 1;
                } else {
                    let expected = |at: usize| (((at / FRAGMENT + 1) * FRAGMENT).min(ALL)) as u8;
                    assert!(
                        frame
                            .payload
                            .iter()
                            .enumerate()
                            .step_by(997)
                            .all(|(n, byte)| { *byte == expected(echoed + n) })
                    );
                    echoed += frame.payload.len();
                }
            }
            if done {
                break;
            }
            peer.window(40_000);
        }
        assert_eq!(echoed, ALL);
        assert!(output.is_empty());
        assert!(pongs > 0);
    }
}
