//! A client that speaks frames and nothing else: no keepalive, no resend, no clock.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use locker_protocol::*;

use super::message::Welcome;
use super::{Ask, KeyView, Message, Server};

/// No answer within this fails the test: far beyond what a loaded machine needs.
const SILENCE: Duration = Duration::from_secs(20);
/// Frames that a client of the tests takes.
const FRAME_MAX: u32 = 1 << 20;

/// What to say in the first frame.
#[derive(Clone, Copy)]
pub struct Open {
    pub ttl_ms: u32,
    pub on_disconnect: OnDisconnect,
    pub name: &'static str,
    pub action: HelloAction,
    /// It comes back for holds of before a restart.
    pub reclaiming: bool,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            ttl_ms: 60_000,
            on_disconnect: OnDisconnect::Grace,
            name: "test",
            action: HelloAction::Open,
            reclaiming: false,
        }
    }
}

impl Open {
    fn hello(self) -> Hello<'static> {
        Hello {
            version_min: 1,
            version_max: 1,
            action: self.action,
            on_disconnect: self.on_disconnect,
            ttl_ms: self.ttl_ms,
            features: FEATURES_RECLAIM,
            session_id: 0,
            secret: [0; 16],
            attach: 0,
            reclaiming: self.reclaiming,
            group: [0; 16],
            name: self.name,
            library: "tests",
        }
    }
}

/// What a resume needs.
#[derive(Clone, Copy, Debug)]
pub struct Resume {
    pub session_id: u64,
    pub secret: [u8; 16],
    pub attach: u32,
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    inbox: Vec<u8>,
    answers: HashMap<u64, Message>,
    pushes: VecDeque<Message>,
    /// Next sequence number, the same for all seats.
    sequence: u64,
    free_seats: VecDeque<u16>,
    pub welcome: Welcome,
}

impl Client {
    /// A session with a long TTL that survives its connection.
    #[track_caller]
    pub fn open(server: &Server) -> Self {
        Self::open_as(server, Open::default()).expect("the session opens")
    }

    /// A session of some kind.
    ///
    /// # Errors
    /// What the server said instead.
    #[track_caller]
    pub fn open_as(server: &Server, open: Open) -> Result<Self, Message> {
        Self::open_at(server.address, open)
    }

    /// A session at some address.
    ///
    /// # Errors
    /// What the server said instead.
    #[track_caller]
    pub fn open_at(address: SocketAddr, open: Open) -> Result<Self, Message> {
        let mut client = Self::connect(address);
        client.hello(&open.hello())?;
        Ok(client)
    }

    /// A session with the shortest TTL.
    #[track_caller]
    pub fn open_for_a_second(server: &Server) -> Self {
        let open = Open {
            ttl_ms: 1_000,
            ..Open::default()
        };
        Self::open_as(server, open).expect("the session opens")
    }

    /// A session, or `None` if the server has no room for the connection.
    pub fn open_if_room(server: &Server) -> Option<Self> {
        let mut client = Self::connect(server.address);
        match client.first_answer(&Open::default().hello()) {
            Some(Message::Welcome(welcome)) => client.take_in(welcome),
            _ => return None,
        }
        Some(client)
    }

    /// A session taken up again.
    ///
    /// # Errors
    /// What the server said instead.
    #[track_caller]
    pub fn resume(server: &Server, resume: Resume) -> Result<Self, Message> {
        Self::resume_at(server.address, resume)
    }

    /// A session taken up again at some address.
    ///
    /// # Errors
    /// What the server said instead.
    #[track_caller]
    pub fn resume_at(address: SocketAddr, resume: Resume) -> Result<Self, Message> {
        let mut client = Self::connect(address);
        client.hello(&Hello {
            action: HelloAction::Resume,
            ttl_ms: 0,
            session_id: resume.session_id,
            secret: resume.secret,
            attach: resume.attach,
            name: "",
            ..Open::default().hello()
        })?;
        Ok(client)
    }

    /// A connection that has said its preface, and no more.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        let mut client = Self::connect_silent(address);
        client.write(&PREFACE);
        client
    }

    /// A connection that has said nothing.
    #[track_caller]
    pub fn connect_silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::of(stream)
    }

    /// A session by a Unix socket.
    #[track_caller]
    pub fn open_unix(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        // What is used of a stream here is the same for both.
        let mut client = Self::of(TcpStream::from(OwnedFd::from(stream)));
        client.write(&PREFACE);
        let hello = Open::default().hello();
        client.hello(&hello).expect("the session opens");
        client
    }

    fn of(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(SILENCE)).unwrap();
        Self {
            stream,
            inbox: Vec::new(),
            answers: HashMap::new(),
            pushes: VecDeque::new(),
            sequence: 0,
            free_seats: VecDeque::new(),
            welcome: Welcome::default(),
        }
    }

    /// Sends a Hello and takes in its answer.
    ///
    /// # Errors
    /// What the server said instead of HelloOk.
    pub fn hello(&mut self, hello: &Hello<'_>) -> Result<(), Message> {
        match self.first_answer(hello).expect("Hello is answered") {
            Message::Welcome(welcome) => {
                self.take_in(welcome);
                Ok(())
            }
            other => Err(other),
        }
    }

    /// Sends a Hello; the first thing that the server says, or `None` if it closes.
    fn first_answer(&mut self, hello: &Hello<'_>) -> Option<Message> {
        let mut frame = Vec::new();
        hello.encode(1, &mut frame);
        self.write(&frame);
        self.read().map(|(_, message)| message)
    }

    fn take_in(&mut self, welcome: Welcome) {
        self.free_seats = (0..welcome.seats).collect();
        self.welcome = welcome;
    }

    /// What a later connection needs to take this session up.
    pub fn to_resume(&self) -> Resume {
        Resume {
            session_id: self.welcome.session_id,
            secret: self.welcome.secret,
            attach: self.welcome.attach + 1,
        }
    }

    /// Writes bytes; a server that has closed is found out by reading.
    pub fn write(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes));
    }

    /// Writes what goes out without waiting for room; how many bytes that was.
    pub fn write_some(&mut self, bytes: &[u8]) -> usize {
        self.stream.set_nonblocking(true).unwrap();
        let written = self.stream.write(bytes).unwrap_or(0);
        self.stream.set_nonblocking(false).unwrap();
        written
    }

    /// Says that nothing more will be written, as a FIN does.
    pub fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// The next frame in order of arrival; `None` once the server has closed.
    #[track_caller]
    pub fn read(&mut self) -> Option<(u64, Message)> {
        loop {
            let whole = split_frame(&self.inbox, FRAME_MAX).expect("the server keeps its limits");
            if let Some((frame, length)) = whole {
                let message = (frame.header.request_id, Message::read(&frame));
                self.inbox.drain(..length);
                return Some(message);
            }
            let mut bytes = [0; 16 * 1024];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(count) => self.inbox.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing read within {SILENCE:?}: {error}"),
            }
        }
    }

    /// A request id on a free seat.
    fn next_id(&mut self) -> u64 {
        self.sequence += 1;
        let seat = self
            .free_seats
            .pop_front()
            .expect("a test keeps within its seats");
        let sequence = self.sequence;
        RequestId { seat, sequence }.pack()
    }

    /// Goes on behind the numbers that an earlier connection of the session may have used.
    pub fn skip_seats(&mut self) {
        self.sequence += 1 << 40;
    }

    /// One counter, over all shards.
    #[track_caller]
    pub fn counter(&mut self, counter: CounterId) -> u64 {
        let (mut sum, mut cursor) = (0, 0);
        loop {
            let stats = self.unseated(|id, out| Stats { cursor }.encode(id, out));
            let (next, counters) = match stats {
                Message::Stats(next, counters) => (next, counters),
                // Reads give way when the lanes are nearly full.
                Message::Refused(refused) if refused.status == Status::Busy => continue,
                other => panic!("not counters but {other:?}"),
            };
            let of = counters.iter().filter(|(id, _)| *id == counter.code());
            sum += of.map(|(_, value)| value).sum::<u64>();
            cursor = next;
            if cursor == 0 {
                return sum;
            }
        }
    }

    /// Sends a request that takes a seat; its id.
    pub fn send(&mut self, encode: impl FnOnce(u64, &mut Vec<u8>)) -> u64 {
        let id = self.next_id();
        let mut frame = Vec::new();
        encode(id, &mut frame);
        self.write(&frame);
        id
    }

    /// Encodes a request that takes a seat behind others, to be written later; its id.
    pub fn encode(&mut self, out: &mut Vec<u8>, encode: impl FnOnce(u64, &mut Vec<u8>)) -> u64 {
        let id = self.next_id();
        encode(id, out);
        id
    }

    /// The grant of an acquire; `None` if there is none, or no connection any more.
    pub fn granted_or_end(&mut self, id: u64) -> Option<Granted> {
        loop {
            match self.read()? {
                (of, Message::Granted(granted)) if of == id => return Some(granted),
                (of, _) if of == id => return None,
                _ => {}
            }
        }
    }

    /// Asks for a sign of life; `false` if the connection has ended.
    pub fn try_ping(&mut self) -> bool {
        let id = self.start_unseated(|id, out| Ping.encode(id, out));
        loop {
            match self.read() {
                None => return false,
                Some((of, _)) if of == id => return true,
                Some(_) => {}
            }
        }
    }

    /// Releases a hold if the connection still stands.
    pub fn try_release(&mut self, ask: &Ask, token: u64) {
        let release = Release {
            owner: ask.owner,
            token,
            key: &ask.key,
        };
        let id = self.send(|id, out| release.encode(id, out));
        while self.read().is_some_and(|(of, _)| of != id) {}
    }

    /// Ends the session if the connection still stands.
    pub fn try_close(&mut self) {
        self.send(|id, out| Close.encode(id, out));
        while self.read().is_some() {}
    }

    /// Waits for the answer to a request; pushes and other answers are kept for later.
    #[track_caller]
    pub fn answer(&mut self, id: u64) -> Message {
        loop {
            if let Some(answer) = self.answers.remove(&id) {
                self.free_seats.push_back(RequestId::unpack(id).seat);
                return answer;
            }
            let read = self.read();
            self.keep(read.unwrap_or_else(|| panic!("closed before the answer to {id:#x}")));
        }
    }

    /// Waits for the next thing said unasked.
    #[track_caller]
    pub fn push(&mut self) -> Message {
        loop {
            if let Some(push) = self.pushes.pop_front() {
                return push;
            }
            let read = self.read();
            self.keep(read.expect("closed before the push"));
        }
    }

    /// Everything unasked so far, without waiting.
    pub fn pushes(&mut self) -> Vec<Message> {
        self.pushes.drain(..).collect()
    }

    /// Whether the answer has been read already.
    pub fn has_answer(&self, id: u64) -> bool {
        self.answers.contains_key(&id)
    }

    /// Reads to the end of the connection; the messages on the way.
    #[track_caller]
    pub fn read_to_end(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.read().map(|(_, message)| message)).collect()
    }

    fn keep(&mut self, (id, message): (u64, Message)) {
        if id == 0 {
            self.pushes.push_back(message);
        } else {
            let twice = self.answers.insert(id, message);
            assert!(twice.is_none(), "{id:#x} answered twice: {twice:?}");
        }
    }

    /// Sends an acquire; its id.
    pub fn start(&mut self, ask: &Ask) -> u64 {
        self.send(|id, out| ask.frame().encode(id, out))
    }

    /// Sends an acquire and waits for its answer.
    #[track_caller]
    pub fn acquire(&mut self, ask: &Ask) -> Message {
        let id = self.start(ask);
        self.answer(id)
    }

    /// Releases a hold.
    #[track_caller]
    pub fn release(&mut self, ask: &Ask, token: u64) -> Message {
        let id = self.send(|id, out| {
            let (owner, key) = (ask.owner, ask.key.as_slice());
            Release { owner, token, key }.encode(id, out);
        });
        self.answer(id)
    }

    /// Renews a hold.
    #[track_caller]
    pub fn renew(&mut self, ask: &Ask, token: u64, lease_ms: u32) -> Message {
        let id = self.send(|id, out| {
            let renew = Renew {
                owner: ask.owner,
                token,
                lease_ms,
                key: &ask.key,
            };
            renew.encode(id, out);
        });
        self.answer(id)
    }

    /// Takes a hold of that run back.
    #[track_caller]
    pub fn reclaim(&mut self, ask: &Ask, token: u64, run: u64) -> Message {
        let id = self.send(|id, out| ask.back(token, run).encode(id, out));
        self.answer(id)
    }

    /// Cancels an acquire.
    #[track_caller]
    pub fn cancel(&mut self, ask: &Ask, acquire_id: u64, if_granted: IfGranted) -> Message {
        let id = self.send(|id, out| {
            let cancel = Cancel {
                acquire_id,
                owner: ask.owner,
                if_granted,
                key: &ask.key,
            };
            cancel.encode(id, out);
        });
        self.answer(id)
    }

    /// Sends a request that takes no seat and waits for its answer.
    #[track_caller]
    pub fn unseated(&mut self, encode: impl FnOnce(u64, &mut Vec<u8>)) -> Message {
        let id = self.start_unseated(encode);
        self.answer_unseated(id)
    }

    /// Sends a request that takes no seat; its id.
    pub fn start_unseated(&mut self, encode: impl FnOnce(u64, &mut Vec<u8>)) -> u64 {
        self.sequence += 1;
        // No seat has this number, so the id meets no other.
        let id = self.sequence << 16 | 0xFFFF;
        let mut frame = Vec::new();
        encode(id, &mut frame);
        self.write(&frame);
        id
    }

    /// Waits for the answer to a request that takes no seat.
    #[track_caller]
    pub fn answer_unseated(&mut self, id: u64) -> Message {
        loop {
            if let Some(answer) = self.answers.remove(&id) {
                return answer;
            }
            let read = self.read();
            self.keep(read.expect("closed before the answer"));
        }
    }

    /// Asks for a sign of life.
    #[track_caller]
    pub fn ping(&mut self) -> Pong {
        match self.unseated(|id, out| Ping.encode(id, out)) {
            Message::Pong(pong) => pong,
            other => panic!("not a pong but {other:?}"),
        }
    }

    /// Looks at a key.
    #[track_caller]
    pub fn look(&mut self, key: impl AsRef<[u8]>) -> KeyView {
        let key = key.as_ref();
        match self.unseated(|id, out| Get { key }.encode(id, out)) {
            Message::Key(view) => view,
            other => panic!("not a key but {other:?}"),
        }
    }

    /// Looks at a key until it is as wanted; each look is a round trip.
    #[track_caller]
    pub fn look_until(
        &mut self,
        key: impl AsRef<[u8]>,
        wanted: impl Fn(&KeyView) -> bool,
    ) -> KeyView {
        let since = Instant::now();
        loop {
            let view = self.look(key.as_ref());
            if wanted(&view) {
                return view;
            }
            assert!(since.elapsed() < SILENCE, "still {view:?}");
        }
    }

    /// Waits until so many wait for the key.
    #[track_caller]
    pub fn until_waiters(&mut self, key: impl AsRef<[u8]>, waiters: u32) {
        self.look_until(key, |view| view.waiters_total == waiters);
    }

    /// Ends the session; everything it has is released when this returns.
    #[track_caller]
    pub fn close(mut self) {
        let id = self.send(|id, out| Close.encode(id, out));
        assert_eq!(self.answer(id), Message::Closed);
        assert_eq!(self.read(), None, "after Close comes only the end");
    }
}
