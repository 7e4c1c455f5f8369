//! One client: the client library's machine, a clock of its own, a socket, and a program that
//! locks.

mod front;
mod program;
mod tap;

use crate::agenda::{Agenda, Due, LinkId};
use crate::dice::Dice;
use crate::moment::{Clock, Moment};
use crate::network::Network;
use crate::observed::{Key, Observed, Share, Who, Why};
use crate::plan::Plan;
use front::Link;
use locker_client::machine::{CallId, HoldId, Instant, Machine, Margin, OnDisconnect, Settings};
use std::collections::BTreeMap;
use std::time::Duration;
use tap::Tap;

/// The world as a client sees it at one moment.
pub struct Around<'a> {
    /// Now.
    pub now: Moment,
    /// The network.
    pub network: &'a mut Network,
    /// What is to come.
    pub agenda: &'a mut Agenda,
    /// What was seen.
    pub seen: &'a mut Vec<Observed>,
    /// What was drawn for the run.
    pub plan: &'a Plan,
}

/// A hold as the program knows it.
#[derive(Clone, Copy, Debug)]
struct Held {
    until: Moment,
    /// When the program means to give it back.
    release_at: Moment,
}

/// A client with one clock: that runs up to 8 % faster or slower than the server's.
const ONE_CLOCK_OFF_PPM: u32 = 75_000;

/// A call without an outcome.
#[derive(Clone, Copy, Debug)]
enum Pending {
    Acquire { key: Key, share: Share },
    Close,
    Other,
}

/// One client.
pub struct Player {
    who: Who,
    machine: Machine,
    clock: Clock,
    /// It has one clock only, and takes its deadlines 10 % earlier.
    has_one_clock: bool,
    link: Link,
    /// Bytes that the socket had no room for.
    unsent: Vec<u8>,
    tap: Tap,
    failures: u32,
    holds: BTreeMap<HoldId, Held>,
    calls: BTreeMap<CallId, Pending>,
    dice: Dice,
    /// Stands still until then.
    pub paused_until: Moment,
    /// Reads nothing until then.
    pub deaf_until: Moment,
    /// Nothing more is asked.
    pub is_calm: bool,
    wake_at: Moment,
    acts_from: Moment,
    /// The program has asked to close the session: it believes in nothing more.
    is_closing: bool,
    wants_to_leave: bool,
    /// The cluster is being closed: nobody begins anew.
    is_last: bool,
}

impl Player {
    /// A client of this number, that begins now.
    #[must_use]
    pub fn new(client: u8, now: Moment, plan: &Plan) -> Self {
        let mut dice = Dice::of(plan.seed, 1_000 + u64::from(client));
        let has_one_clock = plan.has_one_clocks && dice.one_in(2);
        let off = match has_one_clock {
            true => ONE_CLOCK_OFF_PPM,
            false => u32::try_from(plan.client_off_ppm).expect("not below 0"),
        };
        let clock = Clock::new(now, crate::plan::within_ppm(&mut dice, off));
        Self {
            who: Who { client, life: 0 },
            machine: Machine::new(settings(&mut dice, plan, has_one_clock)),
            clock,
            has_one_clock,
            link: Link::Down { retry_at: now },
            unsent: Vec::new(),
            tap: Tap::default(),
            failures: 0,
            holds: BTreeMap::new(),
            calls: BTreeMap::new(),
            dice,
            paused_until: Moment(0),
            deaf_until: Moment(0),
            is_calm: false,
            wake_at: Moment::NEVER,
            acts_from: now,
            is_closing: false,
            wants_to_leave: false,
            is_last: false,
        }
    }

    /// Calls without an outcome, and holds believed in.
    #[must_use]
    pub fn unsettled(&self) -> (usize, usize) {
        (self.calls.len(), self.holds.len())
    }

    /// The connection that it uses.
    #[must_use]
    pub fn link(&self) -> Option<LinkId> {
        match self.link {
            Link::Up(link) => Some(link),
            Link::Down { .. } | Link::Connecting { .. } => None,
        }
    }

    /// The process dies; its sockets are closed by its kernel, or its host dies with it. Another
    /// begins after a while.
    pub fn kill(&mut self, around: &mut Around<'_>, with_host: bool) {
        if let Link::Up(link) | Link::Connecting { link, .. } = self.link {
            let side = crate::agenda::Side::Client;
            match with_host {
                true => around.network.vanish(link, side),
                false => around.network.close(link, side, around.now, around.agenda),
            }
        }
        self.begin_anew(around);
    }

    /// A new life.
    fn begin_anew(&mut self, around: &mut Around<'_>) {
        for hold in std::mem::take(&mut self.holds).into_keys() {
            around.seen.push(Observed::Ended {
                who: self.who,
                hold: hold.0,
                why: Why::Gone,
            });
        }
        around.seen.push(Observed::Died { who: self.who });
        self.calls.clear();
        self.who.life += 1;
        self.machine = Machine::new(settings(&mut self.dice, around.plan, self.has_one_clock));
        let born = match self.is_last {
            true => Moment::NEVER,
            false => around.now.plus(self.dice.spread(1_000, 2_000_000)),
        };
        self.link = Link::Down { retry_at: born };
        self.acts_from = born;
        self.is_closing = false;
        self.wants_to_leave = false;
        self.unsent.clear();
        self.failures = 0;
        if born != Moment::NEVER {
            self.plan_wake(born, around.agenda);
        }
    }

    /// The client's own clock.
    fn now(&self, now: Moment) -> Instant {
        Instant(self.clock.at(now))
    }

    /// Looks at itself at that moment, or before.
    fn plan_wake(&mut self, at: Moment, agenda: &mut Agenda) {
        if at < self.wake_at {
            self.wake_at = at;
            let client = self.who.client;
            agenda.add(at, Due::Client { client });
        }
    }

    /// Something is due, or came to its socket.
    pub fn wake(&mut self, around: &mut Around<'_>) {
        if self.wake_at <= around.now {
            self.wake_at = Moment::NEVER;
        }
        if self.paused_until > around.now {
            return self.plan_wake(self.paused_until, around.agenda);
        }
        self.run_front(around);
        self.settle(around);
    }

    /// Takes what the machine reports, sends what it says, and plans the next look.
    fn settle(&mut self, around: &mut Around<'_>) {
        while let Some(event) = self.machine.next_event() {
            self.hear(event, around);
        }
        self.update_beliefs(around);
        self.send(around);
        if self.machine.ended().is_some() || self.wants_to_leave {
            self.leave(around);
        }
        self.plan_next(around);
    }

    /// The machine is finished: its connection is closed, another life begins.
    fn leave(&mut self, around: &mut Around<'_>) {
        if let Link::Up(link) | Link::Connecting { link, .. } = self.link {
            let side = crate::agenda::Side::Client;
            around.network.close(link, side, around.now, around.agenda);
        }
        self.begin_anew(around);
    }

    fn plan_next(&mut self, around: &mut Around<'_>) {
        let deadline = self.machine.next_deadline();
        let due = deadline.map_or(Moment::NEVER, |at| self.clock.when(at.0));
        let link = self.link_wakes_at();
        let deaf = match self.deaf_until > around.now {
            true => self.deaf_until,
            false => Moment::NEVER,
        };
        let at = due.min(link).min(deaf).max(around.now.plus(1));
        if at != Moment::NEVER {
            self.plan_wake(at, around.agenda);
        }
    }

    /// Tells until when each hold is believed in, where that has changed.
    fn update_beliefs(&mut self, around: &mut Around<'_>) {
        for (id, held) in &mut self.holds {
            let until = self.clock.when(self.machine.held_until(*id).0);
            if until != held.until {
                held.until = until;
                around.seen.push(Observed::Believes {
                    who: self.who,
                    hold: id.0,
                    until,
                });
            }
        }
    }
}

fn settings(dice: &mut Dice, plan: &Plan, has_one_clock: bool) -> Settings {
    let ttl = match dice.one_in(2) {
        true => None,
        false => Some(Duration::from_millis(
            dice.within(1_000, plan.sizes.ttl_ms_max.into()),
        )),
    };
    Settings {
        margin: match has_one_clock {
            true => Margin::ONE_CLOCK,
            false => Margin::TWO_CLOCKS,
        },
        ttl,
        // `Release` gives up exclusion wherever something else than the client ends the stream.
        on_disconnect: OnDisconnect::Grace,
        answer_timeout: Duration::from_millis(dice.pick(&[300, 2_000, 5_000])),
        hello_timeout: Duration::from_millis(dice.pick(&[500, 5_000])),
        ..Settings::default()
    }
}
