//! A shard's kernel: the ring of operations and completions, over the simulated network.
//!
//! Operations are queued until [`SimKernel::enter`] hands them over, as io_uring has it; what then
//! completes is taken by [`SimKernel::reap`]. So time passes between a turn and its sends, and
//! between the arrival of bytes and their being looked at.

use crate::agenda::{Agenda, LinkId, Side};
use crate::dice::Dice;
use crate::moment::Moment;
use crate::network::{Found, Network};
use locker::net::RECEIVE_BUFFER_BYTES;
use locker::net::kernel::{BufferId, Completion, Kernel, Receive, Send, Token, errno};
use std::collections::VecDeque;

/// The errno of a broken connection.
const BROKEN: i32 = 104;

/// The world as a kernel sees it at one moment.
pub(super) struct Outside<'a> {
    pub(super) now: Moment,
    pub(super) network: &'a mut Network,
    pub(super) agenda: &'a mut Agenda,
}

/// One shard's ring and its sockets.
#[derive(Debug)]
pub(super) struct SimKernel {
    queued: Vec<Queued>,
    receives: Vec<(LinkId, Receive, Token)>,
    sends: Vec<(LinkId, Vec<u8>, Token)>,
    completions: VecDeque<Completion>,
    /// Completions among these for which nobody is woken.
    quiet: usize,
    buffers: Vec<Option<Vec<u8>>>,
    /// Sockets closed or shut since the network was last at hand.
    ended: Vec<(LinkId, End)>,
    woken: bool,
    at_once: usize,
    slices_max: usize,
    dice: Dice,
}

#[derive(Debug)]
enum Queued {
    Receive(LinkId, Receive, Token),
    Send(LinkId, Vec<u8>, Send, Token),
    Cancel(Token),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Finish,
    Close,
}

impl SimKernel {
    /// A ring with so many receive buffers, whose sends carry so many slices.
    pub(super) fn new(buffers: usize, slices_max: usize, dice: Dice) -> Self {
        Self {
            queued: Vec::new(),
            receives: Vec::new(),
            sends: Vec::new(),
            completions: VecDeque::new(),
            quiet: 0,
            buffers: vec![None; buffers],
            ended: Vec::new(),
            woken: false,
            at_once: 0,
            slices_max,
            dice,
        }
    }

    /// Another thread's word.
    pub(super) fn wake(&mut self) {
        self.woken = true;
    }

    pub(super) fn has_queued(&self) -> bool {
        !self.queued.is_empty()
    }

    pub(super) fn has_at_once(&self) -> bool {
        self.at_once > 0
    }

    /// Hands over what is queued; then what can complete does.
    pub(super) fn enter(&mut self, outside: &mut Outside<'_>) {
        self.at_once = 0;
        self.quiet = 0;
        for queued in std::mem::take(&mut self.queued) {
            match queued {
                Queued::Receive(link, how, token) => self.receives.push((link, how, token)),
                Queued::Send(link, bytes, how, token) => {
                    self.begin_send(link, bytes, how, token, outside);
                }
                Queued::Cancel(token) => self.cancel_now(token),
            }
        }
        self.close_ended(outside);
        self.collect(outside);
    }

    /// Whether a sleep over this ring ends: something completed that wakes, or is about to.
    pub(super) fn has_work(&mut self, outside: &mut Outside<'_>) -> bool {
        self.collect(outside);
        self.completions.len() > self.quiet
    }

    /// Takes at most so many completions.
    pub(super) fn reap(&mut self, into: &mut Vec<Completion>, most: usize) {
        let count = self.completions.len().min(most.saturating_sub(into.len()));
        into.extend(self.completions.drain(..count));
        self.quiet = self.quiet.min(self.completions.len());
    }

    /// The bytes of a completed receive.
    pub(super) fn received(&self, buffer: BufferId, length: usize) -> Vec<u8> {
        let bytes = self.buffers[usize::from(buffer)].as_ref();
        bytes.expect("a buffer in use")[..length].to_vec()
    }

    /// Closes the sockets that were closed since; a process that dies closes all of its own.
    pub(super) fn close_ended(&mut self, outside: &mut Outside<'_>) {
        let Outside {
            now,
            network,
            agenda,
        } = outside;
        for (link, end) in self.ended.drain(..) {
            match end {
                End::Finish => network.finish(link, Side::Server, *now, agenda),
                End::Close => network.close(link, Side::Server, *now, agenda),
            }
        }
    }

    fn begin_send(
        &mut self,
        link: LinkId,
        bytes: Vec<u8>,
        how: Send,
        token: Token,
        outside: &mut Outside<'_>,
    ) {
        let before = self.completions.len();
        match send_some(link, &bytes, outside) {
            Some(0) if how == Send::AtOnce => self.complete(token, -errno::EAGAIN),
            Some(0) => self.sends.push((link, bytes, token)),
            Some(count) => self.complete(token, length(count)),
            None => self.complete(token, -BROKEN),
        }
        if how == Send::AtOnce {
            self.quiet += self.completions.len() - before;
        }
    }

    fn cancel_now(&mut self, token: Token) {
        let receive = self.receives.iter().position(|(_, _, of)| *of == token);
        let send = self.sends.iter().position(|(_, _, of)| *of == token);
        if let Some(at) = receive {
            self.receives.remove(at);
        } else if let Some(at) = send {
            self.sends.remove(at);
        } else {
            return;
        }
        self.complete(token, -errno::ECANCELED);
    }

    /// Completes what the network lets complete by now.
    fn collect(&mut self, outside: &mut Outside<'_>) {
        if std::mem::take(&mut self.woken) {
            self.completions.push_back(Completion {
                token: Token::Wake,
                result: 1,
                more: true,
                buffer: None,
            });
        }
        for (link, bytes, token) in std::mem::take(&mut self.sends) {
            match send_some(link, &bytes, outside) {
                Some(0) => self.sends.push((link, bytes, token)),
                Some(count) => self.complete(token, length(count)),
                None => self.complete(token, -BROKEN),
            }
        }
        for (link, how, token) in std::mem::take(&mut self.receives) {
            if self.receive_now(link, how, token, outside) {
                self.receives.push((link, how, token));
            }
        }
    }

    /// Receives what has arrived; whether the receive goes on.
    fn receive_now(
        &mut self,
        link: LinkId,
        how: Receive,
        token: Token,
        outside: &mut Outside<'_>,
    ) -> bool {
        while outside.network.is_readable(link, Side::Server) {
            let Some(buffer) = self.buffers.iter().position(Option::is_none) else {
                self.complete(token, -errno::ENOBUFS);
                return false;
            };
            let most = match self.dice.one_in(8) {
                true => 1 + self.dice.index(40),
                false => RECEIVE_BUFFER_BYTES,
            };
            let Outside {
                now,
                network,
                agenda,
            } = outside;
            match network.read(link, Side::Server, most, *now, agenda) {
                Found::Nothing => return true,
                Found::End => {
                    self.complete(token, 0);
                    return false;
                }
                Found::Broken => {
                    self.complete(token, -BROKEN);
                    return false;
                }
                Found::Bytes(bytes) => {
                    let more = how == Receive::Multishot;
                    self.completions.push_back(Completion {
                        token,
                        result: length(bytes.len()),
                        more,
                        buffer: Some(BufferId::try_from(buffer).expect("16 bits count buffers")),
                    });
                    self.buffers[buffer] = Some(bytes);
                    if !more {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn complete(&mut self, token: Token, result: i32) {
        self.completions.push_back(Completion {
            token,
            result,
            more: false,
            buffer: None,
        });
    }
}

fn send_some(link: LinkId, bytes: &[u8], outside: &mut Outside<'_>) -> Option<usize> {
    let Outside {
        now,
        network,
        agenda,
    } = outside;
    network.send(link, Side::Server, bytes, *now, agenda)
}

fn length(count: usize) -> i32 {
    i32::try_from(count).expect("less than 2^31 bytes at once")
}

impl Kernel for SimKernel {
    type Socket = LinkId;

    fn accept(&mut self, _: &LinkId, _: Token) {
        unreachable!("connections accept nothing");
    }

    fn receive(&mut self, socket: &LinkId, how: Receive, token: Token) {
        self.queued.push(Queued::Receive(*socket, how, token));
    }

    fn send<'a>(
        &mut self,
        socket: &LinkId,
        slices: impl Iterator<Item = &'a [u8]>,
        how: Send,
        token: Token,
    ) -> usize {
        let bytes: Vec<u8> = slices.take(self.slices_max).flatten().copied().collect();
        let count = bytes.len();
        self.at_once += usize::from(how == Send::AtOnce);
        self.queued.push(Queued::Send(*socket, bytes, how, token));
        count
    }

    fn cancel(&mut self, target: Token) {
        self.queued.push(Queued::Cancel(target));
    }

    fn shutdown_write(&mut self, socket: &LinkId) {
        self.ended.push((*socket, End::Finish));
    }

    fn close(&mut self, socket: LinkId) {
        self.ended.push((socket, End::Close));
    }

    fn give_back(&mut self, buffer: BufferId) {
        let held = self.buffers[usize::from(buffer)].take();
        assert!(held.is_some(), "a buffer is given back once");
    }
}
