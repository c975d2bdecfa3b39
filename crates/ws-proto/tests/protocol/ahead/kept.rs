//! Looking ahead for a caller that keeps control frames or receives messages in pieces. No event is
//! lost or reported twice.

use proptest::prelude::*;
use ws_proto::{Chunk, Config, LookAhead, Step};

use super::{End, conversation, frames, turns};
use crate::support::*;

proptest! {
    #[test]
    fn kept_control_frames_are_received_in_order_and_answered_once(
        role in prop::sample::select(&BOTH[..]),
        frames in frames(),
        turns in turns(),
        is_manual in any::<bool>(),
    ) {
        let config = match is_manual {
            true => Config::default().manual_pongs(),
            false => Config::default(),
        };
        let (input, expected) = conversation(role, &frames);
        let mut end = End::new(role, &config, &input);
        end.recv.keep_controls();
        let mut replied = Vec::new();
        for &(looks, most) in turns.iter().cycle() {
            if looks {
                let before = end.seen.len();
                let _ = end.look(most);
                prop_assert_eq!(end.seen.len(), before, "a kept control frame was removed");
            }
            match end.step() {
                Step::NeedInput => {
                    end.fill(most);
                }
                Step::Found(()) | Step::Control(_) | Step::Busy => {}
                Step::Ended => break,
            }
            replied.extend(end.output());
        }
        prop_assert_eq!(&end.seen, &expected);
        let answered: Vec<_> = expected
            .into_iter()
            .filter(|it| !is_manual || !matches!(it, Seen::Ping(_)))
            .collect();
        prop_assert_eq!(replied, replies(role, &answered, None));
        prop_assert!(end.send.end().is_some_and(|end| end.clean));
    }

    #[test]
    fn looking_ahead_between_pieces_changes_no_message(
        role in prop::sample::select(&BOTH[..]),
        frames in frames(),
        turns in turns(),
        gives_up in any::<bool>(),
    ) {
        let (input, expected) = conversation(role, &frames);
        let mut end = End::new(role, &Config::default(), &input);
        let mut replied = Vec::new();
        let mut message = None;
        for (turn, &(looks, most)) in turns.iter().cycle().enumerate() {
            if looks {
                let _ = end.look(most);
            }
            let step = match &mut message {
                None => {
                    let step = end.recv.next_start(&mut end.send);
                    map_step(step, |kind| message = Some((kind, Vec::new())))
                }
                // The next start skips the rest of the message.
                Some(_) if gives_up && turn % 5 == 0 => {
                    message = None;
                    Step::Found(())
                }
                Some((kind, bytes)) => {
                    let step = end.recv.next_chunk(&mut end.send);
                    match step {
                        Step::Found(Chunk::Data) => bytes.extend_from_slice(end.recv.chunk()),
                        Step::Found(Chunk::End) => {
                            end.seen.push(Seen::new(opcode(*kind), std::mem::take(bytes)));
                            message = None;
                        }
                        _ => {}
                    }
                    map_step(step, |_| ())
                }
            };
            match step {
                Step::Control(control) => end.seen.push(Seen::control(&control)),
                Step::NeedInput => {
                    end.fill(most);
                }
                Step::Found(()) | Step::Busy => {}
                Step::Ended => break,
            }
            replied.extend(end.output());
        }
        replied.extend(end.output());
        prop_assert_eq!(replied, replies(role, &expected, None));
        if gives_up {
            let is_control = |it: &&Seen| !matches!(it, Seen::Text(_) | Seen::Binary(_));
            prop_assert!(end.seen.iter().filter(is_control).eq(expected.iter().filter(is_control)));
            prop_assert!(end.seen.iter().all(|it| expected.contains(it)));
        } else {
            prop_assert_eq!(end.seen, expected);
        }
        prop_assert!(end.send.end().is_some_and(|end| end.clean));
    }
}

#[test]
fn an_invalid_first_close_is_a_violation_even_if_control_frames_are_kept() {
    for role in BOTH {
        let input = frames_to(role, |w| w.frame(FIN | CLOSE, &[0, 1]));
        let mut end = End::new(role, &Config::default().manual_pongs(), &input);
        assert_eq!(end.look(1000), LookAhead::Ended);
        assert!(end.seen.is_empty());
        assert!(end.send.failure().is_some());
    }
}
