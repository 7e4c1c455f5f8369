//! Reads: Get and List by the owner shard's engine, Sessions and Stats by a home part.
//!
//! They use no seat, change nothing, and may be asked without a session. A page is served by one
//! shard; a read of another shard's is refused `Busy` when its reply has no room.

use crate::limits::READ_REPLY_BYTES_MAX;
use crate::lock::Counters;
use crate::lock::input::Input;
use crate::lock::op::{ReaderRef, ShardId};
use crate::session::{Life, Session};
use crate::shard::core::Core;
use crate::shard::cursor::Cursor;
use crate::shard::frames::Sender;
use crate::shard::home::Home;
use crate::shard::io::{Io, ShellCounters};
use crate::shard::message::{HomeRead, Message, READ_BYTES, READ_REPLY_MESSAGE_BYTES};
use crate::shard::paused::Step;
use crate::shard::reply::REPLY_BIT;
use crate::shard::request::refusal;
use crate::shard::router::{Room, Urgency};
use locker_protocol as wire;
use locker_protocol::{CounterId, HEADER_BYTES, Header, RecordList, Request, SessionState, Status};

/// Session slots looked at by one page at most.
const SLOTS_PER_PAGE: u64 = 4_096;
/// Bytes before the records of a page.
const PAGE_HEAD_BYTES: usize = wire::SessionsReply::FIXED_BYTES;

/// A read, and the shard that serves it.
#[derive(Clone, Copy, Debug)]
enum Read<'a> {
    Get(&'a [u8]),
    List(u64, &'a [u8]),
    Home(HomeRead),
}

impl Core {
    pub(super) fn read(
        &mut self,
        sender: &Sender,
        header: &Header,
        request: &Request<'_>,
        io: &mut impl Io,
    ) -> Step {
        let (id, op) = (sender.id, header.op | REPLY_BIT);
        let to = ReaderRef {
            home: self.home.config.shard,
            connection: id.slot,
            generation: id.generation,
            request_id: header.request_id,
            op,
        };
        match self.home.check_read(sender.admin, request) {
            Err(refused) => self.home.refuse(io, id, header.request_id, op, refused),
            Ok((shard, read)) if shard == to.home => self.read_here(to, read, io),
            Ok((shard, read)) => {
                let bytes = READ_BYTES + read.bytes().len();
                let answer = READ_REPLY_MESSAGE_BYTES;
                let urgency = Urgency::Refusable;
                if self.home.room_for(io, id, shard, (bytes, answer), urgency) == Room::Free {
                    self.home.router.reserve(shard, answer);
                    self.home.send(io, shard, read.message(to));
                } else {
                    self.home.counters.lane_busy += 1;
                    let busy = refusal(Status::Busy, 0, 0);
                    self.home.refuse(io, id, header.request_id, op, busy);
                }
            }
        }
        Step::Read
    }

    fn read_here(&mut self, to: ReaderRef, read: Read<'_>, io: &mut impl Io) {
        match read {
            Read::Get(key) => self.input(Input::Get { to, key }, io),
            Read::List(cursor, prefix) => self.input(Input::List { to, cursor, prefix }, io),
            Read::Home(read) => self.read_home(to, read, io),
        }
    }

    /// Serves a read of this home part, for whichever shard.
    pub(super) fn read_home(&mut self, to: ReaderRef, read: HomeRead, io: &mut impl Io) {
        match read {
            HomeRead::Sessions { from_slot } => self.home.sessions_page(from_slot),
            HomeRead::Stats => self.stats_page(io.shell_counters()),
        }
        let page = std::mem::take(&mut self.home.page);
        if to.home == self.home.config.shard {
            self.home.read_reply(io, to, &page);
        } else {
            let reply = Message::ReadReply { to, body: &page };
            self.home.send(io, to.home, reply);
        }
        self.home.page = page;
    }

    fn stats_page(&mut self, shell: ShellCounters) {
        let engine = self.engine.counters();
        self.home.records.clear();
        let mut count = 0;
        for id in CounterId::ALL {
            let value = self.counter(id, &engine, &shell);
            let id = id.code();
            wire::Counter { id, value }.encode(&mut self.home.records);
            count += 1;
        }
        let home = &mut self.home;
        home.page.clear();
        wire::StatsReply {
            cursor: Cursor::wire_after(home.config.shard, home.config.shards),
            shard: home.config.shard.0.into(),
            counters: RecordList::from_records(&home.records, count),
        }
        .encode_body(&mut home.page);
    }

    fn counter(&self, id: CounterId, engine: &Counters, shell: &ShellCounters) -> u64 {
        let home = &self.home;
        let own = &home.counters;
        match id {
            CounterId::Requests => own.requests,
            CounterId::Acquires => own.acquires,
            CounterId::Grants => own.grants,
            CounterId::Queued => own.queued,
            CounterId::Timeouts => own.timeouts,
            CounterId::Refusals => own.refusals,
            CounterId::Reclaims => engine.reclaims,
            CounterId::ReclaimsRefused => own.reclaims_refused,
            CounterId::LostConflict => engine.lost_conflict,
            CounterId::GraceMsMax => home.config.grace.0.into(),
            CounterId::GraceLeftMsMax => home.grace_ms_left().into(),
            CounterId::Releases => own.releases,
            CounterId::Renewals => own.renewals,
            CounterId::Cancels => own.cancels,
            CounterId::LostLease => engine.lost_lease,
            CounterId::LostSession => engine.lost_session,
            CounterId::Forced => engine.forced,
            CounterId::BadFrames => own.bad_frames,
            CounterId::Connections => home.connections.len().into(),
            CounterId::Sessions => home.sessions.len().into(),
            CounterId::Locks => engine.locks.into(),
            CounterId::Waiters => engine.waiters.into(),
            CounterId::BlocksUsed => engine.blocks_used.into(),
            CounterId::Blocks => engine.blocks.into(),
            CounterId::SessionsOpened => own.sessions_opened,
            CounterId::SessionsExpired => own.sessions_expired,
            CounterId::Resumes => own.resumes,
            CounterId::ConnectionsAccepted => shell.connections_accepted,
            CounterId::ConnectionsRefused => shell.connections_refused,
            CounterId::Turns => shell.turns,
            CounterId::LaneMessages => shell.lane_messages,
            CounterId::LaneWakes => shell.lane_wakes,
            CounterId::LaneBusy => own.lane_busy,
            CounterId::WatchdogWakes => shell.watchdog_wakes,
            CounterId::ExpiryLateUsMax => engine.expiry_late_us_max,
            CounterId::TurnUsMax => shell.turn_times.cpu_us_max,
            CounterId::StallMs => engine.stall_ms.max(home.deadlines.stalled_ms()),
            CounterId::ReadsPaused => own.reads_paused,
            CounterId::OutputOverruns => shell.output_overruns,
            CounterId::TurnWallUsMax => shell.turn_times.wall_us_max,
            CounterId::TurnsCpu10us
            | CounterId::TurnsCpu20us
            | CounterId::TurnsCpu50us
            | CounterId::TurnsCpu100us
            | CounterId::TurnsCpu200us
            | CounterId::TurnsCpu500us
            | CounterId::TurnsCpu1ms
            | CounterId::TurnsCpu2ms
            | CounterId::TurnsCpu5ms
            | CounterId::TurnsCpu10ms
            | CounterId::TurnsCpu20ms
            | CounterId::TurnsCpu50ms
            | CounterId::TurnsCpu100ms
            | CounterId::TurnsCpuLonger => shell.turn_times.count(id),
        }
    }
}

impl Home {
    /// What a read asks of which shard, or why it is refused.
    fn check_read<'a>(
        &self,
        admin: bool,
        request: &Request<'a>,
    ) -> Result<(ShardId, Read<'a>), crate::lock::effect::Refusal> {
        let admin = || match admin {
            true => Ok(()),
            false => Err(refusal(Status::NotAdmin, 0, 0)),
        };
        match *request {
            Request::Get(get) => match self.key_refusal(get.key) {
                Some(refused) => Err(refused),
                None => Ok((self.router.owner_of(get.key), Read::Get(get.key))),
            },
            Request::List(list) => {
                admin()?;
                let from = self.cursor(list.cursor)?;
                Ok((from.shard, Read::List(from.position, list.prefix)))
            }
            Request::Sessions(sessions) => {
                admin()?;
                let from = self.cursor(sessions.cursor)?;
                let from_slot = from.position;
                Ok((from.shard, Read::Home(HomeRead::Sessions { from_slot })))
            }
            Request::Stats(stats) => {
                let from = self.cursor(stats.cursor)?;
                Ok((from.shard, Read::Home(HomeRead::Stats)))
            }
            _ => unreachable!("only reads come here"),
        }
    }

    /// All cursors stand at the beginning of their body.
    fn cursor(&self, wire: u64) -> Result<Cursor, crate::lock::effect::Refusal> {
        let offset = HEADER_BYTES as u64;
        Cursor::from_wire(wire, self.config.shards).ok_or(refusal(Status::BadFrame, 0, offset))
    }

    /// Puts a page of this shard's sessions together, from a slot on.
    fn sessions_page(&mut self, from_slot: u64) {
        let end = u64::from(self.sessions.capacity());
        let last = end.min(from_slot.saturating_add(SLOTS_PER_PAGE));
        self.records.clear();
        let mut count = 0;
        let mut slot = from_slot;
        while slot < last {
            let here = u32::try_from(slot).expect("below the capacity");
            if let Some((_, session)) = self.sessions.in_slot(here) {
                let summary = summary(session, self.now);
                let bytes = wire::SessionSummary::FIXED_BYTES + summary.name.len();
                if PAGE_HEAD_BYTES + self.records.len() + bytes > READ_REPLY_BYTES_MAX {
                    break;
                }
                summary.encode(&mut self.records);
                count += 1;
            }
            slot += 1;
        }
        let cursor = if slot < end {
            let shard = self.config.shard;
            let position = slot;
            Cursor { shard, position }.to_wire()
        } else {
            Cursor::wire_after(self.config.shard, self.config.shards)
        };
        self.page.clear();
        wire::SessionsReply {
            cursor,
            sessions: RecordList::from_records(&self.records, count),
        }
        .encode_body(&mut self.page);
    }
}

impl<'a> Read<'a> {
    const fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Get(bytes) | Self::List(_, bytes) => bytes,
            Self::Home(_) => &[],
        }
    }

    const fn message(self, to: ReaderRef) -> Message<'a> {
        match self {
            Self::Get(key) => Message::Input(Input::Get { to, key }),
            Self::List(cursor, prefix) => Message::Input(Input::List { to, cursor, prefix }),
            Self::Home(read) => Message::HomeRead { to, read },
        }
    }
}

fn summary(session: &Session, now: crate::time::Instant) -> wire::SessionSummary<'_> {
    let opening = &session.opening;
    let micros = |since| now.micros_since(since);
    wire::SessionSummary {
        session_id: session.id.0,
        group: opening.group,
        ttl_ms: opening.ttl.0,
        silent_ms: u32::try_from(micros(session.seen_at) / 1_000).unwrap_or(u32::MAX),
        age_s: u32::try_from(micros(opening.at) / 1_000_000).unwrap_or(u32::MAX),
        holds: session.holds,
        running: session.running,
        attach: session.attach,
        state: match session.life {
            Life::Opening | Life::Attached => SessionState::Attached,
            Life::Detached => SessionState::Detached,
            Life::Ending => SessionState::Ending,
        },
        on_disconnect: opening.on_disconnect,
        home: session.id.home().0,
        peer_port: opening.peer.port,
        peer_ip: opening.peer.ip,
        name: std::str::from_utf8(opening.name.as_bytes()).expect("names are checked to be text"),
    }
}
