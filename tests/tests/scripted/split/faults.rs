//! Two tasks that echo over the halves of a connection, with a fault at operation N of the
//! transport, for every N. The operation fails, stalls, is shortened, or is interrupted. Futures
//! are dropped at every await. No message is lost or repeated, and no task waits forever.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use ws_driver::{CloseCode, Config, End as Ended, Error, Message, Receiver, Sender};
use ws_tests::clock;
use ws_tests::exec::{self, Job, Order, Tasks};
use ws_tests::scripted::{self, End, Fault, Peer, Shape};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, PONG};

const FAULTS: [Fault; 4] = [Fault::Fail, Fault::Stick, Fault::Shorten, Fault::Interrupt];

ws_tests::both_shapes! {
    an_echo_of_two_tasks_survives_any_fault,
    an_echo_of_two_tasks_that_drop_at_every_await_survives_any_fault,
    an_echo_of_two_tasks_over_a_reluctant_transport_loses_nothing,
    a_close_of_the_sender_survives_any_fault,
    a_sender_can_close_after_its_receiver_was_dropped_at_any_poll,
}

/// A queue of messages from one task to another.
#[derive(Clone, Default)]
struct Pipe(Rc<RefCell<Messages>>);

#[derive(Default)]
struct Messages {
    queue: VecDeque<Message>,
    ended: bool,
    waiting: Option<Waker>,
}

impl Pipe {
    fn push(&self, message: Message) {
        let mut messages = self.0.borrow_mut();
        messages.queue.push_back(message);
        messages.waiting.take().into_iter().for_each(Waker::wake);
    }

    fn end(&self) {
        let mut messages = self.0.borrow_mut();
        messages.ended = true;
        messages.waiting.take().into_iter().for_each(Waker::wake);
    }

    async fn next(&self) -> Option<Message> {
        poll_fn(|cx| {
            let mut messages = self.0.borrow_mut();
            match messages.queue.pop_front() {
                Some(message) => Poll::Ready(Some(message)),
                None if messages.ended => Poll::Ready(None),
                None => {
                    messages.waiting = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// The way in which the tasks send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Each answer is sent with `send`.
    Send,
    /// Each answer is queued with `feed`, and the receiver writes it.
    Feed,
    /// Each answer is queued with `try_feed`, and every future is dropped whenever it is pending.
    Dropping,
}

/// Receives to the end and returns the error, if there was one.
async fn receive<T: Shape>(
    rx: &mut Receiver<T>,
    style: Style,
    pipe: Pipe,
    received: &RefCell<Vec<Message>>,
) -> Option<Error> {
    let mut fault = None;
    loop {
        let result = match style {
            Style::Dropping => exec::afresh(rx, async |rx| rx.recv().await).await,
            _ => rx.recv().await,
        };
        match result {
            Ok(Some(message)) => {
                received.borrow_mut().push(message.clone());
                pipe.push(message);
            }
            Ok(None) => break,
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    pipe.end();
    for _ in 0..2 {
        assert!(
            matches!(rx.recv().await, Ok(None)),
            "a message or an error follows the end"
        );
    }
    fault
}

/// Sends every message from the pipe and then closes. Returns the error of sending and the result
/// of closing.
async fn answer<T: Shape>(
    tx: &mut Sender<T>,
    style: Style,
    pipe: Pipe,
) -> (Option<Error>, Result<(), Error>) {
    let mut fault = None;
    while let Some(message) = pipe.next().await {
        let result = match style {
            Style::Send => tx.send(message).await,
            Style::Feed => tx.feed(message).await,
            Style::Dropping => match exec::afresh(tx, async |tx| tx.ready().await).await {
                Ok(()) => {
                    tx.try_feed(message).expect("room");
                    Ok(())
                }
                Err(error) => Err(error),
            },
        };
        if let Err(error) = result {
            fault = Some(error);
            break;
        }
    }
    let close =
        async |tx: &mut Sender<T>| ws_tests::close_and_wait(tx, CloseCode::NORMAL, "").await;
    let closed = match style {
        Style::Dropping => exec::afresh(tx, close).await,
        _ => close(tx).await,
    };
    (fault, closed)
}

/// Returns the segments that the peer sends, and the messages in them.
fn script(from: wire::From) -> (Vec<Vec<u8>>, Vec<Message>) {
    let segments = vec![
        from.text("one"),
        [from.frame(PING, b"p"), from.fragment(BINARY, &[1; 300])].concat(),
        [from.frame(CONTINUATION, &[2; 300]), from.text("two")].concat(),
        from.frame(BINARY, &[3; 10_000]),
        from.text("four"),
    ];
    let messages = vec![
        "one".into(),
        [[1; 300], [2; 300]].concat().into(),
        "two".into(),
        vec![3; 10_000].into(),
        "four".into(),
    ];
    (segments, messages)
}

/// The outcome of a run.
#[derive(Debug)]
struct Outcome {
    received: Vec<Message>,
    receive_error: Option<Error>,
    send_error: Option<Error>,
    closed: Result<(), Error>,
    end: Ended,
    time: Duration,
}

/// Runs both tasks, which echo the script. Each segment arrives when both tasks wait.
fn play<T: Shape>(
    (tx, rx, peer): (&mut Sender<T>, &mut Receiver<T>, &Peer),
    from: wire::From,
    style: Style,
    order: Order,
    context: &str,
) -> Outcome {
    let before = clock::elapsed();
    let pipe = Pipe::default();
    let received = RefCell::new(Vec::new());
    let (receives, answers): (Job<_>, Job<_>);
    {
        let mut tasks = Tasks::new(order);
        receives = tasks.spawn(receive(rx, style, pipe.clone(), &received));
        answers = tasks.spawn(answer(tx, style, pipe.clone()));
        tasks.settle();
        for segment in script(from).0 {
            peer.push(segment);
            tasks.settle();
        }
        peer.push(from.close(1000, "bye"));
        peer.end();
        if !tasks.run() {
            // Only a wait for input has no timeout. The end of the pipe makes the sender close, and
            // closing has a timeout.
            pipe.end();
            assert!(tasks.run(), "{context}: a task waits forever");
        }
    }
    let (send_error, closed) = answers.output().expect("a result of the sender");
    let receive_error = receives.output().expect("a result of the receiver");
    let end = tx.end().expect("an end");
    assert_eq!(rx.end().as_ref(), Some(&end), "{context}");
    Outcome {
        received: received.into_inner(),
        receive_error,
        send_error,
        closed,
        end,
        time: clock::elapsed() - before,
    }
}

/// Asserts that messages were written in order and once, with at most one Pong and one Close. If
/// `complete` is `true`, asserts that nothing is missing.
fn check_output(peer: &Peer, expected: &[Message], complete: bool, context: &str) {
    let (frames, cut) = wire::parse(&peer.take_output());
    let data: Vec<&[u8]> = frames
        .iter()
        .filter(|frame| frame.opcode() < CLOSE)
        .map(|frame| frame.whole().1)
        .collect();
    let expected: Vec<&[u8]> = expected.iter().map(Message::as_bytes).collect();
    assert!(expected.starts_with(&data), "{context}");
    let count = |opcode| {
        let of_kind = frames.iter().filter(|frame| frame.opcode() == opcode);
        of_kind.count()
    };
    assert!(count(PONG) <= 1 && count(CLOSE) <= 1, "{context}");
    if complete {
        assert_eq!((data.len(), cut), (expected.len(), 0), "{context}");
        assert_eq!((count(PONG), count(CLOSE)), (1, 1), "{context}");
        assert_eq!(frames.last().map(wire::Frame::opcode), Some(CLOSE));
    }
}

fn each_fault<T: Shape>(style: Style) {
    for end in End::BOTH {
        for order in Order::BOTH {
            for fault in FAULTS {
                for at in 0.. {
                    assert!(at < 200, "the run does not end");
                    let context = format!("{end:?}, {order:?}, {style:?}, {fault:?} at {at}");
                    let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
                    peer.fault(at, fault);
                    let halves = (&mut tx, &mut rx, &peer);
                    let outcome = play(halves, end.peer(), style, order, &context);
                    let context = format!("{context}: {outcome:?}");
                    let (_, expected) = script(end.peer());
                    assert!(expected.starts_with(&outcome.received), "{context}");
                    assert!(outcome.time <= Duration::from_secs(41), "{context}");
                    drop((tx, rx));
                    assert!(peer.is_dropped(), "{context}");
                    let harmless = matches!(fault, Fault::Shorten | Fault::Interrupt);
                    let unharmed = harmless || peer.fault_waits();
                    if unharmed {
                        assert_eq!(outcome.received, expected, "{context}");
                        assert!(outcome.receive_error.is_none(), "{context}");
                        assert!(outcome.send_error.is_none(), "{context}");
                        assert!(outcome.end.clean, "{context}");
                        assert_eq!(outcome.time, Duration::ZERO, "{context}");
                    }
                    assert_eq!(outcome.closed.is_ok(), outcome.end.clean, "{context}");
                    if !outcome.end.clean {
                        assert!(outcome.receive_error.is_some(), "{context}");
                    }
                    check_output(&peer, &expected, unharmed, &context);
                    if peer.fault_waits() {
                        assert!(at > 12, "{context}");
                        break;
                    }
                }
            }
        }
    }
}

fn an_echo_of_two_tasks_survives_any_fault<T: Shape>() {
    each_fault::<T>(Style::Send);
    each_fault::<T>(Style::Feed);
}

fn an_echo_of_two_tasks_that_drop_at_every_await_survives_any_fault<T: Shape>() {
    each_fault::<T>(Style::Dropping);
}

fn an_echo_of_two_tasks_over_a_reluctant_transport_loses_nothing<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for style in [Style::Send, Style::Feed, Style::Dropping] {
                for piece in [1, 2, 7, 4096] {
                    let context = format!("{end:?}, {order:?}, {style:?} in pieces of {piece}");
                    let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
                    peer.hesitate();
                    peer.pieces(piece, piece);
                    let halves = (&mut tx, &mut rx, &peer);
                    let outcome = play(halves, end.peer(), style, order, &context);
                    let (_, expected) = script(end.peer());
                    assert_eq!(outcome.received, expected, "{context}");
                    assert!(outcome.end.clean, "{context}");
                    outcome.closed.unwrap();
                    assert_eq!(outcome.time, Duration::ZERO, "{context}");
                    check_output(&peer, &expected, true, &context);
                }
            }
        }
    }
}

fn a_close_of_the_sender_survives_any_fault<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for fault in FAULTS {
                for keeps_receiver in [false, true] {
                    for at in 0.. {
                        assert!(at < 50, "the run does not end");
                        let context =
                            format!("{end:?}, {order:?}, {fault:?} at {at}, {keeps_receiver}");
                        let before = clock::elapsed();
                        let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
                        peer.fault(at, fault);
                        let mut tasks = Tasks::new(order);
                        let receives = keeps_receiver.then(|| {
                            tasks.spawn(async move {
                                let result = rx.recv().await;
                                assert!(matches!(rx.recv().await, Ok(None)));
                                result
                            })
                        });
                        let closes = tasks.spawn(async move {
                            let closed =
                                ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "").await;
                            (closed, tx)
                        });
                        tasks.settle();
                        peer.push(end.peer().close(1000, ""));
                        peer.end();
                        assert!(tasks.run(), "{context}: a task waits forever");
                        let (closed, tx) = closes.output().expect("the end");
                        let clean = tx.end().unwrap().clean;
                        assert_eq!(closed.is_ok(), clean, "{context}: {closed:?}");
                        if let Some(received) = receives.map(|receives| receives.output().unwrap())
                        {
                            assert_eq!(received.is_ok(), clean, "{context}: {received:?}");
                        }
                        let time = clock::elapsed() - before;
                        assert!(time <= Duration::from_secs(5), "{context}: {time:?}");
                        drop(tx);
                        assert!(peer.is_dropped(), "{context}");
                        let unharmed = matches!(fault, Fault::Shorten | Fault::Interrupt);
                        if unharmed || peer.fault_waits() {
                            assert!(clean && time == Duration::ZERO, "{context}");
                        }
                        if peer.fault_waits() {
                            break;
                        }
                    }
                }
            }
        }
    }
}

fn a_sender_can_close_after_its_receiver_was_dropped_at_any_poll<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for polls in 0.. {
                let context = format!("{end:?}, {order:?}, dropped after {polls} polls");
                let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
                peer.hesitate();
                peer.pieces(2, 2);
                let from = end.peer();
                peer.push([from.text("one"), from.frame(PING, b"p"), from.text("two")].concat());
                peer.push(from.close(1000, ""));
                peer.end();
                let mut done = false;
                {
                    let mut recv = std::pin::pin!(async move {
                        while rx.recv().await?.is_some() {}
                        Ok::<(), Error>(())
                    });
                    let mut task = exec::Task::new();
                    for _ in 0..polls {
                        done = task.poll(recv.as_mut()).is_ready();
                        if done {
                            break;
                        }
                    }
                }
                let mut tasks = Tasks::new(order);
                let closes = tasks.spawn(async move {
                    let closed = ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "").await;
                    (closed, tx)
                });
                tasks.settle();
                let (closed, tx) = closes.output().expect(&context);
                closed.expect(&context);
                assert!(tx.end().unwrap().clean, "{context}");
                let frames = peer.take_frames();
                let closes = frames.iter().filter(|frame| frame.opcode() == CLOSE);
                assert_eq!(closes.count(), 1, "{context}");
                assert!(peer.is_dropped(), "{context}");
                if done {
                    assert!(polls > 8, "{context}");
                    break;
                }
            }
        }
    }
}
