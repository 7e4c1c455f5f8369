//! What a locker that runs tells of itself: its shards, the port of each, what it counted.
//!
//! Asked over a blocking connection of its own, without a session, before and after a load: the
//! load does not notice.

use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use locker_protocol::{FromServer, HelloOk, Reply, Stats, split_frame};

use crate::greeting::without_session;
use crate::measure::Counters;
use crate::net::address::Address;
use crate::net::stream::Stream;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
const FRAME_MAX: u32 = 65_536;

/// A connection for questions.
#[derive(Debug)]
pub struct Inquiry {
    stream: Stream,
    unread: Vec<u8>,
    address: Address,
    shards: u16,
    ports: Vec<u16>,
    asked: u64,
}

impl Inquiry {
    /// Connects and says Hello without opening a session.
    ///
    /// # Errors
    /// Nobody listens, no answer came within 5 s, or it is none of a locker.
    pub fn begin(address: &Address) -> io::Result<Self> {
        let mut inquiry = Self {
            stream: Stream::connect(address, PATIENCE)?,
            unread: Vec::new(),
            address: address.clone(),
            shards: 1,
            ports: Vec::new(),
            asked: 1,
        };
        let mut hello = Vec::new();
        without_session(inquiry.asked, &mut hello);
        inquiry.stream.write_all(&hello)?;
        let (shards, ports) = inquiry.answer(|reply| match reply {
            Reply::HelloOk(HelloOk { shards, ports, .. }) => {
                Some((*shards, ports.iter().collect()))
            }
            _ => None,
        })?;
        (inquiry.shards, inquiry.ports) = (shards.max(1), ports);
        Ok(inquiry)
    }

    /// How many shards the server has.
    #[must_use]
    pub const fn shards(&self) -> u16 {
        self.shards
    }

    /// The address of each shard, in order; `None` if there is one address for all of them.
    ///
    /// Ports are of TCP, so a server that was reached by a Unix socket tells no addresses.
    #[must_use]
    pub fn shard_addresses(&self) -> Option<Vec<Address>> {
        let Address::Tcp(address) = self.address else {
            return None;
        };
        let at = |port: &u16| {
            let mut address = address;
            address.set_port(*port);
            Address::Tcp(address)
        };
        (self.ports.len() == usize::from(self.shards)).then(|| self.ports.iter().map(at).collect())
    }

    /// What the server counted since its start, all shards together.
    ///
    /// # Errors
    /// No answer came, or one that cannot be read.
    pub fn counters(&mut self) -> io::Result<Counters> {
        let mut counters = Counters::default();
        let mut cursor = 0;
        loop {
            self.asked += 1;
            let mut question = Vec::new();
            Stats { cursor }.encode(self.asked, &mut question);
            self.stream.write_all(&question)?;
            cursor = self.answer(|reply| match reply {
                Reply::StatsReply(page) => {
                    let shard = page.counters.iter();
                    shard.for_each(|counter| counters.add(counter.id, counter.value));
                    Some(page.cursor)
                }
                _ => None,
            })?;
            if cursor == 0 {
                return Ok(counters);
            }
        }
    }

    /// Waits for the answer, and takes out of it what is wanted; pushes are skipped.
    fn answer<T>(&mut self, mut want: impl FnMut(&Reply<'_>) -> Option<T>) -> io::Result<T> {
        loop {
            let split = split_frame(&self.unread, FRAME_MAX).map_err(io::Error::other)?;
            let Some((frame, length)) = split else {
                self.read()?;
                continue;
            };
            let wanted = match FromServer::decode(&frame).map_err(io::Error::other)? {
                FromServer::Push(_) => None,
                FromServer::Reply(reply) => {
                    let wanted = want(&reply);
                    let odd = || io::Error::other(format!("the server answered {reply:?}"));
                    Some(wanted.ok_or_else(odd)?)
                }
            };
            self.unread.drain(..length);
            if let Some(wanted) = wanted {
                return Ok(wanted);
            }
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4_096];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.unread.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}
