//! Any mix of calls, against an oracle that decodes nothing: it knows the script.

use proptest::prelude::*;
use ws_proto::{Chunk, Config, MessageKind, Ready, ReceiveError, Role, Start};

use crate::support::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, Rng, Seen, TEXT, Wire};
use crate::{BOTH, INVALID_UTF8, RESERVED_BITS, assert_failed, read, receiver};

#[derive(Clone, Debug)]
enum Step {
    Read(usize),
    Poll,
    Start,
    Chunk,
    Settle,
    Rest,
    Lend,
    Take,
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

    fn poll(&mut self) -> Option<Seen> {
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

/// Runs the steps on a receiver and beside the oracle.
fn compare(script: &Script, steps: &[Step], block_len: usize) {
    let mut real = receiver(script.role, &Config::default(), block_len);
    let mut oracle = Oracle::new(script);
    let mut taken = None;
    // After the steps: everything arrives and is polled.
    let ending = (0..).map(|n| {
        if n % 4 == 0 {
            Step::Read(1000)
        } else {
            Step::Poll
        }
    });
    let enough = steps.len() + 12 * script.octets.len() + 100;
    let mut last = None;
    for step in steps.iter().cloned().chain(ending.take(enough)) {
        let error = match &step {
            Step::Read(len) => {
                let end = script.octets.len().min(oracle.arrived + len);
                let len = read(&mut real, &script.octets[oracle.arrived..end], block_len);
                oracle.arrived += len;
                assert!(real.message().is_none() && real.chunk().is_empty());
                taken = None;
                continue;
            }
            Step::Settle => {
                let unread = real.unread().to_vec();
                let chunk = real.chunk().to_vec();
                let message = real.message().map(Seen::message);
                real.settle();
                assert_eq!(real.unread(), unread);
                assert_eq!(real.chunk(), chunk);
                assert_eq!(real.message().map(Seen::message), message);
                continue;
            }
            Step::Lend => {
                real.lend(vec![0xaa; block_len].into());
                assert!(real.message().is_none() && real.chunk().is_empty());
                taken = None;
                continue;
            }
            Step::Take => {
                let message = real.take_message();
                let message = message
                    .as_ref()
                    .map(|message| Seen::message(message.as_ref()));
                if taken.is_some() {
                    assert_eq!(message, taken);
                }
                taken = None;
                assert!(real.message().is_none());
                continue;
            }
            Step::Rest => {
                taken = None;
                match real.rest() {
                    Ok(_) => {
                        assert!(real.message().is_none());
                        continue;
                    }
                    Err(error) => error,
                }
            }
            Step::Poll => {
                taken = None;
                match real.poll() {
                    Err(error) => error,
                    Ok(found) => {
                        assert!(real.chunk().is_empty());
                        let fault = oracle.fault_ahead();
                        let seen = match found {
                            None => None,
                            Some(Ready::Control(control)) => Some(Seen::control(&control)),
                            Some(Ready::Message) => {
                                taken = real.message().map(Seen::message);
                                assert!(taken.is_some());
                                taken.clone()
                            }
                        };
                        // A frame that fits the block may wait there for its end; one that is skipped may not.
                        let skips = oracle.stream.is_some() && oracle.fault().is_some();
                        assert!(
                            fault.is_none_or(|(_, waits)| waits && !skips),
                            "{seen:?} instead of {fault:?}"
                        );
                        assert_eq!(seen, oracle.poll());
                        continue;
                    }
                }
            }
            Step::Start => {
                taken = None;
                match real.poll_start() {
                    Err(error) => error,
                    Ok(found) => {
                        assert!(real.chunk().is_empty() && real.message().is_none());
                        let found = found.map(|start| match start {
                            Start::Message(kind) => Ok(kind),
                            Start::Control(control) => Err(Seen::control(&control)),
                        });
                        // Skipping would have come upon it.
                        assert!(oracle.stream.is_none() || oracle.fault().is_none());
                        assert_eq!(found, oracle.start());
                        continue;
                    }
                }
            }
            Step::Chunk => {
                taken = None;
                if oracle.stream.is_none() {
                    // Nothing is under way.
                    assert_eq!(real.poll_chunk(), Ok(Some(Chunk::End)));
                    continue;
                }
                match real.poll_chunk() {
                    Err(error) => {
                        // Behind what could be passed on, but for the piece with the fault in it.
                        assert!(oracle.fault().is_some());
                        let is_text = matches!(script.fault, Fault::Text(_));
                        assert!(is_text || oracle.available().is_empty());
                        error
                    }
                    Ok(found) => {
                        let available = oracle.available();
                        match found {
                            _ if oracle.closed => assert_eq!(found, None),
                            Some(Chunk::Data) => {
                                let len = real.chunk().len();
                                assert!(len > 0 && len <= oracle.sound());
                                assert_eq!(real.chunk(), &available[..len]);
                                oracle.pass(len);
                            }
                            None | Some(Chunk::Control(_) | Chunk::End) => {
                                assert_eq!(available.len(), 0, "{found:?}");
                                assert!(oracle.fault().is_none(), "{found:?}");
                                let is_last = oracle.leave();
                                assert_eq!(is_last, found == Some(Chunk::End));
                                if !is_last {
                                    let control = match &found {
                                        Some(Chunk::Control(control)) => {
                                            Some(Seen::control(control))
                                        }
                                        _ => None,
                                    };
                                    assert_eq!(control, oracle.control());
                                }
                            }
                        }
                        continue;
                    }
                }
            }
        };
        let Some((expected, _)) = oracle.fault_ahead() else {
            panic!("{error} by {step:?}");
        };
        assert_eq!(error, expected, "{step:?}");
        assert_failed(&mut real, error);
        last = Some(error);
        break;
    }
    match script.fault {
        Fault::None => {
            assert_eq!(oracle.frame, script.frames.len());
            assert!(real.side().is_between_messages() && real.unread().is_empty());
        }
        Fault::Close => assert!(oracle.closed),
        Fault::Text(_) | Fault::Header(_) => assert!(last.is_some(), "{script:?}"),
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop_oneof![1..4_usize, 1..40_usize, Just(300)].prop_map(Step::Read),
        4 => Just(Step::Poll),
        3 => Just(Step::Start),
        6 => Just(Step::Chunk),
        2 => Just(Step::Settle),
        2 => Just(Step::Rest),
        1 => Just(Step::Lend),
        1 => Just(Step::Take),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mix_of_calls_agrees_with_the_script(
        seed in any::<u64>(),
        steps in prop::collection::vec(any_step(), 0..120),
        block_len in prop::sample::select(vec![16, 40, 150, 4096, 20_000]),
    ) {
        compare(&script(seed), &steps, block_len);
    }
}
