//! Shows a client that subscribes again on each connection, and reports gaps. It ends when the
//! server closes with code 1000, or when a failure is lasting.
//!
//! ```sh
//! cargo run --example tokio_echo_server       # in another terminal; stop and start it
//! cargo run --example tokio_reconnecting -- ws://127.0.0.1:9001/
//! ```

#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use ws_reconnect::{Backoff, Event, GaveUp, Queue, Reconnecting};
use ws_tokio::{Config, Connector};

#[tokio::main]
async fn main() -> ExitCode {
    let Some(url) = env::args().nth(1) else {
        eprintln!("usage: tokio_reconnecting URL");
        return ExitCode::from(2);
    };
    let backoff = Backoff::default();
    match watch(&url, backoff, |line| println!("{line}")).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(gave_up) => {
            eprintln!("{gave_up}");
            ExitCode::FAILURE
        }
    }
}

/// Subscribes to the server at `url`, and shows each event as a line.
pub(crate) async fn watch(
    url: &str,
    backoff: Backoff,
    mut show: impl FnMut(String),
) -> Result<(), Box<GaveUp>> {
    // Without keepalive, a server that has vanished would not be noticed.
    let config = Config::default().keepalive(Duration::from_secs(20), Duration::from_secs(10));
    let mut feed = Reconnecting::new(Connector::new().config(config), url)
        .backoff(backoff)
        .queue(Queue::drop_oldest().messages(100))
        .report_down()
        .on_open(async |ws| Ok(ws.send("subscribe").await?));
    while let Some(event) = feed.next().await? {
        match event {
            Event::Open(open) => show(format!("connection {} is open", open.connection)),
            Event::Message(message) => show(format!("received {message:?}")),
            Event::Down(down) => {
                let delay = down.delay.as_secs_f32();
                show(format!(
                    "down: {}; trying again in {delay:.1} s",
                    down.cause
                ));
            }
            Event::Gap(gap) => {
                // Messages of the server are missing. A program would ask for them now.
                let undelivered = gap.undelivered;
                show(format!("not delivered in the gap: {undelivered:?}"));
            }
            _ => {}
        }
    }
    show("the server has closed".into());
    Ok(())
}
