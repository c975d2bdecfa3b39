//! Futures that are dropped at every await.

use ws_reconnect::{Backoff, Event};
use ws_tests::exec;
use ws_tests::scripted::Server;
use ws_tests::scripted::network::{self, Answer};
use ws_tests::wire;

use super::{SECOND, client};

/// Two connections, whose operations are pending before each byte or few bytes.
fn set_up(piece: usize) {
    network::clear();
    let from = wire::From::Server;
    let first = Server::new()
        .upgrade()
        .send(from.text("one"))
        .send(from.text("two"))
        .wait(SECOND)
        .end();
    let second = Server::new()
        .upgrade()
        .send(from.text("three"))
        .send(from.close(1000, ""))
        .end();
    for server in [first, second] {
        network::at("127.0.0.1:80", Answer::success(server.in_pieces(piece)));
    }
}

fn name(event: &Event) -> String {
    match event {
        Event::Message(message) => message.as_text().unwrap().to_owned(),
        Event::Gap(gap) => format!("gap {:?}", gap.undelivered),
        Event::Open(open) => format!("{open:?}"),
        other => panic!("{other:?}"),
    }
}

/// Receives all events. Each future is dropped whenever it is pending if `drops` is `true`.
fn events(piece: usize, drops: bool) -> (Vec<String>, usize) {
    set_up(piece);
    let client = client().backoff(Backoff::default().seed(1));
    let mut hooks = 0;
    let mut client = client.confirm_every(None).on_open(async move |ws| {
        hooks += 1;
        ws.send(format!("hello {hooks}")).await?;
        Ok(())
    });
    let mut names = Vec::new();
    exec::run(network::serving(async {
        loop {
            let next = match drops {
                true => exec::afresh(&mut client, async |client| client.next().await).await,
                false => client.next().await,
            };
            match next.unwrap() {
                Some(event) => names.push(name(&event)),
                None => break,
            }
        }
    }));
    (names, network::attempts().len())
}

#[test]
fn dropping_next_at_every_await_changes_nothing() {
    for piece in [1, 2, 7, 4096] {
        let whole = events(piece, false);
        assert_eq!(whole.0.len(), 6, "{whole:?}");
        assert_eq!(whole.1, 2);
        assert_eq!(events(piece, true), whole, "pieces of {piece} bytes");
    }
}

/// Drops `send` after each number of polls. The message is sent once or not at all, and the numbers
/// tell which.
#[test]
fn dropping_send_at_any_await_sends_once_or_not_at_all() {
    let mut sent = [false; 2];
    for polls in 0..30 {
        network::clear();
        let server = Server::new().upgrade().in_pieces(3);
        network::at("127.0.0.1:80", Answer::success(server));
        let mut client = client().confirm_every(None);
        exec::run(network::serving(async {
            client.next().await.unwrap();
            {
                let mut sending = std::pin::pin!(client.send("dropped"));
                let mut left = polls;
                std::future::poll_fn(|cx| {
                    if left == 0 {
                        return std::task::Poll::Ready(());
                    }
                    left -= 1;
                    let polled = sending.as_mut().poll(cx);
                    cx.waker().wake_by_ref();
                    match polled {
                        std::task::Poll::Ready(_) => std::task::Poll::Ready(()),
                        std::task::Poll::Pending => std::task::Poll::Pending,
                    }
                })
                .await;
            }
            let number = client.send("next").await.unwrap();
            sent[usize::from(number == 2)] = true;
            client.flush().await.unwrap();
            assert_eq!(number, 1 + u64::from(polls > 0));
        }));
    }
    assert_eq!(sent, [true; 2]);
}
