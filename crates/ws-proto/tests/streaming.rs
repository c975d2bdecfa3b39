//! Messages piece by piece: whatever steps are taken, dropped and cut, nothing is lost and every rule holds.

#![forbid(unsafe_code)]

#[path = "streaming/held.rs"]
mod held;
#[path = "streaming/mixed.rs"]
mod mixed;
#[path = "streaming/sending.rs"]
mod sending;
mod support;
#[path = "vectors/table.rs"]
mod table;

use allocation_counter::measure;
use proptest::prelude::*;
use support::{
    BINARY, CLOSE, CONTINUATION, FIN, Habit, Outcome, PING, PONG, Plan, Rng, Seen, TEXT, Wire, cut,
    drain, fill, halves,
};
use table::{Vector, sequences, vectors};
use ws_proto::{
    Chunk, CloseCode, Config, Control, LimitError, MAX_FRAGMENTS, MessageKind, MessageRef,
    ProtocolError, ReceiveError, RecvHalf, Role, SendHalf, Step,
};

const BOTH: [Role; 2] = [Role::Client, Role::Server];
const INVALID_UTF8: ReceiveError = ReceiveError::Protocol(ProtocolError::InvalidUtf8);
const RESERVED_BITS: ReceiveError = ReceiveError::Protocol(ProtocolError::ReservedBits);

/// Both halves of a connection.
struct End {
    recv: RecvHalf,
    send: SendHalf,
}

impl End {
    fn next_message(&mut self) -> Step<MessageRef<'_>> {
        let step = self.recv.next_message(&mut self.send);
        map(step, |()| self.recv.message().expect("it was found"))
    }

    fn next_start(&mut self) -> Step<MessageKind> {
        self.recv.next_start(&mut self.send)
    }

    fn next_chunk(&mut self) -> Step<Chunk> {
        self.recv.next_chunk(&mut self.send)
    }

    fn park(&mut self) -> Box<[u8]> {
        self.recv.lending().park(&mut self.send)
    }
}

fn map<T, U>(step: Step<T>, change: impl FnOnce(T) -> U) -> Step<U> {
    match step {
        Step::Found(found) => Step::Found(change(found)),
        Step::Control(control) => Step::Control(control),
        Step::NeedInput => Step::NeedInput,
        Step::Busy => Step::Busy,
        Step::Ended => Step::Ended,
    }
}

/// An end that reads into blocks of `block_len` bytes, and has read `input` before.
fn end_with(role: Role, config: &Config, input: &[u8], block_len: usize) -> End {
    let (mut recv, send) = halves(role, config);
    recv.lending().set_up(input.into(), block_len, block_len);
    End { recv, send }
}

fn end(role: Role, config: &Config, block_len: usize) -> End {
    end_with(role, config, &[], block_len)
}

/// An end that has read all of `octets`, in one block.
fn with_input(role: Role, config: &Config, octets: &[u8]) -> End {
    end_with(role, config, octets, 1 << 16)
}

/// Reads as much of `input` as there is room for.
fn read(end: &mut End, input: &mut &[u8]) {
    fill(&mut end.recv, input, 0);
}

/// Reads all of `input`, for which there is room.
fn read_all(end: &mut End, mut input: &[u8]) {
    read(end, &mut input);
    assert!(input.is_empty());
}

fn wire(receiver: Role, script: impl Fn(&mut Wire)) -> Vec<u8> {
    let mut wire = Wire::from(receiver.peer());
    script(&mut wire);
    wire.octets
}

/// What comes of one message that is passed on, up to its end or to where input is missing.
#[derive(Debug, Default, PartialEq)]
struct Pieces {
    octets: Vec<u8>,
    controls: Vec<Seen>,
    is_whole: bool,
}

/// Takes pieces for as long as there are any.
fn take_pieces(end: &mut End, pieces: &mut Pieces) -> Result<(), ReceiveError> {
    while !pieces.is_whole {
        match end.next_chunk() {
            Step::Found(Chunk::Data) => {
                assert!(!end.recv.chunk().is_empty(), "an empty piece");
                assert!(end.recv.message().is_none() && end.recv.take_message().is_none());
                pieces.octets.extend_from_slice(end.recv.chunk());
            }
            Step::Found(Chunk::End) => {
                assert!(end.recv.chunk().is_empty());
                pieces.is_whole = true;
            }
            Step::Control(control) => {
                assert!(end.recv.chunk().is_empty());
                pieces.controls.push(Seen::control(&control));
            }
            Step::NeedInput => break,
            Step::Ended => return Err(violation(end)),
            Step::Busy => panic!("nothing is compressed"),
        }
    }
    Ok(())
}

/// What the peer did wrong: a step has said that the connection ended.
fn violation(end: &End) -> ReceiveError {
    end.send.failure().expect("a violation")
}

/// The kind of the message that begins now.
fn started(end: &mut End) -> Option<MessageKind> {
    match end.next_start() {
        Step::Found(kind) => Some(kind),
        Step::NeedInput => None,
        step => panic!("{step:?}"),
    }
}

/// The message that is whole now, or the control frame before it.
fn next(end: &mut End) -> Result<Option<Seen>, ReceiveError> {
    Ok(match end.next_message() {
        Step::Found(message) => Some(Seen::message(message)),
        Step::Control(control) => Some(Seen::control(&control)),
        Step::NeedInput => None,
        Step::Ended => return Err(violation(end)),
        Step::Busy => panic!("nothing is compressed"),
    })
}

/// Goes to the next piece; between messages to the next beginning, where `None` is found.
fn next_part(end: &mut End, kind: &mut Option<MessageKind>) -> Step<Option<Chunk>> {
    match kind {
        Some(_) => map(end.next_chunk(), Some),
        None => map(end.next_start(), |begun| {
            *kind = Some(begun);
            None
        }),
    }
}

fn found_text(text: &str) -> Result<Option<Seen>, ReceiveError> {
    Ok(Some(Seen::Text(text.into())))
}

fn assert_failed(end: &mut End, error: ReceiveError) {
    for _ in 0..2 {
        assert_eq!(end.next_message(), Step::Ended);
        assert_eq!(end.next_start(), Step::Ended);
        assert_eq!(end.next_chunk(), Step::Ended);
        end.park();
        assert_eq!(end.send.failure(), Some(error));
    }
    assert!(end.recv.message().is_none() && end.recv.take_message().is_none());
    assert!(end.recv.chunk().is_empty() && end.recv.unread().is_empty());
    assert!(!end.recv.is_between_messages());
}

/// A user who reads every message piece by piece.
struct Streamer {
    end: End,
    plan: Plan,
    rng: Rng,
    kind: Option<MessageKind>,
    pieces: Vec<u8>,
    outcome: Outcome,
}

impl Streamer {
    fn now(&mut self, habit: Habit) -> bool {
        match habit {
            Habit::Always => true,
            Habit::Never => false,
            Habit::Sometimes => self.rng.below(3) == 0,
        }
    }

    fn settle(&mut self) {
        if self.now(self.plan.settle) {
            let unread = self.end.recv.unread().to_vec();
            let chunk = self.end.recv.chunk().to_vec();
            self.end.recv.lending().settle();
            assert_eq!(self.end.recv.unread(), unread);
            assert_eq!(self.end.recv.chunk(), chunk);
        }
    }

    /// Takes one step: `false` when there is nothing to do without more input.
    fn step(&mut self) -> bool {
        match next_part(&mut self.end, &mut self.kind) {
            Step::Found(None) => {}
            Step::Found(Some(Chunk::Data)) => {
                assert!(!self.end.recv.chunk().is_empty());
                assert!(self.end.recv.message().is_none());
                self.settle();
                self.pieces.extend_from_slice(self.end.recv.chunk());
            }
            Step::Found(Some(Chunk::End)) => {
                let octets = std::mem::take(&mut self.pieces);
                self.outcome.events.push(match self.kind.take() {
                    Some(MessageKind::Text) => {
                        Seen::Text(String::from_utf8(octets).expect("valid text"))
                    }
                    _ => Seen::Binary(octets),
                });
            }
            Step::Control(control) => {
                self.outcome.events.push(Seen::control(&control));
                self.drain();
            }
            Step::NeedInput | Step::Ended => return false,
            Step::Busy => panic!("nothing is compressed"),
        }
        true
    }

    fn drain(&mut self) {
        drain(&mut self.end.send, &mut self.outcome.sent);
    }

    /// Goes on until nothing is left to find.
    fn search(&mut self) {
        while self.step() {
            self.settle();
        }
        self.settle();
        if self.now(self.plan.park) {
            self.end.park();
            assert!(self.end.recv.unread().is_empty());
        }
        self.drain();
    }

    fn run(&mut self, pieces: &[&[u8]]) {
        self.search();
        for mut piece in pieces.iter().copied() {
            while !piece.is_empty() && self.end.send.failure().is_none() {
                if self.now(self.plan.lend) {
                    let block = vec![0xaa; self.plan.block_len];
                    self.end.recv.lending().lend(block.into());
                }
                read(&mut self.end, &mut piece);
                self.search();
            }
        }
    }
}

/// Streams pieces of input; each message counts as one event, at its end.
fn stream(role: Role, config: &Config, pieces: &[&[u8]], plan: &Plan) -> Outcome {
    let (early, pieces) = match pieces.split_first() {
        Some((first, rest)) if plan.early => (*first, rest),
        _ => (&[][..], pieces),
    };
    let mut user = Streamer {
        end: end_with(role, config, early, plan.block_len),
        plan: *plan,
        rng: Rng::new(plan.seed),
        kind: None,
        pieces: Vec::new(),
        outcome: Outcome::default(),
    };
    user.run(pieces);
    if let Some(error) = user.end.send.failure() {
        user.outcome.error = Some(error);
        assert_failed(&mut user.end, error);
        assert_eq!(user.end.send.queued(), 0);
    }
    user.outcome
}

/// A plan for each number, so that neighbours differ in everything.
fn plan(n: usize) -> Plan {
    let habits = [Habit::Never, Habit::Always, Habit::Sometimes];
    Plan {
        block_len: [16, 64, 200, 4096][n % 4],
        park: habits[n / 4 % 3],
        settle: habits[n / 12 % 3],
        lend: habits[n / 36 % 3],
        early: n.is_multiple_of(5),
        seed: n as u64,
    }
}

/// The rows that hold for streaming too: all but those about limits on what is put together.
fn rows() -> Vec<Vector> {
    let mut rows = vectors();
    rows.retain(|row| !matches!(row.error, Some(ReceiveError::Limit(_))));
    assert!(rows.len() > 500);
    rows
}

fn check(row: &Vector, pieces: &[&[u8]], plan: &Plan) {
    let outcome = stream(row.role, &row.config, pieces, plan);
    let name = &row.name;
    assert_eq!(outcome.error, row.error, "{name}, {plan:?}");
    assert!(outcome.events == row.events, "events of {name}, {plan:?}");
    let sent = support::replies(row.role, &row.events, row.error);
    assert_eq!(outcome.sent, sent, "{name}, {plan:?}");
}

#[test]
fn every_vector_gives_the_same_in_pieces() {
    for (n, row) in rows().iter().enumerate() {
        check(row, &[&row.input], &plan(n));
        let singles: Vec<&[u8]> = row.input.chunks(1).collect();
        let plans = if row.input.len() < 2000 { 2 } else { 1 };
        for turn in 0..plans {
            check(row, &[&row.input], &plan(n + 7 * turn));
            check(row, &singles, &plan(n + 5 * turn));
        }
    }
}

#[test]
fn every_cut_of_short_vectors_changes_nothing_in_pieces() {
    for (n, row) in rows().iter().enumerate() {
        let len = row.input.len();
        for at in (0..=len).filter(|at| len < 60 || *at < 12 || len - at < 12) {
            check(row, &cut(&row.input, &[at]), &plan(n + at));
        }
    }
}

#[test]
fn limits_on_what_is_put_together_do_not_hold_in_pieces() {
    let mut limited = vectors();
    limited.retain(|row| matches!(row.error, Some(ReceiveError::Limit(_))));
    assert!(limited.len() >= 5);
    for (n, row) in limited.iter().enumerate() {
        let outcome = stream(row.role, &row.config, &[&row.input], &plan(n));
        assert_eq!(outcome.error, None, "{}", row.name);
        assert!(outcome.events.starts_with(&row.events), "{}", row.name);
    }
}

#[test]
fn text_cut_anywhere_is_joined_and_fails_where_it_must() {
    for (name, octets, valid) in sequences() {
        for at in 0..=octets.len() {
            for habit in [Habit::Never, Habit::Always] {
                let octets = wire(Role::Server, |w| {
                    w.frame(TEXT, &octets[..at]);
                    w.frame(FIN | CONTINUATION, &octets[at..]);
                });
                let plan = Plan {
                    park: habit,
                    ..plan(at)
                };
                for step in [1, 3, octets.len()] {
                    let cuts: Vec<&[u8]> = octets.chunks(step).collect();
                    let outcome = stream(Role::Server, &Config::default(), &cuts, &plan);
                    let error = (!valid).then_some(INVALID_UTF8);
                    assert_eq!(outcome.error, error, "{name} at {at} by {step}");
                    assert_eq!(outcome.events.len(), usize::from(valid));
                }
            }
        }
    }
}

#[test]
fn invalid_text_fails_at_its_first_impossible_octet_and_its_piece_stays_back() {
    let payload = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited";
    for dropped in [false, true] {
        let octets = wire(Role::Server, |w| {
            w.header(FIN | TEXT, 100, &[]);
            w.payload(payload);
        });
        let mut end = end(Role::Server, &Config::default(), 200);
        read_all(&mut end, &octets[..6 + 5]);
        assert_eq!(started(&mut end), Some(MessageKind::Text));
        let mut pieces = Pieces::default();
        take_pieces(&mut end, &mut pieces).unwrap();
        assert_eq!(pieces.octets, payload[..5]);
        read_all(&mut end, &octets[6 + 5..6 + 12]);
        let look = |end: &mut End, pieces: &mut Pieces| {
            if dropped {
                next(end).map(|seen| assert_eq!(seen, None))
            } else {
                take_pieces(end, pieces)
            }
        };
        look(&mut end, &mut pieces).unwrap();
        read_all(&mut end, &octets[6 + 12..6 + 13]);
        assert_eq!(look(&mut end, &mut pieces), Err(INVALID_UTF8));
        assert_eq!(INVALID_UTF8.close_code(), CloseCode::INVALID_PAYLOAD);
        assert_eq!(pieces.octets.len(), if dropped { 5 } else { 12 });
        assert_failed(&mut end, INVALID_UTF8);
    }
}

#[test]
fn an_unfinished_character_behind_an_empty_last_fragment_is_invalid() {
    for skipped in [false, true] {
        for role in BOTH {
            let octets = wire(role, |w| {
                w.frame(TEXT, b"\xc2");
                w.frame(FIN, b"");
                w.text("behind");
            });
            let mut end = with_input(role, &Config::default(), &octets);
            assert_eq!(started(&mut end), Some(MessageKind::Text));
            if !skipped {
                assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
                assert_eq!(end.recv.chunk(), b"\xc2");
                assert_eq!(end.next_chunk(), Step::Ended);
            }
            assert_failed(&mut end, INVALID_UTF8);
        }
    }
}

#[test]
fn violations_in_a_rest_that_is_skipped_come_before_later_messages() {
    type Script = fn(&mut Wire);
    let rest: [(Script, ReceiveError); 4] = [
        (|w| w.frame(FIN, b"a\xffb"), INVALID_UTF8),
        (|w| w.frame(FIN | TEXT, b""), {
            ProtocolError::ExpectedContinuation.into()
        }),
        (|w| w.frame(FIN | 0x40, b""), RESERVED_BITS),
        (|w| w.frame(FIN | CLOSE, b"x"), {
            ProtocolError::CloseTooShort.into()
        }),
    ];
    for (script, error) in rest {
        for role in BOTH {
            for at in 0..40 {
                let octets = wire(role, |w| {
                    w.frame(TEXT, b"begun");
                    script(w);
                    w.text("later");
                    w.text("later");
                });
                let at = at.min(octets.len());
                let mut end = end(role, &Config::default(), 100);
                read_all(&mut end, &octets[..at]);
                if end.next_start() == Step::Ended {
                    assert_eq!(end.send.failure(), Some(error));
                    continue;
                }
                read_all(&mut end, &octets[at..]);
                // Where the message has not begun, the plain receive sees its violation as well.
                assert_eq!(next(&mut end), Err(error));
                assert_failed(&mut end, error);
            }
        }
    }
}

#[test]
fn control_frames_between_pieces_come_in_their_places() {
    for role in BOTH {
        let octets = wire(role, |w| {
            w.frame(FIN | PING, b"0");
            w.frame(TEXT, "aκ".as_bytes());
            w.frame(FIN | PING, b"1");
            w.frame(FIN | PONG, b"2");
            w.frame(CONTINUATION, b"");
            w.frame(FIN | PING, b"3");
            w.frame(FIN, b"b");
            w.frame(FIN | PING, b"4");
            w.text("next");
        });
        for step in [1, 2, 5, octets.len()] {
            let mut end = end(role, &Config::default(), 100);
            let mut log = Vec::new();
            let mut kind = None;
            for input in octets.chunks(step) {
                read_all(&mut end, input);
                loop {
                    match next_part(&mut end, &mut kind) {
                        Step::Found(None) => {
                            assert_eq!(kind, Some(MessageKind::Text));
                            log.push(Seen::Binary(Vec::new()));
                        }
                        Step::Found(Some(Chunk::End)) => kind = None,
                        Step::Found(Some(Chunk::Data)) => {
                            let piece = end.recv.chunk().to_vec();
                            match log.last_mut() {
                                Some(Seen::Binary(octets)) => octets.extend(piece),
                                _ => log.push(Seen::Binary(piece)),
                            }
                        }
                        Step::Control(control) => log.push(Seen::control(&control)),
                        step => break assert_eq!(step, Step::NeedInput),
                    }
                }
            }
            let ping = |n: &str| Seen::Ping(n.into());
            let data = |octets: &str| Seen::Binary(octets.into());
            let expected = [
                ping("0"),
                data("aκ"),
                ping("1"),
                Seen::Pong("2".into()),
                ping("3"),
                data("b"),
                ping("4"),
                data("next"),
            ];
            assert_eq!(log, expected, "{role:?} by {step}");
        }
    }
}

#[test]
fn a_message_begun_whole_goes_on_in_pieces_from_its_first_octet() {
    let text = "κόσμε 😀 ".repeat(5);
    for role in BOTH {
        for frames in [1, 2, 5] {
            let octets = wire(role, |w| {
                w.fragments(TEXT, text.as_bytes(), text.len() / frames);
                w.text("next");
            });
            for at in 0..octets.len() - 10 {
                for rest in [false, true] {
                    let mut end = end(role, &Config::default(), 64);
                    let mut input = &octets[..at];
                    let mut is_whole = false;
                    while !input.is_empty() && !is_whole {
                        read(&mut end, &mut input);
                        is_whole = next(&mut end).unwrap().is_some();
                        if rest && !is_whole {
                            end.park();
                        }
                    }
                    if is_whole {
                        break;
                    }
                    let mut input = &octets[at..];
                    let mut kind = started(&mut end);
                    let mut pieces = Pieces::default();
                    if kind.is_some() {
                        take_pieces(&mut end, &mut pieces).unwrap();
                        assert_eq!(pieces.octets, text.as_bytes()[..pieces.octets.len()]);
                    }
                    while !pieces.is_whole {
                        read(&mut end, &mut input);
                        kind = kind.or_else(|| started(&mut end));
                        if kind.is_some() {
                            take_pieces(&mut end, &mut pieces).unwrap();
                        }
                    }
                    assert_eq!(kind, Some(MessageKind::Text));
                    assert_eq!(pieces.octets, text.as_bytes(), "{at} of {role:?}");
                    while !input.is_empty() {
                        read(&mut end, &mut input);
                    }
                    assert_eq!(next(&mut end), found_text("next"));
                }
            }
        }
    }
}

#[test]
fn the_beginning_put_together_survives_everything_between_two_steps() {
    // What is called between the beginning and the first piece must not lose that piece.
    type Between = fn(&mut End);
    let calls: [Between; 5] = [
        // There may be more to find, so this keeps everything.
        |end| assert!(end.park().is_empty()),
        |end| drop(end.recv.lending().settle()),
        |end| drop(end.recv.lending().lend(vec![0; 100].into())),
        |end| {
            let _ = end.recv.spare();
        },
        |end| {
            end.park();
            end.recv.lending().settle();
            end.park();
        },
    ];
    for (n, call) in calls.iter().enumerate() {
        for taken_first in [false, true] {
            for (kept, rested) in [(false, false), (true, false), (true, true)] {
                let octets = wire(Role::Client, |w| {
                    w.frame(TEXT, b"put together, ");
                    w.frame(FIN, b"passed on");
                });
                let mut end = end(Role::Client, &Config::default(), 100);
                // The second frame may be there in part, in the block or taken over.
                let at = if kept { 16 + 2 + 4 } else { 16 };
                read_all(&mut end, &octets[..at]);
                assert_eq!(end.next_message(), Step::NeedInput);
                if rested {
                    end.park();
                }
                assert_eq!(started(&mut end), Some(MessageKind::Text));
                let mut pieces = Pieces::default();
                if taken_first {
                    assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
                    pieces.octets.extend_from_slice(end.recv.chunk());
                }
                call(&mut end);
                take_pieces(&mut end, &mut pieces).unwrap();
                read_all(&mut end, &octets[at..]);
                take_pieces(&mut end, &mut pieces).unwrap();
                assert!(pieces.is_whole);
                let text = String::from_utf8(pieces.octets).unwrap();
                assert_eq!(text, "put together, passed on", "{n} {taken_first} {kept}");
            }
        }
    }
}

#[test]
fn a_beginning_without_octets_gives_no_empty_piece() {
    for role in BOTH {
        for rest in [false, true] {
            let octets = wire(role, |w| {
                w.frame(BINARY, b"");
                w.frame(CONTINUATION, b"");
                w.frame(FIN, b"x");
            });
            let header_len = if role == Role::Server { 6 } else { 2 };
            let mut end = end(role, &Config::default(), 100);
            read_all(&mut end, &octets[..header_len]);
            assert_eq!(end.next_message(), Step::NeedInput);
            if rest {
                end.park();
            }
            assert_eq!(started(&mut end), Some(MessageKind::Binary));
            assert_eq!(end.next_chunk(), Step::NeedInput, "an empty piece");
            // Between two frames, but not between messages.
            assert!(!end.recv.is_between_messages());
            read_all(&mut end, &octets[header_len..]);
            assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
            assert_eq!(end.recv.chunk(), b"x");
            assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        }
    }
}

#[test]
fn a_message_that_is_whole_in_the_block_can_be_passed_on_too() {
    for role in BOTH {
        let octets = wire(role, |w| {
            w.text("whole");
            w.frame(FIN | BINARY, b"");
            w.frame(FIN | TEXT, b"");
            w.frame(BINARY, b"");
            w.frame(CONTINUATION, b"");
            w.frame(FIN, b"");
            w.text("last");
        });
        let mut end = with_input(role, &Config::default(), &octets);
        for (kind, octets) in [
            (MessageKind::Text, &b"whole"[..]),
            (MessageKind::Binary, b""),
            (MessageKind::Text, b""),
            (MessageKind::Binary, b""),
        ] {
            assert!(end.recv.is_between_messages());
            assert_eq!(started(&mut end), Some(kind));
            assert!(!end.recv.is_between_messages());
            let mut pieces = Pieces::default();
            take_pieces(&mut end, &mut pieces).unwrap();
            assert!(pieces.is_whole && pieces.controls.is_empty());
            assert_eq!(pieces.octets, octets);
            // The end repeats itself until the next beginning.
            assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        }
        assert_eq!(next(&mut end), found_text("last"));
        assert_eq!(end.next_start(), Step::NeedInput);
        assert_eq!(end.next_chunk(), Step::Found(Chunk::End));
        assert_eq!(end.next_message(), Step::NeedInput);
    }
}

#[test]
fn a_beginning_asked_for_again_skips_the_message() {
    let octets = wire(Role::Server, |w| {
        for text in ["one", "two", "three", "four"] {
            w.fragments(TEXT, text.as_bytes(), 2);
        }
    });
    let mut end = with_input(Role::Server, &Config::default(), &octets);
    assert_eq!(started(&mut end), Some(MessageKind::Text));
    assert_eq!(started(&mut end), Some(MessageKind::Text));
    assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
    assert_eq!(end.recv.chunk(), b"tw");
    assert_eq!(started(&mut end), Some(MessageKind::Text));
    assert_eq!(next(&mut end), found_text("four"));
}

/// Takes pieces to the end; how many bytes came.
fn count(end: &mut End) -> Result<usize, ReceiveError> {
    let mut sum = 0;
    loop {
        match end.next_chunk() {
            Step::Found(Chunk::Data) => sum += end.recv.chunk().len(),
            Step::Found(Chunk::End) | Step::NeedInput => return Ok(sum),
            Step::Control(_) => {}
            Step::Ended => return Err(violation(end)),
            Step::Busy => panic!("nothing is compressed"),
        }
    }
}

#[test]
fn empty_frames_in_a_row_are_limited_and_others_are_not() {
    let too_many = ReceiveError::from(LimitError::TooManyFragments);
    assert_eq!(too_many.close_code(), CloseCode::POLICY);
    let config = Config::default();
    let passes = |script: &dyn Fn(&mut Wire), skipped: bool| {
        let octets = wire(Role::Client, |w| {
            w.frame(BINARY, b"");
            script(w);
            w.frame(FIN | BINARY & CONTINUATION, b"end");
            w.text("next");
        });
        let mut end = with_input(Role::Client, &config, &octets);
        started(&mut end).unwrap();
        let len = if skipped { Ok(3) } else { count(&mut end) };
        match len.and_then(|len| next(&mut end).map(|seen| (len, seen))) {
            Err(error) => {
                assert_eq!(error, too_many);
                assert_failed(&mut end, error);
                None
            }
            Ok((len, seen)) => {
                assert_eq!(Ok(seen), found_text("next"));
                Some(len)
            }
        }
    };
    let empties = |w: &mut Wire, len: u32| (0..len).for_each(|_| w.frame(CONTINUATION, b""));
    for skipped in [false, true] {
        // The first frame was empty too.
        assert!(passes(&|w| empties(w, MAX_FRAGMENTS - 1), skipped).is_some());
        assert!(passes(&|w| empties(w, MAX_FRAGMENTS), skipped).is_none());
        // One octet between begins the count anew; a control frame does not.
        let divided = |w: &mut Wire| {
            empties(w, MAX_FRAGMENTS - 1);
            w.frame(CONTINUATION, b"x");
            empties(w, MAX_FRAGMENTS);
        };
        assert!(passes(&divided, skipped).is_some());
        let pinged = |w: &mut Wire| {
            empties(w, MAX_FRAGMENTS - 1);
            w.frame(FIN | PONG, b"x");
            empties(w, 1);
        };
        let octets = wire(Role::Client, |w| {
            w.frame(BINARY, b"");
            pinged(w);
        });
        let mut end = with_input(Role::Client, &config, &octets);
        started(&mut end).unwrap();
        if skipped {
            assert!(matches!(end.next_message(), Step::Control(_)));
            assert_eq!(next(&mut end), Err(too_many));
        } else {
            assert_eq!(count(&mut end), Err(too_many));
        }
    }
    let many = |w: &mut Wire| (0..200_000).for_each(|_| w.frame(CONTINUATION, b"x"));
    assert_eq!(passes(&many, false), Some(200_003));
    assert!(passes(&many, true).is_some());
}

#[test]
fn messages_far_over_the_limits_pass_in_pieces_and_the_next_one_put_together_fails() {
    let config = Config::default().max_frame_len(100).max_message_len(150);
    for role in BOTH {
        for over in [false, true] {
            let octets = wire(role, |w| {
                w.frame(BINARY, &[7; 5000]);
                w.frame(CONTINUATION, &[7; 101]);
                w.frame(FIN, &[7; 5000]);
                w.frame(FIN | BINARY, &[7; 5000]);
                w.frame(FIN | BINARY, &vec![7; 100 + usize::from(over)]);
            });
            for block_len in [64, 4096] {
                let mut end = end(role, &config, block_len);
                let mut sums = Vec::new();
                let mut input = &octets[..];
                while sums.len() < 2 {
                    if started(&mut end).is_none() {
                        read(&mut end, &mut input);
                        continue;
                    }
                    let mut pieces = Pieces::default();
                    while !pieces.is_whole {
                        read(&mut end, &mut input);
                        take_pieces(&mut end, &mut pieces).unwrap();
                    }
                    sums.push(pieces.octets.len());
                }
                assert_eq!(sums, [10_101, 5000]);
                let error = loop {
                    match next(&mut end) {
                        Ok(None) => read(&mut end, &mut input),
                        Ok(Some(_)) => break None,
                        Err(error) => break Some(error),
                    }
                };
                assert_eq!(error.is_some(), over);
                if let Some(error) = error {
                    assert_eq!(error.close_code(), CloseCode::TOO_BIG);
                    let limit = 100;
                    assert_eq!(error, LimitError::FrameTooLong { len: 101, limit }.into());
                }
            }
        }
    }
}

#[test]
fn a_header_taken_over_before_a_stream_was_wanted_is_measured_by_whoever_reads_on() {
    let config = Config::default().max_frame_len(100);
    for streamed_first in [false, true] {
        let octets = wire(Role::Server, |w| w.frame(FIN | BINARY, &[7; 300]));
        let mut end = end(Role::Server, &config, 1000);
        read_all(&mut end, &octets[..3]);
        if streamed_first {
            assert_eq!(end.next_start(), Step::NeedInput);
        } else {
            assert_eq!(end.next_message(), Step::NeedInput);
        }
        end.park();
        read_all(&mut end, &octets[3..]);
        if streamed_first {
            assert!(matches!(next(&mut end), Err(ReceiveError::Limit(_))));
        } else {
            assert_eq!(started(&mut end), Some(MessageKind::Binary));
            assert_eq!(count(&mut end), Ok(300));
        }
    }
}

#[test]
fn a_close_inside_a_message_ends_the_pieces() {
    for role in BOTH {
        for skipped in [false, true] {
            let octets = wire(role, |w| {
                w.frame(TEXT, b"begun\xce");
                w.close(1000, b"bye");
                w.frame(FIN, b"\xba");
                w.text("behind");
            });
            let mut end = with_input(role, &Config::default(), &octets);
            started(&mut end).unwrap();
            if skipped {
                assert!(matches!(
                    end.next_message(),
                    Step::Control(Control::Close(_))
                ));
            } else {
                assert_eq!(end.next_chunk(), Step::Found(Chunk::Data));
                assert_eq!(end.recv.chunk(), b"begun\xce");
                let found = end.next_chunk();
                assert!(matches!(found, Step::Control(Control::Close(_))));
            }
            for _ in 0..2 {
                // The message never becomes whole.
                assert_eq!(end.next_chunk(), Step::Ended);
                assert_eq!(end.next_start(), Step::Ended);
                assert_eq!(end.next_message(), Step::Ended);
                assert!(end.recv.message().is_none() && end.recv.chunk().is_empty());
                end.park();
                assert_eq!(end.send.failure(), None);
            }
        }
    }
}

/// The most that was held at once while `run` ran, above what was held before.
fn peak(run: impl FnOnce()) -> u64 {
    measure(run).bytes_max
}

#[test]
fn streaming_256_mib_holds_no_more_than_a_block() {
    const BLOCK: usize = 64 << 10;
    const MIB: u64 = 1 << 20;
    for (role, kind, fragment, all) in [
        (Role::Client, BINARY, 256 * MIB, 256 * MIB),
        (Role::Client, BINARY, MIB, 256 * MIB),
        (Role::Server, BINARY, 3 * MIB, 24 * MIB),
        (Role::Client, TEXT, 8 * MIB, 16 * MIB),
    ] {
        let mut end = end(role, &Config::default(), BLOCK);
        let mut header = Vec::with_capacity(32);
        let mut sum = 0;
        let peak = peak(|| {
            end.recv.lending().lend(vec![b'a'; BLOCK].into());
            for number in 0..all / fragment {
                let mut wire = Wire::from(role.peer());
                let opcode = if number == 0 { kind } else { CONTINUATION };
                let fin = if (number + 1) * fragment == all {
                    FIN
                } else {
                    0
                };
                wire.header(fin | opcode, 127, &fragment.to_be_bytes());
                header.clear();
                header.extend_from_slice(&wire.octets);
                sum += count(&mut end).unwrap() as u64;
                read_all(&mut end, &header);
                if number == 0 {
                    started(&mut end).unwrap();
                }
                let mut left = fragment;
                while left > 0 {
                    sum += count(&mut end).unwrap() as u64;
                    // Whatever lies there is payload now.
                    let len = left.min(end.recv.spare().len() as u64);
                    if kind == TEXT {
                        end.recv.spare()[..len as usize].fill(b'a');
                    }
                    end.recv.filled(len as usize);
                    left -= len;
                    if number % 5 == 3 {
                        end.recv.lending().settle();
                    }
                }
            }
            sum += count(&mut end).unwrap() as u64;
        });
        assert_eq!(sum, all);
        assert!(end.recv.is_between_messages());
        assert!(peak <= BLOCK as u64 + 1024, "{peak}");
    }
}

#[test]
fn the_beginning_that_was_put_together_is_given_back_when_it_was_passed_on() {
    let octets = wire(Role::Client, |w| {
        w.frame(BINARY, &[7; 1 << 20]);
        w.frame(CONTINUATION, &[8; 1000]);
    });
    let mut end = end(Role::Client, &Config::default(), 4096);
    let (begun, behind) = octets.split_at(10 + (1 << 20));
    let mut held = measure(|| {
        for mut input in begun.chunks(4096) {
            while !input.is_empty() {
                read(&mut end, &mut input);
                assert_eq!(end.next_message(), Step::NeedInput);
            }
        }
        started(&mut end).unwrap();
    })
    .bytes_current;
    assert!(held >= 1 << 20);
    held += measure(|| {
        assert_eq!(count(&mut end), Ok(1 << 20));
        read_all(&mut end, behind);
        assert_eq!(count(&mut end), Ok(1000));
        end.recv.lending().settle();
    })
    .bytes_current;
    assert!(held <= 4096 + 1024, "{held}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_cuts_of_vectors_change_nothing_in_pieces(
        row in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        n in 0..108_usize,
        seed in any::<u64>(),
    ) {
        thread_local! {
            static ROWS: Vec<Vector> = rows();
        }
        ROWS.with(|rows| {
            let row = row.get(rows);
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(row.input.len() + 1)).collect();
            at.sort_unstable();
            check(row, &cut(&row.input, &at), &Plan { seed, ..plan(n) });
        });
    }
}
