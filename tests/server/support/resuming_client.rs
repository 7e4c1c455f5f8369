//! A raw client that loses no answer: it resumes its session and asks again, by the letter of the
//! protocol, whenever its connection ends; and it fails the test when the server answers twice.

use locker_protocol::{
    Hello, HelloAction, OnDisconnect, Opcode, Request, RequestId, Status, VERSION,
};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Message;
use super::connection::{Connection, Heard};
use super::message::Welcome;
use super::told::Answer;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How often a client dials in vain before it fails the test.
const DIALS_MAX: u32 = 20;
/// Seats that the client uses.
const SEATS: u16 = 32;
/// Request id of every read: of a seat's sequence 0, which no seated request has.
const READ_ID: u64 = 2;

/// What the client knows of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) id: u64,
    pub(crate) secret: [u8; 16],
    /// The last attach number that was sent.
    pub(crate) attach: u32,
    /// The shard that answered.
    pub(crate) shard: u16,
}

/// How the session begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    pub(crate) ttl_ms: u32,
    pub(crate) on_disconnect: OnDisconnect,
}

/// A client with one session.
pub(crate) struct ResumingClient {
    address: SocketAddr,
    /// `None`: a connection without a session, for reads.
    opening: Option<Opening>,
    /// Whether requests follow a Hello at once, in one write.
    eager: bool,
    connection: Option<Connection>,
    session: Option<Session>,
    /// The last sequence number of each seat.
    sequences: [u64; SEATS as usize],
    /// Requests without an answer, in the order they were made.
    running: Vec<(u64, Vec<u8>)>,
    /// Those of them that were sent again on this connection behind its HelloOk.
    sent_again: Vec<u64>,
    answers: BTreeMap<u64, Answer>,
    pushes: Vec<Message>,
    resumes: u32,
    ended: bool,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            ttl_ms: 10_000,
            on_disconnect: OnDisconnect::Grace,
        }
    }
}

impl ResumingClient {
    /// Opens a session as usual.
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::open_with(address, Opening::default())
    }

    /// Opens a session.
    pub(crate) fn open_with(address: SocketAddr, opening: Opening) -> Self {
        Self::begin(address, Some(opening))
    }

    /// A connection without a session, which can only read.
    pub(crate) fn watch(address: SocketAddr) -> Self {
        Self::begin(address, None)
    }

    fn begin(address: SocketAddr, opening: Option<Opening>) -> Self {
        let mut client = Self {
            address,
            opening,
            eager: false,
            connection: None,
            session: None,
            sequences: [0; SEATS as usize],
            running: Vec::new(),
            sent_again: Vec::new(),
            answers: BTreeMap::new(),
            pushes: Vec::new(),
            resumes: 0,
            ended: false,
        };
        client.connect();
        client
    }

    /// Its session.
    pub(crate) fn session(&self) -> Session {
        self.session
            .expect("a client that was opened has a session")
    }

    /// How often it resumed.
    pub(crate) const fn resumes(&self) -> u32 {
        self.resumes
    }

    /// Whether the session is over.
    pub(crate) const fn ended(&self) -> bool {
        self.ended
    }

    /// Pushes heard so far, in their order.
    pub(crate) fn pushes(&self) -> &[Message] {
        &self.pushes
    }

    /// Makes a request; its answer is asked for by the id.
    pub(crate) fn issue(&mut self, request: &Request<'_>) -> u64 {
        let (id, frame) = self.prepare(request);
        self.send(&frame);
        self.running.push((id, frame));
        id
    }

    /// Makes requests that go out in one write.
    pub(crate) fn issue_all(&mut self, requests: &[Request<'_>]) -> Vec<u64> {
        let mut bytes = Vec::new();
        let mut ids = Vec::new();
        for request in requests {
            let (id, frame) = self.prepare(request);
            bytes.extend_from_slice(&frame);
            self.running.push((id, frame));
            ids.push(id);
        }
        self.send(&bytes);
        ids
    }

    /// Waits for the answer to a request.
    #[track_caller]
    pub(crate) fn answer(&mut self, id: u64) -> Answer {
        let until = Instant::now() + ANSWER_MAX;
        loop {
            if let Some(answer) = self.answers.get(&id) {
                return *answer;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "request {id:#x} is answered in time");
            assert!(!self.ended, "the session ended before {id:#x} was answered");
            self.pump(left);
        }
    }

    /// Makes a request and waits for its answer.
    #[track_caller]
    pub(crate) fn call(&mut self, request: &Request<'_>) -> Answer {
        let id = self.issue(request);
        self.answer(id)
    }

    /// Makes a request without a seat and waits for its answer.
    #[track_caller]
    pub(crate) fn read(&mut self, request: &Request<'_>) -> Message {
        let mut frame = Vec::new();
        request.encode(READ_ID, &mut frame);
        let until = Instant::now() + ANSWER_MAX;
        let mut asked_at = self.resumes;
        self.send(&frame);
        while Instant::now() < until {
            match self.hear(until.saturating_duration_since(Instant::now())) {
                Some((READ_ID, message)) => return message,
                Some((id, message)) => self.take(id, message),
                None if self.resumes > asked_at => {
                    asked_at = self.resumes;
                    self.send(&frame);
                }
                None => {}
            }
        }
        panic!("{:?} is answered in time", request.opcode());
    }

    /// Hears at most one message; resumes if the connection has ended.
    pub(crate) fn pump(&mut self, wait: Duration) {
        if let Some((id, message)) = self.hear(wait) {
            self.take(id, message);
        }
    }

    /// Drops the connection without a word and resumes on another one.
    pub(crate) fn reconnect(&mut self) {
        self.connection = None;
        self.connect();
    }

    /// Drops the connection without a word; what is issued meanwhile waits.
    pub(crate) fn hang_up(&mut self) {
        self.connection = None;
    }

    /// Resumes, and sends what is without an answer right behind the Hello, in the same write.
    pub(crate) fn reconnect_eagerly(&mut self) {
        self.connection = None;
        self.eager = true;
        self.connect();
        self.eager = false;
    }

    /// The connection itself, for a test that goes its own ways with it.
    pub(crate) fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("the client is connected")
    }

    /// The socket, for tests that end it in their own way.
    pub(crate) fn into_stream(mut self) -> TcpStream {
        let connection = self.connection.take().expect("the client is connected");
        connection.into_stream()
    }

    fn prepare(&mut self, request: &Request<'_>) -> (u64, Vec<u8>) {
        let taken = |seat: u16| {
            let mut running = self.running.iter();
            running.any(|(id, _)| RequestId::unpack(*id).seat == seat)
        };
        let seat = (0..SEATS)
            .find(|seat| !taken(*seat))
            .expect("a seat is free");
        let sequence = &mut self.sequences[usize::from(seat)];
        *sequence += 1;
        let id = RequestId {
            seat,
            sequence: *sequence,
        };
        let mut frame = Vec::new();
        request.encode(id.pack(), &mut frame);
        (id.pack(), frame)
    }

    /// Sends; what gets lost is noticed when the next message is waited for.
    fn send(&mut self, bytes: &[u8]) {
        if let Some(connection) = &mut self.connection {
            let _ = connection.send(bytes);
        }
    }

    /// The next message; `None` also after the connection had to be replaced.
    fn hear(&mut self, wait: Duration) -> Option<(u64, Message)> {
        let connection = self.connection.as_mut()?;
        match connection.next(wait) {
            Heard::Message(id, message) => Some((id, message)),
            Heard::Silence => None,
            Heard::End => {
                self.connection = None;
                if !self.ended {
                    self.connect();
                }
                None
            }
        }
    }

    fn take(&mut self, id: u64, message: Message) {
        if id == 0 {
            self.ended |= matches!(message, Message::SessionEnded(_));
            self.pushes.push(message);
            return;
        }
        let place = self.running.iter().position(|(running, _)| *running == id);
        let Some(place) = place else {
            return self.take_again(id, &message);
        };
        self.running.remove(place);
        let answer = Answer::of(&message).expect("a seated request has such an answer");
        self.ended |= answer == Answer::Closed;
        self.answers.insert(id, answer);
    }

    /// An answer to a request that has one: right only where the request was sent again while the
    /// first answer was on its way; the two are the same, or the hold was lost in between.
    fn take_again(&mut self, id: u64, message: &Message) {
        let place = self.sent_again.iter().position(|again| *again == id);
        let place = place.unwrap_or_else(|| panic!("{id:#x} is answered twice: {message:?}"));
        self.sent_again.remove(place);
        assert_eq!(
            Answer::of(message).as_ref(),
            self.answers.get(&id),
            "{id:#x} has one answer"
        );
    }

    /// Opens or resumes, as often as it takes.
    fn connect(&mut self) {
        for _ in 0..DIALS_MAX {
            let Ok(mut connection) = Connection::dial(self.address) else {
                continue;
            };
            let Some(message) = self.greet(&mut connection) else {
                continue;
            };
            match message {
                Message::Welcome(welcome) => self.greeted(connection, &welcome),
                Message::Refused(refused) => {
                    assert_eq!(refused.status, Status::NoSession, "{refused:?}");
                    self.session_is_gone();
                }
                other => panic!("a Hello is answered otherwise: {other:?}"),
            }
            return;
        }
        panic!("no connection after {DIALS_MAX} attempts");
    }

    /// Sends Hello and waits for what is answered.
    fn greet(&mut self, connection: &mut Connection) -> Option<Message> {
        if let Some(session) = &mut self.session {
            session.attach += 1;
        }
        let hello = match (self.session, self.opening) {
            (Some(session), _) => resume(session),
            (None, Some(opening)) => open(opening),
            (None, None) => bare(),
        };
        let mut more = Vec::new();
        if self.eager {
            let frames = self.running.iter().map(|(_, frame)| frame);
            more = frames.flatten().copied().collect();
        }
        connection.greet(&hello, &more).ok()?;
        match connection.next(ANSWER_MAX) {
            Heard::Message(_, message) => Some(message),
            Heard::End => None,
            Heard::Silence => panic!("a Hello is answered in time"),
        }
    }

    fn greeted(&mut self, mut connection: Connection, hello: &Welcome) {
        let (id, secret) = (hello.session_id, hello.secret);
        if let Some(session) = self.session {
            assert_eq!(
                (id, secret),
                (session.id, session.secret),
                "the same session"
            );
            assert!(hello.resumed, "{hello:?}");
            assert_eq!(hello.attach, session.attach);
            assert_eq!(hello.shard, session.shard, "a session stays at home");
            self.resumes += 1;
        } else {
            assert!(!hello.resumed && hello.attach == 0, "{hello:?}");
        }
        self.session = self.opening.map(|_| Session {
            id,
            secret,
            attach: hello.attach,
            shard: hello.shard,
        });
        self.sent_again.clear();
        if !self.eager {
            self.sent_again
                .extend(self.running.iter().map(|(id, _)| *id));
            for (_, frame) in &self.running {
                let _ = connection.send(frame);
            }
        }
        self.connection = Some(connection);
    }

    /// No such session: right if the end of the connection ended it, or if the client had asked to
    /// close it, which was the answer then.
    fn session_is_gone(&mut self) {
        self.ended = true;
        let opening = self.opening.expect("a session was resumed");
        if let [(id, frame)] = &self.running[..]
            && frame[4] == Opcode::Close.code()
        {
            self.answers.insert(*id, Answer::Closed);
        } else {
            let may_end = opening.on_disconnect == OnDisconnect::Release;
            assert!(may_end, "gone, with {} requests", self.running.len());
        }
        self.running.clear();
    }
}

/// The Hello of a new session.
pub(crate) const fn open(opening: Opening) -> Hello<'static> {
    Hello {
        version_min: VERSION,
        version_max: VERSION,
        action: HelloAction::Open,
        on_disconnect: opening.on_disconnect,
        ttl_ms: opening.ttl_ms,
        features: 0,
        session_id: 0,
        secret: [0; 16],
        attach: 0,
        reclaiming: false,
        group: [0; 16],
        name: "test",
        library: "tests/1",
    }
}

/// The Hello that resumes, with the attach number as it stands.
pub(crate) fn resume(session: Session) -> Hello<'static> {
    Hello {
        action: HelloAction::Resume,
        on_disconnect: OnDisconnect::Grace,
        ttl_ms: 0,
        session_id: session.id,
        secret: session.secret,
        attach: session.attach,
        name: "",
        ..open(Opening::default())
    }
}

/// The Hello of a connection without a session.
pub(crate) fn bare() -> Hello<'static> {
    Hello {
        action: HelloAction::None,
        ttl_ms: 0,
        name: "",
        ..open(Opening::default())
    }
}
