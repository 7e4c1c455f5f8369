//! Seated requests: checked, taken in once, and turned into operations on keys.

use crate::limits::LEASE_MS_MAX;
use crate::lock::effect::{Answer, CancelOutcome, Refusal};
use crate::lock::input::Input;
use crate::lock::op::{
    ClosedFor, IfGranted, Lease, Mode, Op, RenewTo, ReplyTo, Seat, SessionRef, Wait, Want,
};
use crate::session::SeatOp;
use crate::shard::core_config::CoreConfig;
use crate::shard::home::Home;
use crate::time::Millis;
use locker_protocol as wire;
use locker_protocol::{Request, RequestId, Status};

/// What a fresh seated request comes to at its home shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prepared<'a> {
    /// The owner shard of the key decides.
    Forward(Forwarded<'a>),
    /// It is decided here.
    Decided(Answer),
    /// The session ends.
    Close,
}

/// What goes to an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forwarded<'a> {
    pub(super) op: Op,
    pub(super) key: &'a [u8],
    /// Acquire and Reclaim only.
    pub(super) metadata: &'a [u8],
}

impl<'a> Forwarded<'a> {
    /// As the engine here or behind a lane is told.
    #[inline]
    pub(super) const fn input(&self, to: ReplyTo) -> Input<'a> {
        Input::Request {
            to,
            op: self.op,
            key: self.key,
            metadata: self.metadata,
        }
    }
}

/// The seat operation of a request; `None` for those that use no seat.
pub(super) const fn seat_op(request: &Request<'_>) -> Option<SeatOp> {
    match request {
        Request::Close(_) => Some(SeatOp::Close),
        Request::Acquire(_) => Some(SeatOp::Acquire),
        Request::Cancel(_) => Some(SeatOp::Cancel),
        Request::Release(_) => Some(SeatOp::Release),
        Request::Renew(_) => Some(SeatOp::Renew),
        Request::Reclaim(_) => Some(SeatOp::Reclaim),
        Request::ForceRelease(_) => Some(SeatOp::ForceRelease),
        Request::Hello(_)
        | Request::Ping(_)
        | Request::Get(_)
        | Request::List(_)
        | Request::Sessions(_)
        | Request::Stats(_) => None,
    }
}

impl Home {
    /// What a fresh request of a session is to do. Changes nothing.
    pub(super) fn prepare<'a>(
        &mut self,
        session: SessionRef,
        admin: bool,
        request: &Request<'a>,
    ) -> Prepared<'a> {
        let decided = |refusal| Prepared::Decided(Answer::Refused(refusal));
        let prepared = match request {
            Request::Acquire(acquire) => self.acquire(acquire),
            Request::Cancel(cancel) => Ok(self.cancel(session, cancel)),
            Request::Release(release) => Ok(forward(
                Op::Release {
                    owner: release.owner,
                    token: release.token,
                },
                release.key,
            )),
            Request::Renew(renew) => Ok(forward(
                Op::Renew {
                    owner: renew.owner,
                    token: renew.token,
                    to: renew_to(&self.config, renew.lease_ms),
                },
                renew.key,
            )),
            Request::ForceRelease(request) if admin => Ok(force(request)),
            Request::ForceRelease(_) => Err(refusal(Status::NotAdmin, 0, 0)),
            Request::Reclaim(reclaim) => self.reclaim(reclaim),
            Request::Close(_) => return Prepared::Close,
            Request::Hello(_)
            | Request::Ping(_)
            | Request::Get(_)
            | Request::List(_)
            | Request::Sessions(_)
            | Request::Stats(_) => unreachable!("these use no seat"),
        };
        match prepared {
            Ok(Prepared::Forward(forwarded)) => match self.key_refusal(forwarded.key) {
                None => Prepared::Forward(forwarded),
                Some(refusal) => decided(refusal),
            },
            Ok(prepared) => prepared,
            Err(refusal) => decided(refusal),
        }
    }

    fn acquire<'a>(&self, acquire: &wire::Acquire<'a>) -> Result<Prepared<'a>, Refusal> {
        if let Some(ms_left) = self.drain_ms_left() {
            return Err(refusal(Status::Draining, 0, ms_left.into()));
        }
        self.check_metadata(acquire.metadata)?;
        let op = Op::Acquire {
            owner: acquire.owner,
            want: Want {
                mode: mode(acquire.mode),
                permits: acquire.permits,
                limit: acquire.limit,
                resize: acquire.resize,
            },
            wait: wait(acquire.wait_ms),
            lease: lease(&self.config, acquire.lease_ms),
        };
        Ok(Prepared::Forward(Forwarded {
            op,
            key: acquire.key,
            metadata: acquire.metadata,
        }))
    }

    #[inline]
    pub(super) fn check_metadata(&self, metadata: &[u8]) -> Result<(), Refusal> {
        let longest = u64::from(self.config.metadata_bytes_max);
        let sent = metadata.len() as u64;
        if sent > longest {
            return Err(refusal(Status::MetadataTooLong, longest, sent));
        }
        Ok(())
    }

    /// A cancel goes to the owner shard only while the acquire's record says that it waits or
    /// holds: a seat used again since then is another request's.
    fn cancel<'a>(&mut self, session: SessionRef, cancel: &wire::Cancel<'a>) -> Prepared<'a> {
        let RequestId { seat, sequence } = RequestId::unpack(cancel.acquire_id);
        let not_found = Prepared::Decided(Answer::CancelDone {
            outcome: CancelOutcome::NotFound,
            token: 0,
        });
        let Some(record) = self.sessions.record(session, seat) else {
            return not_found;
        };
        if record.sequence() != sequence || sequence == 0 || record.op() != SeatOp::Acquire {
            return not_found;
        }
        let token = match record.granted_token() {
            Some(token) => token,
            None if record.is_running() => 0,
            None => return not_found,
        };
        let op = Op::Cancel {
            owner: cancel.owner,
            acquire_seat: Seat(seat),
            token,
            if_granted: match cancel.if_granted {
                wire::IfGranted::Keep => IfGranted::Keep,
                wire::IfGranted::Release => IfGranted::Release,
            },
        };
        forward(op, cancel.key)
    }

    /// Forcing is rare and an administrator's act: who and why goes to the log.
    pub(super) fn log_force(&self, session: SessionRef, force: &wire::ForceRelease<'_>) {
        let by = self.sessions.at(session);
        log::warn!(
            "force release of {} (token {}) by session {:016x} \"{}\": {}",
            wire::escape_key(force.key),
            force.token,
            by.id.0,
            String::from_utf8_lossy(by.opening.name.as_bytes()).escape_debug(),
            force.reason.escape_debug(),
        );
    }

    /// Why a key is not taken, if it is not.
    pub(super) fn key_refusal(&self, key: &[u8]) -> Option<Refusal> {
        let longest = usize::from(self.config.key_bytes_max);
        let fits = !key.is_empty() && key.len() <= longest;
        (!fits).then(|| refusal(Status::BadKey, longest as u64, key.len() as u64))
    }
}

/// A refusal of that status.
pub(super) const fn refusal(status: Status, limit: u64, value: u64) -> Refusal {
    Refusal {
        status,
        limit,
        value,
    }
}

const fn forward(op: Op, key: &[u8]) -> Prepared<'_> {
    Prepared::Forward(Forwarded {
        op,
        key,
        metadata: &[],
    })
}

fn force<'a>(request: &wire::ForceRelease<'a>) -> Prepared<'a> {
    let closed = match request.delay_ms {
        wire::DELAY_HOLDER_TTL => ClosedFor::HolderTtl,
        ms => ClosedFor::For(Millis(ms.min(LEASE_MS_MAX))),
    };
    let op = Op::ForceRelease {
        token: request.token,
        closed,
    };
    forward(op, request.key)
}

pub(super) const fn mode(mode: wire::Mode) -> Mode {
    match mode {
        wire::Mode::Exclusive => Mode::Exclusive,
        wire::Mode::Shared => Mode::Shared,
        wire::Mode::Permit => Mode::Permit,
    }
}

/// A wait longer than a timer can be is as good as for ever; it must not end early.
const fn wait(ms: u32) -> Wait {
    match ms {
        wire::WAIT_TRY => Wait::Try,
        ms if ms > LEASE_MS_MAX => Wait::Forever,
        ms => Wait::For(Millis(ms)),
    }
}

pub(super) fn lease(config: &CoreConfig, ms: u32) -> Lease {
    match ms {
        wire::LEASE_SESSION => Lease::Session,
        ms => Lease::For(Millis(ms.clamp(config.lease_min.0, config.lease_max.0))),
    }
}

fn renew_to(config: &CoreConfig, ms: u32) -> RenewTo {
    match ms {
        wire::LEASE_KEEP => RenewTo::Keep,
        ms => RenewTo::Lease(lease(config, ms)),
    }
}
