//! A scenario's server and what can be read of it from outside: its counters, its processor time,
//! its memory. Shell.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use locker::shard::turn_times::{TURN_BOUNDS_US, TURN_COUNTERS};
use locker_protocol::{CounterId, FromServer, Reply, Stats};

use super::member::next_frame;
use crate::greeting::without_session;
use crate::host::server::{Server, ServerCommand, find_server};
use crate::host::{cpu, descriptors};
use crate::nanos::Nanos;
use crate::net::address::Address;
use crate::net::clock;
use crate::net::stream::Stream;

/// How long an answer to Stats may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Flags that all scenarios have.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Common {
    /// The program `locker`. [default: the one beside this program, then the one in PATH]
    #[arg(long, value_name = "FILE")]
    pub server_bin: Option<PathBuf>,
    /// The core that the server is pinned to. [default: the first we may use]
    #[arg(long, value_name = "CORE")]
    pub server_core: Option<usize>,
    /// The core that the generator is pinned to. [default: the last we may use]
    #[arg(long, value_name = "CORE")]
    pub generator_core: Option<usize>,
    /// Writes the figures to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Further arguments of the server, behind `--`.
    #[arg(last = true, value_name = "SERVER_ARGUMENT")]
    pub server_arguments: Vec<String>,
}

/// What a scenario needs of its server.
#[derive(Clone, Debug)]
pub struct Needs<'a> {
    /// Connections at a time.
    pub connections: u32,
    /// `--memory`; empty = the server's default.
    pub memory: &'a str,
    /// Further flags.
    pub arguments: &'a [&'a str],
}

/// A server pinned to a core, for as long as this lives; this thread is pinned to another.
#[derive(Debug)]
pub struct Site {
    command: ServerCommand,
    server: Server,
    address: Address,
    asker: Stream,
    heard: Vec<u8>,
}

/// What was read of a server at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Nanos,
    /// Processor time of the server since its start.
    pub cpu: Nanos,
    /// Processor time of this thread.
    pub own_cpu: Nanos,
    /// Resident bytes of the server.
    pub resident: u64,
    counters: Vec<(u16, u64)>,
}

impl Mark {
    /// A counter, all shards together.
    #[must_use]
    pub fn counter(&self, id: CounterId) -> u64 {
        let of = self.counters.iter().filter(|(code, _)| *code == id.code());
        of.map(|(_, value)| value).sum()
    }

    /// The greatest that a shard tells of a gauge that does not add up.
    #[must_use]
    pub fn greatest(&self, id: CounterId) -> u64 {
        let of = self.counters.iter().filter(|(code, _)| *code == id.code());
        of.map(|(_, value)| *value).max().unwrap_or(0)
    }

    /// How much a counter grew since an earlier mark.
    #[must_use]
    pub fn grown(&self, since: &Self, id: CounterId) -> u64 {
        self.counter(id).saturating_sub(since.counter(id))
    }

    /// The end of the highest bucket of turns that grew since an earlier mark, in microseconds of
    /// processor time; 0 if there was no turn.
    #[must_use]
    pub fn longest_turn_us(&self, since: &Self) -> u64 {
        let grew = |counter: &CounterId| self.grown(since, *counter) > 0;
        let Some(bucket) = TURN_COUNTERS.iter().rposition(grew) else {
            return 0;
        };
        let end = TURN_BOUNDS_US.get(bucket).copied();
        end.unwrap_or(self.counter(CounterId::TurnUsMax))
    }

    /// Microseconds of the server's processor time per request since an earlier mark.
    #[must_use]
    pub fn cpu_us_per_request(&self, since: &Self) -> f64 {
        let requests = self.grown(since, CounterId::Requests).max(1);
        self.cpu.since(since.cpu).0 as f64 / 1_000.0 / requests as f64
    }
}

impl Site {
    /// Starts the server.
    ///
    /// # Errors
    /// There is no program, no room for descriptors, no such core, or the server does not start.
    pub fn open(common: &Common, needs: &Needs<'_>) -> io::Result<Self> {
        descriptors::make_room(needs.connections.into()).map_err(io::Error::other)?;
        let allowed = cpu::allowed_cores();
        let server_core = common.server_core.or(allowed.first().copied());
        let mut arguments: Vec<String> = needs.arguments.iter().map(|&word| word.into()).collect();
        arguments.extend(common.server_arguments.iter().cloned());
        let command = ServerCommand {
            program: find_server(common.server_bin.as_deref()).map_err(io::Error::other)?,
            cores: server_core.into_iter().collect(),
            memory: needs.memory.to_owned(),
            arguments,
        };
        let server = Server::start(&command).map_err(io::Error::other)?;
        if let Some(core) = common.generator_core.or(allowed.last().copied()) {
            cpu::pin_thread(core)?;
        }
        let asker = Stream::connect(server.address(), PATIENCE)?;
        let mut site = Self {
            address: server.address().clone(),
            command,
            server,
            asker,
            heard: Vec::new(),
        };
        site.greet()?;
        Ok(site)
    }

    fn greet(&mut self) -> io::Result<()> {
        let mut hello = Vec::new();
        without_session(1, &mut hello);
        self.asker.write_all(&hello)?;
        self.hear(|reply| matches!(reply, Reply::HelloOk(_)).then_some(()))
    }

    /// Kills the server as kill -9 does and starts it again where it listened; tells when it took
    /// clients again. What it kept is in its data dir, if its arguments name one.
    ///
    /// # Errors
    /// It does not start again.
    pub fn crash(&mut self) -> io::Result<Nanos> {
        self.server.kill();
        let command = self.command.at(&self.address);
        self.server = Server::start(&command).map_err(io::Error::other)?;
        let ready = clock::now();
        self.asker = Stream::connect(&self.address, PATIENCE)?;
        self.heard.clear();
        self.greet()?;
        Ok(ready)
    }

    /// Where the server listens.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Reads the server. Takes a round trip per shard.
    ///
    /// # Errors
    /// The server is gone, or does not answer within 30 s.
    pub fn mark(&mut self) -> io::Result<Mark> {
        let mut counters = Vec::new();
        let mut cursor = 0;
        loop {
            let mut ask = Vec::new();
            Stats { cursor }.encode(2, &mut ask);
            self.asker.write_all(&ask)?;
            cursor = self.hear(|reply| match reply {
                Reply::StatsReply(page) => {
                    counters.extend(page.counters.iter().map(|kept| (kept.id, kept.value)));
                    Some(page.cursor)
                }
                _ => None,
            })?;
            if cursor == 0 {
                break;
            }
        }
        Ok(Mark {
            at: clock::now(),
            cpu: cpu::process_cpu(self.server.pid())?.total,
            own_cpu: cpu::thread_cpu(),
            resident: cpu::resident_bytes(self.server.pid())?,
            counters,
        })
    }

    /// Bytes of the server that were resident at once at most, since its start.
    ///
    /// # Errors
    /// The server is gone.
    pub fn resident_most(&self) -> io::Result<u64> {
        cpu::resident_most(self.server.pid())
    }

    /// Waits for a reply of which `take` makes something; pushes are passed over.
    fn hear<T>(&mut self, mut take: impl FnMut(&Reply<'_>) -> Option<T>) -> io::Result<T> {
        loop {
            let next = next_frame(&self.heard).map_err(io::Error::other)?;
            if let Some((_, message, length)) = next {
                let taken = match &message {
                    FromServer::Reply(reply) => match take(reply) {
                        Some(taken) => Some(taken),
                        None => return Err(io::Error::other(format!("not asked for: {reply:?}"))),
                    },
                    FromServer::Push(_) => None,
                };
                self.heard.drain(..length);
                match taken {
                    Some(taken) => return Ok(taken),
                    None => continue,
                }
            }
            let mut buffer = [0; 16 * 1024];
            let count = self.asker.read(&mut buffer).map_err(silent)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.heard.extend_from_slice(&buffer[..count]);
        }
    }
}

/// Says in words that the server did not answer: the system's word for it tells of a resource.
fn silent(error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::WouldBlock {
        return error;
    }
    let seconds = PATIENCE.as_secs();
    let why = format!("the server has said nothing for {seconds} s: it is stopped, or stuck");
    io::Error::new(io::ErrorKind::TimedOut, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_nothing_is_told_in_words() {
        let told = silent(io::ErrorKind::WouldBlock.into()).to_string();
        assert!(told.starts_with("the server has said nothing for 30 s"));
        let other = silent(io::ErrorKind::ConnectionReset.into());
        assert_eq!(other.kind(), io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn the_longest_turn_since_a_mark_is_that_of_the_highest_bucket_that_grew() {
        let mark = |counters: &[(CounterId, u64)]| Mark {
            counters: counters
                .iter()
                .map(|(id, value)| (id.code(), *value))
                .collect(),
            ..Mark::default()
        };
        let early = mark(&[(CounterId::TurnsCpu5ms, 1), (CounterId::TurnsCpu20us, 7)]);
        let late = [(CounterId::TurnsCpu5ms, 1), (CounterId::TurnsCpu200us, 2)];
        assert_eq!(mark(&late).longest_turn_us(&early), 200);
        assert_eq!(early.longest_turn_us(&early), 0);
        let slow = mark(&[
            (CounterId::TurnsCpuLonger, 1),
            (CounterId::TurnUsMax, 123_456),
        ]);
        assert_eq!(slow.longest_turn_us(&early), 123_456);
    }
}
