//! One raw connection: frames out, frames in, nothing else.

use locker_protocol::{FRAME_BYTES_MAX, Hello, PREFACE, split_frame};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Message;

/// Request id of every Hello: of a seat's sequence 0, which no seated request has.
const HELLO_ID: u64 = 1;
/// How long anything may take that is expected.
const SOON: Duration = Duration::from_secs(10);

/// What a connection heard within a time.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message, and the request id that it answers.
    Message(u64, Message),
    /// Nothing whole.
    Silence,
    /// The end of the connection, orderly or not.
    End,
}

/// A TCP connection that speaks the protocol.
pub(crate) struct Connection {
    stream: TcpStream,
    inbox: Vec<u8>,
}

/// Cuts the first whole message off the front of `bytes`, with the id that it answers.
pub(crate) fn take_message(bytes: &mut Vec<u8>) -> Option<(u64, Message)> {
    let limit = u32::try_from(FRAME_BYTES_MAX).expect("64 KiB fit u32");
    let cut = split_frame(bytes, limit).expect("the server keeps to the limit");
    let (frame, length) = cut?;
    let message = (frame.header.request_id, Message::read(&frame));
    bytes.drain(..length);
    Some(message)
}

impl Connection {
    /// Connects; nothing is sent yet, not even the preface.
    pub(crate) fn dial(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let inbox = Vec::new();
        Ok(Self { stream, inbox })
    }

    /// Sends the preface, Hello, and `more` in one write.
    pub(crate) fn greet(&mut self, hello: &Hello<'_>, more: &[u8]) -> std::io::Result<()> {
        let mut bytes = PREFACE.to_vec();
        hello.encode(HELLO_ID, &mut bytes);
        bytes.extend_from_slice(more);
        self.send(&bytes)
    }

    /// The next message, which must come soon.
    #[track_caller]
    pub(crate) fn expect(&mut self) -> (u64, Message) {
        match self.next(SOON) {
            Heard::Message(id, message) => (id, message),
            other => panic!("a message, not {other:?}"),
        }
    }

    /// Nothing more comes, and soon.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        let heard = self.next(SOON);
        assert!(matches!(heard, Heard::End), "the end, not {heard:?}");
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next message, waiting for it no longer than `wait`.
    pub(crate) fn next(&mut self, wait: Duration) -> Heard {
        let until = Instant::now() + wait;
        let mut buffer = [0; 4096];
        loop {
            if let Some((id, message)) = take_message(&mut self.inbox) {
                return Heard::Message(id, message);
            }
            let left = until.saturating_duration_since(Instant::now());
            let left = left.max(Duration::from_micros(1));
            self.stream.set_read_timeout(Some(left)).unwrap();
            match self.stream.read(&mut buffer) {
                Ok(0) => return Heard::End,
                Ok(bytes) => self.inbox.extend_from_slice(&buffer[..bytes]),
                Err(error) if is_silence(error.kind()) => return Heard::Silence,
                Err(_) => return Heard::End,
            }
        }
    }

    /// The socket, for tests that end it in their own way.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

fn is_silence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
