//! PostgreSQL: advisory locks through prepared statements, wire protocol 3, binary values. Pure.
//!
//! Sync ends a write, not a request: the server answers when it meets one, and has one send per
//! Sync. So a pair, or what several places say in one write, costs it one send.

use crate::compare::dialect::{Answer, Asking, Broken, Dialect, InOrder, Outcome, Step, quoted};

/// Version 3.0 and the parameters of a start.
const START: &[u8] = b"\x00\x03\x00\x00user\0postgres\0database\0postgres\0\0";
const TRY: &str = "SELECT pg_try_advisory_lock($1)";
const WAIT: &str = "SELECT pg_advisory_lock($1)";
const UNLOCK: &str = "SELECT pg_advisory_unlock($1)";
/// The type of the parameter, a number of 8 bytes.
const INT8_TYPE: u32 = 20;
const SYNC: &[u8] = b"S\x00\x00\x00\x04";

/// Bind the unnamed portal to the statement `-` with one binary value, the answer binary too; then
/// execute it.
const CALL: &[u8] = b"B\x00\x00\x00\x1d\x00-\x00\x00\x01\x00\x01\x00\x01\x00\x00\x00\x08\
                      \x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\
                      E\x00\x00\x00\x09\x00\x00\x00\x00\x00";
const CALL_STATEMENT_AT: usize = 6;
/// The key's low four bytes; the high ones stay 0.
const CALL_KEY_AT: usize = 22;

/// A connection to PostgreSQL: one backend process.
#[derive(Debug)]
pub struct Postgres {
    under_way: InOrder,
    /// ReadyForQuery that are to come before requests may be sent.
    to_come: u8,
}

impl Postgres {
    /// For so many places.
    #[must_use]
    pub fn new(places: u16) -> Self {
        let under_way = InOrder::new(places);
        let to_come = 2;
        Self { under_way, to_come }
    }

    fn call(&mut self, statement: u8, number: u32, out: &mut Vec<u8>) {
        let from = out.len();
        out.extend_from_slice(CALL);
        let call = &mut out[from..];
        call[CALL_STATEMENT_AT] = statement;
        call[CALL_KEY_AT..CALL_KEY_AT + 4].copy_from_slice(&number.to_be_bytes());
    }

    /// A row: one column, the function's answer. `true` is one byte, a void none.
    fn row(&mut self, body: &[u8]) -> Result<Answer, Broken> {
        let (place, step) = self.under_way.answered()?;
        let outcome = match (step, body.get(6)) {
            (Step::Acquire, None | Some(1)) => Outcome::Got,
            (Step::Acquire, Some(0)) => Outcome::NotGot,
            (Step::Release, Some(1)) => Outcome::Released,
            _ => Outcome::Failed(quoted(body)),
        };
        Ok(Answer { place, outcome })
    }

    fn heard(&mut self, kind: u8, body: &[u8]) -> Result<Option<Answer>, Broken> {
        match kind {
            b'D' => return self.row(body).map(Some),
            b'Z' => self.to_come = self.to_come.saturating_sub(1),
            b'R' if body != [0; 4] => {
                return Err(Broken("the server asks for a password".to_owned()));
            }
            b'E' => return Err(Broken(error_text(body))),
            // Parameters, keys, notices, and the ends of what was parsed, bound and executed.
            b'R' | b'S' | b'K' | b'N' | b'1' | b'2' | b'C' => {}
            _ => return Err(Broken(format!("message {}", quoted(&[kind])))),
        }
        Ok(None)
    }
}

/// The primary text among an error's fields: a letter, a text, a zero each.
fn error_text(body: &[u8]) -> String {
    let mut fields = body.split(|byte| *byte == 0);
    let text = fields.find_map(|field| field.strip_prefix(b"M"));
    quoted(text.unwrap_or(body))
}

/// Prepares a statement under a name of one letter.
fn prepare(name: u8, query: &str, out: &mut Vec<u8>) {
    let bytes = 4 + 2 + query.len() + 1 + 2 + 4;
    out.push(b'P');
    out.extend_from_slice(&length(bytes));
    out.extend_from_slice(&[name, 0]);
    out.extend_from_slice(query.as_bytes());
    out.extend_from_slice(&[0, 0, 1]);
    out.extend_from_slice(&INT8_TYPE.to_be_bytes());
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).expect("a short text").to_be_bytes()
}

impl Dialect for Postgres {
    fn greet(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&length(4 + START.len()));
        out.extend_from_slice(START);
        prepare(b't', TRY, out);
        prepare(b'w', WAIT, out);
        prepare(b'u', UNLOCK, out);
        out.extend_from_slice(SYNC);
    }

    fn ready(&self) -> bool {
        self.to_come == 0
    }

    fn acquire(&mut self, place: u16, key: u32, asking: Asking, out: &mut Vec<u8>) {
        let statement = match asking {
            Asking::Try => b't',
            Asking::Wait => b'w',
        };
        self.call(statement, key, out);
        self.under_way.asked(place, Step::Acquire);
    }

    fn release(&mut self, place: u16, key: u32, out: &mut Vec<u8>) {
        self.call(b'u', key, out);
        self.under_way.asked(place, Step::Release);
    }

    fn end_write(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(SYNC);
    }

    fn parse(
        &mut self,
        bytes: &[u8],
        _out: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, Broken> {
        let mut taken = 0;
        while let Some((head, rest)) = bytes[taken..].split_first_chunk::<5>() {
            let [kind, length @ ..] = *head;
            let length = usize::try_from(u32::from_be_bytes(length)).expect("32 bits");
            let Some(body_bytes) = length.checked_sub(4) else {
                return Err(Broken("a message shorter than its length".to_owned()));
            };
            let Some(body) = rest.get(..body_bytes) else {
                break;
            };
            answers.extend(self.heard(kind, body)?);
            taken += head.len() + body_bytes;
        }
        Ok(taken)
    }
}
