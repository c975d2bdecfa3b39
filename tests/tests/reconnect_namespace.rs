//! A client that connects again, to a server in a network namespace whose packets are dropped for a
//! while. Neither end gets an error from the network.
//!
//! It requires Linux, `ip` of iproute2, and the permission to make namespaces. Without one of them,
//! it prints that it was skipped.

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: network namespaces are a feature of Linux");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::env;
    use std::future::poll_fn;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::pin::pin;
    use std::process::{Child, Command, Stdio};
    use std::task::Poll;
    use std::thread;
    use std::time::{Duration, Instant};

    use ws_driver::{CloseCode, Config, Connector, Error, Timeout};
    use ws_reconnect::{Backoff, Cause, Event, Reconnecting};
    use ws_tests::runtimes::{AsyncStdThreads, SmolThread, TokioThread};
    use ws_tests::suite::Suite;

    const SERVE: &str = "serve-in-a-namespace";
    const MILLISECOND: Duration = Duration::from_millis(1);

    pub(super) fn main() {
        let mut args = env::args().skip(1);
        match args.next() {
            Some(word) if word == SERVE => serve(&args.next().expect("an address")),
            _ => run(),
        }
    }

    /// Echoes messages to one client after the other. Each client has a thread, because a client
    /// whose packets are dropped does not end its connection.
    fn serve(address: &str) {
        let listener = TcpListener::bind((address, 0)).expect("a free port");
        println!("{}", listener.local_addr().expect("an address"));
        for stream in listener.incoming() {
            let stream = stream.expect("a client");
            thread::spawn(|| {
                TokioThread::block_on(async {
                    let stream = TokioThread::adopt(stream);
                    let mut ws = ws_tokio::Acceptor::new().accept(stream).await.ok()?;
                    while let Ok(Some((message, out))) = ws.recv_ref().await {
                        out.feed(message).await.ok()?;
                    }
                    Some(())
                });
            });
        }
    }

    fn ip(args: &str) -> Result<(), String> {
        let output = Command::new("ip").args(args.split(' ')).output();
        let output = output.map_err(|error| format!("`ip` does not start: {error}"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }

    /// A namespace with a server, and a pair of network devices that connects it.
    struct Namespace {
        name: String,
        /// The addresses of the pair: of this end, and of the server.
        ends: [String; 2],
        server: Option<Child>,
    }

    impl Namespace {
        fn new() -> Result<Self, String> {
            let id = std::process::id();
            // A part of the network 198.18.0.0/15 for benchmarks (RFC 2544).
            let net = format!("198.18.{}", id % 250);
            let namespace = Self {
                name: format!("ws-{id}"),
                ends: [format!("{net}.1"), format!("{net}.2")],
                server: None,
            };
            let (name, [near, far]) = (&namespace.name, &namespace.ends);
            ip(&format!("netns add {name}"))?;
            for args in [
                format!("link add {name}a type veth peer name {name}b netns {name}"),
                format!("addr add {near}/24 dev {name}a"),
                format!("link set {name}a up"),
                format!("-n {name} addr add {far}/24 dev {name}b"),
                format!("-n {name} link set {name}b up"),
            ] {
                ip(&args)?;
            }
            Ok(namespace)
        }

        /// Starts the server. Returns its address.
        fn start(&mut self) -> String {
            let program = env::current_exe().expect("this program");
            let mut server = Command::new("ip")
                .args(["netns", "exec", &self.name])
                .arg(program)
                .args([SERVE, &self.ends[1]])
                .stdout(Stdio::piped())
                .spawn()
                .expect("`ip` starts");
            let stdout = server.stdout.take().expect("a pipe");
            self.server = Some(server);
            let mut line = String::new();
            let mut stdout = BufReader::new(stdout);
            stdout.read_line(&mut line).expect("the address");
            line.trim().to_owned()
        }

        /// Drops all packets of the server, or passes them on again.
        fn drop_packets(&self, drops: bool) {
            let change = if drops { "add" } else { "del" };
            let (name, near) = (&self.name, &self.ends[0]);
            ip(&format!("-n {name} route {change} blackhole {near}/32")).expect("a route");
        }
    }

    impl Drop for Namespace {
        fn drop(&mut self) {
            if let Some(server) = &mut self.server {
                let _ = server.kill();
                let _ = server.wait();
            }
            // The devices are deleted with the namespace.
            let _ = ip(&format!("netns del {}", self.name));
        }
    }

    fn run() {
        let mut namespace = match Namespace::new() {
            Ok(namespace) => namespace,
            Err(reason) => {
                println!("skipped: no network namespace can be made: {reason}");
                return;
            }
        };
        let address = namespace.start();
        survives::<TokioThread>("tokio", &namespace, &address);
        survives::<SmolThread>("smol", &namespace, &address);
        survives::<AsyncStdThreads>("async-std", &namespace, &address);
    }

    fn survives<S: Suite>(runtime: &str, namespace: &Namespace, address: &str) {
        let start = Instant::now();
        let config = Config::default().keepalive(200 * MILLISECOND, 300 * MILLISECOND);
        let connector = Connector::<S::Runtime>::new()
            .config(config)
            .handshake_timeout(300 * MILLISECOND);
        let client = Reconnecting::new(connector, format!("ws://{address}/"))
            .backoff(
                Backoff::default()
                    .first(100 * MILLISECOND)
                    .max(100 * MILLISECOND),
            )
            .confirm_every(10 * MILLISECOND);
        S::block_on(outage::<S>(client, namespace));
        println!("{runtime}: ok, in {:?}", start.elapsed());
    }

    /// Asserts that no event comes in this time.
    async fn nothing_within<S: Suite>(client: &mut Reconnecting<S::Runtime>, time: Duration) {
        let mut next = pin!(client.next());
        let mut sleep = pin!(S::sleep(time));
        poll_fn(|cx| match next.as_mut().poll(cx) {
            Poll::Ready(event) => panic!("{event:?}"),
            Poll::Pending => sleep.as_mut().poll(cx),
        })
        .await;
    }

    /// Sends a message before, during and after an outage.
    async fn outage<S: Suite>(mut client: Reconnecting<S::Runtime>, namespace: &Namespace) {
        let event = client.next().await.expect("the server is reachable");
        assert!(matches!(event, Some(Event::Open(_))), "{event:?}");
        assert_eq!(client.send("before").await, Ok(1));
        let echo = client.next().await.expect("no outage yet");
        assert!(matches!(echo, Some(Event::Message(_))), "{echo:?}");

        namespace.drop_packets(true);
        // The system takes the message. Nothing arrives that could prove its delivery.
        assert_eq!(client.send("during").await, Ok(2));
        // Only the keepalive finds the loss. Then attempts time out.
        while client.connection().is_some() {
            nothing_within::<S>(&mut client, 50 * MILLISECOND).await;
        }
        nothing_within::<S>(&mut client, 700 * MILLISECOND).await;
        namespace.drop_packets(false);

        let event = client.next().await.expect("the server is reachable again");
        let Some(Event::Gap(gap)) = event else {
            panic!("{event:?}");
        };
        let cause = gap.cause.as_deref().expect("a loss");
        assert!(
            matches!(cause, Cause::Connection(Error::Timeout(Timeout::Pong))),
            "{cause}"
        );
        assert!(gap.down_for >= 700 * MILLISECOND, "{:?}", gap.down_for);
        // The first message was answered, so a Pong can have been too late for it at most.
        let unconfirmed: Vec<_> = gap.undelivered.unconfirmed.iter().collect();
        assert!(unconfirmed.ends_with(&[2]), "{unconfirmed:?}");
        assert!(gap.undelivered.unsent.is_empty());
        let event = client.next().await.expect("an open connection");
        assert!(matches!(event, Some(Event::Open(_))), "{event:?}");

        assert_eq!(client.send("after").await, Ok(3));
        let echo = client.next().await.expect("an open connection");
        assert!(matches!(echo, Some(Event::Message(_))), "{echo:?}");
        let closed = client.close(CloseCode::NORMAL, "").await;
        assert!(closed.expect("a close").is_empty());
    }
}
