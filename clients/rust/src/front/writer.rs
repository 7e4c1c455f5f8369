//! Sending: one thread at a time, with the bytes of all.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{SendFlags, Shutdown, send, shutdown};

/// Bytes on their way to one socket.
///
/// Invariant: `written <= buffer.len()`; equal means that more may be taken from the machine.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) buffer: Vec<u8>,
    pub(super) socket: Option<Arc<OwnedFd>>,
    /// Successful writes since the beginning, over all sockets.
    pub(super) writes: u64,
    written: usize,
}

/// How far a send came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Everything is with the kernel.
    Done,
    /// The socket takes no more for now.
    Blocked,
}

impl Writer {
    /// Whether everything taken was sent.
    pub(super) fn is_idle(&self) -> bool {
        self.written == self.buffer.len()
    }

    /// Makes room for the next bytes. Their sending begins anew.
    pub(super) fn reset(&mut self) {
        self.buffer.clear();
        self.written = 0;
    }

    /// Sends what is left. A connection that fails is shut down, so that whoever reads from it
    /// finds out; its bytes are dropped, because the next connection resends what matters.
    pub(super) fn send(&mut self) -> Progress {
        while !self.is_idle() {
            let Some(socket) = &self.socket else { break };
            // A closed peer must be an error here, not a signal to the program around us.
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            match send(socket, &self.buffer[self.written..], flags) {
                Ok(sent) => {
                    self.written += sent;
                    self.writes += 1;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Progress::Blocked,
                Err(error) => {
                    log::debug!("send failed: {}", io::Error::from(error));
                    if let Err(error) = shutdown(socket, Shutdown::Both) {
                        log::debug!("shutdown failed: {}", io::Error::from(error));
                    }
                    self.socket = None;
                }
            }
        }
        self.reset();
        Progress::Done
    }
}
