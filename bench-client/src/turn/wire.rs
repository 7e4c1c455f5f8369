//! A kernel in memory: what is sent arrives at once, and a socket is a number.

use locker::net::kernel::{BufferId, Completion, Kernel, Receive, Send, Token};

/// The kernel's side of all connections.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// What each connection was sent.
    pub(super) sent: Vec<Vec<u8>>,
    /// How each connection is received.
    pub(super) receiving: Vec<Option<(Token, Receive)>>,
    /// Sends that are over.
    pub(super) sends_done: Vec<Completion>,
}

impl Wire {
    /// Wires to so many connections.
    pub(super) fn new(connections: usize) -> Self {
        Self {
            sent: vec![Vec::new(); connections],
            receiving: vec![None; connections],
            sends_done: Vec::with_capacity(connections),
        }
    }

    /// So many bytes arrived on a connection.
    pub(super) fn arrived(&mut self, connection: usize, bytes: usize) -> Completion {
        let (token, how) = self.receiving[connection].expect("an open connection is read");
        if how == Receive::Single {
            self.receiving[connection] = None;
        }
        Completion {
            token,
            result: i32::try_from(bytes).expect("a buffer is short"),
            more: how == Receive::Multishot,
            buffer: Some(0),
        }
    }
}

impl Kernel for Wire {
    type Socket = usize;

    fn accept(&mut self, _listener: &usize, _token: Token) {
        unreachable!("nobody listens");
    }

    fn receive(&mut self, socket: &usize, how: Receive, token: Token) {
        self.receiving[*socket] = Some((token, how));
    }

    fn send<'a>(
        &mut self,
        socket: &usize,
        slices: impl Iterator<Item = &'a [u8]>,
        _how: Send,
        token: Token,
    ) -> usize {
        let sent = &mut self.sent[*socket];
        let before = sent.len();
        for slice in slices {
            sent.extend_from_slice(slice);
        }
        let count = sent.len() - before;
        self.sends_done.push(Completion {
            token,
            result: i32::try_from(count).expect("output is bounded"),
            more: false,
            buffer: None,
        });
        count
    }

    fn cancel(&mut self, _target: Token) {}

    fn shutdown_write(&mut self, _socket: &usize) {}

    fn close(&mut self, _socket: usize) {}

    fn give_back(&mut self, _buffer: BufferId) {}
}
