//! Connections that are made from a transport and leftover bytes.

use ws_driver::handshake::Agreed;
use ws_driver::{
    Acceptor, CloseCode, Config, Connector, Error, LimitError, ReceiveError, Timeout, TryFeedError,
};
use ws_tests::exec;
use ws_tests::scripted::{self, End, Manual, receive_all};
use ws_tests::steps::{assert_works, opcodes, take_over, timed};
use ws_tests::wire::{self, BINARY, CLOSE};

use super::SECOND;

#[test]
fn leftovers_of_any_size_are_the_first_input() {
    for end in End::BOTH {
        let from = end.peer();
        for len in [
            0, 1, 100, 125, 4096, 65_521, 65_522, 65_530, 65_535, 65_536, 65_537, 100_000, 200_000,
        ] {
            let first = from.frame(BINARY, &vec![1; len]);
            let second = from.text("another message");
            for behind in [0, 1, 5, second.len()] {
                let leftover = [&first[..], &second[..behind]].concat();
                let (transport, peer) = scripted::pair();
                let mut ws = take_over(end, &Config::default(), transport, leftover);
                assert_eq!(exec::run(ws.recv()).unwrap(), Some(vec![1; len].into()));
                if behind < second.len() {
                    assert!(exec::attempt(ws.recv()).is_pending());
                    peer.push(&second[behind..]);
                }
                assert_eq!(
                    exec::run(ws.recv()).unwrap(),
                    Some("another message".into())
                );
                assert_works(&mut ws, end, &peer);
            }
        }
    }
}

#[test]
fn a_leftover_larger_than_a_block_may_end_anywhere() {
    for end in End::BOTH {
        let from = end.peer();
        let frames = [
            from.frame(BINARY, &[1; 9000]),
            from.frame(BINARY, &[2; 60_000]),
            from.frame(BINARY, &[3; 65_000]),
            from.frame(BINARY, &[4; 70_000]),
            from.text("end"),
        ];
        let all = frames.concat();
        let mut cuts: Vec<usize> = (0..all.len()).step_by(9973).collect();
        cuts.extend(65_530..65_542);
        cuts.extend(all.len() - 20..all.len());
        for cut in cuts {
            let (transport, peer) = scripted::pair();
            let mut ws = take_over(end, &Config::default(), transport, &all[..cut]);
            peer.push(&all[cut..]);
            for (number, len) in [(1, 9000), (2, 60_000), (3, 65_000), (4, 70_000)] {
                let message = exec::run(ws.recv()).unwrap().unwrap();
                assert_eq!(message, vec![number; len].into(), "{end:?} {cut}");
            }
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("end".into()));
        }
    }
}

#[test]
fn a_leftover_may_contain_a_close_or_a_violation() {
    for end in End::BOTH {
        let (transport, peer) = scripted::pair();
        let leftover = [end.peer().text("last"), end.peer().close(4000, "bye")].concat();
        let mut ws = take_over(end, &Config::default(), transport, leftover);
        peer.end();
        let (messages, fault) = receive_all(&mut ws);
        assert_eq!(messages, ["last".into()]);
        assert!(fault.is_none());
        assert_eq!(ws.end().unwrap().code().number(), 4000);
        assert_eq!(opcodes(&peer.take_frames()), [CLOSE]);

        let (transport, peer) = scripted::pair();
        let mut ws = take_over(end, &Config::default(), transport, end.peer().frame(3, b""));
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
        assert_eq!(peer.take_frames()[0].close_code(), 1002);
    }
}

#[test]
fn a_taken_over_connection_uses_the_configuration() {
    for end in End::BOTH {
        let config = Config::default()
            .max_message(10)
            .close_timeout(2 * SECOND)
            .high_water_mark(10)
            .idle_timeout(3 * SECOND);
        let open = |leftover: &[u8]| {
            let (transport, peer) = scripted::pair();
            (take_over(end, &config, transport, leftover), peer)
        };
        let (mut ws, peer) = open(&end.peer().frame(BINARY, &[0; 11]));
        peer.end();
        let fault = exec::run(ws.recv()).unwrap_err();
        assert!(
            matches!(
                fault,
                Error::Receive(ReceiveError::Limit(LimitError::MessageTooLong { .. }))
            ),
            "{fault:?}"
        );
        assert_eq!(peer.take_frames()[0].close_code(), 1009);
        let (mut ws, _peer) = open(&[]);
        let (result, time) = timed(|| exec::run(ws.recv()));
        assert!(matches!(result, Err(Error::Timeout(Timeout::Idle))));
        assert_eq!(time, 3 * SECOND);
        let (mut ws, _peer) = open(&[]);
        let (result, time) = timed(|| exec::run(ws.close(CloseCode::NORMAL, "")));
        assert!(matches!(result, Err(Error::Timeout(Timeout::Close))));
        assert_eq!(time, 2 * SECOND);
        let (mut ws, peer) = open(&[]);
        peer.window(0);
        exec::run(ws.feed("0123456789")).unwrap();
        assert!(matches!(ws.try_feed("x"), Err(TryFeedError::Full("x"))));
        assert!(ws.protocol().is_none() && ws.extensions().is_empty() && ws.response().is_none());
    }
}

/// The settings are `max_message` of both, and `masks` of the connector.
#[test]
fn a_taken_over_connection_uses_the_settings_of_its_acceptor_or_connector() {
    struct Zero;
    impl ws_driver::masks::MaskSource for Zero {
        fn next_key(&mut self) -> ws_driver::masks::MaskKey {
            ws_driver::masks::MaskKey::new([0; 4])
        }
    }
    let (transport, peer) = scripted::pair();
    let connector = Connector::<Manual>::new().masks(|| Zero).max_message(5);
    let mut ws = connector.upgraded(
        transport,
        Agreed::default(),
        wire::From::Server.text("123456"),
    );
    exec::run(ws.send("hi")).unwrap();
    assert_eq!(peer.take_output(), b"\x81\x82\0\0\0\0hi");
    peer.end();
    assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
    let (transport, peer) = scripted::pair();
    let acceptor = Acceptor::<Manual>::new().max_message(5);
    let mut ws = acceptor.upgraded(
        transport,
        Agreed::default(),
        wire::From::Client.text("123456"),
    );
    peer.end();
    assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
}
