//! One client, from its join to its end.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use ws_axum::{CloseCode, Error, Message, WebSocket};
use ws_tokio::IntoOutgoing;
use ws_topics::backplane::Backplane;
use ws_topics::{Cursor, Event, Forwarded, Missed, Policy, Subscription};

use crate::limits::{self, Bucket};
use crate::presence::Place;
use crate::protocol::{
    FromClient, FromServer, INVALID, Join, OTHER_VERSION, Refused, Said, Say, VERSION, Welcome, Why,
};
use crate::server::App;

/// The time for the first message of a client.
const JOIN: Duration = Duration::from_secs(10);

/// The time for the store to take a message.
const STORE: Duration = Duration::from_secs(5);

/// The time after which a client may send a message again that the store did not take.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// The interval at which a client gets its place in the history, if it has changed.
const PLACE: Duration = Duration::from_millis(500);

/// The longest time between two places. A page cannot see Pings, so this shows that the server is
/// there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The refused messages in a row after which a client is disconnected.
const PATIENCE: u32 = 50;

/// Serves a client until its end.
pub(crate) async fn serve<B: Backplane>(app: Arc<App<B>>, mut ws: WebSocket) -> Result<(), Error> {
    if ws.protocol() != Some(VERSION) {
        return ws
            .close(OTHER_VERSION, "another version: load the page again")
            .await;
    }
    let Ok(first) = timeout(JOIN, ws.recv()).await else {
        return ws.close(INVALID, "no join in time").await;
    };
    let Some(first) = first? else {
        return Ok(());
    };
    let joined = match parse(&first) {
        Some(FromClient::Join(join)) => Session::join(app, &mut ws, join).await,
        _ => Err((INVALID, "the first message is not a join")),
    };
    match joined {
        Ok(mut session) => {
            let served = session.run(&mut ws).await;
            session.count_end(&ws);
            served
        }
        Err((code, reason)) => ws.close(code, reason).await,
    }
}

fn parse(message: &Message) -> Option<FromClient> {
    serde_json::from_str(message.as_text()?).ok()
}

/// A client that has joined a room.
struct Session<B> {
    app: Arc<App<B>>,
    /// The room and the name.
    join: Join,
    messages: Subscription,
    here: Subscription,
    bucket: Bucket,
    refused_in_a_row: u32,
    /// The place in the history that the client was sent last, and the time.
    told: Option<(Cursor, Instant)>,
    places: Interval,
    _place: Place<B>,
}

/// The next event of a session.
enum Turn {
    Ended,
    Received(Message),
    Missed(Missed),
    Here(Event),
    Place,
}

impl<B: Backplane> Session<B> {
    /// Checks the join and enters the room.
    async fn join(
        app: Arc<App<B>>,
        ws: &mut WebSocket,
        mut join: Join,
    ) -> Result<Self, (CloseCode, &'static str)> {
        let bounds = &app.bounds;
        join.room = limits::room(&join.room)
            .ok_or((INVALID, "a room has letters, digits, - and _, at most 32"))?;
        join.name = limits::name(&join.name, bounds).ok_or((
            INVALID,
            "the name is empty, too long, or has invisible characters",
        ))?;
        let cursor = join.cursor.as_deref().map_or(Ok(Cursor::START), str::parse);
        let cursor = cursor.map_err(|_| (INVALID, "the cursor is malformed"))?;
        let (place, here) = app
            .presence
            .enter(&join.room, &join.name)
            .map_err(|_| (CloseCode::TRY_AGAIN_LATER, "too many rooms"))?;
        let policy = Policy::close().messages(bounds.queue.get());
        let messages = timeout(STORE, app.rooms.resume(&join.room, cursor, policy)).await;
        let Ok(Ok(messages)) = messages else {
            return Err((CloseCode::TRY_AGAIN_LATER, "the store does not answer"));
        };
        let welcome = FromServer::Welcome(Welcome {
            room: join.room.clone(),
            name: join.name.clone(),
            max_text: bounds.max_text.get(),
        });
        // The queue of a new connection has room.
        let _ = ws.try_feed(welcome.to_json());
        let mut places = interval(PLACE);
        places.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            bucket: Bucket::new(bounds, Instant::now()),
            app,
            join,
            messages,
            here,
            refused_in_a_row: 0,
            told: None,
            places,
            _place: place,
        })
    }

    async fn run(&mut self, ws: &mut WebSocket) -> Result<(), Error> {
        loop {
            match self.next(ws).await? {
                Turn::Ended => break,
                Turn::Received(message) => match parse(&message) {
                    Some(FromClient::Say(say)) if limits::is_id(&say.id) => {
                        self.say(ws, say).await?;
                        if self.refused_in_a_row > PATIENCE {
                            return ws.close(CloseCode::POLICY, "too many messages").await;
                        }
                    }
                    _ => {
                        return ws
                            .close(INVALID, "the message is none of the protocol")
                            .await;
                    }
                },
                Turn::Missed(missed) => {
                    self.app.totals.gaps.add(1);
                    let missed = match missed {
                        Missed::Exactly(missed) => Some(missed),
                        Missed::None | Missed::Unknown => None,
                    };
                    feed(ws, FromServer::Gap { missed }.to_json()).await?;
                }
                Turn::Here(Event::Message(here)) => feed(ws, &here).await?,
                // Only the latest state counts.
                Turn::Here(_) => {}
                Turn::Place => self.tell_place(ws),
            }
        }
        Ok(())
    }

    /// Counts the end, if the client was too slow. It may have been too slow even for the Close.
    fn count_end(&self, ws: &WebSocket) {
        let close = ws.end().and_then(|end| end.local);
        if close.is_some_and(|close| close.code == CloseCode::TRY_AGAIN_LATER) {
            self.app.totals.slow.add(1);
            eprintln!("too slow: {} in {}", self.join.name, self.join.room);
        }
    }

    /// Waits for the next event. Messages of the room are sent in the meantime.
    async fn next(&mut self, ws: &mut WebSocket) -> Result<Turn, Error> {
        tokio::select! {
            // In this order, a place follows the messages before it.
            biased;
            forwarded = self.messages.forward(ws) => Ok(match forwarded? {
                None => Turn::Ended,
                Some(Forwarded::Received(message)) => Turn::Received(message),
                Some(Forwarded::Gap(missed)) => Turn::Missed(missed),
                Some(Forwarded::Lagged(missed)) => Turn::Missed(Missed::Exactly(missed)),
                Some(_) => Turn::Ended,
            }),
            // A slow client gets the names when it has room again.
            here = self.here.recv(), if ws.has_room() => Ok(match here {
                Ok(Some(event)) => Turn::Here(event),
                Ok(None) | Err(_) => Turn::Ended,
            }),
            _ = self.places.tick() => Ok(Turn::Place),
        }
    }

    /// Publishes a message, or answers why not.
    async fn say(&mut self, ws: &mut WebSocket, say: Say) -> Result<(), Error> {
        let Say { id, text } = say;
        let refused = match self.bucket.take(Instant::now()) {
            Err(time) => Some((Why::Rate, Some(time))),
            Ok(()) => match limits::text(&text, &self.app.bounds) {
                None => Some((Why::Text, None)),
                Some(text) => self.publish(&id, text).await,
            },
        };
        let Some((why, retry)) = refused else {
            self.refused_in_a_row = 0;
            self.app.totals.published.add(1);
            return Ok(());
        };
        self.refused_in_a_row += 1;
        self.app.totals.refused.add(1);
        let retry_ms = retry.map(|time| time.as_millis().try_into().unwrap_or(u64::MAX));
        let refused = FromServer::Refused(Refused { id, why, retry_ms });
        feed(ws, refused.to_json()).await
    }

    /// Publishes a message in the form in which every client receives it.
    async fn publish(&self, id: &str, text: &str) -> Option<(Why, Option<Duration>)> {
        let said = FromServer::Message(Said {
            id: id.to_owned(),
            name: self.join.name.clone(),
            text: text.to_owned(),
            time: now(),
        });
        let published = self.app.rooms.publish(&self.join.room, said.to_json());
        match timeout(STORE, published).await {
            Ok(Ok(_)) => None,
            Ok(Err(_)) | Err(_) => Some((Why::Store, Some(STORE_RETRY))),
        }
    }

    /// Sends the client its place in the history, once it has received everything before.
    fn tell_place(&mut self, ws: &mut WebSocket) {
        let place = self.messages.cursor();
        let is_known = self
            .told
            .is_some_and(|(told, when)| told == place && when.elapsed() < HEARTBEAT);
        if !is_known && self.messages.is_empty() && ws.has_room() {
            let at = FromServer::At {
                cursor: place.to_string(),
            };
            // A connection that is closing has no use for it.
            let _ = ws.try_feed(at.to_json());
            self.told = Some((place, Instant::now()));
        }
    }
}

/// Queues a message, unless the connection is closing: then receiving reports the end.
async fn feed<'m>(ws: &mut WebSocket, message: impl IntoOutgoing<'m>) -> Result<(), Error> {
    match ws.feed(message).await {
        Err(Error::Closed(_)) => Ok(()),
        fed => fed,
    }
}

/// Returns the milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX))
}
