//! Any mix of calls, against an oracle that decodes nothing: it knows the script.

use proptest::prelude::*;
use ws_proto::{Chunk, Config, Control, MessageKind, ReceiveError, Role, Step};

use crate::support::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, Rng, Seen, TEXT, Wire};
use crate::{BOTH, End, INVALID_UTF8, RESERVED_BITS, assert_failed, end, read};

#[derive(Clone, Debug)]
enum Act {
    Read(usize),
    Message,
    Start,
    Chunk,
    Settle,
    Park,
    Lend,
    Take,
    Hold,
}

/// A frame of the script.
#[derive(Clone, Debug)]
struct Scripted {
    first: u8,
    payload: Vec<u8>,
    /// Where its payload begins and ends on the wire.
    start: usize,
    end: usize,
}

impl Scripted {
    fn is_control(&self) -> bool {
        self.first & 8 != 0
    }

    fn is_final(&self) -> bool {
        self.first & FIN != 0
    }

    /// Whether the fault at this position of the wire is one of this frame.
    fn holds(&self, at: usize) -> bool {
        let is_end = self.is_final() && self.end == at;
        !self.is_control() && ((self.start..self.end).contains(&at) || is_end)
    }
}

/// How a script ends.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    /// The octet at this position of the wire cannot be text; at the end of a frame: its character is unfinished.
    Text(usize),
    /// The octet at this position of the wire is the first of an impossible header.
    Header(usize),
    Close,
}

#[derive(Clone, Debug)]
struct Script {
    role: Role,
    frames: Vec<Scripted>,
    octets: Vec<u8>,
    fault: Fault,
}

fn script(seed: u64) -> Script {
    let mut rng = Rng::new(seed);
    let role = BOTH[rng.below(2)];
    let mut wire = Wire::from(role.peer());
    let mut frames = Vec::new();
    let mut put = |wire: &mut Wire, first: u8, payload: &[u8]| {
        wire.frame(first, payload);
        let end = wire.octets.len();
        let start = end - payload.len();
        let payload = payload.to_vec();
        frames.push(Scripted {
            first,
            payload,
            start,
            end,
        });
        start
    };
    let messages = 1 + rng.below(5);
    let ending = rng.below(6);
    let mut fault = Fault::None;
    for number in 0..messages {
        let last = number + 1 == messages;
        let text = rng.below(2) == 0 || last && ending < 2;
        let len = [0, 1, 5, 30, 70, 200][rng.below(6)];
        let mut payload: Vec<u8> = if text {
            "aκ€😀".chars().cycle().take(len).collect::<String>().into()
        } else {
            (0..len).map(|i| (i * 31) as u8).collect()
        };
        // Where it stops to be text.
        let mut bad = None;
        if last && ending == 0 {
            bad = Some(payload.len());
            payload.extend_from_slice(b"\xff behind");
        } else if last && ending == 1 {
            payload.extend_from_slice(b"\xf0\x9f\x98");
            bad = Some(payload.len());
        }
        let fragments = 1 + rng.below(4);
        let mut opcode = if text { TEXT } else { BINARY };
        let mut from = 0;
        for fragment in 0..fragments {
            while rng.below(4) == 0 {
                let first = FIN | [PING, PONG][rng.below(2)];
                put(
                    &mut wire,
                    first,
                    &[number as u8, fragment as u8][..rng.below(3)],
                );
            }
            let is_final = fragment + 1 == fragments;
            if last && is_final && ending == 2 {
                fault = Fault::Header(wire.octets.len());
                wire.raw(&[0xf7, 0x80]);
                break;
            }
            if last && is_final && ending == 3 {
                put(&mut wire, FIN | CLOSE, b"\x03\xe8");
                fault = Fault::Close;
                wire.raw(&[0xff; 20]);
                break;
            }
            let to = if is_final {
                payload.len()
            } else {
                from + rng.below(payload.len() - from + 1)
            };
            let fin = if is_final { FIN } else { 0 };
            let start = put(&mut wire, fin | opcode, &payload[from..to]);
            if let Some(bad) = bad
                && matches!(fault, Fault::None)
                && from <= bad
                && (bad < to || is_final && bad == to)
            {
                fault = Fault::Text(start + bad - from);
            }
            opcode = CONTINUATION;
            from = to;
        }
    }
    Script {
        role,
        frames,
        octets: wire.octets,
        fault,
    }
}

#[derive(Clone)]
struct Oracle<'a> {
    script: &'a Script,
    arrived: usize,
    /// The frame that comes next or is under way, and how much of it was passed on.
    frame: usize,
    passed: usize,
    /// Put together so far: the beginning of a message.
    open: Option<(u8, Vec<u8>)>,
    /// Inside a message that is passed on, of which this much of `open` comes first.
    stream: Option<Vec<u8>>,
    closed: bool,
}

impl<'a> Oracle<'a> {
    fn new(script: &'a Script) -> Self {
        Oracle {
            script,
            arrived: 0,
            frame: 0,
            passed: 0,
            open: None,
            stream: None,
            closed: false,
        }
    }

    fn current(&self) -> Option<&'a Scripted> {
        self.script.frames.get(self.frame)
    }

    /// Whether the frame that comes next has arrived as a whole.
    fn has_arrived(&self, frame: &Scripted) -> bool {
        frame.end <= self.arrived && frame.start <= self.arrived
    }

    /// Whether the next frame's header has arrived.
    fn has_begun(&self, frame: &Scripted) -> bool {
        frame.start <= self.arrived
    }

    fn next(&mut self) {
        self.frame += 1;
        self.passed = 0;
    }

    /// A control frame that comes next.
    fn control(&mut self) -> Option<Seen> {
        let frame = self.current().filter(|frame| frame.is_control())?;
        if !self.has_arrived(frame) {
            return None;
        }
        self.next();
        let payload = frame.payload.clone();
        Some(match frame.first & 0xf {
            PING => Seen::Ping(payload),
            PONG => Seen::Pong(payload),
            _ => {
                self.closed = true;
                Seen::Close(Some((1000, String::new())))
            }
        })
    }

    /// What can be passed on at once.
    fn available(&self) -> Vec<u8> {
        let Some(prefix) = &self.stream else {
            return Vec::new();
        };
        let mut octets = prefix.clone();
        for (n, frame) in self.script.frames.iter().enumerate().skip(self.frame) {
            if frame.is_control() || !self.has_begun(frame) {
                break;
            }
            let from = if n == self.frame { self.passed } else { 0 };
            let to = frame.payload.len().min(self.arrived - frame.start);
            octets.extend_from_slice(&frame.payload[from..to]);
            if frame.is_final() || to < frame.payload.len() {
                break;
            }
        }
        octets
    }

    /// `len` octets were passed on.
    fn pass(&mut self, mut len: usize) {
        let prefix = self.stream.as_mut().unwrap();
        let first = len.min(prefix.len());
        prefix.drain(..first);
        len -= first;
        while let Some(frame) = self.current() {
            let here = len.min(frame.payload.len() - self.passed);
            self.passed += here;
            len -= here;
            if len == 0 {
                break;
            }
            self.next();
        }
        assert_eq!(len, 0, "more was passed on than had arrived");
    }

    /// Leaves the frames of a message that is passed on that are exhausted. Whether that was the last.
    fn leave(&mut self) -> bool {
        while let Some(frame) = self.current() {
            let done = !frame.is_control()
                && self.has_arrived(frame)
                && self.passed == frame.payload.len()
                && self.stream.as_ref().is_some_and(Vec::is_empty);
            if !done {
                return false;
            }
            self.next();
            if frame.is_final() {
                self.stream = None;
                return true;
            }
        }
        false
    }

    /// Skips the rest of a message that is passed on: `Some` if that has to stop.
    fn skip(&mut self) -> Option<Option<Seen>> {
        while self.stream.is_some() {
            let len = self.available().len();
            self.pass(len);
            if self.leave() {
                break;
            }
            if self.available().is_empty() {
                return Some(self.control());
            }
        }
        None
    }

    fn message(&mut self) -> Option<Seen> {
        if self.closed {
            return None;
        }
        if let Some(stopped) = self.skip() {
            return stopped;
        }
        loop {
            let frame = self.current()?;
            if frame.is_control() {
                return self.control();
            }
            if !self.has_arrived(frame) {
                return None;
            }
            let (_, octets) = self.open.get_or_insert((frame.first & 0xf, Vec::new()));
            octets.extend_from_slice(&frame.payload);
            self.next();
            if frame.is_final() {
                let (opcode, octets) = self.open.take().unwrap();
                return Some(if opcode == TEXT {
                    Seen::Text(String::from_utf8(octets).unwrap())
                } else {
                    Seen::Binary(octets)
                });
            }
        }
    }

    fn start(&mut self) -> Option<Result<MessageKind, Seen>> {
        if self.closed {
            return None;
        }
        if let Some(stopped) = self.skip() {
            return stopped.map(Err);
        }
        let opcode = if let Some((opcode, octets)) = self.open.take() {
            self.stream = Some(octets);
            opcode
        } else {
            let frame = self.current()?;
            if frame.is_control() {
                return self.control().map(Err);
            }
            if !self.has_begun(frame) {
                return None;
            }
            self.stream = Some(Vec::new());
            frame.first & 0xf
        };
        Some(Ok(if opcode == TEXT {
            MessageKind::Text
        } else {
            MessageKind::Binary
        }))
    }

    /// Whether nothing but the beginning of a message comes before the frame with this number.
    fn is_next(&self, number: usize) -> bool {
        let between = self.script.frames.get(self.frame..number).unwrap_or(&[]);
        !between
            .iter()
            .any(|frame| frame.is_control() || frame.is_final())
    }

    /// The error that comes next, behind data at most; `true` if it may wait for the rest of its frame.
    fn fault(&self) -> Option<(ReceiveError, bool)> {
        match self.script.fault {
            Fault::Header(at) => {
                let is_next = self.is_next(self.script.frames.len());
                (self.arrived > at && is_next).then_some((RESERVED_BITS, false))
            }
            Fault::Text(at) => {
                let number = self
                    .script
                    .frames
                    .iter()
                    .position(|frame| frame.holds(at))?;
                let end = self.script.frames[number].end;
                let seen = self.arrived > at || at == end && self.arrived == end;
                (seen && self.is_next(number)).then_some((INVALID_UTF8, self.arrived < end))
            }
            Fault::None | Fault::Close => None,
        }
    }

    /// The error that a search for the next message comes upon.
    fn fault_ahead(&self) -> Option<(ReceiveError, bool)> {
        if self.closed {
            return None;
        }
        if self.stream.is_some() && self.fault().is_some() {
            return self.fault();
        }
        let mut ahead = self.clone();
        match ahead.skip() {
            Some(_) => None,
            None => ahead.fault(),
        }
    }

    /// How much of what is available comes before the octet that is not text.
    fn sound(&self) -> usize {
        let available = self.available().len();
        let Fault::Text(at) = self.script.fault else {
            return available;
        };
        let mut sound = self.stream.as_ref().map_or(0, Vec::len);
        for (n, frame) in self.script.frames.iter().enumerate().skip(self.frame) {
            let from = if n == self.frame { self.passed } else { 0 };
            if frame.holds(at) {
                return available.min(sound + at - frame.start - from);
            }
            sound += frame.payload.len() - from;
        }
        available
    }
}

/// Runs the acts on a connection and beside the oracle.
fn compare(script: &Script, acts: &[Act], block_len: usize) {
    let mut user = User {
        real: end(script.role, &Config::default(), block_len),
        oracle: Oracle::new(script),
        block_len,
        visible: None,
        held: Held::No,
        is_searched: false,
    };
    // After the acts: everything arrives and is found.
    let ending = (0..).map(|n| match n % 4 {
        0 => Act::Read(1000),
        _ => Act::Message,
    });
    let enough = acts.len() + 12 * script.octets.len() + 100;
    for act in acts.iter().cloned().chain(ending.take(enough)) {
        // What parking comes upon is in store for the next step.
        let ahead = user.oracle.fault_ahead();
        user.act(&act);
        if let Some(error) = user.real.send.failure() {
            assert_eq!(Some(error), ahead.map(|(error, _)| error), "{act:?}");
            assert_failed(&mut user.real, error);
            break;
        }
    }
    match script.fault {
        Fault::None => {
            assert_eq!(user.oracle.frame, script.frames.len());
            assert!(user.real.recv.is_between_messages());
            assert!(user.real.recv.unread().is_empty());
        }
        Fault::Close => assert!(user.oracle.closed),
        Fault::Text(_) | Fault::Header(_) => {
            assert!(user.real.send.failure().is_some(), "{script:?}");
        }
    }
}

/// A message that was held.
#[derive(Clone, Debug)]
enum Held {
    No,
    Whole(Seen),
    /// It is received piece by piece: this is still to come.
    Piece(Vec<u8>),
}

impl Held {
    /// Whether its piece is to be received next.
    fn is_announced(&self) -> bool {
        matches!(self, Held::Piece(payload) if !payload.is_empty())
    }
}

struct User<'a> {
    real: End,
    oracle: Oracle<'a>,
    block_len: usize,
    /// The message that was found just now.
    visible: Option<Seen>,
    held: Held,
    is_searched: bool,
}

impl User<'_> {
    fn message(&mut self) -> Option<Seen> {
        self.real.recv.message().map(Seen::message)
    }

    fn assert_nothing_visible(&mut self) {
        assert!(self.message().is_none() && self.real.recv.chunk().is_empty());
        self.visible = None;
    }

    fn act(&mut self, act: &Act) {
        match act {
            // Whoever was told of a message receives it before the next read.
            Act::Read(_) | Act::Lend if self.held.is_announced() => {}
            Act::Read(len) => {
                self.end_look();
                let recv = &mut self.real.recv;
                if recv.lending().wants_block().is_none() && recv.spare().is_empty() {
                    return;
                }
                let octets = &self.oracle.script.octets[self.oracle.arrived..];
                let mut input = &octets[..octets.len().min(*len)];
                let before = input.len();
                read(&mut self.real, &mut input);
                self.oracle.arrived += before - input.len();
                self.is_searched = false;
                self.assert_nothing_visible();
            }
            Act::Lend => {
                self.end_look();
                let block = vec![0xaa; self.block_len];
                self.real.recv.lending().lend(block.into());
                self.assert_nothing_visible();
            }
            Act::Settle => {
                let unread = self.real.recv.unread().to_vec();
                let chunk = self.real.recv.chunk().to_vec();
                let message = self.message();
                self.real.recv.lending().settle();
                assert_eq!(self.real.recv.unread(), unread);
                assert_eq!(self.real.recv.chunk(), chunk);
                assert_eq!(self.message(), message);
            }
            Act::Park => {
                let visible = self.message();
                let unread = self.real.recv.unread().to_vec();
                let block = self.real.park();
                if self.is_searched {
                    self.assert_nothing_visible();
                    assert!(self.real.recv.unread().is_empty());
                } else {
                    // There may be more to find, so that everything stays.
                    assert!(block.is_empty());
                    assert_eq!(self.message(), visible);
                    assert_eq!(self.real.recv.unread(), unread);
                }
            }
            Act::Take => {
                let taken = self.real.recv.take_message();
                let taken = taken.as_ref().map(|it| Seen::message(it.as_ref()));
                match &self.held {
                    Held::Whole(seen) => assert_eq!(taken.as_ref(), Some(seen)),
                    Held::Piece(_) => return assert_eq!(taken, None),
                    Held::No if self.visible.is_some() => assert_eq!(taken, self.visible),
                    Held::No => {}
                }
                self.end_look();
                assert!(self.message().is_none());
            }
            Act::Hold => {
                if let Some(seen) = self.visible.take() {
                    self.real.recv.hold();
                    assert!(self.real.recv.is_holding());
                    self.held = Held::Whole(seen);
                }
            }
            Act::Message => self.next_message(),
            Act::Start => self.next_start(),
            Act::Chunk => self.next_chunk(),
        }
    }

    /// What was found is out of sight, also if it was held.
    fn end_look(&mut self) {
        self.visible = None;
        self.held = Held::No;
    }

    /// Takes note of a step that found nothing but a control frame or the need for input: `None` if it failed.
    fn stopped<T: std::fmt::Debug>(&mut self, step: Step<T>) -> Option<Option<Control>> {
        self.is_searched = matches!(step, Step::NeedInput);
        match step {
            Step::Control(control) => Some(Some(control)),
            Step::NeedInput => Some(None),
            Step::Ended => {
                assert!(self.oracle.closed || self.real.send.failure().is_some());
                self.oracle.closed.then_some(None)
            }
            step => panic!("{step:?}"),
        }
    }

    fn next_message(&mut self) {
        self.visible = None;
        let step = self.real.recv.next_message(&mut self.real.send);
        if let Held::Whole(seen) = std::mem::replace(&mut self.held, Held::No) {
            assert_eq!(step, Step::Found(()));
            assert_eq!(self.message().as_ref(), Some(&seen));
            self.visible = Some(seen);
            return;
        }
        let seen = match step {
            Step::Found(()) => {
                self.is_searched = false;
                self.visible = self.message();
                assert!(self.visible.is_some());
                self.visible.clone()
            }
            step => match self.stopped(step) {
                Some(control) => control.as_ref().map(Seen::control),
                None => return,
            },
        };
        assert!(self.real.recv.chunk().is_empty());
        let fault = self.oracle.fault_ahead();
        // A frame that fits the block may wait there for its end; one that is skipped may not.
        let skips = self.oracle.stream.is_some() && self.oracle.fault().is_some();
        assert!(
            fault.is_none_or(|(_, waits)| waits && !skips),
            "{seen:?} instead of {fault:?}"
        );
        assert_eq!(seen, self.oracle.message());
    }

    fn next_start(&mut self) {
        self.visible = None;
        let step = self.real.next_start();
        if let Held::Whole(seen) = std::mem::replace(&mut self.held, Held::No) {
            let (kind, payload) = match seen {
                Seen::Text(text) => (MessageKind::Text, text.into_bytes()),
                Seen::Binary(octets) => (MessageKind::Binary, octets),
                seen => panic!("{seen:?} was held"),
            };
            assert_eq!(step, Step::Found(kind));
            self.held = Held::Piece(payload);
            self.assert_nothing_visible();
            return;
        }
        let found = match step {
            Step::Found(kind) => {
                self.is_searched = false;
                Some(Ok(kind))
            }
            step => match self.stopped(step) {
                Some(control) => control.map(|control| Err(Seen::control(&control))),
                None => return,
            },
        };
        self.assert_nothing_visible();
        // Skipping would have come upon it.
        assert!(self.oracle.stream.is_none() || self.oracle.fault().is_none());
        assert_eq!(found, self.oracle.start());
    }

    fn next_chunk(&mut self) {
        self.visible = None;
        let step = self.real.next_chunk();
        let available = match &mut self.held {
            Held::Piece(payload) if payload.is_empty() => {
                assert_eq!(step, Step::Found(Chunk::End));
                self.held = Held::No;
                return self.assert_nothing_visible();
            }
            Held::Piece(payload) => {
                assert_eq!(step, Step::Found(Chunk::Data));
                assert_eq!(self.real.recv.chunk(), std::mem::take(payload));
                return assert!(self.message().is_none());
            }
            _ if self.oracle.closed => return assert_eq!(step, Step::Ended),
            // Nothing is under way.
            _ if self.oracle.stream.is_none() => {
                self.is_searched = false;
                return assert_eq!(step, Step::Found(Chunk::End));
            }
            _ => self.oracle.available(),
        };
        match step {
            Step::Found(Chunk::Data) => {
                self.is_searched = false;
                let len = self.real.recv.chunk().len();
                assert!(len > 0 && len <= self.oracle.sound());
                assert_eq!(self.real.recv.chunk(), &available[..len]);
                self.oracle.pass(len);
            }
            Step::Found(Chunk::End) => {
                self.is_searched = false;
                assert_eq!(available.len(), 0);
                assert!(self.oracle.fault().is_none());
                assert!(self.oracle.leave());
            }
            step => match self.stopped(step) {
                Some(control) => {
                    assert_eq!(available.len(), 0, "{control:?}");
                    assert!(self.oracle.fault().is_none(), "{control:?}");
                    assert!(!self.oracle.leave());
                    let seen = control.as_ref().map(Seen::control);
                    assert_eq!(seen, self.oracle.control());
                }
                None => {
                    // Behind what could be passed on, but for the piece with the fault in it.
                    assert!(self.oracle.fault().is_some());
                    let is_text = matches!(self.oracle.script.fault, Fault::Text(_));
                    assert!(is_text || available.is_empty());
                }
            },
        }
    }
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => prop_oneof![1..4_usize, 1..40_usize, Just(300)].prop_map(Act::Read),
        4 => Just(Act::Message),
        3 => Just(Act::Start),
        6 => Just(Act::Chunk),
        2 => Just(Act::Settle),
        2 => Just(Act::Park),
        1 => Just(Act::Lend),
        1 => Just(Act::Take),
        2 => Just(Act::Hold),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mix_of_calls_agrees_with_the_script(
        seed in any::<u64>(),
        acts in prop::collection::vec(any_act(), 0..120),
        block_len in prop::sample::select(vec![16, 40, 150, 4096, 20_000]),
    ) {
        compare(&script(seed), &acts, block_len);
    }
}
