//! What the engine said in one phase of a turn, and what of it the model expected.

use locker::lock::effect::{ClosureRef, LaneFull, LostReason, Refusal};
use locker::lock::op::{ReaderRef, ReplyTo, SessionId, SessionRef, ShardId};
use locker::lock::{Answer, Effects, Event};
use locker::time::Instant;
use locker_protocol::Status;
use std::collections::BTreeMap;

/// Two home shards, told apart by the slot's parity.
pub(crate) fn home(slot: u32) -> ShardId {
    ShardId(u8::try_from(slot % 2).unwrap())
}

pub(crate) fn session(slot: u32, life: u64) -> SessionRef {
    let id = SessionId::new(home(slot), life * 100 + u64::from(slot) + 1);
    SessionRef { id, slot: slot / 2 }
}

fn slot_of(session: SessionRef) -> u32 {
    session.slot * 2 + u32::from(session.id.home().0)
}

pub(crate) fn refused(status: Status, limit: u64, value: u64) -> Answer {
    Answer::Refused(Refusal {
        status,
        limit,
        value,
    })
}

/// An event that the model expects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Out {
    Granted {
        slot: u32,
        seat: u16,
        until: Option<u64>,
    },
    Settled {
        slot: u32,
        seat: u16,
        answer: Answer,
    },
    Lost {
        slot: u32,
        seat: u16,
        owner: u64,
        token: u64,
        reason: LostReason,
        name: usize,
        closes: bool,
    },
}

impl Out {
    fn slot(&self) -> u32 {
        match self {
            Self::Granted { slot, .. } | Self::Settled { slot, .. } | Self::Lost { slot, .. } => {
                *slot
            }
        }
    }
}

/// What the model could not know of an event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) token: u64,
    pub(crate) until: Option<u64>,
    pub(crate) closure: Option<ClosureRef>,
}

#[derive(Clone, Debug)]
enum Heard {
    Answer {
        slot: u32,
        seat: u16,
        answer: Answer,
        withheld: bool,
    },
    Queued {
        slot: u32,
        seat: u16,
    },
    Later(Out, Said),
    Gone {
        slot: u32,
    },
}

/// Records the engine's effects; its lanes are full at will.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    heard: Vec<Heard>,
    pub(crate) body: Vec<u8>,
    pub(crate) full: [bool; 2],
    pending: Vec<Out>,
    /// Free blocks before the phase, if it has one request only.
    pub(crate) free: Option<u64>,
    /// How many of them are for acquires: inside the grace window few.
    pub(crate) free_to_acquire: Option<u64>,
    pub(crate) key_names: Vec<Vec<u8>>,
    pub(crate) counts: BTreeMap<String, u64>,
}

impl Effects for Tape {
    fn answer(&mut self, to: ReplyTo, answer: Answer, withheld: bool) {
        let slot = slot_of(to.session);
        self.heard.push(Heard::Answer {
            slot,
            seat: to.seat.0,
            answer,
            withheld,
        });
    }

    fn queued(&mut self, to: ReplyTo) {
        let slot = slot_of(to.session);
        self.heard.push(Heard::Queued {
            slot,
            seat: to.seat.0,
        });
    }

    fn read_reply(&mut self, _to: ReaderRef, body: &[u8]) {
        self.body = body.to_vec();
    }

    fn later(&mut self, home: ShardId, event: Event<'_>) -> Result<(), LaneFull> {
        if self.full[usize::from(home.0)] {
            return Err(LaneFull);
        }
        self.heard.push(match event {
            Event::Settled {
                to,
                answer: Answer::Granted { token, until },
            } => {
                let (slot, seat) = (slot_of(to.session), to.seat.0);
                let until = until.map(Instant::as_micros);
                let said = Said {
                    token,
                    until,
                    closure: None,
                };
                Heard::Later(Out::Granted { slot, seat, until }, said)
            }
            Event::Settled { to, answer } => {
                let (slot, seat) = (slot_of(to.session), to.seat.0);
                Heard::Later(Out::Settled { slot, seat, answer }, Said::default())
            }
            Event::Lost {
                to,
                owner,
                token,
                reason,
                key,
                closure,
            } => {
                let (slot, seat) = (slot_of(to.session), to.seat.0);
                let name = self.key_names.iter().position(|name| name == key).unwrap();
                let closes = closure.is_some();
                let said = Said {
                    closure,
                    ..Said::default()
                };
                let out = Out::Lost {
                    slot,
                    seat,
                    owner,
                    token,
                    reason,
                    name,
                    closes,
                };
                Heard::Later(out, said)
            }
            Event::SessionGone { session } => Heard::Gone {
                slot: slot_of(session),
            },
        });
        Ok(())
    }
}

impl Tape {
    pub(crate) fn new(key_names: Vec<Vec<u8>>) -> Self {
        Self {
            key_names,
            ..Self::default()
        }
    }

    pub(crate) fn count(&mut self, label: impl Into<String>) {
        *self.counts.entry(label.into()).or_default() += 1;
    }

    /// The phase is over: everything said was expected.
    pub(crate) fn rewind(&mut self, phase: &str) {
        let heard = &self.heard;
        assert!(
            heard.is_empty(),
            "said in {phase} but not expected: {heard:?}"
        );
    }

    pub(crate) fn waits_for_lane(&self) -> usize {
        self.pending.len()
    }

    fn blocked(&self, slot: u32) -> bool {
        let home = home(slot);
        let queued = self
            .pending
            .iter()
            .any(|out| self::home(out.slot()) == home);
        self.full[usize::from(home.0)] || queued
    }

    fn take(&mut self, what: &str, is_it: impl Fn(&Heard) -> bool) -> Heard {
        match self.heard.iter().position(is_it) {
            Some(at) => self.heard.remove(at),
            None => panic!("expected {what}, heard {:?}", self.heard),
        }
    }

    fn take_answer(&mut self, slot: u32, seat: u16) -> Answer {
        let what = format!("an answer to {slot}/{seat}");
        let heard = self.take(&what, |heard| {
            matches!(heard, Heard::Answer { slot: s, seat: t, .. } if (*s, *t) == (slot, seat))
        });
        let Heard::Answer {
            answer, withheld, ..
        } = heard
        else {
            unreachable!()
        };
        let lost = |out: &Out| matches!(out, Out::Lost { slot: s, .. } if *s == slot);
        assert_eq!(
            withheld,
            self.pending.iter().any(lost),
            "a Lost goes before answers"
        );
        if withheld {
            self.count("answer behind a Lost");
        }
        let label = match answer {
            Answer::Refused(refusal) => format!("answer {}", refusal.status.name()),
            Answer::CancelDone { outcome, .. } => format!("cancel {outcome:?}"),
            Answer::Granted { .. } => "granted at once".into(),
            Answer::Released => "released".into(),
            Answer::Renewed { .. } => "renewed".into(),
            Answer::Forced { .. } => "forced".into(),
            Answer::Reclaimed { .. } => "reclaimed".into(),
        };
        self.count(label);
        answer
    }

    fn peek(&self, slot: u32, seat: u16) -> Option<Answer> {
        self.heard.iter().find_map(|heard| match heard {
            Heard::Answer {
                slot: s,
                seat: t,
                answer,
                ..
            } if (*s, *t) == (slot, seat) => Some(*answer),
            _ => None,
        })
    }

    fn peek_refusal(&self, slot: u32, seat: u16, status: Status) -> Option<Refusal> {
        match self.peek(slot, seat) {
            Some(Answer::Refused(refusal)) if refusal.status == status => Some(refusal),
            _ => None,
        }
    }

    pub(crate) fn answer(&mut self, slot: u32, seat: u16, expected: Answer) {
        assert_eq!(self.take_answer(slot, seat), expected);
    }

    pub(crate) fn granted(&mut self, slot: u32, seat: u16, expected: Option<u64>) -> u64 {
        match self.take_answer(slot, seat) {
            Answer::Granted { token, until } => {
                assert_eq!(until.map(Instant::as_micros), expected);
                token
            }
            other => panic!("expected Granted, got {other:?}"),
        }
    }

    /// A deadline that is read back may be rounded up to the wheel's millisecond.
    pub(crate) fn renewed(&mut self, slot: u32, seat: u16, expected: Option<u64>, kept: bool) {
        let Answer::Renewed { until } = self.take_answer(slot, seat) else {
            panic!("expected Renewed");
        };
        let until = until.map(Instant::as_micros);
        if kept {
            self.count("renewed keeping");
            assert_eq!(until.is_some(), expected.is_some());
            let (until, expected) = (until.unwrap_or(0), expected.unwrap_or(0));
            let rounded_up = expected..expected + 1_000;
            assert!(rounded_up.contains(&until), "told {until} for {expected}");
        } else {
            assert_eq!(until, expected);
        }
    }

    /// The token of the hold that a Reclaim was refused for.
    pub(crate) fn conflict(&mut self, slot: u32, seat: u16) -> u64 {
        match self.take_answer(slot, seat) {
            Answer::Refused(refusal) if refusal.status == Status::ReclaimConflict => refusal.value,
            other => panic!("expected ReclaimConflict, got {other:?}"),
        }
    }

    pub(crate) fn queued(&mut self, slot: u32, seat: u16) {
        self.count("queued");
        self.take(
            "Queued",
            |heard| matches!(heard, Heard::Queued { slot: s, seat: t } if (*s, *t) == (slot, seat)),
        );
    }

    pub(crate) fn owner_full(&mut self, slot: u32, seat: u16, entries: u64) -> bool {
        let Some(refusal) = self.peek_refusal(slot, seat, Status::OwnerFull) else {
            return false;
        };
        assert!(entries >= 64, "an owner has room for 64, not {entries}");
        assert_eq!((refusal.limit, refusal.value), (64, 64));
        self.take_answer(slot, seat);
        true
    }

    /// No room for an acquire.
    pub(crate) fn waiters_full(&mut self, slot: u32, seat: u16, needed: &[u64]) -> bool {
        let free = self.free_to_acquire;
        self.no_room(slot, seat, needed, free)
    }

    /// No room at all.
    pub(crate) fn table_full(&mut self, slot: u32, seat: u16, needed: &[u64]) -> bool {
        let free = self.free;
        self.no_room(slot, seat, needed, free)
    }

    fn no_room(&mut self, slot: u32, seat: u16, needed: &[u64], free: Option<u64>) -> bool {
        let Some(refusal) = self.peek_refusal(slot, seat, Status::TableFull) else {
            return false;
        };
        assert!(needed.contains(&refusal.value), "{refusal:?} of {needed:?}");
        assert!(
            free.is_none_or(|free| free < refusal.value),
            "there was room"
        );
        self.take_answer(slot, seat);
        true
    }

    /// Expects an event: now, or once the lane has room.
    pub(crate) fn later(&mut self, slot: u32, out: Out) -> Option<Said> {
        self.count(match &out {
            Out::Granted { .. } => "granted later".into(),
            Out::Settled {
                answer: Answer::Refused(refusal),
                ..
            } => {
                format!("settled {}", refusal.status.name())
            }
            Out::Settled { .. } => "settled".into(),
            Out::Lost { reason, .. } => format!("lost {reason:?}"),
        });
        if self.blocked(slot) {
            self.count(match &out {
                Out::Granted { .. } => "deferred Granted",
                Out::Settled { .. } => "deferred refusal",
                Out::Lost { .. } => "deferred Lost",
            });
            self.pending.push(out);
            return None;
        }
        Some(self.take_event(&out))
    }

    fn take_event(&mut self, out: &Out) -> Said {
        let what = format!("{out:?}");
        match self.take(
            &what,
            |heard| matches!(heard, Heard::Later(other, _) if same(other, out)),
        ) {
            Heard::Later(_, said) => said,
            _ => unreachable!(),
        }
    }

    /// A hold whose Granted has not left was revoked: a refusal leaves instead.
    pub(crate) fn replace_granted(&mut self, slot: u32, seat: u16, status: Status) {
        self.count(format!("revoked {}", status.name()));
        let is_it = |out: &&mut Out| match out {
            Out::Granted {
                slot: s, seat: t, ..
            } => (*s, *t) == (slot, seat),
            _ => false,
        };
        let out = self.pending.iter_mut().find(is_it).expect("it waits");
        *out = Out::Settled {
            slot,
            seat,
            answer: refused(status, 0, 0),
        };
    }

    /// What waited for a lane that has room now, with what was said.
    pub(crate) fn leave_pending(&mut self) -> Vec<(Out, Said)> {
        let (stay, leave): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|out| self.full[usize::from(home(out.slot()).0)]);
        self.pending = stay;
        let leave = leave.into_iter();
        leave
            .map(|out| (out.clone(), self.take_event(&out)))
            .collect()
    }

    /// A Granted that waits goes with its hold.
    pub(crate) fn drop_granted(&mut self, slot: u32, seat: u16) {
        self.pending.retain(
            |out| !matches!(out, Out::Granted { slot: s, seat: t, .. } if (*s, *t) == (slot, seat)),
        );
    }

    pub(crate) fn forget(&mut self, slot: u32) {
        self.pending.retain(|out| out.slot() != slot);
    }

    /// Whether a swept session's end was acknowledged.
    pub(crate) fn gone(&mut self, slot: u32) -> bool {
        if self.blocked(slot) {
            return false;
        }
        self.count("session gone");
        self.take(
            "SessionGone",
            |heard| matches!(heard, Heard::Gone { slot: s } if *s == slot),
        );
        true
    }
}

/// Whether an event is the expected one, but for what the model cannot know.
fn same(said: &Out, expected: &Out) -> bool {
    match (said, expected) {
        (
            Out::Granted { slot, seat, .. },
            Out::Granted {
                slot: s, seat: t, ..
            },
        ) => (slot, seat) == (s, t),
        (
            Out::Settled {
                slot,
                seat,
                answer: Answer::Refused(refusal),
            },
            Out::Settled {
                slot: s,
                seat: t,
                answer: Answer::Refused(other),
            },
        ) if other.status == Status::Lost => {
            (slot, seat, refusal.status) == (s, t, Status::Lost) && refusal.value != 0
        }
        _ => said == expected,
    }
}
