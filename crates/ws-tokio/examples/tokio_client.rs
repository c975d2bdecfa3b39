//! Shows a client that sends each argument as a text message, prints the answers, and closes.
//!
//! ```sh
//! cargo run --example tokio_client -- ws://127.0.0.1:9001/ hello world
//! ```

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use ws_tokio::{CloseCode, Config, ConnectError, Connector, Message};

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let Some(url) = args.next() else {
        eprintln!("usage: tokio_client URL [MESSAGE]...");
        return ExitCode::from(2);
    };
    let questions: Vec<String> = args.collect();
    match ask(&url, &questions).await {
        Ok(answers) => {
            for answer in answers {
                match answer {
                    Message::Text(text) => println!("{text}"),
                    Message::Binary(bytes) => println!("{} bytes", bytes.len()),
                }
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            // The body of an HTTP refusal often contains the reason.
            if let Some(error) = error.downcast_ref::<ConnectError>()
                && let Some(response) = error.response()
            {
                eprintln!("{}", String::from_utf8_lossy(response.body()));
            }
            ExitCode::FAILURE
        }
    }
}

/// Sends one question at a time. Waits for the answer before the next question.
pub(crate) async fn ask(
    url: &str,
    questions: &[String],
) -> Result<Vec<Message>, Box<dyn Error + Send + Sync>> {
    // Without keepalive, `recv` would wait forever for a server that has vanished.
    let config = Config::default().keepalive(Duration::from_secs(20), Duration::from_secs(10));
    let connector = Connector::new().config(config).max_message(1 << 20);
    let mut ws = connector.connect(url).await?;
    let mut answers = Vec::new();
    for question in questions {
        ws.send(question).await?;
        match ws.recv().await? {
            Some(answer) => answers.push(answer),
            // The server has closed the connection. `ws.end()` returns its code and reason.
            None => break,
        }
    }
    ws.close(CloseCode::NORMAL, "no more questions").await?;
    Ok(answers)
}
