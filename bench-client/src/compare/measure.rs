//! One run of one contestant: the load that its shape asks for, in its language, on this thread.
//! Shell.

use std::io;

use crate::compare::baton::Baton;
use crate::compare::contended::{Contended, Patience};
use crate::compare::contestant::{Contestant, Manner, POLL_MS, Peer};
use crate::compare::cycle::Cycle;
use crate::compare::dialect::Dialect;
use crate::compare::peers::echo::Echo;
use crate::compare::peers::etcd::Etcd;
use crate::compare::peers::locker::Locker;
use crate::compare::peers::memcached::Memcached;
use crate::compare::peers::postgres::Postgres;
use crate::compare::peers::redis::{Redis, RedisPing};
use crate::compare::sample::Sample;
use crate::compare::shape::{Shape, Style};
use crate::compare::stages::Timing;
use crate::compare::tally::Measured;
use crate::nanos::Nanos;
use crate::net::address::Address;
use crate::net::event_loop::drive;

use super::watch::{Family, Watched};

/// Lease of each hold of [`Peer::LockerLease`], as long as Redis' keys live.
const LEASE_MS: u32 = 30_000;

/// What is the same for all runs of a comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conduct {
    pub(super) timing: Timing,
    pub(super) keys: u32,
    pub(super) seed: u64,
}

/// A server to be measured.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// Where connections go, in turn.
    pub(super) addresses: Vec<Address>,
    pub(super) family: Family,
}

/// Runs one shape against one contestant.
///
/// # Errors
/// The system has no epoll to give; what happens on connections is in the sample.
pub(super) fn measure(
    conduct: Conduct,
    server: &Server,
    shape: Shape,
    contestant: Contestant,
    round: u32,
) -> io::Result<Sample> {
    let depth = shape.depth;
    let run = Run {
        conduct,
        server,
        shape,
        contestant,
        round,
    };
    match contestant.peer {
        Peer::Locker | Peer::LockerShards | Peer::LockerUnix => run.with(|_| Locker::new(depth, 0)),
        Peer::LockerAware => run.with(|_| Locker::shard_aware(depth)),
        Peer::LockerLease => run.with(|_| Locker::new(depth, LEASE_MS)),
        Peer::EchoDriver | Peer::EchoEpoll => run.with(|_| Echo::new(depth)),
        Peer::Redis => run.with(|connection| Redis::new(connection, depth)),
        Peer::RedisPing => run.with(|_| RedisPing::new(depth)),
        Peer::Memcached => run.with(|_| Memcached::new(depth)),
        Peer::Etcd => run.with(|connection| Etcd::new(connection, depth)),
        Peer::Postgres => run.with(|_| Postgres::new(depth)),
    }
}

struct Run<'a> {
    conduct: Conduct,
    server: &'a Server,
    shape: Shape,
    contestant: Contestant,
    round: u32,
}

impl Run<'_> {
    fn with<D: Dialect>(&self, dialect: impl Fn(u32) -> D) -> io::Result<Sample> {
        let Conduct { timing, keys, seed } = self.conduct;
        let dialects = (0..self.shape.connections).map(dialect).collect();
        match self.shape.style {
            Style::TwoTrips | Style::OneWrite => {
                // Each round draws other keys, the same for all contestants.
                let seed = seed.wrapping_add(u64::from(self.round));
                self.drive(Cycle::new(self.shape, timing, keys, seed, dialects))
            }
            Style::Contended if self.contestant.peer.is_echo() => {
                self.drive(Baton::new(timing, dialects))
            }
            Style::Contended => {
                let patience = match self.contestant.manner {
                    Manner::Plain => Patience::Queue,
                    Manner::TightPoll => Patience::Poll(Nanos::ZERO),
                    Manner::PolitePoll => Patience::Poll(Nanos::from_ms(POLL_MS)),
                };
                self.drive(Contended::new(patience, timing, dialects))
            }
        }
    }

    fn drive<T: Measured>(&self, load: T) -> io::Result<Sample> {
        let mut watched = Watched::new(load, self.server.family);
        let connections = usize::try_from(self.shape.connections).expect("widens");
        drive(&mut watched, &self.server.addresses, connections)?;
        let (mut load, costs) = watched.into_parts();
        let (shape, contestant, round) = (self.shape, self.contestant, self.round);
        Ok(Sample::new(shape, contestant, round, load.tally(), costs))
    }
}
