//! The receive buffers of a ring: provided to the kernel, which picks one per receive.

use crate::net::kernel::BufferId;
use io_uring::IoUring;
use io_uring::types::BufRingEntry;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

/// Buffers of one size, and the ring of entries in which they are offered to the kernel.
pub(super) struct ReceiveBuffers {
    entries: Pages,
    memory: Pages,
    count: u16,
    length: u32,
    tail: u16,
}

/// Anonymous memory, mapped for as long as this lives.
struct Pages {
    start: NonNull<u8>,
    length: usize,
}

impl ReceiveBuffers {
    /// Registers `count` buffers, a power of two, of `length` bytes each.
    ///
    /// Must be dropped after `ring`.
    ///
    /// # Errors
    /// No memory, or a kernel without them.
    pub(super) fn register(
        ring: &IoUring,
        group: u16,
        count: u16,
        length: u32,
    ) -> io::Result<Self> {
        assert!(count.is_power_of_two(), "the kernel wants a power of two");
        let mut this = Self {
            entries: Pages::map(usize::from(count) * size_of::<BufRingEntry>())?,
            memory: Pages::map(usize::from(count) * length as usize)?,
            count,
            length,
            tail: 0,
        };
        let address = this.entries.start.as_ptr().expose_provenance() as u64;
        // SAFETY: the entries are page-aligned memory of the right size, and the caller drops its
        // io_uring before these pages.
        // JUSTIFICATION: provided buffers are what makes an idle connection free of buffers.
        unsafe {
            let submitter = ring.submitter();
            submitter.register_buf_ring_with_flags(address, count, group, 0)?;
        }
        (0..count).for_each(|buffer| this.give_back(buffer));
        Ok(this)
    }

    /// Offers a buffer to the kernel.
    pub(super) fn give_back(&mut self, buffer: BufferId) {
        assert!(buffer < self.count, "the kernel names buffers we gave it");
        let first = self.entries.start.as_ptr().cast::<BufRingEntry>();
        let at = usize::from(self.tail & (self.count - 1));
        let offset = usize::from(buffer) * self.length as usize;
        // SAFETY: `at` is below the number of entries; the kernel reads an entry only once the tail
        // has passed it, and the buffer is ours until then. The tail is the field that the kernel
        // shares with us as an atomic; entry 0's other fields do not overlap it.
        // JUSTIFICATION: this shared ring saves a system call per buffer.
        unsafe {
            let entry = &mut *first.add(at);
            entry.set_addr(self.memory.start.as_ptr().add(offset).expose_provenance() as u64);
            entry.set_len(self.length);
            entry.set_bid(buffer);
            self.tail = self.tail.wrapping_add(1);
            let tail = BufRingEntry::tail(first).cast::<AtomicU16>();
            (*tail).store(self.tail, Ordering::Release);
        }
    }

    /// The first bytes of a buffer that the kernel has filled and that was not given back.
    pub(super) fn bytes(&self, buffer: BufferId, length: usize) -> &[u8] {
        assert!(buffer < self.count && length <= self.length as usize);
        let offset = usize::from(buffer) * self.length as usize;
        // SAFETY: within the mapping; the kernel does not write to a buffer it has handed out
        // until it is given back, which needs `&mut self`.
        // JUSTIFICATION: the bytes are read where the kernel put them; no copy.
        unsafe { std::slice::from_raw_parts(self.memory.start.as_ptr().add(offset), length) }
    }
}

impl Pages {
    fn map(length: usize) -> io::Result<Self> {
        use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
        // SAFETY: a fresh private mapping at an address of the kernel's choice.
        // JUSTIFICATION: the buffer ring must be page-aligned and never move.
        let start = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )?
        };
        let start = NonNull::new(start.cast()).expect("a mapping is never at address 0");
        Ok(Self { start, length })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: mapped in `map` with this length; nobody borrows it any more.
        // JUSTIFICATION: the counterpart of `map`.
        let unmapped = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.length) };
        debug_assert!(unmapped.is_ok(), "the mapping was ours");
    }
}
