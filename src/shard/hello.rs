//! The first frame of a connection: opens a session, resumes one, or does without.

use crate::canary::{self, Canary};
use crate::limits::{GRACE_SESSIONS_PART, TTL_MS_MIN};
use crate::lock::effect::Refusal;
use crate::lock::input::Peer;
use crate::lock::op::{SessionId, SessionRef};
use crate::session::Life;
use crate::session::table::{Name, Opening};
use crate::shard::connection::{Connection, Phase};
use crate::shard::home::Home;
use crate::shard::io::{ConnectionId, Io, Reading, ToControl};
use crate::shard::paused::WaitsFor;
use crate::shard::reply::Output;
use crate::time::Millis;
use locker_protocol as wire;
use locker_protocol::{
    EndReason, FEATURES_RECLAIM, GoAwayReason, Hello, HelloAction, Opcode, Status, U16List, VERSION,
};

/// The least margin that a client takes off its deadlines: 1 % and 2 ms.
const MARGIN_PERMILLE: u16 = 10;
const MARGIN_MS: u16 = 2;
/// Slots of the full table that an Open looks at for a session that may end, from where the last
/// one stopped.
const MAKE_ROOM_LOOKS: u32 = 16;
/// Keepalives are sent this often within a TTL.
const KEEPALIVES_PER_TTL: u32 = 3;

impl Home {
    /// Answers a connection's Hello. `bytes` is all that the connection sent, from the preface on.
    pub(super) fn hello(
        &mut self,
        io: &mut impl Io,
        connection: ConnectionId,
        request_id: u64,
        hello: &Hello<'_>,
        bytes: &[u8],
    ) {
        let state = self.connections.find_mut(connection);
        let state = state.expect("it just spoke");
        state.hello_id = request_id;
        state.reclaims = hello.features & FEATURES_RECLAIM != 0;
        if !(hello.version_min..=hello.version_max).contains(&VERSION) {
            let version = u64::from(VERSION);
            return self.refuse_hello(io, connection, Status::VersionMismatch, version, version);
        }
        match hello.action {
            HelloAction::None => self.greet(io, connection, Phase::Bare),
            HelloAction::Open => self.open(io, connection, hello),
            HelloAction::Resume => self.resume(io, connection, hello, bytes),
        }
    }

    fn open(&mut self, io: &mut impl Io, connection: ConnectionId, hello: &Hello<'_>) {
        if let Some(ms_left) = self.drain_ms_left() {
            return self.refuse_hello(io, connection, Status::Draining, 0, ms_left.into());
        }
        let ttl = match hello.ttl_ms {
            0 => self.config.ttl_default.0,
            asked => asked.clamp(TTL_MS_MIN, self.config.ttl_max.0),
        };
        let state = self.connections.find(connection).expect("it just spoke");
        let opening = Opening {
            secret: io.secret(),
            ttl: Millis(ttl),
            on_disconnect: hello.on_disconnect,
            name: Name::new(hello.name.as_bytes()),
            group: hello.group,
            peer: state.peer,
            at: self.now,
        };
        let capacity = self.sessions_for(hello);
        let room = self.sessions.len() < capacity || self.make_room(io);
        let Some(session) = room.then(|| self.sessions.open(opening)).flatten() else {
            let limit = capacity.into();
            return self.refuse_hello(io, connection, Status::SessionsFull, limit, 0);
        };
        self.sessions.at_mut(session).connection = Some(connection);
        if ttl <= self.ttl_durable_ms {
            self.opened(io, connection, session);
            return;
        }
        if canary::is(Canary::BoundAfterHello) {
            self.opened(io, connection, session);
            return self.ask_bound(io, ttl);
        }
        self.set_phase(connection, Phase::Withheld(session));
        self.paused.push(connection.slot, WaitsFor::Bound);
        self.deadlines.connection_greeted(connection.slot);
        io.read(connection, Reading::Paused);
        self.ask_bound(io, ttl);
    }

    /// Asks for a durable bound of this TTL, unless that, or a higher one, was asked for.
    fn ask_bound(&mut self, io: &mut impl Io, ttl: u32) {
        if ttl > self.ttl_asked_ms {
            self.ttl_asked_ms = ttl;
            io.control(ToControl::RaiseBound { ttl_ms: ttl });
        }
    }

    /// How many sessions there may be for this one to open: inside the grace window a part of the
    /// table is kept for those who come back for their holds.
    fn sessions_for(&self, hello: &Hello<'_>) -> u32 {
        let capacity = self.sessions.capacity();
        if hello.reclaiming || self.keys_open {
            return capacity;
        }
        capacity - capacity / GRACE_SESSIONS_PART
    }

    /// Ends a session that is without a connection and never asked any shard for anything, so that
    /// another may open: nobody misses it. Else whoever opens sessions and drops them would keep
    /// all others out for a TTL. A holder that comes back for its holds opens one more.
    fn make_room(&mut self, io: &mut impl Io) -> bool {
        for _ in 0..MAKE_ROOM_LOOKS {
            let slot = self.room_hand % self.sessions.capacity();
            self.room_hand = slot + 1;
            if let Some((session, kept)) = self.sessions.in_slot(slot)
                && kept.life == Life::Detached
                && kept.touched.is_empty()
            {
                self.counters.sessions_expired += 1;
                self.end(io, session, EndReason::Expired);
                return true;
            }
        }
        false
    }

    fn opened(&mut self, io: &mut impl Io, connection: ConnectionId, session: SessionRef) {
        self.counters.sessions_opened += 1;
        self.greet(io, connection, Phase::Attached(session));
    }

    /// The durable bound was raised: answers those whose TTL it covers, in order of arrival.
    pub(super) fn bound_raised(&mut self, io: &mut impl Io, ttl_ms: u32) {
        self.ttl_durable_ms = self.ttl_durable_ms.max(ttl_ms);
        for _ in 0..self.connections.len() {
            let Some(slot) = self.paused.first(WaitsFor::Bound) else {
                return;
            };
            self.paused.remove(slot);
            let (connection, state) = self.connections.in_slot(slot).expect("it waits");
            let session = state.session().expect("its session was opened");
            let ttl = self.sessions.at(session).opening.ttl;
            if ttl.0 <= self.ttl_durable_ms {
                self.reads_resumed = true;
                self.opened(io, connection, session);
            } else {
                self.paused.push(slot, WaitsFor::Bound);
            }
        }
    }

    fn resume(
        &mut self,
        io: &mut impl Io,
        connection: ConnectionId,
        hello: &Hello<'_>,
        bytes: &[u8],
    ) {
        let id = SessionId(hello.session_id);
        let home = id.home();
        if home != self.config.shard && u16::from(home.0) < self.config.shards {
            io.hand_over(connection, home, bytes);
            self.forget(connection);
            return;
        }
        let found = self.sessions.authenticate(id, &hello.secret);
        let alive = |session: &SessionRef| {
            let life = self.sessions.at(*session).life;
            matches!(life, Life::Attached | Life::Detached)
        };
        let Some(session) = found.filter(alive) else {
            return self.refuse_hello(io, connection, Status::NoSession, 0, 0);
        };
        let last = self.sessions.at(session).attach;
        if hello.attach <= last {
            let (last, sent) = (last.into(), hello.attach.into());
            return self.refuse_hello(io, connection, Status::StaleResume, last, sent);
        }
        if let Some(old) = self.sessions.at(session).connection {
            wire::GoAway {
                drain_ms: 0,
                reason: GoAwayReason::TakenOver,
            }
            .encode(&mut Output(io, old));
            if !canary::is(Canary::OldConnectionHeard) {
                self.shut(io, old);
            }
        }
        let state = self.connections.find(connection).expect("it just spoke");
        let peer = state.peer;
        let resumed = self.sessions.at_mut(session);
        resumed.opening.peer = peer;
        resumed.attach = hello.attach;
        resumed.connection = Some(connection);
        self.counters.resumes += 1;
        self.greet(io, connection, Phase::Attached(session));
    }

    /// Writes HelloOk and reads on.
    fn greet(&mut self, io: &mut impl Io, connection: ConnectionId, phase: Phase) {
        self.set_phase(connection, phase);
        self.deadlines.connection_greeted(connection.slot);
        let state = *self.connections.find(connection).expect("it just spoke");
        if let Some(session) = state.session() {
            let now = self.now;
            let attached = self.sessions.at_mut(session);
            attached.life = Life::Attached;
            attached.seen_at = now;
            let ttl = attached.opening.ttl;
            self.deadlines.session_seen(session.slot, ttl);
        }
        let out = &mut Output(io, connection);
        self.hello_ok(&state).encode(state.hello_id, out);
        if let Some(drain_ms) = self.drain_ms_left() {
            wire::GoAway {
                drain_ms,
                reason: GoAwayReason::Restart,
            }
            .encode(out);
        }
        io.read(connection, Reading::Multishot);
    }

    fn hello_ok(&self, connection: &Connection) -> wire::HelloOk<'_> {
        let config = &self.config;
        let session = connection.session();
        // A client of a Unix socket knows no host that a port would belong to.
        let ports = match connection.peer == Peer::default() {
            true => &[][..],
            false => &self.ports,
        };
        let session = session.map(|session| self.sessions.at(session));
        let ttl_ms = session.map_or(0, |session| session.opening.ttl.0);
        wire::HelloOk {
            version: VERSION,
            ephemeral: config.ephemeral,
            admin: connection.admin,
            resumed: session.is_some_and(|session| session.attach > 0),
            draining: self.drain_until.is_some(),
            shard: config.shard.0.into(),
            shards: config.shards,
            seats: session.map_or(0, |_| config.seats),
            features: self.features(connection),
            server_id: config.server_id,
            run: config.run,
            session_id: session.map_or(0, |session| session.id.0),
            secret: session.map_or([0; 16], |session| session.opening.secret),
            attach: session.map_or(0, |session| session.attach),
            ttl_ms,
            keepalive_ms: ttl_ms / KEEPALIVES_PER_TTL,
            grace_left_ms: self.grace_ms_left(),
            server_now: self.now.as_micros(),
            margin_permille: MARGIN_PERMILLE,
            margin_ms: MARGIN_MS,
            frame_max: config.frame_bytes_max,
            key_max: config.key_bytes_max,
            metadata_max: config.metadata_bytes_max,
            lease_min_ms: config.lease_min.0,
            lease_max_ms: config.lease_max.0,
            ports: U16List::from_bytes(ports),
        }
    }

    /// Refuses a Hello: the connection is of no more use.
    fn refuse_hello(
        &mut self,
        io: &mut impl Io,
        connection: ConnectionId,
        status: Status,
        limit: u64,
        value: u64,
    ) {
        let refusal = Refusal {
            status,
            limit,
            value,
        };
        let state = self.connections.find(connection).expect("it just spoke");
        let request_id = state.hello_id;
        self.refuse(io, connection, request_id, Opcode::Hello.reply(), refusal);
        self.shut(io, connection);
    }

    fn set_phase(&mut self, connection: ConnectionId, phase: Phase) {
        let state = self.connections.find_mut(connection);
        state.expect("it just spoke").phase = phase;
    }

    pub(super) fn grace_ms_left(&self) -> u32 {
        let until = self.config.grace_until.filter(|_| !self.keys_open);
        // At least 1: 0 says that no window is open.
        until.map_or(0, |until| ms_until(until, self.now).max(1))
    }

    /// Milliseconds until the drain's bound, while stopping.
    pub(super) fn drain_ms_left(&self) -> Option<u32> {
        self.drain_until.map(|until| ms_until(until, self.now))
    }
}

/// Milliseconds from `now` to `until`, rounded up.
fn ms_until(until: crate::time::Instant, now: crate::time::Instant) -> u32 {
    let ms = until.micros_since(now).div_ceil(1_000);
    u32::try_from(ms).unwrap_or(u32::MAX)
}
