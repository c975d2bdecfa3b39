//! Limits on the length of messages, for every way to set them.

use ws_driver::{CloseCode, Config, Error};

use super::roles::{FAR, ROLES};
use super::{Acceptor, Connector, Suite, Ws, client, server};
use crate::socket::RawPeer;
use crate::wire::{BINARY, From};

/// The limit on frames follows the limit on messages, so one setting is enough.
pub fn a_higher_message_limit_permits_long_frames<S: Suite>() {
    let long = 20 << 20;
    for role in ROLES {
        let config = Config::default().max_message(64 << 20).close_timeout(FAR);
        let (mut peer, running) = role.open::<S, _, _>(config, |mut ws| async move {
            let message = ws.recv().await?.expect("a message");
            ws.close(CloseCode::NORMAL, "").await?;
            Ok::<_, Error>(message)
        });
        peer.send(&role.peer().frame(BINARY, &vec![7; long]));
        peer.read_close(1000);
        peer.send(&role.peer().close(1000, ""));
        peer.end();
        let message = running.finish().expect("within the limit");
        assert!(message.as_bytes() == vec![7; long]);

        // With the default limit, the same message is too long. The peer gets a Close with
        // code 1009.
        let (mut peer, running) = role.open::<S, _, _>(Config::default(), recv_one::<S>);
        peer.send(&role.peer().frame(BINARY, &vec![7; long])[..1 << 16]);
        peer.read_close(1009);
        peer.end();
        let refused = running.finish().expect_err("over the limit");
        assert_eq!(refused.violation_code(), Some(CloseCode::TOO_BIG));
    }
}

async fn recv_one<S: Suite>(mut ws: Ws<S>) -> Result<usize, Error> {
    let message = ws.recv().await?.expect("a message");
    Ok(message.as_bytes().len())
}

/// `max_message` takes effect whether it is called before or after `config`. This holds for servers
/// and for clients.
pub fn a_limit_is_not_undone_by_a_configuration<S: Suite>() {
    for config_first in [false, true] {
        for (len, is_accepted) in [(10, true), (11, false)] {
            let case = format!("{config_first}, {len}");
            let config = || Config::default().failure_timeout(FAR);
            let (address, running) = server::<S, _, _>(move |stream| async move {
                let acceptor = match config_first {
                    false => Acceptor::<S>::new().max_message(10).config(config()),
                    true => Acceptor::<S>::new().config(config()).max_message(10),
                };
                let ws = acceptor.accept(stream).await.expect("the handshake");
                recv_one::<S>(ws).await
            });
            let mut peer = RawPeer::open(address);
            peer.send(&From::Client.frame(BINARY, &vec![7; len]));
            if !is_accepted {
                peer.expect_close(1009);
            }
            drop(peer);
            check(running.finish(), len, is_accepted, &case);

            let (mut peer, running) = client::<S, _, _>(move |url| async move {
                let connector = match config_first {
                    false => Connector::<S>::new().max_message(10).config(config()),
                    true => Connector::<S>::new().config(config()).max_message(10),
                };
                let ws = connector.connect(&url).await.expect("the handshake");
                recv_one::<S>(ws).await
            });
            peer.answer();
            peer.send(&From::Server.frame(BINARY, &vec![7; len]));
            if !is_accepted {
                peer.expect_close(1009);
            }
            drop(peer);
            check(running.finish(), len, is_accepted, &case);
        }
    }
}

fn check(received: Result<usize, Error>, len: usize, is_accepted: bool, case: &str) {
    match received {
        Ok(received) => assert!(is_accepted && received == len, "{case}"),
        Err(error) => {
            assert!(!is_accepted, "{case}: {error:?}");
            assert_eq!(error.violation_code(), Some(CloseCode::TOO_BIG), "{case}");
        }
    }
}
