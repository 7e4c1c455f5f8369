//! A session at its home shard and one key at its owner shard, between them two lanes, before them
//! a client that reconnects, sends again, gives up and releases; and a rival for the key.
//!
//! Connections are cut with bytes on their way; bytes of the old one may still be there when the
//! resume comes. The session may end at any time, by its TTL. The lease may end at any time.

mod shards;

use crate::search::Model;

/// A fault to switch on, which the search must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A request that was done already is run again when it is sent again.
    ReRun,
    /// Bytes of an old connection count after a resume.
    OldBytes,
    /// The session's end goes ahead of its acquires in the lane.
    EndOvertakes,
    /// A waiter of a dying session is neither passed over nor swept.
    DyingWaiter,
    /// A grant to a waiter is not told.
    GrantDropped,
    /// Giving up an acquire leaves its hold.
    CancelKeeps,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::ReRun,
        Self::OldBytes,
        Self::EndOvertakes,
        Self::DyingWaiter,
        Self::GrantDropped,
        Self::CancelKeeps,
    ];
}

/// The model and its bounds.
#[derive(Clone, Debug)]
pub struct Session {
    /// Reconnections at most.
    pub resumes: u8,
    /// Locks that the rival takes at most.
    pub rival_locks: u8,
    /// Acquires of the client at most, one after the other.
    pub acquires: u8,
    /// What is wrong.
    pub fault: Option<Fault>,
}

impl Session {
    /// The bound of the tests.
    #[must_use]
    pub const fn small() -> Self {
        Self {
            resumes: 1,
            rival_locks: 1,
            acquires: 1,
            fault: None,
        }
    }

    /// Every bound that is searched, by name.
    #[must_use]
    pub fn bounds() -> Vec<(&'static str, Self)> {
        let two = Self {
            resumes: 2,
            acquires: 2,
            ..Self::small()
        };
        let three = Self {
            resumes: 3,
            rival_locks: 2,
            ..Self::small()
        };
        vec![
            ("small", Self::small()),
            ("2 resumes, 2 acquires", two),
            ("3 resumes, rival twice", three),
        ]
    }

    /// The small model with a fault.
    #[must_use]
    pub const fn with(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::small()
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

/// A request; seat 0 carries acquires and releases in turn, seat 1 cancels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ask {
    Acquire,
    Release { token: u8 },
    Cancel { acquire: u8 },
}

/// A request under its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Sent {
    ask: Ask,
    sequence: u8,
}

/// What a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Answer {
    Granted { token: u8 },
    Cancelled,
    Lost,
    Released,
    NotHeld,
    CancelDone,
}

/// What travels from home to owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum There {
    Request(Sent),
    End,
}

/// What travels back. The engine knows seats, not ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Back {
    Answer { seat: u8, answer: Answer },
    Lost { token: u8 },
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Down {
    HelloOk,
    NoSession,
    Answer {
        seat: u8,
        sequence: u8,
        answer: Answer,
    },
    Lost {
        token: u8,
    },
}

/// A seat at the home shard: the last sequence, and its answer once there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Seat {
    sequence: u8,
    answer: Option<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Life {
    Alive,
    /// It ended, and its end is under way to the owner.
    Ending,
    /// The owner has acknowledged.
    Gone,
}

/// Whose a hold or a waiter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Who {
    Client,
    Rival,
}

/// The session as the owner shard knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stub {
    Unknown,
    Known,
    Dead,
}

/// The client's view.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Client {
    attach: u8,
    connected: bool,
    greeted: bool,
    over: bool,
    /// Unanswered requests by seat.
    asked: [Option<Sent>; 2],
    sequences: [u8; 2],
    acquires_left: u8,
    /// The token that it believes in.
    token: Option<u8>,
    /// The acquire was given up.
    gave_up: bool,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    client: Client,
    /// Bytes to the server on the connection of the client.
    up: Vec<Option<Sent>>,
    /// Bytes of the connection before, with its attach number.
    old: Vec<Sent>,
    old_attach: u8,
    down: Vec<Down>,
    life: Life,
    attach: u8,
    attached: bool,
    seats: [Seat; 2],
    there: Vec<There>,
    back: Vec<Back>,
    stub: Stub,
    hold: Option<(Who, u8)>,
    waiters: Vec<Who>,
    tokens: u8,
    rival_left: u8,
    /// Grants for the client's newest acquire.
    grants: u8,
    /// The newest release ended the hold.
    released: bool,
    /// A promise that a step broke.
    fault: Option<&'static str>,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The client asks for the lock.
    Acquire,
    /// The client gives up its acquire: cancels, and releases what was granted.
    GiveUp,
    /// The client releases.
    Release,
    /// The connection breaks; what the server wrote is lost.
    Cut,
    /// Bytes of the broken connection are lost.
    LoseOld,
    /// The client connects again and sends every unanswered request again.
    Resume,
    /// The home shard takes a frame of the connection.
    Receive,
    /// The home shard takes a frame of the connection before.
    ReceiveOld,
    /// The client takes a frame.
    Hear,
    /// The owner shard takes a message.
    Owner,
    /// The home shard takes a message.
    Home,
    /// The session's TTL passes.
    Expire,
    /// The owner shard frees what the dead session had.
    Sweep,
    /// The lease of the client's hold ends.
    LeaseEnds,
    /// The rival asks for the lock.
    RivalAcquires,
    /// The rival lets it go.
    RivalReleases,
}

const ACTIONS: [Action; 16] = [
    Action::Acquire,
    Action::GiveUp,
    Action::Release,
    Action::Cut,
    Action::LoseOld,
    Action::Resume,
    Action::Receive,
    Action::ReceiveOld,
    Action::Hear,
    Action::Owner,
    Action::Home,
    Action::Expire,
    Action::Sweep,
    Action::LeaseEnds,
    Action::RivalAcquires,
    Action::RivalReleases,
];

const SEAT_LOCK: usize = 0;
const SEAT_CANCEL: usize = 1;

const fn seat_of(ask: Ask) -> usize {
    match ask {
        Ask::Acquire | Ask::Release { .. } => SEAT_LOCK,
        Ask::Cancel { .. } => SEAT_CANCEL,
    }
}

impl Model for Session {
    type State = State;
    type Action = Action;

    fn starts(&self) -> Vec<State> {
        vec![State {
            client: Client {
                attach: 0,
                connected: true,
                greeted: true,
                over: false,
                asked: [None; 2],
                sequences: [0; 2],
                acquires_left: self.acquires,
                token: None,
                gave_up: false,
            },
            up: Vec::new(),
            old: Vec::new(),
            old_attach: 0,
            down: Vec::new(),
            life: Life::Alive,
            attach: 0,
            attached: true,
            seats: [Seat::default(); 2],
            there: Vec::new(),
            back: Vec::new(),
            stub: Stub::Known,
            hold: None,
            waiters: Vec::new(),
            tokens: 0,
            rival_left: self.rival_locks,
            grants: 0,
            released: false,
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
        if state.grants > 1 {
            return Some("a request has one effect at most");
        }
        let is_clients = |who: &Who| *who == Who::Client;
        let holds = state.hold.is_some_and(|(who, _)| who == Who::Client);
        let waits = state.waiters.iter().any(is_clients);
        if state.life == Life::Gone && (holds || waits) {
            return Some("an ended session holds nothing");
        }
        let quiet_lanes = state.there.is_empty() && state.back.is_empty();
        let seat = &state.seats[SEAT_LOCK];
        let runs = seat.sequence > 0 && seat.answer.is_none();
        if state.life == Life::Alive && quiet_lanes && runs && !waits {
            return Some("a request without an answer has a waiter");
        }
        let client = &state.client;
        let quiet = state.there.is_empty() && state.back.is_empty() && state.up.is_empty();
        let rests = client.asked == [None; 2] && state.old.is_empty() && state.down.is_empty();
        let finished = rests && quiet && client.token.is_none() && !client.over;
        if finished && holds && state.life == Life::Alive {
            return Some("nobody holds a lock without knowing it");
        }
        None
    }

    fn settled(&self, state: &State) -> bool {
        let free = state.hold.is_none() && state.waiters.is_empty();
        let answered = state.client.over || state.client.asked == [None; 2];
        free && answered && state.there.is_empty() && state.back.is_empty()
    }
}

impl State {
    /// Takes the step, if it can be taken.
    fn step(&mut self, model: &Session, action: Action) -> bool {
        match action {
            Action::Acquire | Action::GiveUp | Action::Release => self.ask(action),
            Action::Cut => self.cut(),
            Action::LoseOld => {
                let had = !self.old.is_empty();
                self.old.clear();
                had
            }
            Action::Resume => self.resume(model),
            Action::Receive => self.receive(model),
            Action::ReceiveOld => self.receive_old(model),
            Action::Hear => self.hear(),
            Action::Owner => self.owner(model),
            Action::Home => self.home(),
            Action::Expire => self.expire(model),
            Action::Sweep => self.sweep(model),
            Action::LeaseEnds => self.lease_ends(model),
            Action::RivalAcquires => self.rival_acquires(model),
            Action::RivalReleases => self.rival_releases(model),
        }
    }

    fn ask(&mut self, action: Action) -> bool {
        let client = &mut self.client;
        if client.over {
            return false;
        }
        let ask = match (action, client.asked[SEAT_LOCK], client.token) {
            (Action::Acquire, None, None) if client.acquires_left > 0 => {
                if client.asked[SEAT_CANCEL].is_some() {
                    return false;
                }
                client.acquires_left -= 1;
                client.gave_up = false;
                self.grants = 0;
                self.released = false;
                Ask::Acquire
            }
            (Action::GiveUp, Some(sent), _) if sent.ask == Ask::Acquire && !client.gave_up => {
                client.gave_up = true;
                Ask::Cancel {
                    acquire: sent.sequence,
                }
            }
            (Action::Release, None, Some(token)) => {
                // From now on it is not believed in.
                client.token = None;
                Ask::Release { token }
            }
            _ => return false,
        };
        let seat = seat_of(ask);
        client.sequences[seat] += 1;
        let sequence = client.sequences[seat];
        let sent = Sent { ask, sequence };
        client.asked[seat] = Some(sent);
        if client.connected && client.greeted {
            self.up.push(Some(sent));
        }
        true
    }

    fn cut(&mut self) -> bool {
        if !self.client.connected {
            return false;
        }
        // Only whole frames count; a greeting that was not read dies with its connection.
        if self.up.first() == Some(&None) {
            self.up.clear();
        } else {
            self.old = self.up.drain(..).flatten().collect();
            self.old_attach = self.client.attach;
        }
        self.down.clear();
        self.client.connected = false;
        self.client.greeted = false;
        true
    }

    fn resume(&mut self, model: &Session) -> bool {
        let client = &mut self.client;
        if client.connected || client.over {
            return false;
        }
        if client.attach >= model.resumes {
            // It comes back no more: its own deadline passes.
            client.over = true;
            client.token = None;
            return true;
        }
        client.attach += 1;
        client.connected = true;
        // The greeting; the rest follows once it is answered.
        self.up = vec![None];
        true
    }

    fn receive(&mut self, model: &Session) -> bool {
        if self.up.is_empty() {
            return false;
        }
        match self.up.remove(0) {
            None if self.life != Life::Alive => self.down.push(Down::NoSession),
            None => {
                self.attach = self.client.attach;
                self.attached = true;
                if !model.has(Fault::OldBytes) {
                    self.old.clear();
                }
                self.down.push(Down::HelloOk);
            }
            Some(sent) => self.frame(model, sent, true),
        }
        true
    }

    fn receive_old(&mut self, model: &Session) -> bool {
        if self.old.is_empty() {
            return false;
        }
        let sent = self.old.remove(0);
        let is_old = self.old_attach != self.attach;
        let before = self.there.len();
        self.frame(model, sent, false);
        if is_old && self.there.len() > before {
            self.fault = Some("bytes of an old connection have no effect");
        }
        true
    }

    /// One request at the home shard: the seat decides.
    fn frame(&mut self, model: &Session, sent: Sent, tell: bool) {
        if self.life != Life::Alive {
            if tell {
                self.down.push(Down::NoSession);
            }
            return;
        }
        let at = seat_of(sent.ask);
        let seat = &mut self.seats[at];
        if sent.sequence == seat.sequence {
            match seat.answer {
                Some(_) if model.has(Fault::ReRun) => {
                    seat.answer = None;
                    self.there.push(There::Request(sent));
                }
                Some(answer) if tell => self.down.push(Down::Answer {
                    seat: u8::from(at == SEAT_CANCEL),
                    sequence: sent.sequence,
                    answer,
                }),
                _ => {}
            }
        } else if sent.sequence > seat.sequence && (seat.sequence == 0 || seat.answer.is_some()) {
            *seat = Seat {
                sequence: sent.sequence,
                answer: None,
            };
            self.there.push(There::Request(sent));
        }
    }

    fn hear(&mut self) -> bool {
        if self.down.is_empty() || !self.client.connected {
            return false;
        }
        let client = &mut self.client;
        match self.down.remove(0) {
            Down::HelloOk => {
                client.greeted = true;
                let asked = client.asked;
                // Acquires before their cancels, as they were asked.
                self.up.extend(asked.into_iter().flatten().map(Some));
            }
            Down::NoSession => {
                client.over = true;
                client.token = None;
            }
            Down::Lost { token } => {
                if client.token == Some(token) {
                    client.token = None;
                }
            }
            Down::Answer {
                seat,
                sequence,
                answer,
            } => self.answered(usize::from(seat), sequence, answer),
        }
        true
    }

    fn answered(&mut self, seat: usize, sequence: u8, answer: Answer) {
        let client = &mut self.client;
        let Some(sent) = client.asked[seat].filter(|sent| sent.sequence == sequence) else {
            return;
        };
        client.asked[seat] = None;
        match (sent.ask, answer) {
            (Ask::Acquire, Answer::Granted { token }) if !client.gave_up => {
                client.token = Some(token);
            }
            (Ask::Release { .. }, Answer::NotHeld) if self.released => {
                self.fault = Some("a request that is sent again hears the same answer");
            }
            _ => {}
        }
    }
}
