//! The protocol as one connection speaks it: who asked what under which request id, and what the
//! answers say about deadlines.
//!
//! ```text
//!   Absent -> Connecting -> Greeting -> Open -> Closing -> Absent
//!      ^          |            |          |        |
//!      +----------+------------+----------+--------+        GivenUp: not tried again
//! ```
//!
//! A request id is a *lane* (low 16 bits) and a count. The first lanes are the seats; behind them
//! lie lanes for reads, which use no seat, and one for Hello and Ping. A lane carries one request
//! at a time, so an answer that meets no request of its lane is one that nobody asked for.

use locker_protocol::{
    FRAME_BYTES_MAX, Frame, FromServer, HelloOk, Push, Reply, RequestId, split_frame,
};

use super::keys::Home;
use crate::nanos::Nanos;

/// Least margins of deadlines: the generator lives by one raw clock.
const MARGIN_PERMILLE_MIN: u16 = 10;
const MARGIN_MS_MIN: u16 = 2;
/// Bytes that a server may send after a header.
const FRAME_MAX: u32 = 1 << 24;
const _: () = assert!(FRAME_BYTES_MAX <= FRAME_MAX as usize);

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not connected.
    Absent,
    /// To be opened.
    Connecting,
    /// Hello was sent.
    Greeting,
    /// HelloOk came.
    Open,
    /// Close was sent.
    Closing,
    /// Not connected, and not tried again.
    GivenUp,
}

/// What a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Nothing,
    Hello,
    Ping,
    Close,
    Acquire,
    Release,
    Renew,
    Get,
}

impl Asked {
    #[inline]
    fn is_answered_by(self, reply: &Reply<'_>) -> bool {
        matches!(
            (self, reply),
            (_, Reply::Refused(_))
                | (Self::Acquire, Reply::Granted(_))
                | (Self::Release, Reply::Released(_))
                | (Self::Renew, Reply::Renewed(_))
                | (Self::Get, Reply::GetReply(_))
                | (Self::Ping, Reply::Pong(_))
                | (Self::Hello, Reply::HelloOk(_))
                | (Self::Close, Reply::Closed(_))
        )
    }
}

#[derive(Clone, Copy, Debug)]
struct Lane {
    count: u64,
    sent: Nanos,
    asked: Asked,
}

/// An answer to a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    pub(super) lane: usize,
    pub(super) asked: Asked,
    /// When the request was sent.
    pub(super) sent: Nanos,
    pub(super) reply: Reply<'a>,
}

/// What a frame is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heard<'a> {
    Answer(Answer<'a>),
    Push(Push<'a>),
}

/// How the server broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Breach {
    /// For people.
    pub(super) rule: String,
    /// Of an answer that nobody asked for: the lane that it names.
    pub(super) stray: Option<usize>,
}

impl Breach {
    #[cold]
    fn of(rule: String) -> Self {
        Self { rule, stray: None }
    }

    #[cold]
    fn unasked(id: RequestId, lane: Option<&Lane>) -> Self {
        let why = match lane {
            None => "no request was ever sent under that number",
            Some(_) if id.sequence == 0 => "no request has that number",
            Some(lane) if id.sequence > lane.count => "that request was not sent yet",
            Some(_) => "that request was answered before",
        };
        Self {
            rule: format!("an answer to {id:?} that nobody asked for: {why}"),
            stray: Some(id.seat.into()),
        }
    }
}

/// What the server granted in HelloOk, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) seats: u16,
    pub(super) key_max: u16,
    pub(super) home: Home,
    pub(super) is_ephemeral: bool,
    pub(super) keepalive: Nanos,
    ttl: Nanos,
    margin_permille: u16,
    margin: Nanos,
}

impl Terms {
    fn of(ok: &HelloOk<'_>) -> Self {
        let margin_ms = ok.margin_ms.max(MARGIN_MS_MIN);
        Self {
            seats: ok.seats,
            key_max: ok.key_max,
            home: Home {
                shard: ok.shard,
                shards: ok.shards.max(1),
            },
            is_ephemeral: ok.ephemeral,
            keepalive: Nanos::from_ms(u64::from(ok.keepalive_ms.max(1))),
            ttl: Nanos::from_ms(u64::from(ok.ttl_ms)),
            margin_permille: ok.margin_permille.clamp(MARGIN_PERMILLE_MIN, 1_000),
            margin: Nanos::from_ms(u64::from(margin_ms)),
        }
    }

    /// What is surely left of a span of the server's clock, in thousandths of nanoseconds.
    fn shorten(&self, us: u64) -> i128 {
        i128::from(us) * 1_000 * i128::from(1_000 - self.margin_permille)
    }
}

/// One connection and its session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) state: State,
    /// Counts the sessions of this connection, from 0.
    pub(super) life: u32,
    /// Attempts to open it that failed since it was last open.
    pub(super) failures: u32,
    /// When it was wished for.
    pub(super) wished: Nanos,
    /// When something was last sent.
    pub(super) spoke: Nanos,
    /// Requests without an answer.
    pub(super) outstanding: u32,
    /// Clients that acquire what they are to hold when the run begins.
    pub(super) setting_up: usize,
    terms: Option<Terms>,
    lanes: Vec<Lane>,
    /// When the newest answered request was sent.
    answered: Nanos,
    /// The anchor that gives the latest deadlines: sending less the server's shortened clock, in
    /// thousandths of nanoseconds.
    anchor: Option<i128>,
}

impl Session {
    /// Not connected; for so many seats and lanes of reads.
    pub(super) fn new(seats: usize, reads: usize) -> Self {
        let lane = Lane {
            count: 0,
            sent: Nanos::ZERO,
            asked: Asked::Nothing,
        };
        let lanes = seats + reads + 1;
        assert!(lanes <= usize::from(u16::MAX), "a lane has a 16-bit number");
        Self {
            state: State::Absent,
            life: 0,
            failures: 0,
            wished: Nanos::ZERO,
            spoke: Nanos::ZERO,
            outstanding: 0,
            setting_up: 0,
            terms: None,
            lanes: vec![lane; lanes],
            answered: Nanos::ZERO,
            anchor: None,
        }
    }

    /// The lane of Hello and Ping.
    pub(super) fn own_lane(&self) -> usize {
        self.lanes.len() - 1
    }

    /// Whether a lane carries no request.
    #[inline]
    pub(super) fn is_free(&self, lane: usize) -> bool {
        self.lanes[lane].asked == Asked::Nothing
    }

    /// What HelloOk said, while the session is open.
    pub(super) fn terms(&self) -> Option<&Terms> {
        self.terms.as_ref()
    }

    /// Begins a request on a lane that is free; gives its id.
    #[inline]
    pub(super) fn ask(&mut self, lane: usize, asked: Asked, now: Nanos) -> u64 {
        let slot = &mut self.lanes[lane];
        debug_assert_eq!(slot.asked, Asked::Nothing, "one request at a time");
        slot.count += 1;
        slot.sent = now;
        slot.asked = asked;
        self.outstanding += 1;
        self.spoke = now;
        let seat = u16::try_from(lane).expect("lanes are few");
        let id = RequestId {
            seat,
            sequence: slot.count,
        };
        id.pack()
    }

    /// The first frame of `bytes` and its length; `None` if it is not whole yet.
    ///
    /// # Errors
    /// How it breaks the protocol.
    #[inline]
    pub(super) fn hear<'a>(
        &mut self,
        bytes: &'a [u8],
    ) -> Result<Option<(Heard<'a>, usize)>, Breach> {
        let split = split_frame(bytes, FRAME_MAX);
        let split = split.map_err(|error| Breach::of(error.to_string()))?;
        let Some((frame, length)) = split else {
            return Ok(None);
        };
        let decoded = FromServer::decode(&frame);
        let message = decoded.map_err(|error| undecodable(&frame, &error.to_string()))?;
        let heard = match message {
            FromServer::Push(push) => Heard::Push(push),
            FromServer::Reply(reply) => Heard::Answer(self.answer(&frame, reply)?),
        };
        Ok(Some((heard, length)))
    }

    #[inline]
    fn answer<'a>(&mut self, frame: &Frame<'a>, reply: Reply<'a>) -> Result<Answer<'a>, Breach> {
        let id = RequestId::unpack(frame.header.request_id);
        let number = usize::from(id.seat);
        let Some(lane) = self.lanes.get_mut(number) else {
            return Err(Breach::unasked(id, None));
        };
        if id.sequence != lane.count || lane.asked == Asked::Nothing {
            return Err(Breach::unasked(id, Some(lane)));
        }
        if !lane.asked.is_answered_by(&reply) {
            let asked = lane.asked;
            let rule = format!("{asked:?} (request {id:?}) got {reply:?}");
            return Err(Breach::of(rule));
        }
        let Lane { sent, asked, .. } = *lane;
        lane.asked = Asked::Nothing;
        self.outstanding -= 1;
        self.answered = self.answered.max(sent);
        Ok(Answer {
            lane: number,
            asked,
            sent,
            reply,
        })
    }

    /// HelloOk came.
    pub(super) fn open(&mut self, ok: &HelloOk<'_>, sent: Nanos) {
        self.state = State::Open;
        self.failures = 0;
        self.terms = Some(Terms::of(ok));
        self.anchor(sent, ok.server_now);
    }

    /// An answer showed the server's clock after the request was sent.
    pub(super) fn anchor(&mut self, sent: Nanos, server_now: u64) {
        if let Some(terms) = &self.terms {
            let anchor = i128::from(sent.0) * 1_000 - terms.shorten(server_now);
            self.anchor = self.anchor.max(Some(anchor));
        }
    }

    /// Until when a hold whose lease ends at `until` on the server's clock surely stands.
    pub(super) fn hold_until(&self, until: u64) -> Nanos {
        let (Some(terms), Some(anchor)) = (&self.terms, self.anchor) else {
            return Nanos::ZERO;
        };
        if until == 0 {
            return Nanos::FOREVER;
        }
        let end = (anchor + terms.shorten(until)).max(0) / 1_000;
        let end = Nanos(u64::try_from(end).unwrap_or(u64::MAX));
        end - terms.margin
    }

    /// How long the server keeps the session without a word from it; 0 if none is open.
    pub(super) fn ttl(&self) -> Nanos {
        self.terms.map_or(Nanos::ZERO, |terms| terms.ttl)
    }

    /// Until when the session surely lives.
    pub(super) fn lives_until(&self) -> Nanos {
        let Some(terms) = &self.terms else {
            return Nanos::ZERO;
        };
        let permille = u64::from(1_000 - terms.margin_permille);
        let ttl = Nanos(terms.ttl.0 / 1_000 * permille);
        (self.answered + ttl) - terms.margin
    }

    /// The connection is gone, and with it what was asked on it.
    pub(super) fn forget(&mut self) {
        for lane in &mut self.lanes {
            // Counts go on: no id is used twice, not even over sessions.
            lane.asked = Asked::Nothing;
        }
        self.state = State::Absent;
        self.outstanding = 0;
        self.terms = None;
        self.anchor = None;
        self.answered = Nanos::ZERO;
        self.life += 1;
    }
}

#[cold]
fn undecodable(frame: &Frame<'_>, why: &str) -> Breach {
    let header = frame.header;
    Breach::of(format!("a frame could not be read: {why}: {header:?}"))
}
