//! Subscribers in several processes, processes that are killed, and subscribers that move.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use ws_topics::backplane::Redis;
use ws_topics::{Cursor, Missed, SharedTopics};

use crate::server::Server;
use crate::{Item, TOPIC, join, next, numbers, policy, run, until};

#[test]
fn all_processes_receive_all_messages_in_one_order() {
    let Some(server) = Server::start(false) else {
        return;
    };
    run(async {
        let processes = [(); 3].map(|()| join(server.backplane()));
        let mut subscriptions = Vec::new();
        for topics in &processes {
            subscriptions.push(topics.subscribe(TOPIC, policy()).await.unwrap());
        }
        let publishing: Vec<_> = processes
            .iter()
            .cloned()
            .zip(0..)
            .map(|(topics, publisher)| {
                tokio::spawn(async move {
                    for number in 0..100 {
                        let number = (publisher * 100 + number).to_string();
                        topics.publish(TOPIC, number).await.unwrap();
                    }
                })
            })
            .collect();
        for publishing in publishing {
            publishing.await.unwrap();
        }
        processes[0].publish(TOPIC, "1000").await.unwrap();
        let first = until(&mut subscriptions[0], 1000).await;
        for publisher in 0..3 {
            let of_one = publisher * 100..(publisher + 1) * 100;
            let is_of_one = |item: &&Item| matches!(item, Item::Number(n) if of_one.contains(n));
            let received: Vec<_> = first.iter().filter(is_of_one).copied().collect();
            assert_eq!(received, numbers(of_one.clone()));
        }
        assert_eq!(first.len(), 301);
        for subscription in &mut subscriptions[1..] {
            assert_eq!(until(subscription, 1000).await, first);
        }
    });
}

#[test]
fn topics_work_on_smol() {
    let Some(server) = Server::start(false) else {
        return;
    };
    smol::block_on(async {
        let topics = SharedTopics::new(server.backplane());
        let running = topics.clone();
        let run = smol::spawn(async move { running.run::<ws_smol::Smol>(|_| {}).await });
        let mut subscription = topics.subscribe(TOPIC, policy()).await.unwrap();
        for number in 0..100_u64 {
            topics.publish(TOPIC, number.to_string()).await.unwrap();
        }
        assert_eq!(until(&mut subscription, 99).await, numbers(0..100));
        drop(run);
    });
}

#[test]
fn a_subscriber_moves_between_processes_and_misses_nothing() {
    let Some(server) = Server::start(false) else {
        return;
    };
    run(async {
        let processes = [(); 2].map(|()| join(server.backplane()));
        let publisher = processes[0].clone();
        let publishing = tokio::spawn(async move {
            for number in 0..1000_u64 {
                publisher.publish(TOPIC, number.to_string()).await.unwrap();
            }
        });
        let mut received = Vec::new();
        let mut cursor = Cursor::START;
        for hop in 0.. {
            let topics = &processes[hop % 2];
            let mut subscription = topics.resume(TOPIC, cursor, policy()).await.unwrap();
            for _ in 0..37 {
                if received.len() < 1000 {
                    received.push(next(&mut subscription).await);
                }
            }
            cursor = subscription.cursor();
            if received.len() == 1000 {
                break;
            }
        }
        publishing.await.unwrap();
        assert_eq!(received, numbers(0..1000));
    });
}

#[test]
fn a_history_that_is_too_short_is_counted() {
    let Some(server) = Server::start(false) else {
        return;
    };
    run(async {
        let topics = join(server.backplane().history(10));
        let mut subscription = topics.subscribe(TOPIC, policy()).await.unwrap();
        topics.publish(TOPIC, "0").await.unwrap();
        assert_eq!(next(&mut subscription).await, Item::Number(0));
        let cursor = subscription.cursor();
        drop(subscription);
        for number in 1..=50_u64 {
            topics.publish(TOPIC, number.to_string()).await.unwrap();
        }
        let mut resumed = topics.resume(TOPIC, cursor, policy()).await.unwrap();
        assert_eq!(next(&mut resumed).await, Item::Gap(Missed::Exactly(40)));
        assert_eq!(until(&mut resumed, 50).await, numbers(41..51));

        let mut oldest = topics.resume(TOPIC, Cursor::START, policy()).await.unwrap();
        assert_eq!(until(&mut oldest, 50).await, numbers(41..51));
    });
}

const URL: &str = "WS_TOPICS_TEST_URL";

/// A process that prints the cursor and the text of each message, until it is killed.
#[test]
#[ignore = "a_killed_process_is_replaced runs this in a process of its own"]
fn follower() {
    let url = std::env::var(URL).expect("the variable of the other test");
    run(async {
        let topics = join(Redis::new(url).unwrap());
        let mut subscription = topics.resume(TOPIC, Cursor::START, policy()).await.unwrap();
        loop {
            let Item::Number(number) = next(&mut subscription).await else {
                panic!("a gap");
            };
            println!("received {} {number}", subscription.cursor());
        }
    });
}

#[test]
fn a_killed_process_is_replaced() {
    let Some(server) = Server::start(false) else {
        return;
    };
    run(async {
        let topics = join(server.backplane());
        let publisher = topics.clone();
        let publishing = tokio::spawn(async move {
            for number in 0..300_u64 {
                publisher.publish(TOPIC, number.to_string()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        let mut follower = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::follower", "--ignored", "--nocapture"])
            .env(URL, server.url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(follower.stdout.take().unwrap());
        let reading = tokio::task::spawn_blocking(move || {
            let mut received = Vec::new();
            for line in output.lines() {
                let line = line.unwrap();
                if let Some((_, item)) = line.split_once("received ") {
                    let (cursor, number) = item.split_once(' ').unwrap();
                    received.push((cursor.parse::<Cursor>().unwrap(), number.parse().unwrap()));
                }
                if received.len() == 100 {
                    break;
                }
            }
            follower.kill().unwrap();
            follower.wait().unwrap();
            received
        });
        let received = reading.await.unwrap();
        let (cursor, _) = *received.last().expect("the follower received");
        let mut all = numbers(received.into_iter().map(|(_, number)| number));
        let mut resumed = topics.resume(TOPIC, cursor, policy()).await.unwrap();
        all.extend(until(&mut resumed, 299).await);
        assert_eq!(all, numbers(0..300));
        publishing.await.unwrap();
    });
}
