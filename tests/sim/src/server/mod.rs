//! One run of the server: shards, control plane, what lies between them.
//!
//! Everything here is lost in a crash but the disk.

mod bell;
mod birth;
mod disk;
mod kernel;
mod shard;
mod shell;

pub use disk::{Disk, DiskStore, Fate};
pub use shard::TurnSizes;

use crate::agenda::{Agenda, Due, LinkId, Side};
use crate::dice::Dice;
use crate::moment::{Clock, Moment};
use crate::network::Network;
use crate::oracle::ShardAtRest;
use crate::plan::Sizes;
use bell::{Arrival, Bell, Mail};
use birth::{make_shards, open};
use kernel::Outside;
use locker::control::plane::{End, Plane, Shards, Turned, Wish};
use locker::control::watchdog::{LOOK_EVERY, Sight};
use locker::lock::input::Peer;
use locker::lock::op::ShardId;
use locker::shard::io::{FromControl, ToControl};
use locker::time::{Instant, Millis};
use shard::{Shard, Stage};
use std::cell::RefCell;
use std::rc::Rc;

/// How long a thread takes from one step to the next.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Microseconds of a step at most.
    pub step_most: u64,
    /// Microseconds of a write to the disk at most.
    pub write_most: u64,
}

/// How the server's run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// Drained, with no hold left.
    Clean,
    /// Drained, holds or a window left.
    Dirty,
    /// It could not go on.
    Fatal,
}

/// A running server.
pub struct Server {
    /// Counts the runs of this simulation.
    pub run: u32,
    /// The epoch that names this run to clients.
    pub epoch: u32,
    /// How long its grace window is, if it has one.
    pub window_ms: Option<u32>,
    sizes: Sizes,
    pace: Pace,
    clock: Clock,
    shards: Vec<Shard>,
    stalled_until: Vec<Moment>,
    /// A shard stands still after so many more steps, for so long.
    stalls_soon: Vec<Option<(u64, u64)>>,
    /// Whether a shard's next step stands in the agenda.
    planned: Vec<bool>,
    bells: Vec<Rc<Bell>>,
    control: Control,
    links: Vec<LinkId>,
    accepting: bool,
    dice: Dice,
}

/// The control thread.
struct Control {
    /// `None` once the run's end is written.
    plane: Option<Plane<DiskStore>>,
    disk: Rc<RefCell<Disk>>,
    inbox: Vec<(ShardId, ToControl)>,
    /// Said, and told to the shards when the write before it is durable.
    said: Vec<(Option<ShardId>, FromControl)>,
    writing: bool,
    busy_until: Moment,
    look_at: Moment,
    turn_at: Option<Moment>,
    wish: Wish,
    stopping: bool,
    ending: Option<Ending>,
}

/// The shards as the control thread's turn sees them.
struct Ears<'a> {
    said: RefCell<&'a mut Vec<(Option<ShardId>, FromControl)>>,
    bells: &'a [Rc<Bell>],
}

impl Shards for Ears<'_> {
    fn tell(&self, shard: ShardId, word: FromControl) {
        self.said.borrow_mut().push((Some(shard), word));
    }

    fn tell_all(&self, word: FromControl) {
        self.said.borrow_mut().push((None, word));
    }

    fn sight(&self, shard: usize) -> Sight {
        Sight {
            turns: self.bells[shard].turns.get(),
            asleep: self.bells[shard].sleeper.is_asleep(),
        }
    }

    fn rouse(&self, shard: usize) {
        self.bells[shard].rouse();
    }

    fn has_connections(&self) -> bool {
        self.bells.iter().any(|bell| bell.connections.get() > 0)
    }
}

/// What a start needs.
pub struct Birth {
    /// Counts the runs.
    pub run: u32,
    /// When.
    pub now: Moment,
    /// How fast its clock is.
    pub fast_ppm: i64,
    /// The machine and its settings.
    pub sizes: Sizes,
    /// How fast it is.
    pub pace: Pace,
    /// The data dir.
    pub disk: Rc<RefCell<Disk>>,
    /// Its chance.
    pub dice: Dice,
}

impl Server {
    /// Starts: the record durable, twice, then listening. `None` if the data dir is unreadable or
    /// no epoch is left.
    #[must_use]
    pub fn start(birth: Birth, agenda: &mut Agenda) -> Option<Self> {
        let Birth {
            run,
            now,
            fast_ppm,
            sizes,
            pace,
            disk,
            mut dice,
        } = birth;
        let clock = Clock::new(now, fast_ppm);
        let books = open(&disk, &sizes, now, &mut dice)?;
        let window_ms = books.ledger.window_ms();
        let window_until = window_ms.map(|ms| Instant::START + Millis(ms));
        let epoch = books.ledger.run();
        let bells: Vec<Rc<Bell>> = (0..sizes.shards).map(|_| Rc::default()).collect();
        let shards = make_shards(
            &sizes,
            &books.ledger,
            window_until,
            clock,
            &bells,
            &mut dice,
        );
        let drain = Millis(sizes.drain_ms);
        let plane = Plane::new(Some(books), window_until, drain, usize::from(sizes.shards));
        let mut server = Self {
            run,
            epoch,
            window_ms,
            stalled_until: vec![Moment(0); shards.len()],
            stalls_soon: vec![None; shards.len()],
            planned: vec![false; shards.len()],
            shards,
            bells,
            control: Control {
                plane: Some(plane),
                disk,
                inbox: Vec::new(),
                said: Vec::new(),
                writing: false,
                busy_until: now,
                look_at: now,
                turn_at: None,
                wish: Wish::Run,
                stopping: false,
                ending: None,
            },
            links: Vec::new(),
            accepting: true,
            sizes,
            pace,
            clock,
            dice,
        };
        for shard in 0..server.sizes.shards {
            let shard = u8::try_from(shard).expect("few shards");
            server.plan_step(shard, now, agenda);
        }
        server.plan_control(now, agenda);
        Some(server)
    }

    /// Shards of this run.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// How the run ended, if it did.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.control.ending
    }

    /// Asks it to drain, as SIGTERM does.
    pub fn terminate(&mut self, now: Moment, agenda: &mut Agenda) {
        self.control.wish = Wish::Drain;
        self.plan_control(now, agenda);
    }

    /// A shard does nothing for so long.
    pub fn stall(&mut self, shard: usize, until: Moment) {
        let stalled = &mut self.stalled_until[shard];
        *stalled = (*stalled).max(until);
    }

    /// A shard does nothing for so long once it has taken so many more steps: it is caught in the
    /// midst of a turn, or of falling asleep.
    pub fn stall_within(&mut self, shard: usize, steps: u64, lasts: u64) {
        self.stalls_soon[shard] = Some((steps, lasts));
    }

    /// The control thread does nothing for so long.
    pub fn stall_control(&mut self, until: Moment) {
        self.control.busy_until = self.control.busy_until.max(until);
    }

    /// The process dies: its sockets close, its disk keeps what it keeps.
    pub fn crash(
        mut self,
        fate: Fate,
        now: Moment,
        network: &mut Network,
        agenda: &mut Agenda,
    ) -> bool {
        for link in std::mem::take(&mut self.links) {
            network.close(link, Side::Server, now, agenda);
        }
        self.control.disk.borrow_mut().crash(fate)
    }

    /// A client's first packet arrives: whether the connection is taken.
    pub fn knock(&mut self, link: LinkId, client: u8, wanted: Option<u8>) -> bool {
        let connections: u32 = self.bells.iter().map(|bell| bell.connections.get()).sum();
        if !self.accepting || connections >= self.sizes.connections {
            return false;
        }
        let fewest = self.bells.iter().map(|bell| bell.connections.get());
        let (fewest, _) = fewest
            .enumerate()
            .min_by_key(|(_, count)| *count)
            .expect("shards");
        let shard = match wanted.map(usize::from) {
            Some(shard) if shard < self.bells.len() => shard,
            _ => fewest,
        };
        self.links.push(link);
        self.bells[shard].post(Mail::Arrival(Arrival {
            link,
            peer: Peer {
                port: 1_000 + u16::from(client),
                ..Peer::default()
            },
            admin: true,
            accepted: true,
            bytes: Vec::new(),
        }));
        true
    }

    /// A shard's next step.
    pub fn step(&mut self, shard: u8, now: Moment, network: &mut Network, agenda: &mut Agenda) {
        let index = usize::from(shard);
        self.planned[index] = false;
        let stalled = self.stalled_until[index];
        if stalled > now {
            return self.plan_step(shard, stalled, agenda);
        }
        let outside = &mut Outside {
            now,
            network,
            agenda,
        };
        let this = &mut self.shards[index];
        if this.stage == Stage::Over || this.stage == Stage::Asleep && !this.wakes(outside) {
            return;
        }
        this.advance(outside);
        match &mut self.stalls_soon[index] {
            Some((steps, _)) if *steps > 1 => *steps -= 1,
            soon => {
                if let Some((_, lasts)) = soon.take() {
                    self.stalled_until[index] = stalled.max(now.plus(lasts));
                }
            }
        }
        let stage = this.stage;
        let words = this.take_words();
        let heard_drain = this.heard_drain;
        if stage == Stage::Asleep {
            self.asleep(shard, now, network, agenda);
        } else if stage != Stage::Over {
            let at = now.plus(self.dice.within(1, self.pace.step_most));
            self.plan_step(shard, at, agenda);
        }
        self.accepting &= !heard_drain;
        if !words.is_empty() {
            let from = ShardId(shard);
            self.control
                .inbox
                .extend(words.into_iter().map(|word| (from, word)));
            self.plan_control(now.plus(1), agenda);
        }
        self.ring_sleepers(now, network, agenda);
        if self.control.stopping && self.shards.iter().all(|shard| shard.stage == Stage::Over) {
            self.plan_control(now.plus(1), agenda);
        }
    }

    /// Something came to a socket of the server: whoever sleeps over it wakes.
    pub fn look(&mut self, now: Moment, network: &mut Network, agenda: &mut Agenda) {
        self.ring_sleepers(now, network, agenda);
    }

    /// The timer of a sleeping shard may be due.
    pub fn timer(&mut self, shard: u8, now: Moment, network: &mut Network, agenda: &mut Agenda) {
        self.wake_if_due(usize::from(shard), now, network, agenda);
    }

    /// What the shards still have.
    #[must_use]
    pub fn at_rest(&mut self) -> Vec<ShardAtRest> {
        let shards = self.shards.iter_mut().map(|shard| {
            let (sessions, lock) = shard.core.population();
            ShardAtRest { sessions, lock }
        });
        shards.collect()
    }

    fn asleep(&mut self, shard: u8, now: Moment, network: &mut Network, agenda: &mut Agenda) {
        if let Some(at) = self.shards[usize::from(shard)].timer() {
            agenda.add(
                at.max(now),
                Due::Timer {
                    run: self.run,
                    shard,
                },
            );
        }
        self.wake_if_due(usize::from(shard), now, network, agenda);
    }

    fn ring_sleepers(&mut self, now: Moment, network: &mut Network, agenda: &mut Agenda) {
        for index in 0..self.shards.len() {
            self.wake_if_due(index, now, network, agenda);
        }
    }

    fn wake_if_due(
        &mut self,
        index: usize,
        now: Moment,
        network: &mut Network,
        agenda: &mut Agenda,
    ) {
        let outside = &mut Outside {
            now,
            network,
            agenda,
        };
        if self.shards[index].wakes(outside) {
            let shard = u8::try_from(index).expect("few shards");
            let at = now.plus(self.dice.within(1, self.pace.step_most));
            self.plan_step(shard, at, agenda);
        }
    }

    fn plan_step(&mut self, shard: u8, at: Moment, agenda: &mut Agenda) {
        let run = self.run;
        if !std::mem::replace(&mut self.planned[usize::from(shard)], true) {
            agenda.add(at, Due::Step { run, shard });
        }
    }

    /// The control thread takes a turn then, or before.
    fn plan_control(&mut self, at: Moment, agenda: &mut Agenda) {
        let run = self.run;
        if self.control.turn_at.is_none_or(|planned| at < planned) {
            self.control.turn_at = Some(at);
            agenda.add(at, Due::Control { run });
        }
    }

    /// A turn of the control thread.
    pub fn control(&mut self, now: Moment, agenda: &mut Agenda) {
        let run = self.run;
        if self.control.turn_at != Some(now) {
            return;
        }
        self.control.turn_at = None;
        if self.control.writing || self.control.ending.is_some() {
            return;
        }
        if self.control.busy_until > now {
            return self.plan_control(self.control.busy_until, agenda);
        }
        if self.control.stopping {
            return self.end(now, agenda);
        }
        let control = &mut self.control;
        let Some(plane) = &mut control.plane else {
            return;
        };
        let ears = Ears {
            said: RefCell::new(&mut control.said),
            bells: &self.bells,
        };
        let words = std::mem::take(&mut control.inbox);
        let instant = Instant(self.clock.at(now));
        if now >= control.look_at {
            plane.watch(&ears);
            control.look_at = now.plus(micros(LOOK_EVERY));
        }
        let writes = control.disk.borrow().writes();
        let turned = plane.turn(instant, &words, control.wish, &ears);
        let patience = micros(plane.patience());
        match turned {
            Ok(Turned::On) => {}
            Ok(Turned::Drained) => self.stop(),
            Err(_) => self.control.ending = Some(Ending::Fatal),
        }
        if self.control.disk.borrow().writes() != writes {
            self.control.writing = true;
            let at = now.plus(self.dice.within(1, self.pace.write_most));
            agenda.add(at, Due::Written { run });
        } else {
            self.tell(agenda, now);
            self.plan_control(now.plus(patience), agenda);
        }
    }

    /// What the control thread wrote is durable: it goes on.
    pub fn written(&mut self, now: Moment, network: &mut Network, agenda: &mut Agenda) {
        let control = &mut self.control;
        control.disk.borrow_mut().commit();
        control.writing = false;
        if control.plane.is_none() {
            return;
        }
        self.tell(agenda, now);
        self.ring_sleepers(now, network, agenda);
        self.plan_control(now.plus(1), agenda);
    }

    fn tell(&mut self, agenda: &mut Agenda, now: Moment) {
        for (to, word) in self.control.said.drain(..) {
            match to {
                Some(shard) => self.bells[usize::from(shard.0)].post(Mail::Control(word)),
                None => self
                    .bells
                    .iter()
                    .for_each(|bell| bell.post(Mail::Control(word))),
            }
        }
        self.step_rung(agenda, now);
    }

    /// Sleepers that were rung by a thread that has no network at hand.
    fn step_rung(&mut self, agenda: &mut Agenda, now: Moment) {
        for (shard, bell) in (0..).zip(self.bells.clone()) {
            if bell.rung.get() {
                self.plan_step(shard, now.plus(1), agenda);
            }
        }
    }

    fn stop(&mut self) {
        self.control.stopping = true;
        self.bells.iter().for_each(|bell| bell.post(Mail::Stop));
    }

    fn end(&mut self, now: Moment, agenda: &mut Agenda) {
        if !self.shards.iter().all(|shard| shard.stage == Stage::Over) {
            self.step_rung(agenda, now);
            return self.plan_control(now.plus(1_000), agenda);
        }
        let Some(plane) = self.control.plane.take() else {
            return;
        };
        self.control.ending = Some(match plane.end() {
            Ok(End::Clean) => Ending::Clean,
            Ok(End::Dirty) => Ending::Dirty,
            Err(_) => Ending::Fatal,
        });
    }
}

fn micros(length: std::time::Duration) -> u64 {
    u64::try_from(length.as_micros()).expect("short")
}
