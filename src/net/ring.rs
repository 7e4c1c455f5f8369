//! A shard's own io_uring: the thin implementation of [`Kernel`].
//!
//! Operations are queued without a system call; [`Ring::enter`] hands over all that were queued in
//! the turn and collects what has completed, in one call. The ring is made with
//! `SINGLE_ISSUER | DEFER_TASKRUN | COOP_TASKRUN` (kernel >= 6.1): completions are only produced
//! inside `enter`, on the shard's own core, and a running shard is never interrupted.
//!
//! Receives use one group of provided buffers, all of the same size, so that a connection without
//! traffic holds no buffer.
//!
//! A shard sleeps in `enter` too: [`Wait::ForOne`] returns when something has completed that the
//! submission itself did not complete. Other threads wake it by writing to an eventfd, which the
//! ring polls for ever; nobody reads it, each write is one completion or joins one on its way.

mod buffers;

use self::buffers::ReceiveBuffers;
use crate::net::kernel::{BufferId, Completion, Kernel, Receive, Send, Token};
use crate::net::{RECEIVE_BUFFER_BYTES, RECEIVE_BUFFERS};
use io_uring::types::{Fd, Timespec};
use io_uring::{EnterFlags, IoUring, cqueue, opcode, squeue};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// What a ring is given at its start.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Entries of the submission queue; when it is full the ring submits and goes on.
    submissions: u32,
    /// Entries of the completion queue; beyond it the kernel keeps completions in its own list.
    completions: u32,
    /// Receive buffers, a power of two: one more connection with input waits for the next turn.
    buffers: u16,
    /// Bytes of each.
    buffer_bytes: u32,
}

/// A shard's.
const SIZES: Sizes = Sizes {
    submissions: 1_024,
    completions: 8_192,
    buffers: RECEIVE_BUFFERS,
    buffer_bytes: RECEIVE_BUFFER_LENGTH,
};

/// Slices that one send carries at most: 64 KiB of full chunks.
const SLICES_PER_SEND_MAX: usize = 16;
/// Tries to hand over a full queue before we give up on the kernel.
const ROOM_TRIES_MAX: u32 = 10_000;
/// A peer that is gone is an error of the send, not a signal to the process.
const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL;
/// A send that does not wait for room completes in the `enter` that submits it.
const SEND_AT_ONCE_FLAGS: i32 = SEND_FLAGS | libc::MSG_DONTWAIT;
/// Bytes of one receive buffer, as the kernel wants them.
const RECEIVE_BUFFER_LENGTH: u32 = 8192;
/// Our one group of provided buffers.
const BUFFER_GROUP: u16 = 0;

const _: () = assert!(RECEIVE_BUFFER_LENGTH as usize == RECEIVE_BUFFER_BYTES);
/// One shard's ring. Must be used by the thread that made it only.
pub struct Ring {
    ring: IoUring,
    /// What other threads write to.
    wake: OwnedFd,
    /// Flags of an `enter` that waits.
    wait_flags: u32,
    /// Queued sends that complete when they are submitted.
    at_once: u32,
    buffers: ReceiveBuffers,
    /// Slices and message headers of the sends queued since the last submission; the kernel has
    /// copied them when `enter` returns.
    slices: Vec<libc::iovec>,
    messages: Vec<libc::msghdr>,
    /// Completions taken out in the middle of a turn, to make room for submissions.
    early: Vec<Completion>,
    timer: Box<Timespec>,
}

/// Whether [`Ring::enter`] waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Takes what is there.
    No,
    /// Until something completes beside the sends that are submitted, or a signal comes.
    ForOne,
}

impl Ring {
    /// A ring that a write to `wake`, an eventfd, wakes from its wait.
    ///
    /// # Errors
    /// What the kernel says: no io_uring, forbidden, too old, no memory, no descriptor.
    pub fn new(wake: BorrowedFd<'_>) -> io::Result<Self> {
        Self::with_sizes(wake, SIZES)
    }

    fn with_sizes(wake: BorrowedFd<'_>, sizes: Sizes) -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_coop_taskrun()
            .setup_taskrun_flag()
            .setup_submit_all()
            .setup_cqsize(sizes.completions)
            .build(sizes.submissions)?;
        let buffers =
            ReceiveBuffers::register(&ring, BUFFER_GROUP, sizes.buffers, sizes.buffer_bytes)?;
        let messages_max = sizes.submissions as usize;
        let mut this = Self {
            wait_flags: wait_flags(&ring),
            ring,
            wake: wake.try_clone_to_owned()?,
            at_once: 0,
            buffers,
            slices: Vec::with_capacity(messages_max * SLICES_PER_SEND_MAX),
            messages: Vec::with_capacity(messages_max),
            early: Vec::new(),
            timer: Box::new(Timespec::new()),
        };
        this.watch_wake();
        Ok(this)
    }

    /// Submits everything queued and lets the kernel produce completions: one system call.
    ///
    /// Waits only if all was submitted. Must not be told to wait while completions are there to be
    /// reaped. A call that was interrupted or found the completion queue full is no error: what was
    /// not submitted stays queued, and the next turn goes on.
    ///
    /// # Errors
    /// Anything else, which is a bug of ours or an exhausted kernel.
    pub fn enter(&mut self, wait: Wait) -> io::Result<()> {
        let count = self.ring.submission().len();
        // A send that is cut off from those submitted must not be waited for: all or none count.
        let at_once = std::mem::take(&mut self.at_once);
        let (completions_min, flags) = match wait {
            Wait::No => (0, EnterFlags::GETEVENTS.bits()),
            Wait::ForOne => (at_once + 1, self.wait_flags),
        };
        // SAFETY: the queue's entries were checked when they were pushed; no argument is passed.
        // JUSTIFICATION: `submit()` leaves GETEVENTS out when it sees no flag; we always want it,
        // because it is what runs deferred work.
        let entered = unsafe {
            let count = u32::try_from(count).expect("a queue has at most 2^15 entries");
            self.ring
                .submitter()
                .enter::<libc::sigset_t>(count, completions_min, flags, None)
        };
        match entered.map_err(|error| (error.raw_os_error(), error)) {
            Ok(_) => {}
            Err((Some(libc::EINTR | libc::EBUSY | libc::EAGAIN), _)) => return Ok(()),
            Err((_, error)) => return Err(error),
        }
        if self.ring.submission().is_empty() {
            self.slices.clear();
            self.messages.clear();
        }
        Ok(())
    }

    /// Moves what has completed to `into`, at most its free capacity.
    pub fn reap(&mut self, into: &mut Vec<Completion>) {
        let early_count = self.early.len().min(into.capacity() - into.len());
        into.extend(self.early.drain(..early_count));
        let room = into.capacity() - into.len();
        into.extend(
            self.ring
                .completion()
                .take(room)
                .filter_map(|entry| completion(&entry)),
        );
    }

    /// Whether something has completed since the last [`Ring::enter`], or is about to.
    pub fn has_work(&mut self) -> bool {
        let submission = self.ring.submission();
        if submission.taskrun() || submission.cq_overflow() {
            return true;
        }
        drop(submission);
        !self.early.is_empty() || !self.ring.completion().is_empty()
    }

    /// Whether sends are queued that end no wait.
    #[must_use]
    pub fn has_at_once(&self) -> bool {
        self.at_once > 0
    }

    /// Whether operations are queued and not yet submitted.
    pub fn has_queued(&mut self) -> bool {
        !self.ring.submission().is_empty()
    }

    /// Starts to listen for other threads: [`Token::Wake`] completes for each word, until a
    /// completion says that no more will follow.
    pub fn watch_wake(&mut self) {
        let readable = u32::from(libc::POLLIN.cast_unsigned());
        let entry = opcode::PollAdd::new(Fd(self.wake.as_raw_fd()), readable)
            .multi(true)
            .build();
        self.push(entry, Token::Wake);
    }

    /// The bytes of a completed receive.
    ///
    /// # Panics
    /// If there is no such buffer or it is shorter.
    #[must_use]
    pub fn received(&self, buffer: BufferId, length: usize) -> &[u8] {
        self.buffers.bytes(buffer, length)
    }

    /// The socket of a completed accept, or the errno.
    ///
    /// # Errors
    /// The errno of a failed accept.
    pub(super) fn accepted(completion: Completion) -> Result<OwnedFd, i32> {
        if completion.result < 0 {
            return Err(-completion.result);
        }
        // SAFETY: the kernel has just made this descriptor for us, and says so once.
        // JUSTIFICATION: a completion carries a number.
        Ok(unsafe { OwnedFd::from_raw_fd(completion.result) })
    }

    /// Starts the timer, or sets it anew if it `runs`.
    pub fn timer(&mut self, after: Duration, runs: bool) {
        *self.timer = Timespec::from(after);
        if runs {
            let target = Token::Timer.to_bits();
            let entry = opcode::TimeoutUpdate::new(target, &raw const *self.timer).build();
            self.push(entry.flags(squeue::Flags::SKIP_SUCCESS), Token::Cancel);
        } else {
            let entry = opcode::Timeout::new(&raw const *self.timer).build();
            self.push(entry, Token::Timer);
        }
    }

    fn push(&mut self, entry: squeue::Entry, token: Token) {
        let entry = entry.user_data(token.to_bits());
        if self.ring.submission().is_full() {
            self.make_room();
        }
        // SAFETY: receives name a registered buffer group; sends name chunk memory that the caller
        // keeps until the completion, and slices and headers in `self` that are cleared only when
        // the queue is empty; the timer's time lies in its own box.
        // JUSTIFICATION: io_uring cannot know what an entry points to; this is its one door.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        pushed.expect("room was made");
    }

    /// Submits in the middle of a turn until the queue is empty.
    ///
    /// # Panics
    /// If the kernel takes nothing for [`ROOM_TRIES_MAX`] tries: it is out of memory.
    fn make_room(&mut self) {
        for _ in 0..ROOM_TRIES_MAX {
            self.enter(Wait::No).expect("the kernel takes submissions");
            if self.ring.submission().is_empty() {
                return;
            }
            self.early.extend(
                self.ring
                    .completion()
                    .filter_map(|entry| completion(&entry)),
            );
            std::thread::yield_now();
        }
        panic!("io_uring takes no submissions: the kernel is out of memory");
    }

    /// Queues one send of several slices, described in `self` until the submission.
    fn push_message(&mut self, socket: RawFd, first_slice: usize, flags: i32, token: Token) {
        let slices = &mut self.slices[first_slice..];
        // SAFETY: a message header is plain integers and pointers; all zero is its empty value.
        // JUSTIFICATION: the C struct has padding on some targets and cannot be written out.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = slices.as_mut_ptr();
        message.msg_iovlen = slices.len();
        self.messages.push(message);
        let message = self.messages.last().expect("it was just pushed");
        let entry = opcode::SendMsg::new(Fd(socket), &raw const *message)
            .flags(flags.cast_unsigned())
            .build();
        self.push(entry, token);
    }
}

/// Waits as idle time, not as waiting for a disk, where the kernel can tell them apart (6.15).
fn wait_flags(ring: &IoUring) -> u32 {
    let flags = EnterFlags::GETEVENTS | EnterFlags::NO_IOWAIT;
    // SAFETY: nothing is queued, and nothing is waited for.
    // JUSTIFICATION: the crate does not tell this feature; a kernel without it refuses the flag.
    let entered = unsafe {
        let submitter = ring.submitter();
        submitter.enter::<libc::sigset_t>(0, 0, flags.bits(), None)
    };
    match entered {
        Ok(_) => flags.bits(),
        Err(_) => EnterFlags::GETEVENTS.bits(),
    }
}

fn completion(entry: &cqueue::Entry) -> Option<Completion> {
    Some(Completion {
        token: Token::from_bits(entry.user_data())?,
        result: entry.result(),
        more: cqueue::more(entry.flags()),
        buffer: cqueue::buffer_select(entry.flags()),
    })
}

impl Kernel for Ring {
    type Socket = OwnedFd;

    fn accept(&mut self, listener: &OwnedFd, token: Token) {
        let entry = opcode::AcceptMulti::new(Fd(listener.as_raw_fd()))
            .flags(libc::SOCK_CLOEXEC)
            .build();
        self.push(entry, token);
    }

    fn receive(&mut self, socket: &OwnedFd, how: Receive, token: Token) {
        let entry = match how {
            Receive::Multishot => {
                opcode::RecvMulti::new(Fd(socket.as_raw_fd()), BUFFER_GROUP).build()
            }
            Receive::Single => opcode::Recv::new(Fd(socket.as_raw_fd()), std::ptr::null_mut(), 0)
                .buf_group(BUFFER_GROUP)
                .build()
                .flags(squeue::Flags::BUFFER_SELECT),
        };
        self.push(entry, token);
    }

    fn send<'a>(
        &mut self,
        socket: &OwnedFd,
        slices: impl Iterator<Item = &'a [u8]>,
        how: Send,
        token: Token,
    ) -> usize {
        if self.ring.submission().is_full()
            || self.slices.len() + SLICES_PER_SEND_MAX > self.slices.capacity()
            || self.messages.len() == self.messages.capacity()
        {
            self.make_room();
        }
        let socket = socket.as_raw_fd();
        let first = self.slices.len();
        self.slices
            .extend(slices.take(SLICES_PER_SEND_MAX).map(|slice| libc::iovec {
                iov_base: slice.as_ptr().cast_mut().cast(),
                iov_len: slice.len(),
            }));
        let bytes = self.slices[first..].iter().map(|slice| slice.iov_len).sum();
        let flags = match how {
            Send::AtOnce => SEND_AT_ONCE_FLAGS,
            Send::WhenRoom => SEND_FLAGS,
        };
        if let [only] = self.slices[first..] {
            self.slices.truncate(first);
            let length = u32::try_from(only.iov_len).expect("a slice is at most one chunk");
            let entry = opcode::Send::new(Fd(socket), only.iov_base.cast(), length)
                .flags(flags)
                .build();
            self.push(entry, token);
        } else {
            self.push_message(socket, first, flags, token);
        }
        self.at_once += u32::from(how == Send::AtOnce);
        bytes
    }

    fn cancel(&mut self, target: Token) {
        let entry = opcode::AsyncCancel::new(target.to_bits()).build();
        self.push(entry.flags(squeue::Flags::SKIP_SUCCESS), Token::Cancel);
    }

    fn shutdown_write(&mut self, socket: &OwnedFd) {
        // A peer that is gone already needs no end of stream.
        let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Write);
    }

    fn close(&mut self, socket: OwnedFd) {
        drop(socket);
    }

    fn give_back(&mut self, buffer: BufferId) {
        self.buffers.give_back(buffer);
    }
}

#[cfg(test)]
mod tests;
