//! Hooks, events, halves and the traits of futures.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;

use futures_util::{SinkExt, StreamExt};
use ws_driver::MessageKind;
use ws_reconnect::{Backoff, BoxedHook, Cause, Event, Reason, Reconnecting};
use ws_tests::clock;
use ws_tests::exec::{self, Tasks};
use ws_tests::scripted::network::{self, Answer};
use ws_tests::scripted::{Manual, Server};
use ws_tests::wire;

use super::{MILLISECOND, SECOND, client};

/// A server that sends a text, and resets the connection after 2 s.
fn server(text: &str) -> Answer<Server> {
    let text = wire::From::Server.text(text);
    Answer::success(Server::new().upgrade().send(text).wait(2 * SECOND).reset())
}

/// A server that sends a text, and closes with code 1000.
fn last_server(text: &str) -> Answer<Server> {
    let text = wire::From::Server.text(text);
    let close = wire::From::Server.close(1000, "");
    Answer::success(Server::new().upgrade().send(text).send(close).end())
}

fn set_up(answers: impl IntoIterator<Item = Answer<Server>>) {
    network::clear();
    for answer in answers {
        network::at("127.0.0.1:80", answer);
    }
}

fn name(event: &Event) -> String {
    match event {
        Event::Message(message) => message.as_text().unwrap().to_owned(),
        Event::Gap(_) => "gap".into(),
        Event::Open(open) => format!("open {} {}", open.connection, open.attempts),
        other => panic!("{other:?}"),
    }
}

#[test]
fn events_come_in_order() {
    let refused = || Answer::failure(std::io::ErrorKind::ConnectionRefused);
    set_up([server("a"), refused(), refused(), last_server("b")]);
    let mut client = client().backoff(Backoff::default().seed(3));
    let names = exec::run(network::serving(async {
        let mut names = Vec::new();
        while let Some(event) = client.next().await.unwrap() {
            if let Event::Gap(gap) = &event {
                let attempts = network::attempts();
                assert_eq!(
                    gap.down_for,
                    attempts[3].start - attempts[0].start - 2 * SECOND
                );
                assert!(matches!(gap.cause.as_deref(), Some(Cause::Connection(_))));
                assert!(gap.undelivered.is_empty());
            }
            names.push(name(&event));
        }
        names
    }));
    assert_eq!(names, ["open 1 1", "a", "gap", "open 2 3", "b"]);
}

#[test]
fn failures_are_reported_when_they_happen() {
    let refused = || Answer::failure(std::io::ErrorKind::ConnectionRefused);
    set_up([server("a"), refused(), refused(), last_server("b")]);
    let mut client = client().report_down();
    let (names, downs) = exec::run(network::serving(async {
        let (mut names, mut downs) = (Vec::new(), Vec::new());
        while let Some(event) = client.next().await.unwrap() {
            match event {
                Event::Down(down) => {
                    names.push(format!("down {}", down.attempts));
                    downs.push((clock::elapsed() + down.delay, down.cause));
                }
                event => names.push(name(&event)),
            }
        }
        (names, downs)
    }));
    let expected = [
        "open 1 1", "a", "down 0", "down 1", "down 2", "gap", "open 2 3", "b",
    ];
    assert_eq!(names, expected);
    let attempts = network::attempts();
    for ((next, _), attempt) in downs.iter().zip(&attempts[1..]) {
        assert_eq!(*next, attempt.start);
    }
    assert!(matches!(&*downs[0].1, Cause::Connection(_)));
    assert!(matches!(&*downs[1].1, Cause::Connect(_)));
}

#[test]
fn only_the_last_failure_is_reported_and_none_after_an_end() {
    let refused = || Answer::failure(std::io::ErrorKind::ConnectionRefused);
    set_up([refused(), refused(), server("a")]);
    let (mut sender, mut receiver) = client().report_down().split();
    exec::run(network::serving(async {
        sender.feed("x").await.unwrap();
        sender.flush().await.unwrap();
        assert_eq!(name(&receiver.next().await.unwrap().unwrap()), "open 1 3");
    }));

    set_up([refused(), refused()]);
    let two_failures = Backoff::default().max_failures(2);
    let mut gives_up = client().report_down().backoff(two_failures);
    exec::run(network::serving(async {
        gives_up.feed("x").await.unwrap();
        gives_up.flush().await.unwrap();
        assert_eq!(gives_up.next().await.unwrap_err().failures, 2);
        assert!(gives_up.next().await.unwrap().is_none());
    }));
}

#[test]
fn the_request_is_new_for_each_attempt() {
    set_up([server("a"), last_server("b")]);
    let tokens = Arc::new(AtomicUsize::new(0));
    let mut client = client().on_connect(move |connector, url| {
        let token = tokens.fetch_add(1, Ordering::Relaxed);
        async move {
            Ok(connector
                .bearer_auth(format!("t{token}"))
                .connect(url)
                .await?)
        }
    });
    exec::run(network::serving(async {
        while client.next().await.unwrap().is_some() {}
    }));
    let heads = network::heads();
    assert_eq!(heads.len(), 2);
    for (index, head) in heads.iter().enumerate() {
        let line = format!("authorization: bearer t{index}\r\n");
        assert!(head.to_lowercase().contains(&line), "{head}");
    }
}

#[test]
fn a_hook_owns_its_state_and_may_receive() {
    set_up([server("welcome"), last_server("welcome")]);
    let mut logins = 0;
    let mut client = client().on_open(async move |ws| {
        logins += 1;
        ws.send(format!("login {logins}")).await?;
        match ws.recv().await? {
            Some(message) if message.as_text() == Some("welcome") => Ok(()),
            other => Err(Cause::fatal(format!("{other:?}"))),
        }
    });
    let names = exec::run(network::serving(async {
        let mut names = Vec::new();
        while let Some(event) = client.next().await.unwrap() {
            names.push(name(&event));
        }
        names
    }));
    assert_eq!(names, ["open 1 1", "gap", "open 2 1"]);
}

#[test]
fn a_hook_decides_by_its_error() {
    set_up([server("a"), server("b"), server("c")]);
    let mut errors = vec![
        Cause::fatal("no"),
        Cause::retry("later"),
        Cause::retry("later"),
    ];
    let mut client = client().on_open(async move |_| Err(errors.pop().unwrap()));
    let gave_up = exec::run(network::serving(client.next())).unwrap_err();
    assert_eq!((gave_up.reason, gave_up.failures), (Reason::Fatal, 3));
    assert_eq!(gave_up.cause.to_string(), "no");
}

#[test]
fn a_message_that_the_hook_leaves_unfinished_is_an_error() {
    set_up([Answer::success(Server::new().upgrade())]);
    let mut client = client().on_open(async |ws| {
        let mut writer = ws.writer(MessageKind::Text)?;
        writer.write("half").await?;
        Ok(())
    });
    let gave_up = exec::run(network::serving(async {
        client.feed("message").await.unwrap();
        client.next().await.unwrap();
        client.next().await.unwrap_err()
    }));
    assert_eq!(gave_up.reason, Reason::Fatal);
    assert_eq!(gave_up.undelivered.unsent, [(1, "message".into())]);
}

#[test]
fn clients_are_send_with_any_hook_that_is() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    fn assert_unpin<T: Unpin>(_: &T) {}

    let subscribe = String::from("subscribe");
    let client = client().on_open(async move |ws| {
        ws.send(&subscribe).await?;
        ws.recv().await?;
        Ok(())
    });
    assert_unpin(&client);
    let mut client = assert_send(client);
    drop(assert_send(client.next()));
    drop(assert_send(client.send("x")));
    let client: Reconnecting<Manual, BoxedHook<Manual>> = client.boxed();
    let (sender, receiver) = assert_send(client).split();
    drop((assert_send(sender), assert_send(receiver)));
}

#[test]
fn a_stream_and_a_sink_do_the_same() {
    set_up([server("a"), last_server("b")]);
    let mut client = client();
    let names = exec::run(network::serving(async {
        client.feed("x").await.unwrap();
        SinkExt::send(&mut client, "y".into()).await.unwrap();
        let mut names = Vec::new();
        while let Some(event) = StreamExt::next(&mut client).await {
            names.push(name(&event.unwrap()));
        }
        assert!(SinkExt::send(&mut client, "z".into()).await.is_err());
        names
    }));
    assert_eq!(names, ["open 1 1", "a", "gap", "open 2 1", "b"]);
}

/// The halves in two tasks. Each task is polled only after a wake-up.
#[test]
fn each_half_wakes_the_other() {
    for order in exec::Order::BOTH {
        let (transport, peer) = ws_tests::scripted::pair();
        let mut transport = Some(transport);
        let client = Reconnecting::<Manual>::new(ws_driver::Connector::new(), "ws://server/")
            .on_connect(move |connector, _| {
                let transport = transport.take().unwrap();
                async move {
                    let transport = ws_driver::transport::AnyTransport::new(transport);
                    let agreed = ws_driver::handshake::Agreed::new();
                    Ok(connector.upgraded_on(transport, agreed, []))
                }
            });
        let (mut sender, mut receiver) = client.split();
        let mut tasks = Tasks::new(order);
        let receiving = tasks.spawn(async move {
            let mut names = Vec::new();
            while let Some(event) = receiver.next().await.unwrap() {
                names.push(name(&event));
            }
            names
        });
        tasks.settle();
        // The receiver is waiting. It writes what the sender queues.
        let feeding = tasks.spawn(async move {
            sender.feed("one").await.unwrap();
            sender
        });
        tasks.settle();
        let mut sender = feeding.output().unwrap();
        assert_eq!(peer.take_frames()[0].payload, b"one");
        // A full transport: the sender waits, and the receiver still receives.
        peer.window(0);
        let sending = tasks.spawn(async move {
            sender.send("two").await.unwrap();
            sender
        });
        tasks.settle();
        peer.push(wire::From::Server.text("news"));
        tasks.settle();
        assert_eq!(peer.output_len(), 0);
        peer.window(usize::MAX);
        tasks.settle();
        let mut sender = sending.output().unwrap();
        assert_eq!(peer.take_frames()[0].payload, b"two");
        // Closing ends the receiver.
        let closing = tasks.spawn(async move {
            sender
                .close(ws_driver::CloseCode::NORMAL, "")
                .await
                .unwrap()
        });
        tasks.settle();
        peer.push(wire::From::Server.close(1000, ""));
        peer.end();
        tasks.settle();
        assert!(!closing.output().unwrap().is_empty());
        assert_eq!(receiving.output().unwrap(), ["open 1 1", "news"]);
    }
}

#[test]
fn polling_pins_nothing() {
    set_up([last_server("a")]);
    let mut client = client();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let stream = Pin::new(&mut client);
    assert!(futures_util::Stream::poll_next(stream, &mut cx).is_pending());
    assert!(client.connection().is_none());
    assert!(ws_tests::clock::elapsed() < MILLISECOND);
}
