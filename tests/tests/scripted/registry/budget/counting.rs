//! Memory is taken where it grows, and given back where it shrinks.

use ws_driver::{Budget, Config, DeflateConfig, MessageKind};
use ws_tests::exec::{Order, Tasks};
use ws_tests::scripted;
use ws_tests::wire::{CONTINUATION, From, PING};

use super::super::open_with;
use super::{KIB, beginning, echo, open_default, receive_all, rest, server};

/// A budget that is never used up.
fn large() -> Budget {
    Budget::new(1 << 30)
}

#[test]
fn an_incomplete_message_counts_until_it_is_complete() {
    for len in [1, 100, 5 * KIB, 100 * KIB, 1000 * KIB] {
        let budget = large();
        let (ws, peer) = open_default(&server(&budget));
        let mut tasks = Tasks::new(Order::Oldest);
        let handling = tasks.spawn(receive_all(ws));
        peer.push(beginning(len));
        tasks.settle();
        let used = budget.used();
        assert!(used >= len && used <= 2 * len + 64 * KIB, "{len}: {used}");
        peer.push(rest(0));
        tasks.settle();
        assert_eq!(budget.used(), 0, "{len}");
        assert!(budget.peak() >= used);
        assert_eq!((budget.ended(), budget.waiting()), (0, 0));
        peer.push(From::Client.close(1000, ""));
        tasks.settle();
        assert_eq!(handling.output().unwrap().unwrap()[0].as_bytes().len(), len);
    }
}

#[test]
fn a_frame_that_is_cut_in_its_header_counts_its_bytes() {
    let budget = large();
    let (ws, peer) = open_default(&server(&budget));
    let mut tasks = Tasks::new(Order::Oldest);
    let _handling = tasks.spawn(receive_all(ws));
    peer.push(&From::Client.text("hello")[..3]);
    tasks.settle();
    assert!((3..=64).contains(&budget.used()), "{}", budget.used());
    peer.push(&From::Client.text("hello")[3..]);
    tasks.settle();
    assert_eq!(budget.used(), 0);
}

#[test]
fn pieces_belong_to_the_reader() {
    let budget = large();
    let (mut ws, peer) = open_default(&server(&budget));
    let mut tasks = Tasks::new(Order::Oldest);
    let handling = tasks.spawn(async move {
        let mut reader = ws.recv_stream().await.unwrap().unwrap();
        let mut len = 0;
        while let Some(piece) = reader.chunk().await.unwrap() {
            len += piece.len();
        }
        len
    });
    for at in 0..10 {
        peer.push(match at {
            0 => beginning(100 * KIB),
            _ => From::Client.fragment(CONTINUATION, &[0; 100 * KIB]),
        });
        tasks.settle();
        assert!(budget.used() <= 64, "{}", budget.used());
    }
    peer.push(rest(0));
    tasks.settle();
    assert_eq!(handling.output(), Some(1000 * KIB));
}

#[test]
fn queued_messages_count_until_the_transport_takes_them() {
    for len in [100, 7 * KIB, 9 * KIB, 300 * KIB] {
        let budget = large();
        let (mut ws, peer) = open_default(&server(&budget));
        let mut tasks = Tasks::new(Order::Oldest);
        peer.window(0);
        let handling = tasks.spawn(async move {
            ws.send(vec![b's'; len]).await.unwrap();
            // The connection is not polled any more.
            std::future::pending::<()>().await;
            drop(ws);
        });
        tasks.settle();
        let used = budget.used();
        assert!(used >= len && used <= len + 64 * KIB + 16, "{len}: {used}");
        peer.window(len / 2);
        tasks.settle();
        assert!(budget.used() >= len / 2 && budget.used() <= used, "{len}");
        peer.window(usize::MAX);
        tasks.settle();
        assert_eq!(budget.used(), 0, "{len}");
        assert!(handling.output().is_none());
    }
}

#[test]
fn a_lent_answer_counts_once() {
    const LEN: usize = 200 * KIB;
    let budget = large();
    let (ws, peer) = open_default(&server(&budget));
    let mut tasks = Tasks::new(Order::Oldest);
    let _handling = tasks.spawn(echo(ws));
    peer.window(0);
    peer.push(beginning(LEN));
    peer.push(rest(0));
    tasks.settle();
    let used = budget.used();
    assert!((LEN..=LEN + 65 * KIB).contains(&used), "{used}");
    peer.window(usize::MAX);
    tasks.settle();
    assert_eq!(budget.used(), 0);
}

#[test]
fn fed_messages_count_from_the_next_wait_on() {
    let budget = large();
    let (mut ws, peer) = open_default(&server(&budget));
    let mut tasks = Tasks::new(Order::Oldest);
    peer.window(0);
    let _handling = tasks.spawn(async move {
        for _ in 0..100 {
            ws.feed("a short message").await.unwrap();
        }
        ws.recv().await
    });
    tasks.settle();
    let used = budget.used();
    assert!((1700..=64 * KIB).contains(&used), "{used}");
    peer.window(usize::MAX);
    tasks.settle();
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_message_that_is_written_in_pieces_counts() {
    let budget = large();
    let (mut ws, peer) = open_default(&server(&budget));
    let mut tasks = Tasks::new(Order::Oldest);
    peer.window(0);
    let _handling = tasks.spawn(async move {
        let mut writer = ws.writer(MessageKind::Binary).unwrap();
        loop {
            writer.write(&[0; 50 * KIB]).await.unwrap();
        }
    });
    tasks.settle();
    assert!(budget.used() >= 50 * KIB && budget.used() <= 192 * KIB);
}

#[test]
fn contexts_count_while_they_are_kept() {
    let offers = [
        ("permessage-deflate", true),
        (
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
            false,
        ),
    ];
    for (offer, is_kept) in offers {
        let budget = large();
        let registry = server(&budget);
        let config = Config::default().deflate(DeflateConfig::default().threshold(0));
        let offer = format!("Sec-WebSocket-Extensions: {offer}");
        let (ws, peer) = open_with(&registry, &config, &[&offer]);
        assert_eq!(ws.extensions().len(), 1);
        let mut tasks = Tasks::new(Order::Oldest);
        let handling = tasks.spawn(echo(ws));
        tasks.settle();
        assert_eq!(budget.used(), 0);
        let mut frame = From::Client.frame(1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
        frame[0] |= 0x40;
        peer.push(frame);
        tasks.settle();
        assert!(peer.output_len() > 0);
        // Both contexts, by default: 47 KiB and more than 140 KiB.
        let used = budget.used();
        match is_kept {
            true => assert!((180 * KIB..=480 * KIB).contains(&used), "{used}"),
            false => assert_eq!(used, 0),
        }
        tasks.abort(&handling);
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn control_frames_between_fragments_change_nothing() {
    let budget = large();
    let (ws, peer) = open_default(&server(&budget));
    let mut tasks = Tasks::new(Order::Oldest);
    let _handling = tasks.spawn(receive_all(ws));
    peer.push(beginning(10 * KIB));
    tasks.settle();
    let used = budget.used();
    for _ in 0..10 {
        peer.push(From::Client.frame(PING, b"?"));
        tasks.settle();
        assert_eq!(budget.used(), used);
    }
}

#[test]
fn connections_of_all_registries_and_none_share_a_budget_as_given() {
    let budget = large();
    let registries = [server(&budget), server(&budget)];
    let mut tasks = Tasks::new(Order::Oldest);
    let mut peers = Vec::new();
    for registry in &registries {
        let (ws, peer) = open_default(registry);
        tasks.spawn(receive_all(ws));
        peer.push(beginning(10 * KIB));
        peers.push(peer);
    }
    let (ws, peer) = scripted::server(&Config::default());
    tasks.spawn(receive_all(ws));
    peer.push(beginning(10 * KIB));
    tasks.settle();
    assert!((20 * KIB..30 * KIB).contains(&budget.used()));
    // A setting applies to later connections.
    let other = large();
    let registry = registries[0].clone().budget(&other);
    let (ws, peer) = open_default(&registry);
    tasks.spawn(receive_all(ws));
    peer.push(beginning(10 * KIB));
    tasks.settle();
    assert!((20 * KIB..30 * KIB).contains(&budget.used()));
    assert!((10 * KIB..20 * KIB).contains(&other.used()));
}
