//! Who is compared: peers, and the manners in which one is driven. Pure.

use std::fmt;

use super::shape::{Shape, Style};

/// A system that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// locker with one shard; holds live as long as their session.
    Locker,
    /// The same server; each hold has a lease of 30 s of its own, as Redis' keys.
    LockerLease,
    /// locker with several shards, any connection asking for any key.
    LockerShards,
    /// The same server, each connection going to a shard's own port and asking for its keys alone.
    LockerAware,
    /// locker with one shard, over a Unix socket.
    LockerUnix,
    /// Echo on locker's own socket driver.
    EchoDriver,
    /// Echo on epoll.
    EchoEpoll,
    /// Redis: `SET NX PX`, `EVALSHA`.
    Redis,
    /// Redis: two `PING`s.
    RedisPing,
    /// memcached: `add`, `delete`.
    Memcached,
    /// etcd: its lock API.
    Etcd,
    /// PostgreSQL: advisory locks.
    Postgres,
}

impl Peer {
    /// All, in the order of tables and of each round.
    pub const ALL: [Self; 12] = [
        Self::Locker,
        Self::LockerLease,
        Self::LockerShards,
        Self::LockerAware,
        Self::LockerUnix,
        Self::EchoDriver,
        Self::EchoEpoll,
        Self::Redis,
        Self::RedisPing,
        Self::Memcached,
        Self::Etcd,
        Self::Postgres,
    ];

    /// Its name on the command line and in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Locker => "locker",
            Self::LockerLease => "locker-lease",
            Self::LockerShards => "locker-shards",
            Self::LockerAware => "locker-aware",
            Self::LockerUnix => "locker-unix",
            Self::EchoDriver => "echo-driver",
            Self::EchoEpoll => "echo-epoll",
            Self::Redis => "redis",
            Self::RedisPing => "redis-ping",
            Self::Memcached => "memcached",
            Self::Etcd => "etcd",
            Self::Postgres => "postgres",
        }
    }

    /// The peer of a name.
    ///
    /// # Errors
    /// The names that there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|peer| peer.name() == name);
        known.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|peer| peer.name()).collect();
            format!("`{name}` is no peer: choose of {}", names.join(", "))
        })
    }

    /// Whether it is locker, in whatever setting.
    #[must_use]
    pub const fn is_locker(self) -> bool {
        matches!(
            self,
            Self::Locker
                | Self::LockerLease
                | Self::LockerShards
                | Self::LockerAware
                | Self::LockerUnix
        )
    }

    /// Whether it is locker with several shards.
    #[must_use]
    pub const fn is_sharded(self) -> bool {
        matches!(self, Self::LockerShards | Self::LockerAware)
    }

    /// Whether it is one of the echo servers.
    #[must_use]
    pub const fn is_echo(self) -> bool {
        matches!(self, Self::EchoDriver | Self::EchoEpoll)
    }

    /// Whether one thread serves, so that a saturated server has the whole of its core.
    #[must_use]
    pub const fn is_one_thread(self) -> bool {
        !(self.is_sharded() || matches!(self, Self::Etcd | Self::Postgres))
    }

    /// Whether it queues those who want what is held.
    #[must_use]
    pub const fn has_waiters(self) -> bool {
        !matches!(self, Self::Redis | Self::RedisPing | Self::Memcached)
    }
}

/// How a peer is driven in a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// The one way there is.
    Plain,
    /// Contended, without waiters: asked again at once.
    TightPoll,
    /// Contended, without waiters: asked again after [`POLL_MS`].
    PolitePoll,
}

/// Milliseconds between two tries: the default `sleep` of the lock of redis-py, Redis' client for
/// Python (redis/lock.py: `sleep=0.1`). memcached, without such a client, gets the same.
pub const POLL_MS: u64 = 100;

/// A peer in a manner: one row of a shape's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contestant {
    /// The peer.
    pub peer: Peer,
    /// How it is driven.
    pub manner: Manner,
}

impl Contestant {
    /// A peer in the one way there is.
    #[must_use]
    pub const fn plain(peer: Peer) -> Self {
        let manner = Manner::Plain;
        Self { peer, manner }
    }

    /// Those of `peers` that can run a shape, in the order of each round.
    #[must_use]
    pub fn of(shape: Shape, peers: &[Peer]) -> Vec<Self> {
        let mut contestants = Vec::new();
        for &peer in peers {
            match shape.style {
                // Requests of one connection to etcd run side by side: an Unlock may overtake.
                Style::OneWrite if peer == Peer::Etcd => {}
                Style::Contended if peer == Peer::RedisPing => {}
                // One key lies on one shard: all its connections would go there.
                Style::Contended if peer == Peer::LockerAware => {}
                Style::Contended if !peer.has_waiters() => {
                    for manner in [Manner::TightPoll, Manner::PolitePoll] {
                        contestants.push(Self { peer, manner });
                    }
                }
                _ => contestants.push(Self::plain(peer)),
            }
        }
        contestants
    }
}

impl fmt::Display for Contestant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.peer.name();
        match self.manner {
            Manner::Plain => out.pad(name),
            Manner::TightPoll => out.pad(&format!("{name}, tight poll")),
            Manner::PolitePoll => out.pad(&format!("{name}, {POLL_MS} ms poll")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn peers_are_known_by_name() {
        for peer in Peer::ALL {
            assert_eq!(Peer::parse(peer.name()), Ok(peer));
        }
        let error = Peer::parse("zookeeper").unwrap_err();
        assert!(error.contains("locker-lease, locker-shards"), "{error}");
    }

    #[test]
    fn who_cannot_run_a_shape_is_left_out_and_pollers_come_twice() {
        let names = |shape: &str| {
            let shape = *Shape::parse(shape).unwrap().last().unwrap();
            let contestants = Contestant::of(shape, &Peer::ALL);
            let names: Vec<String> = contestants.iter().map(Contestant::to_string).collect();
            names.join(" | ")
        };
        assert!(!names("8x32").contains("etcd"));
        let contended = names("contended");
        assert!(!contended.contains("ping") && !contended.contains("aware"));
        assert!(contended.contains("redis, tight poll | redis, 100 ms poll"));
        assert!(contended.contains("etcd | postgres"));
    }
}
