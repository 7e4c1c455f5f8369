//! Redis: `SET key token NX PX 30000` is the acquire, a script that compares the token and deletes
//! is the release, by its hash; and `PING`, what the protocol alone costs. Pure.
//!
//! This is the single-instance lock that the documentation of `SET` describes.

use crate::compare::dialect::{
    Answer, Asking, Broken, Dialect, InOrder, Outcome, Step, line, quoted,
};
use crate::compare::key::{KEY_BYTES, digits, key};

const SCRIPT: &str = "if redis.call('get',KEYS[1])==ARGV[1] \
                      then return redis.call('del',KEYS[1]) else return 0 end";

const SET: &[u8] = b"*6\r\n$3\r\nSET\r\n$16\r\nlock-key00000000\r\n$16\r\n0000000000000000\r\n\
                     $2\r\nNX\r\n$2\r\nPX\r\n$5\r\n30000\r\n";
const SET_KEY_AT: usize = 18;
const SET_TOKEN_AT: usize = SET_KEY_AT + KEY_BYTES + 7;

/// The hash stands where the 40 letters are.
const EVALSHA: &[u8] = b"*5\r\n$7\r\nEVALSHA\r\n$40\r\n\
    ----------------------------------------\r\n$1\r\n1\r\n\
    $16\r\nlock-key00000000\r\n$16\r\n0000000000000000\r\n";
const EVALSHA_HASH_AT: usize = 22;
const EVALSHA_KEY_AT: usize = EVALSHA_HASH_AT + HASH_BYTES + 14;
const EVALSHA_TOKEN_AT: usize = EVALSHA_KEY_AT + KEY_BYTES + 7;
const HASH_BYTES: usize = 40;
/// The answer to `SCRIPT LOAD`: a line that announces the hash, the hash, the line's end.
const LOADED_BYTES: usize = 5 + HASH_BYTES + 2;

/// Bytes of a token: the connection's digits, then a counter's.
const TOKEN_BYTES: usize = 16;

/// A connection to Redis.
#[derive(Debug)]
pub struct Redis {
    under_way: InOrder,
    evalsha: Vec<u8>,
    is_loaded: bool,
    /// Differs between connections.
    own: [u8; 8],
    /// Acquires said.
    count: u32,
    /// Each place's token of its last acquire.
    tokens: Vec<[u8; TOKEN_BYTES]>,
}

impl Redis {
    /// The connection of this number, for so many places.
    #[must_use]
    pub fn new(connection: u32, places: u16) -> Self {
        Self {
            under_way: InOrder::new(places),
            evalsha: EVALSHA.to_vec(),
            is_loaded: false,
            own: digits(connection),
            count: 0,
            tokens: vec![[b'0'; TOKEN_BYTES]; usize::from(places)],
        }
    }

    fn loaded(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        if bytes.first().is_some_and(|first| *first != b'$') {
            let said = line(bytes).map(|(said, _)| Broken(quoted(said)));
            return said.map_or(Ok(0), Err);
        }
        let Some(answer) = bytes.get(..LOADED_BYTES) else {
            return Ok(0);
        };
        let hash = &answer[5..5 + HASH_BYTES];
        self.evalsha[EVALSHA_HASH_AT..EVALSHA_HASH_AT + HASH_BYTES].copy_from_slice(hash);
        self.is_loaded = true;
        Ok(LOADED_BYTES)
    }
}

impl Dialect for Redis {
    fn greet(&mut self, out: &mut Vec<u8>) {
        let bytes = SCRIPT.len();
        let load = format!("*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n${bytes}\r\n{SCRIPT}\r\n");
        out.extend_from_slice(load.as_bytes());
    }

    fn ready(&self) -> bool {
        self.is_loaded
    }

    fn acquire(&mut self, place: u16, number: u32, _asking: Asking, out: &mut Vec<u8>) {
        self.count = self.count.wrapping_add(1);
        let token = &mut self.tokens[usize::from(place)];
        token[..8].copy_from_slice(&self.own);
        token[8..].copy_from_slice(&digits(self.count));
        let from = out.len();
        out.extend_from_slice(SET);
        let set = &mut out[from..];
        set[SET_KEY_AT..SET_KEY_AT + KEY_BYTES].copy_from_slice(&key(number));
        set[SET_TOKEN_AT..SET_TOKEN_AT + TOKEN_BYTES].copy_from_slice(token);
        self.under_way.asked(place, Step::Acquire);
    }

    fn release(&mut self, place: u16, number: u32, out: &mut Vec<u8>) {
        let token = &self.tokens[usize::from(place)];
        let from = out.len();
        out.extend_from_slice(&self.evalsha);
        let evalsha = &mut out[from..];
        evalsha[EVALSHA_KEY_AT..EVALSHA_KEY_AT + KEY_BYTES].copy_from_slice(&key(number));
        evalsha[EVALSHA_TOKEN_AT..EVALSHA_TOKEN_AT + TOKEN_BYTES].copy_from_slice(token);
        self.under_way.asked(place, Step::Release);
    }

    fn parse(
        &mut self,
        bytes: &[u8],
        _out: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, Broken> {
        if !self.is_loaded {
            return self.loaded(bytes);
        }
        self.under_way
            .lines(bytes, answers, |step, said| match (step, said) {
                (Step::Acquire, b"+OK") => Some(Outcome::Got),
                (Step::Acquire, b"$-1") => Some(Outcome::NotGot),
                (Step::Release, b":1") => Some(Outcome::Released),
                _ => None,
            })
    }
}

/// A connection to Redis that only says `PING`.
#[derive(Debug)]
pub struct RedisPing {
    under_way: InOrder,
}

impl RedisPing {
    /// For so many places.
    #[must_use]
    pub fn new(places: u16) -> Self {
        let under_way = InOrder::new(places);
        Self { under_way }
    }

    fn say(&mut self, place: u16, step: Step, out: &mut Vec<u8>) {
        out.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
        self.under_way.asked(place, step);
    }
}

impl Dialect for RedisPing {
    fn greet(&mut self, _out: &mut Vec<u8>) {}

    fn ready(&self) -> bool {
        true
    }

    fn acquire(&mut self, place: u16, _key: u32, _asking: Asking, out: &mut Vec<u8>) {
        self.say(place, Step::Acquire, out);
    }

    fn release(&mut self, place: u16, _key: u32, out: &mut Vec<u8>) {
        self.say(place, Step::Release, out);
    }

    fn parse(
        &mut self,
        bytes: &[u8],
        _out: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, Broken> {
        self.under_way
            .lines(bytes, answers, |step, said| match (step, said) {
                (Step::Acquire, b"+PONG") => Some(Outcome::Got),
                (Step::Release, b"+PONG") => Some(Outcome::Released),
                _ => None,
            })
    }
}
