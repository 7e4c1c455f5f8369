//! Memory of a server per connection that has a session and says nothing.
//!
//! A server is started for it, as a user would. What counts is its own resident memory; the
//! kernel's, of which sockets take more, is not in it.

use std::io;
use std::path::{Path, PathBuf};

use locker_bench::greeting::open_session;
use locker_bench::host::cpu::resident_bytes;
use locker_bench::host::descriptors;
use locker_bench::host::server::{Server, ServerCommand, find_server};
use locker_bench::nanos::Nanos;
use locker_bench::net::describe_end;
use locker_bench::net::event_loop::drive;
use locker_bench::traffic::{End, Io, Next, Traffic, Wish};
use locker_protocol::{FromServer, OnDisconnect, Reply, RequestId, split_frame};

/// Connections that are being opened at a time: less than a listener's queue.
const OPENING_MAX: usize = 128;

/// How long all of them may take.
const PATIENCE: Nanos = Nanos::from_ms(60_000);

/// TTL of the sessions: they say nothing, and all of them must live until the last is open.
const TTL_MS: u32 = 120_000;

/// Frames of a server that was not told otherwise are no longer.
const FRAME_BYTES_MAX: u32 = 64 * 1024;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    /// Resident bytes of the server with one connection come and gone.
    pub(super) before: u64,
    /// With all of them open.
    pub(super) after: u64,
}

/// The server's program, once there is room for so many connections.
///
/// # Errors
/// There is no program, or no room.
pub(super) fn prepare(server: Option<&Path>, connections: u32) -> io::Result<PathBuf> {
    descriptors::make_room(connections.into()).map_err(io::Error::other)?;
    find_server(server).map_err(io::Error::other)
}

/// Starts the server, opens so many connections and measures.
///
/// # Errors
/// The server does not start, or one of the connections fails.
pub(super) fn measure(program: PathBuf, connections: u32) -> io::Result<Figures> {
    let server = Server::start(&ServerCommand {
        program,
        cores: Vec::new(),
        memory: String::new(),
        arguments: Vec::new(),
    });
    let server = server.map_err(io::Error::other)?;
    // The first connection touches what all of them share.
    resident_with(&server, 1)?;
    let before = resident_bytes(server.pid())?;
    let after = resident_with(&server, connections as usize)?;
    Ok(Figures { before, after })
}

/// The server's resident memory while so many sessions are open.
fn resident_with(server: &Server, connections: usize) -> io::Result<u64> {
    let mut idle = Idle {
        connections,
        pid: server.pid(),
        asked: 0,
        open: 0,
        until: Nanos::ZERO,
        outcome: None,
    };
    drive(
        &mut idle,
        std::slice::from_ref(server.address()),
        connections,
    )?;
    idle.outcome.expect("it finishes with an outcome")
}

/// Opens sessions and leaves it at that.
struct Idle {
    connections: usize,
    pid: u32,
    asked: usize,
    open: usize,
    /// 0 before the first round.
    until: Nanos,
    outcome: Option<io::Result<u64>>,
}

impl Idle {
    fn fail(&mut self, why: impl Into<String>) {
        self.outcome
            .get_or_insert(Err(io::Error::other(why.into())));
    }
}

impl Traffic for Idle {
    fn opened(&mut self, connection: usize, _: Nanos, io: &mut Io) {
        let id = RequestId {
            seat: 0,
            sequence: 1,
        };
        let out = io.out(connection);
        open_session(id.pack(), TTL_MS, OnDisconnect::Release, out);
    }

    fn received(&mut self, _: usize, bytes: &[u8], _: Nanos, _: &mut Io) -> usize {
        let (message, length) = match split_frame(bytes, FRAME_BYTES_MAX) {
            Ok(None) => return 0,
            Ok(Some((frame, length))) => (FromServer::decode(&frame), length),
            Err(error) => {
                self.fail(error.to_string());
                return bytes.len();
            }
        };
        match message {
            Ok(FromServer::Reply(Reply::HelloOk(_))) => self.open += 1,
            Ok(FromServer::Reply(other)) => self.fail(format!("no session: {other:?}")),
            // News of the server, of which an idle session has no need.
            Ok(FromServer::Push(_)) => {}
            Err(error) => self.fail(error.to_string()),
        }
        length
    }

    fn closed(&mut self, _: usize, end: End, _: Nanos, _: &mut Io) {
        let open = self.open;
        self.fail(format!("after {open} connections: {}", describe_end(end)));
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        if self.until == Nanos::ZERO {
            self.until = now + PATIENCE;
        }
        if now >= self.until {
            self.fail("the server does not answer");
        }
        if self.open == self.connections && self.outcome.is_none() {
            self.outcome = Some(resident_bytes(self.pid));
        }
        if self.outcome.is_some() {
            return Next::Finished;
        }
        while self.asked < self.connections && self.asked - self.open < OPENING_MAX {
            io.wish(Wish::Connect(self.asked));
            self.asked += 1;
        }
        Next::At(self.until)
    }
}
