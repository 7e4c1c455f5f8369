//! Everything that an owner shard's engine is told, as one enum; lanes frame these values.

use crate::lock::effect::ClosureRef;
use crate::lock::op::{Op, ReaderRef, ReplyTo, SessionRef};
use crate::time::Millis;
use std::net::{IpAddr, Ipv6Addr};

/// Address of a client: IPv6, or IPv4 mapped into it; `::` port 0 for a Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// The address in network order.
    pub ip: [u8; 16],
    /// The port.
    pub port: u16,
}

impl Default for Peer {
    fn default() -> Self {
        Self {
            ip: Ipv6Addr::UNSPECIFIED.octets(),
            port: 0,
        }
    }
}

impl Peer {
    /// The peer at this address.
    #[must_use]
    pub fn new(ip: IpAddr, port: u16) -> Self {
        let ip = match ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        Self {
            ip: ip.octets(),
            port,
        }
    }
}

/// One input of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A session touches this shard for the first time; precedes all its requests.
    SessionOpen {
        /// The session.
        session: SessionRef,
        /// Its TTL: what a forced key waits for.
        ttl: Millis,
        /// Its name, at most 32 bytes.
        name: &'a [u8],
        /// Where it came from.
        peer: Peer,
    },
    /// The session is over: everything it has here goes, in bounded steps, then `SessionGone`.
    SessionEnd {
        /// The session.
        session: SessionRef,
    },
    /// A request on a key.
    Request {
        /// Where the answer goes.
        to: ReplyTo,
        /// What is asked.
        op: Op,
        /// The key, 1..=1,024 bytes, checked by the home shard.
        key: &'a [u8],
        /// Acquire and Reclaim only: the hold's metadata, at most 256 bytes.
        metadata: &'a [u8],
    },
    /// Who holds, who waits: the body of a Get reply.
    Get {
        /// Where the reply goes.
        to: ReaderRef,
        /// The key.
        key: &'a [u8],
    },
    /// A page of this shard's keys: the body of a List reply.
    List {
        /// Where the reply goes.
        to: ReaderRef,
        /// Bucket to begin at; the home shard has taken the shard number off. The engine's reply
        /// carries the next cursor of the whole server (see [`crate::shard::cursor`]).
        cursor: u64,
        /// Only keys that begin so.
        prefix: &'a [u8],
    },
    /// The holder of a force-released key was told, or is detached: the key's delay begins.
    LostTold {
        /// From the [`crate::lock::effect::Event::Lost`].
        closure: ClosureRef,
    },
}

impl Input<'_> {
    /// Bytes of key, metadata, name or prefix.
    #[inline]
    #[must_use]
    pub const fn bytes(&self) -> usize {
        match self {
            Self::Request { key, metadata, .. } => key.len() + metadata.len(),
            Self::SessionOpen { name, .. } => name.len(),
            Self::Get { key, .. } => key.len(),
            Self::List { prefix, .. } => prefix.len(),
            Self::SessionEnd { .. } | Self::LostTold { .. } => 0,
        }
    }
}
