//! The seam between the connections and the kernel: operations out, completions in.
//!
//! [`super::connections`] speaks only to [`Kernel`]; [`super::ring`] is one over io_uring, and the
//! tests implement it over vectors, so that each error can be injected.
//!
//! An operation is named by a [`Token`], which comes back in its [`Completion`]. At most one
//! receive and one send of a connection are in flight, and a connection's slot is not reused before
//! both have completed: so a token names one operation.

/// What an operation's completion is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Token {
    /// Receiving on the connection in this slot.
    Receive(Slot),
    /// Sending on the connection in this slot.
    Send(Slot),
    /// The kernel's word on a cancellation; the cancelled operation completes on its own.
    Cancel,
    /// Accepting on the listener with this index.
    Accept(u16),
    /// The wake-up timer.
    Timer,
    /// Another thread's word that there is something to find.
    Wake,
}

/// A connection's slot with the low 24 bits of its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// Index in the connection table.
    pub index: u32,
    /// Low 24 bits of the generation: enough to recognise a bug, see the module's doc.
    pub generation: u32,
}

impl Slot {
    /// Bits of the generation that are kept.
    pub const GENERATION_MASK: u32 = (1 << 24) - 1;
}

impl Token {
    /// As the 64 bits that the kernel carries: kind 8 | generation 24 | index 32.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        let (kind, slot) = match self {
            Self::Receive(slot) => (1_u64, slot),
            Self::Send(slot) => (2, slot),
            Self::Cancel => return 3 << 56,
            Self::Accept(listener) => return 4 << 56 | listener as u64,
            Self::Timer => return 5 << 56,
            Self::Wake => return 6 << 56,
        };
        kind << 56 | ((slot.generation & Slot::GENERATION_MASK) as u64) << 32 | slot.index as u64
    }

    /// The token with these bits, if there is one.
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<Self> {
        let [kind, generation @ .., _, _, _, _] = bits.to_be_bytes();
        let [.., a, b, c, d] = bits.to_be_bytes();
        let slot = Slot {
            index: u32::from_be_bytes([a, b, c, d]),
            generation: u32::from_be_bytes([0, generation[0], generation[1], generation[2]]),
        };
        match kind {
            1 => Some(Self::Receive(slot)),
            2 => Some(Self::Send(slot)),
            3 => Some(Self::Cancel),
            4 => Some(Self::Accept(u16::from_be_bytes([c, d]))),
            5 => Some(Self::Timer),
            6 => Some(Self::Wake),
            _ => None,
        }
    }
}

/// Index of a provided receive buffer; whoever gets one must give it back to the kernel.
pub type BufferId = u16;

/// The kernel's word on an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Which operation.
    pub token: Token,
    /// Bytes moved, or a descriptor; negative: an errno.
    pub result: i32,
    /// Multishot: more completions of the same operation will follow.
    pub more: bool,
    /// Receive: where the bytes are.
    pub buffer: Option<BufferId>,
}

/// How to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receive {
    /// One completion.
    Single,
    /// Completions until it is cancelled, fails or buffers run out.
    Multishot,
}

/// How to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    /// What the socket takes now, and nothing is an error: completes when it is submitted. Whoever
    /// sleeps is not woken for it: for sends after which, if they go well, nothing is to be done.
    AtOnce,
    /// As soon as the socket takes something; ends a sleep.
    WhenRoom,
}

/// The errors of completions that the connections tell apart.
pub mod errno {
    pub use libc::{EAGAIN, ECANCELED, EINTR, ENOBUFS};
}

/// What the connections ask of the kernel. Nothing here blocks or fails: failures are completions.
pub trait Kernel {
    /// A connected socket; dropping it closes it.
    type Socket;

    /// Starts to accept connections, until cancelled or failed.
    fn accept(&mut self, listener: &Self::Socket, token: Token);

    /// Starts receiving into provided buffers.
    fn receive(&mut self, socket: &Self::Socket, how: Receive, token: Token);

    /// Starts sending the slices in order, or as many of them as one operation carries, and tells
    /// how many bytes that are.
    ///
    /// The memory behind the slices must stay in place and unchanged until the completion.
    fn send<'a>(
        &mut self,
        socket: &Self::Socket,
        slices: impl Iterator<Item = &'a [u8]>,
        how: Send,
        token: Token,
    ) -> usize;

    /// Asks for an early end of the operation; it still completes.
    fn cancel(&mut self, target: Token);

    /// Tells the peer that nothing more will be sent.
    fn shutdown_write(&mut self, socket: &Self::Socket);

    /// Closes a socket that has no operation in flight.
    fn close(&mut self, socket: Self::Socket);

    /// Gives a receive buffer back.
    fn give_back(&mut self, buffer: BufferId);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_kernel() {
        let slot = Slot {
            index: 0xDEAD_BEEF,
            generation: 0xAB_CDEF,
        };
        for token in [
            Token::Receive(slot),
            Token::Send(slot),
            Token::Cancel,
            Token::Accept(u16::MAX),
            Token::Timer,
            Token::Wake,
        ] {
            assert_eq!(Token::from_bits(token.to_bits()), Some(token));
        }
        assert_eq!(Token::from_bits(0), None);
        assert_eq!(Token::from_bits(u64::MAX), None);
    }
}
