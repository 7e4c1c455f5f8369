//! What a client's program does, and what it makes of the answers.

use super::{Around, Held, Pending, Player};
use crate::agenda::Due;
use crate::moment::Moment;
use crate::observed::{Answer, Ask, Key, Observed, Share, Why};
use crate::plan::{BUSY_MAX, Deed};
use locker_client::machine::{
    Acquire, AutoRenew, CallId, Event, ForceDelay, ForceRelease, HoldId, Lease, Mode, Outcome,
    Read, Wait,
};
use std::time::Duration;

impl Player {
    /// The program does something, and plans when to do the next.
    pub fn act(&mut self, around: &mut Around<'_>) {
        let wait = self.dice.within(1, 2 * around.plan.act_every_us);
        let client = self.who.client;
        let at = around.now.plus(wait).max(self.paused_until);
        around.agenda.add(at, Due::Act { client });
        if self.paused_until > around.now || self.acts_from > around.now {
            return;
        }
        self.release_due(around);
        if !self.is_calm {
            for _ in 0..self.dice.pick(&[1, 1, 1, 4]) {
                self.do_one(around);
            }
        }
        self.settle(around);
    }

    /// Gives back what the program has done with; in the end, everything.
    fn release_due(&mut self, around: &mut Around<'_>) {
        let due = self.holds.iter().filter(|(_, held)| {
            self.is_calm || held.release_at <= around.now && around.plan.has_deed(Deed::Release)
        });
        let due: Vec<HoldId> = due.map(|(id, _)| *id).collect();
        for hold in due {
            self.release(hold, around);
        }
    }

    fn do_one(&mut self, around: &mut Around<'_>) {
        let Some(deed) = self.draw_deed(around) else {
            return;
        };
        let now = self.now(around.now);
        match deed {
            Deed::Exclusive | Deed::Shared | Deed::Permit | Deed::Resize => {
                if self.holds.len() + self.calls.len() < BUSY_MAX {
                    self.acquire(deed, around);
                }
            }
            Deed::Release => {
                if let Some(hold) = self.some_hold() {
                    self.release(hold, around);
                }
            }
            Deed::Renew => {
                if let Some(hold) = self.some_hold() {
                    let lease = self.draw_lease(around);
                    let call = self.machine.renew(now, hold, lease);
                    let lease_us = micros_of(lease);
                    let hold = hold.0;
                    self.asked(call, Ask::Renew { hold, lease_us }, Pending::Other, around);
                }
            }
            Deed::Cancel => self.cancel(around),
            Deed::Force => {
                if self.dice.one_in(4) {
                    self.force(around);
                }
            }
            Deed::Read => self.read_some(around),
            Deed::Close => {
                if self.dice.one_in(12) {
                    self.ask_to_close(around);
                }
            }
        }
    }

    /// Mostly acquires: without them there is nothing to see.
    fn draw_deed(&mut self, around: &Around<'_>) -> Option<Deed> {
        let deeds = &around.plan.deeds;
        let acquires = [Deed::Exclusive, Deed::Shared, Deed::Permit, Deed::Resize];
        if self.dice.one_in(2) {
            let some: Vec<Deed> = deeds
                .iter()
                .filter(|d| acquires.contains(d))
                .copied()
                .collect();
            return match some.is_empty() {
                true => Some(Deed::Exclusive),
                false => Some(self.dice.pick(&some)),
            };
        }
        (!deeds.is_empty()).then(|| self.dice.pick(deeds))
    }

    fn acquire(&mut self, deed: Deed, around: &mut Around<'_>) {
        let key = Key(self.dice.index(around.plan.keys.len()));
        let limit = 1 + u32::try_from(key.0 % 3).expect("small");
        let resize = deed == Deed::Resize;
        let limit = match resize {
            true => 1 + u32::try_from(self.dice.below(4)).expect("small"),
            false => limit,
        };
        let (mode, share) = match deed {
            Deed::Shared => (Mode::Shared, Share::Shared),
            Deed::Permit | Deed::Resize => {
                let permits = 1 + u32::try_from(self.dice.below(limit.into())).expect("small");
                let held = permits;
                let mode = Mode::Permit {
                    permits,
                    limit,
                    resize,
                };
                (
                    mode,
                    Share::Permits {
                        held,
                        limit,
                        resize,
                    },
                )
            }
            _ => (Mode::Exclusive, Share::Exclusive),
        };
        let wait = match self.dice.below(4) {
            0 => Wait::Try,
            1 => Wait::Forever,
            _ => Wait::For(Duration::from_micros(self.dice.spread(1_000, 8_000_000))),
        };
        let lease = self.draw_lease(around);
        let metadata_bytes = self.dice.pick(&[0, 0, 5, 60]);
        let auto_renew = self.dice.one_in(3).then_some(AutoRenew { cap: None });
        let call = self.machine.acquire(
            self.now(around.now),
            Acquire {
                key: around.plan.keys[key.0].as_slice().into(),
                mode,
                wait,
                lease,
                auto_renew,
                metadata: vec![7; metadata_bytes].into(),
            },
        );
        let ask = Ask::Acquire {
            key,
            share,
            wait_us: match wait {
                Wait::Try => Some(0),
                Wait::For(wait) => Some(micros(wait)),
                Wait::Forever => None,
            },
            lease_us: micros_of(lease),
        };
        self.asked(call, ask, Pending::Acquire { key, share }, around);
    }

    fn release(&mut self, hold: HoldId, around: &mut Around<'_>) {
        self.end_belief(hold, Why::Released, around);
        let call = self.machine.release(self.now(around.now), hold);
        self.asked(call, Ask::Release { hold: hold.0 }, Pending::Other, around);
    }

    fn cancel(&mut self, around: &mut Around<'_>) {
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        if calls.is_empty() {
            return;
        }
        let call = self.dice.pick(&calls);
        around.seen.push(Observed::GaveUp {
            who: self.who,
            call: call.0,
        });
        self.machine.cancel(self.now(around.now), call);
    }

    fn force(&mut self, around: &mut Around<'_>) {
        let key = Key(self.dice.index(around.plan.keys.len()));
        let force = ForceRelease {
            key: around.plan.keys[key.0].as_slice().into(),
            token: None,
            delay: ForceDelay::HolderTtl,
            reason: "sim".to_owned(),
        };
        let call = self.machine.force_release(self.now(around.now), force);
        let ask = Ask::Force {
            key,
            delay_us: None,
        };
        self.asked(call, ask, Pending::Other, around);
    }

    fn read_some(&mut self, around: &mut Around<'_>) {
        let key = self.dice.index(around.plan.keys.len());
        let key = around.plan.keys[key].as_slice();
        let read = match self.dice.below(5) {
            0 => Read::Get { key: key.into() },
            1 => Read::List {
                cursor: 0,
                prefix: [].into(),
            },
            2 => Read::Sessions { cursor: 0 },
            3 => Read::Stats { cursor: 0 },
            _ => Read::Ping,
        };
        let call = self.machine.read(self.now(around.now), read);
        self.asked(call, Ask::Read, Pending::Other, around);
    }

    fn asked(&mut self, call: CallId, ask: Ask, pending: Pending, around: &mut Around<'_>) {
        self.calls.insert(call, pending);
        around.seen.push(Observed::Asked {
            who: self.who,
            call: call.0,
            ask,
        });
    }

    fn some_hold(&mut self) -> Option<HoldId> {
        let holds: Vec<HoldId> = self.holds.keys().copied().collect();
        (!holds.is_empty()).then(|| self.dice.pick(&holds))
    }

    fn draw_lease(&mut self, around: &Around<'_>) -> Lease {
        match self.dice.one_in(2) {
            true => Lease::Session,
            false => {
                let ms = self.dice.spread(20, around.plan.lease_ms_most);
                Lease::For(Duration::from_millis(ms))
            }
        }
    }

    /// The machine reports.
    pub(super) fn hear(&mut self, event: Event, around: &mut Around<'_>) {
        match event {
            Event::Answered { call, outcome } => self.answered(call, outcome, around),
            Event::HoldLost { hold, reason } => {
                self.end_belief(hold, Why::Lost(reason.into()), around);
                // Releasing is how a program says that it has heard.
                let call = self.machine.release(self.now(around.now), hold);
                self.asked(call, Ask::Release { hold: hold.0 }, Pending::Other, around);
            }
            // It goes on; how long it is believed in is asked of the machine.
            Event::HoldReclaimed { hold } => around.seen.push(Observed::TookBack {
                who: self.who,
                hold: hold.0,
            }),
            Event::Attached { resumed } => {
                let server = self.machine.server();
                let (session, run) = server.map_or((0, 0), |info| (info.session_id, info.run));
                around.seen.push(Observed::Attached {
                    who: self.who,
                    resumed,
                    session,
                    run,
                });
            }
            Event::Ended(_) => self.end_beliefs(around),
        }
    }

    fn answered(&mut self, call: CallId, outcome: Outcome, around: &mut Around<'_>) {
        let pending = self.calls.remove(&call);
        around.seen.push(Observed::Answered {
            who: self.who,
            call: call.0,
            answer: answer_of(&outcome),
        });
        let closes = matches!(pending, Some(Pending::Close));
        if closes && !matches!(outcome, Outcome::Closed | Outcome::Ended(_)) {
            // The program ends; its session will by its TTL.
            self.wants_to_leave = true;
        }
        let Outcome::Granted { hold, token } = outcome else {
            return;
        };
        let Some(Pending::Acquire { key, share }) = pending else {
            panic!("only acquires are granted");
        };
        let until = self.clock.when(self.machine.held_until(hold).0);
        let (least, most) = around.plan.keep_us;
        let keep = self.dice.spread(least, most);
        let release_at = around.now.plus(keep);
        self.holds.insert(hold, Held { until, release_at });
        around.seen.push(Observed::Granted {
            who: self.who,
            hold: hold.0,
            key,
            share,
            token,
            until,
        });
    }

    fn end_belief(&mut self, hold: HoldId, why: Why, around: &mut Around<'_>) {
        if self.holds.remove(&hold).is_some() {
            around.seen.push(Observed::Ended {
                who: self.who,
                hold: hold.0,
                why,
            });
        }
    }

    fn end_beliefs(&mut self, around: &mut Around<'_>) {
        let holds: Vec<HoldId> = self.holds.keys().copied().collect();
        for hold in holds {
            self.end_belief(hold, Why::Gone, around);
        }
    }

    /// The last wish: the session is closed.
    pub fn close(&mut self, around: &mut Around<'_>) {
        self.ask_to_close(around);
        self.is_last = true;
        self.acts_from = Moment::NEVER;
        self.settle(around);
    }

    fn ask_to_close(&mut self, around: &mut Around<'_>) {
        let call = self.machine.close(self.now(around.now));
        self.end_beliefs(around);
        self.is_closing = true;
        self.asked(call, Ask::Close, Pending::Close, around);
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).expect("short")
}

fn micros_of(lease: Lease) -> Option<u64> {
    match lease {
        Lease::Session => None,
        Lease::For(length) => Some(micros(length)),
    }
}

fn answer_of(outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Granted { .. } => Answer::Granted,
        Outcome::Timeout => Answer::Timeout,
        Outcome::Cancelled => Answer::Cancelled,
        Outcome::Released => Answer::Released,
        Outcome::Renewed => Answer::Renewed,
        Outcome::Lost(_) => Answer::Lost,
        Outcome::NotHeld => Answer::NotHeld,
        Outcome::Refused(refusal) => Answer::Refused(refusal.status as u16),
        Outcome::Forced { .. } => Answer::Forced,
        Outcome::Closed => Answer::Closed,
        Outcome::Key(_)
        | Outcome::Locks(_)
        | Outcome::Sessions(_)
        | Outcome::Counters(_)
        | Outcome::Pong { .. } => Answer::Told,
        Outcome::NoAnswer => Answer::NoAnswer,
        Outcome::Ended(_) => Answer::Ended,
    }
}
