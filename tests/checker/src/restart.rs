//! A server that crashes at any step, its durable record, the grace window, a client that takes its
//! hold back and trusts its own clock, and a rival.
//!
//! Time is in ticks of the server's clock; the client's clock may miss one in any four (a rate
//! error of a quarter, to make the model small), so its deadlines are three quarters of the TTL. It
//! asks for a TTL of four ticks, where the default is two. Its messages take as long as they like;
//! those of the server outlive its crash. With `frozen` its clock may stand still as long as it
//! likes: then two may believe, and only tokens protect.
//!
//! The rival is at hand at all times: it is heard and answered at once, and forgets at a crash. So
//! the client is the one that believes too long, and the rival the one that is granted too early.

mod client;
mod server;

use crate::search::Model;

/// A fault to switch on, which the search must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The floor is never written.
    NoFloor,
    /// The floor is written after the first grant.
    LateFloor,
    /// The window is half as long as it must be.
    ShortWindow,
    /// A hold stays in the reclaim set when its release is sent.
    ReclaimAfterRelease,
    /// Deadlines count from the receipt of an answer.
    LateGrant,
    /// A reclaim's answer is accepted after the old deadline.
    LateReclaim,
    /// The bound is raised after the greeting.
    LateBound,
    /// A clean end is noted with a hold left.
    CleanWithHold,
    /// The next run has the same epoch.
    SameEpoch,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::NoFloor,
        Self::LateFloor,
        Self::ShortWindow,
        Self::ReclaimAfterRelease,
        Self::LateGrant,
        Self::LateReclaim,
        Self::LateBound,
        Self::CleanWithHold,
        Self::SameEpoch,
    ];
}

/// The model and its bounds.
#[derive(Clone, Debug)]
pub struct Restart {
    /// Server runs at most.
    pub runs: u8,
    /// Locks that the client takes at most.
    pub acquires: u8,
    /// Locks that the rival takes at most.
    pub rival_locks: u8,
    /// The client's clock may stand still.
    pub frozen: bool,
    /// What is wrong.
    pub fault: Option<Fault>,
}

impl Restart {
    /// The bound of the tests.
    #[must_use]
    pub const fn small() -> Self {
        Self {
            runs: 2,
            acquires: 1,
            rival_locks: 1,
            frozen: false,
            fault: None,
        }
    }

    /// Every bound that is searched, by name.
    #[must_use]
    pub fn bounds() -> Vec<(&'static str, Self)> {
        let three = Self {
            runs: 3,
            ..Self::small()
        };
        let frozen = Self {
            runs: 3,
            frozen: true,
            ..Self::small()
        };
        let twice = Self {
            runs: 3,
            acquires: 2,
            rival_locks: 2,
            ..Self::small()
        };
        vec![
            ("small", Self::small()),
            ("3 runs", three),
            ("3 runs, a frozen client", frozen),
            ("3 runs, two locks each", twice),
        ]
    }

    /// The smallest model that shows the fault.
    #[must_use]
    pub const fn with(fault: Fault) -> Self {
        let (runs, frozen) = match fault {
            Fault::NoFloor | Fault::LateFloor => (3, true),
            _ => (2, false),
        };
        Self {
            runs,
            frozen,
            fault: Some(fault),
            ..Self::small()
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

/// The TTL of the client, in ticks of the server.
const TTL: u8 = 4;
/// What of it the client trusts, in ticks of its own.
const TRUST: u8 = 3;
/// The default TTL: the least bound.
const DEFAULT: u8 = 2;
/// Ticks after which a clock may miss one again.
const MISS_AFTER: u8 = 3;
/// Grants of one run at most: tokens are run and count.
const GRANTS: u8 = 4;

/// A token: run and count.
type Token = u8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Up {
    Open,
    Acquire,
    Ping,
    Release { token: Token },
    Reclaim { token: Token, run: u8, is_own: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Down {
    HelloOk { run: u8 },
    Granted { token: Token },
    Pong,
    Released,
    Reclaimed { token: Token, is_own: bool },
    Refused,
    NoSession,
}

/// A hold as its client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Hold {
    token: Token,
    run: u8,
    /// Ticks left of the session that it was granted in, once that is over.
    old_left: u8,
    /// Its deadline passed: it is not believed in again.
    lost: bool,
    /// It was given back, and is in the reclaim set by fault.
    given_back: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Client {
    /// The run of its session.
    session: Option<u8>,
    /// The run of its last session.
    last_run: u8,
    /// Its own ticks until the session's deadline.
    proof_left: u8,
    hold: Option<Hold>,
    /// Requests without answer: their ages in own ticks. A ping goes beside another.
    asked: Option<(Up, u8)>,
    pinged: Option<u8>,
    acquires_left: u8,
    up: Vec<Up>,
    down: Vec<Down>,
    /// The connection broke.
    cut: bool,
    since_miss: u8,
}

/// The durable record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Record {
    epoch: u8,
    floor: u8,
    bound: u8,
    dirty: bool,
}

/// How far the rival is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rival {
    Idle,
    Waits,
    Holds,
}

/// Whose a hold or a waiter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Who {
    Client,
    Rival,
}

/// A server run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Server {
    epoch: u8,
    /// Ticks left of the client's session.
    session: Option<u8>,
    /// Its greeting waits for the record.
    opening: bool,
    /// The record waits for the greeting, by fault.
    late: bool,
    holder: Option<(Who, Token)>,
    waiters: Vec<Who>,
    window_left: Option<u8>,
    floor_written: bool,
    count: u8,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    record: Record,
    server: Option<Server>,
    client: Client,
    rival: Rival,
    rival_left: u8,
    /// The greatest token ever granted.
    top: Token,
    fault: Option<&'static str>,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A tick; whether the first client's clock misses it.
    Tick(bool),
    /// The client opens a session.
    Open,
    /// The client asks for the lock.
    Acquire,
    /// The client gives a sign of life.
    Ping,
    /// The client lets go.
    Release,
    /// The client asks for its hold of before.
    Reclaim,
    /// The client notices that the connection broke.
    Reconnect,
    /// The client takes a message.
    Hear,
    /// The server takes a message.
    Receive,
    /// The greeting's record becomes durable.
    Durable,
    /// The greeting leaves.
    Greet,
    /// The server ends a silent session.
    Expire,
    /// The window is over: the floor becomes durable.
    Floor,
    /// The keys open.
    OpenKeys,
    /// The server dies.
    Crash,
    /// The server stops in order.
    Stop,
    /// A server starts.
    Start,
    /// The rival asks for the lock.
    RivalAcquires,
    /// The rival lets go.
    RivalReleases,
}

const ACTIONS: [Action; 20] = [
    Action::Tick(false),
    Action::Tick(true),
    Action::Open,
    Action::Acquire,
    Action::Ping,
    Action::Release,
    Action::Reclaim,
    Action::Reconnect,
    Action::Hear,
    Action::Receive,
    Action::Durable,
    Action::Greet,
    Action::Expire,
    Action::Floor,
    Action::OpenKeys,
    Action::Crash,
    Action::Stop,
    Action::Start,
    Action::RivalAcquires,
    Action::RivalReleases,
];

impl Model for Restart {
    type State = State;
    type Action = Action;

    fn starts(&self) -> Vec<State> {
        let client = Client {
            session: None,
            last_run: 0,
            proof_left: 0,
            hold: None,
            asked: None,
            pinged: None,
            acquires_left: self.acquires,
            up: Vec::new(),
            down: Vec::new(),
            cut: false,
            since_miss: MISS_AFTER,
        };
        vec![State {
            record: Record {
                epoch: 0,
                floor: 0,
                bound: DEFAULT,
                dirty: false,
            },
            server: None,
            client,
            rival: Rival::Idle,
            rival_left: self.rival_locks,
            top: 0,
            fault: None,
        }]
    }

    fn steps(&self, state: &State, out: &mut Vec<(Action, State)>) {
        for action in ACTIONS {
            let mut after = state.clone();
            if after.step(self, action) {
                out.push((action, after));
            }
        }
    }

    fn broken(&self, state: &State) -> Option<&'static str> {
        if state.fault.is_some() {
            return state.fault;
        }
        let both = state.client.believes() && state.rival == Rival::Holds;
        (!self.frozen && both).then_some("two never believe at once")
    }

    fn settled(&self, state: &State) -> bool {
        let quiet = state.client.hold.is_none() && state.client.asked.is_none();
        let free = state
            .server
            .as_ref()
            .is_none_or(|server| server.holder.is_none());
        free && quiet && state.rival == Rival::Idle
    }
}

impl State {
    /// Takes the step, if it can be taken.
    fn step(&mut self, model: &Restart, action: Action) -> bool {
        match action {
            Action::Tick(missed) => self.tick(model, missed),
            Action::Open => {
                let client = &mut self.client;
                let Some(server) = &self.server else {
                    return false;
                };
                // One session in each run is enough to see everything.
                let fresh = client.session.is_none() && client.last_run < server.epoch;
                fresh && client.ask(Up::Open)
            }
            Action::Acquire => self.acquire(),
            Action::Ping => self.ping(),
            Action::Release => self.release(model),
            Action::Reclaim => self.reclaim(model),
            Action::Reconnect => {
                let client = &mut self.client;
                let cut = client.cut;
                if cut {
                    client.forget_session();
                }
                cut
            }
            Action::Hear => self.hear(model),
            Action::Receive => self.receive(model),
            Action::Durable => self.durable(),
            Action::Greet => self.greet(model),
            Action::Expire => self.expire(model),
            Action::Floor => self.floor(model),
            Action::OpenKeys => self.open_keys(model),
            Action::Crash => self.crash(),
            Action::Stop => self.stop(model),
            Action::Start => self.start(model),
            Action::RivalAcquires => self.rival_acquires(model),
            Action::RivalReleases => self.rival_releases(model),
        }
    }

    fn tick(&mut self, model: &Restart, missed: bool) -> bool {
        let slow = &self.client;
        // A clock that says nothing cannot miss anything.
        let idle = slow.proof_left == 0
            && slow.hold.is_none_or(|hold| hold.old_left == 0)
            && slow.asked.is_none()
            && slow.pinged.is_none();
        let may = slow.since_miss == MISS_AFTER || model.frozen;
        if missed && (!may || idle) {
            return false;
        }
        if let Some(server) = &mut self.server {
            if let Some(left) = &mut server.session {
                *left = left.saturating_sub(1);
            }
            if let Some(left) = &mut server.window_left {
                *left = left.saturating_sub(1);
            }
        }
        self.client.tick(missed, model.frozen);
        true
    }

    fn acquire(&mut self) -> bool {
        let client = &mut self.client;
        if client.session.is_none() || client.hold.is_some() || client.acquires_left == 0 {
            return false;
        }
        let asked = client.ask(Up::Acquire);
        if asked {
            client.acquires_left -= 1;
        }
        asked
    }

    fn ping(&mut self) -> bool {
        let client = &mut self.client;
        let fresh = client.proof_left == TRUST;
        if fresh || client.cut || client.session.is_none() || client.pinged.is_some() {
            return false;
        }
        client.pinged = Some(0);
        client.up.push(Up::Ping);
        true
    }

    /// Lets go of a hold, believed in or not: a hold that is lost is settled.
    fn release(&mut self, model: &Restart) -> bool {
        let client = &mut self.client;
        let Some(hold) = client.hold.filter(|hold| !hold.given_back) else {
            return false;
        };
        if client.session != Some(hold.run) {
            // Of a session that is over: it is forgotten once its deadline has passed.
            let over = !client.believes() && client.asked.is_none();
            if over {
                client.hold = None;
            }
            return over;
        }
        let asked = client.ask(Up::Release { token: hold.token });
        if asked {
            client.hold = model.has(Fault::ReclaimAfterRelease).then_some(Hold {
                given_back: true,
                ..hold
            });
        }
        asked
    }

    fn reclaim(&mut self, model: &Restart) -> bool {
        let client = &mut self.client;
        let (Some(hold), Some(session)) = (client.hold, client.session) else {
            return false;
        };
        let faulty = model.has(Fault::ReclaimAfterRelease) && hold.given_back && hold.old_left > 0;
        if hold.run == session || !(client.believes() || faulty) {
            return false;
        }
        client.ask(Up::Reclaim {
            token: hold.token,
            run: hold.run,
            is_own: !hold.given_back,
        })
    }

    fn hear(&mut self, model: &Restart) -> bool {
        let client = &mut self.client;
        if client.down.is_empty() {
            return false;
        }
        let down = client.down.remove(0);
        let age = match down {
            Down::NoSession => {
                client.forget_session();
                return true;
            }
            Down::Pong => client.pinged.take(),
            _ => client.asked.take().map(|asked| asked.1),
        };
        let age = match model.has(Fault::LateGrant) {
            true => 0,
            false => age.unwrap_or(4),
        };
        if let Down::HelloOk { run } = down {
            client.session = Some(run);
            client.last_run = run;
            client.proof_left = 0;
        }
        // Every answer proves the session, from before its request was sent.
        client.proof_left = client.proof_left.max(TRUST.saturating_sub(age));
        match down {
            Down::Granted { token } => {
                client.hold = Some(Hold {
                    token,
                    run: client.session.unwrap_or(0),
                    old_left: 0,
                    lost: client.proof_left == 0,
                    given_back: false,
                });
            }
            Down::Released => client.hold = None,
            Down::Reclaimed { token, is_own } => self.reclaimed(model, token, is_own),
            Down::Refused => {
                if client
                    .hold
                    .is_some_and(|hold| Some(hold.run) != client.session)
                {
                    client.hold = None;
                }
            }
            Down::HelloOk { .. } | Down::Pong | Down::NoSession => {}
        }
        true
    }

    fn reclaimed(&mut self, model: &Restart, token: Token, is_own: bool) {
        if !is_own {
            self.fault = Some("a hold is reclaimed only by who believes in it");
        }
        let client = &mut self.client;
        let (Some(hold), Some(run)) = (&mut client.hold, client.session) else {
            return;
        };
        let accepted = !hold.lost || model.has(Fault::LateReclaim);
        hold.run = run;
        if !accepted {
            // The server has it: it is released, and not believed in meanwhile.
            client.hold = None;
            client.ask(Up::Release { token });
        } else if hold.lost {
            self.fault = Some("a hold that was lost stays lost");
        }
    }
}
