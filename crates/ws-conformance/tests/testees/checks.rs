//! The rules for what the peer sends.

use super::Role;
use super::codec::{BINARY, CLOSE, CONTINUATION, Header, PING, PONG, TEXT};
use super::echo::Echo;
use super::message::Message;
use super::rules::{
    Breach, INVALID_PAYLOAD, PROTOCOL_ERROR, Reaction, Rule, Rules, Stop, TOO_BIG, TextCheck,
};
use super::utf8::{BadText, Excuse, Utf8};

const MAX_CONTROL: u64 = 125;

impl Echo {
    /// The rules for a header (RFC 6455 §5.1, §5.2, §5.4, §5.5).
    pub(super) fn check_header(&self, header: Header) -> Result<(), Stop> {
        let is_data = header.opcode <= BINARY;
        let is_control = header.is_control();
        let in_message = self.message.is_some();
        let is_reserved = !matches!(
            header.opcode,
            CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG
        );
        let is_masked = header.masking_key.is_some();
        let may_be_compressed = self.deflate.is_some() && matches!(header.opcode, TEXT | BINARY);
        let is_compressed = may_be_compressed && header.rsv == 4;
        let rules = [
            (Rule::Mask, is_masked != (self.role == Role::Server)),
            (Rule::Rsv, header.rsv != 0 && !is_compressed),
            (Rule::Opcode, is_reserved),
            (
                Rule::ControlLength,
                is_control && header.payload_len > MAX_CONTROL,
            ),
            (Rule::ControlFin, is_control && !header.fin),
            (Rule::ShortestLength, !header.is_shortest()),
            (Rule::HighestBit, header.payload_len >> 63 == 1),
            (
                Rule::Order,
                is_data && in_message != (header.opcode == CONTINUATION),
            ),
        ];
        for (rule, broken) in rules {
            if broken {
                self.breach(rule, header, PROTOCOL_ERROR)?;
            }
        }
        let before = self.message.as_ref().map_or(0, |message| message.len);
        if header.payload_len.saturating_add(before) > self.rules.max_message {
            self.breach(Rule::Limit, header, TOO_BIG)?;
        }
        Ok(())
    }

    /// The rules for the payload of a Close (§5.5.1, §7.4).
    pub(super) fn check_close(&self, header: Header, payload: &[u8]) -> Result<(), Stop> {
        let code = payload.first_chunk().copied().map(u16::from_be_bytes);
        match code {
            None if payload.is_empty() => {}
            None => return Err(Stop::Violation(PROTOCOL_ERROR)),
            Some(1000..=1003 | 1007..=1014 | 3000..=4999) => {}
            Some(code) => self.breach(Rule::CloseCode(code), header, PROTOCOL_ERROR)?,
        }
        let excuse = |bad, _| self.overlooks(Rule::Reason(bad), header, &[]);
        let mut reason = Utf8::default();
        let bytes = payload.get(2..).unwrap_or_default();
        match reason.push(bytes, &excuse) && reason.may_end(&excuse) {
            true => Ok(()),
            false => Err(Stop::Violation(INVALID_PAYLOAD)),
        }
    }

    pub(super) fn check_text_on_arrival(&mut self, payload: &[u8]) -> Result<(), Stop> {
        let rules = self.rules;
        match (&mut self.message, self.frame) {
            (Some(message), Some(header))
                if rules.text.when == TextCheck::OnArrival && !message.compressed =>
            {
                check_text(message, header, payload, rules)
            }
            _ => Ok(()),
        }
    }

    /// The rules for a text after each of its frames (§8.1).
    pub(super) fn check_text_after_frame(&mut self, header: Header) -> Result<(), Stop> {
        let rules = self.rules;
        let Some(message) = self.message.as_mut().filter(|it| !it.compressed) else {
            return Ok(());
        };
        let late = match rules.text.when {
            TextCheck::OnArrival => Vec::new(),
            TextCheck::FrameEnd => message.fragments.last().cloned().unwrap_or_default(),
            TextCheck::MessageEnd if header.fin => message.fragments.concat(),
            TextCheck::MessageEnd => return Ok(()),
        };
        check_text(message, header, &late, rules)?;
        match header.fin || rules.text.by_fragment {
            true => check_text_end(message, header, rules),
            false => Ok(()),
        }
    }

    /// The rules for a text at a Ping between its frames.
    pub(super) fn check_text_at_ping(&mut self, header: Header) -> Result<(), Stop> {
        let rules = self.rules;
        match &mut self.message {
            Some(message) if rules.text.by_ping => check_text_end(message, header, rules),
            _ => Ok(()),
        }
    }

    /// Inflates a compressed fragment, if the endpoint does so with each.
    pub(super) fn inflate_fragment(&mut self, header: Header) -> Result<(), Stop> {
        match self.message.take() {
            Some(mut message) if message.compressed && self.rules.deflate.by_fragment => {
                let fragment = message.fragments.pop().unwrap_or_default();
                message.fragments.extend(self.inflate(header, &fragment)?);
                self.message = Some(message);
            }
            message => self.message = message,
        }
        Ok(())
    }

    /// Inflates a compressed message and checks its text. Returns `false` if the endpoint ignores
    /// the message.
    pub(super) fn inflate_message(
        &mut self,
        header: Header,
        message: &mut Message,
    ) -> Result<bool, Stop> {
        if !message.compressed || self.rules.deflate.by_fragment {
            return Ok(true);
        }
        let compressed = message.fragments.concat();
        if !self.react((self.rules.deflate.at_message)(&compressed))? {
            return Ok(false);
        }
        let Some(plain) = self.inflate(header, &compressed)? else {
            return Ok(false);
        };
        judge_text(message, header, &compressed, self.rules, |utf8, excuse| {
            utf8.push(&plain, excuse) && utf8.may_end(excuse)
        })?;
        message.fragments = vec![plain];
        Ok(true)
    }

    /// Inflates a message. Returns nothing if the endpoint ignores it.
    fn inflate(&mut self, header: Header, compressed: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
        let Some(deflate) = &mut self.deflate else {
            return Ok(None);
        };
        let max = usize::try_from(self.rules.max_message).unwrap_or(usize::MAX);
        let (mut plain, is_right) = deflate.decompress(compressed, max);
        let reaction = match is_right {
            true => return Ok(Some(plain)),
            false if plain.len() > max => self.rules.deflate.at_bomb,
            false if self.overlooks(Rule::Inflate, header, compressed) => Reaction::Right,
            false => self.rules.deflate.at_undecodable,
        };
        (self.rules.deflate.beginning)(&mut plain);
        Ok(self.react(reaction)?.then_some(plain))
    }

    /// Returns an error unless the fault overlooks that this rule is broken.
    fn breach(&self, rule: Rule, header: Header, code: u16) -> Result<(), Stop> {
        match self.overlooks(rule, header, &[]) {
            true => Ok(()),
            false => Err(Stop::Violation(code)),
        }
    }

    fn overlooks(&self, rule: Rule, header: Header, compressed: &[u8]) -> bool {
        (self.rules.overlooks)(&Breach {
            rule,
            header,
            fragment: self.fragment(),
            after_ping: self.message.as_ref().is_some_and(|it| it.pinged),
            offset: 0,
            compressed,
        })
    }
}

/// Checks a text as far as `bytes`, which are not in the message yet.
fn check_text(
    message: &mut Message,
    header: Header,
    bytes: &[u8],
    rules: Rules,
) -> Result<(), Stop> {
    let mut rest = bytes;
    let mut offset = message.len as usize;
    loop {
        let until_edge = rules.text.block - offset % rules.text.block;
        let (piece, behind) = rest.split_at(until_edge.min(rest.len()));
        judge_text(message, header, &[], rules, |utf8, excuse| {
            utf8.push(piece, excuse) && (piece.len() < until_edge || utf8.may_end(excuse))
        })?;
        if behind.is_empty() {
            return Ok(());
        }
        (rest, offset) = (behind, offset + piece.len());
    }
}

fn check_text_end(message: &mut Message, header: Header, rules: Rules) -> Result<(), Stop> {
    judge_text(message, header, &[], rules, Utf8::may_end)
}

/// Judges a text by `step`, without what the fault overlooks.
fn judge_text(
    message: &mut Message,
    header: Header,
    compressed: &[u8],
    rules: Rules,
    step: impl FnOnce(&mut Utf8, Excuse<'_>) -> bool,
) -> Result<(), Stop> {
    if message.opcode != TEXT && !rules.text.of_binary {
        return Ok(());
    }
    let (fragment, after_ping) = (Some(message.fragments.len() - 1), message.pinged);
    let excuse = |bad: BadText, offset| {
        (rules.overlooks)(&Breach {
            rule: Rule::Text(bad),
            header,
            fragment,
            after_ping,
            offset,
            compressed,
        })
    };
    match step(&mut message.utf8, &excuse) {
        true => Ok(()),
        false => Err(Stop::Violation(INVALID_PAYLOAD)),
    }
}
