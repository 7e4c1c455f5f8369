//! Memory of the engine: fixed arrays of records, mapped once at start, on huge pages where given.
//!
//! The only file of the engine with `unsafe`. It knows nothing of locks. A record is a header of
//! plain integers followed by plain bytes up to the stride; all zero at start, untouched pages cost
//! no memory.

use std::io;
use std::marker::PhantomData;
use std::ptr::NonNull;

use bytemuck::Pod;

/// Bytes of a huge page; regions at least this long are aligned to it.
const HUGE_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// An array of `count` records of `stride` bytes, each beginning with an `H`.
#[derive(Debug)]
pub(super) struct Records<H: Pod> {
    base: NonNull<u8>,
    mapping: NonNull<u8>,
    mapping_bytes: usize,
    count: usize,
    stride: usize,
    header: PhantomData<H>,
}

// SAFETY: the mapping is owned by this value alone and holds plain integers.
// JUSTIFICATION: a shard's engine is built on one thread and moved to its own.
unsafe impl<H: Pod> Send for Records<H> {}

impl<H: Pod> Records<H> {
    /// Maps `count` zeroed records of `stride` bytes.
    ///
    /// # Errors
    /// What `mmap` says; out of memory also if the total is beyond the address space.
    ///
    /// # Panics
    /// If a record does not hold the header, or would misalign the next one.
    pub(super) fn new(count: usize, stride: usize) -> io::Result<Self> {
        assert!(stride >= size_of::<H>(), "a record holds its header");
        assert!(
            stride.is_multiple_of(align_of::<H>()),
            "records stay aligned"
        );
        assert!(count > 0, "a region is not empty");
        let bytes = count
            .checked_mul(stride)
            .and_then(|bytes| bytes.checked_add(HUGE_PAGE_BYTES))
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let mapping = map(bytes)?;
        let padding = mapping.addr().get().wrapping_neg() % HUGE_PAGE_BYTES;
        // SAFETY: the padding is below HUGE_PAGE_BYTES, by which the mapping is longer than the
        // records.
        // JUSTIFICATION: huge pages save a third of the latency of a random access.
        let base = unsafe { mapping.add(padding) };
        Ok(Self {
            base,
            mapping,
            mapping_bytes: bytes,
            count,
            stride,
            header: PhantomData,
        })
    }

    /// Backs all records with memory now, so that no later access waits for the kernel to zero a
    /// page. Their contents stay. About 50 us a MiB where huge pages are given.
    ///
    /// # Errors
    /// There is not that much memory.
    pub(super) fn prefault(&mut self) -> io::Result<()> {
        let bytes = self.count * self.stride;
        // SAFETY: the records lie in this value's own mapping, and populating it changes no
        // contents.
        // JUSTIFICATION: a write per page does the same with a trap each: 1.1 us for 4 KiB, 90 us
        // for 2 MiB, within somebody's request.
        let outcome =
            unsafe { libc::madvise(self.base.as_ptr().cast(), bytes, libc::MADV_POPULATE_WRITE) };
        match outcome {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Records in all.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The header of a record.
    ///
    /// # Panics
    /// If there is no such record.
    #[inline]
    pub(super) fn header(&self, index: usize) -> &H {
        let at = self.record(index);
        // SAFETY: `record` checked that the whole record lies in the mapping, aligned for `H`;
        // any bytes are a valid `H` (Pod); the borrow of self excludes writers.
        // JUSTIFICATION: the stride is known at run time only, so no array type fits.
        unsafe { at.cast::<H>().as_ref() }
    }

    /// The header of a record, to be changed.
    ///
    /// # Panics
    /// If there is no such record.
    #[inline]
    pub(super) fn header_mut(&mut self, index: usize) -> &mut H {
        let at = self.record(index);
        // SAFETY: as in `header`; the borrow of self is exclusive.
        // JUSTIFICATION: as in `header`.
        unsafe { at.cast::<H>().as_mut() }
    }

    /// A record's bytes from `from` to its end.
    ///
    /// # Panics
    /// If there is no such record, or it is shorter.
    #[inline]
    pub(super) fn bytes(&self, index: usize, from: usize) -> &[u8] {
        assert!(from <= self.stride, "an offset lies in the record");
        let at = self.record(index);
        // SAFETY: `from..stride` lies in the record, which lies in the mapping, initialised by the
        // kernel; the borrow of self excludes writers.
        // JUSTIFICATION: as in `header`.
        unsafe { std::slice::from_raw_parts(at.add(from).as_ptr(), self.stride - from) }
    }

    /// A record's bytes from `from` to its end, to be changed.
    ///
    /// # Panics
    /// If there is no such record, or it is shorter.
    #[inline]
    pub(super) fn bytes_mut(&mut self, index: usize, from: usize) -> &mut [u8] {
        assert!(from <= self.stride, "an offset lies in the record");
        let at = self.record(index);
        // SAFETY: as in `bytes`; the borrow of self is exclusive.
        // JUSTIFICATION: as in `header`.
        unsafe { std::slice::from_raw_parts_mut(at.add(from).as_ptr(), self.stride - from) }
    }

    /// Asks the processor to fetch the first `lines` cache lines of a record; no such record is
    /// fine.
    #[inline]
    pub(super) fn prefetch(&self, index: usize, lines: usize) {
        let at = self
            .base
            .as_ptr()
            .wrapping_add(index.wrapping_mul(self.stride));
        for line in 0..lines {
            prefetch_line(at.wrapping_add(64 * line));
        }
    }

    /// Asks the processor to fetch the cache line of one byte of a record.
    #[inline]
    pub(super) fn prefetch_at(&self, index: usize, offset: usize) {
        let start = index.wrapping_mul(self.stride).wrapping_add(offset);
        prefetch_line(self.base.as_ptr().wrapping_add(start));
    }

    #[inline]
    fn record(&self, index: usize) -> NonNull<u8> {
        assert!(index < self.count, "a record's index is below the count");
        // SAFETY: `count * stride` bytes from `base` on lie in the mapping; no overflow, as `new`
        // computed the product.
        // JUSTIFICATION: as in `header`.
        unsafe { self.base.add(index * self.stride) }
    }
}

impl<H: Pod> Drop for Records<H> {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new`, is unmapped once, and no borrow outlives self.
        // JUSTIFICATION: tests and simulators build thousands of engines in one process.
        let outcome = unsafe { libc::munmap(self.mapping.as_ptr().cast(), self.mapping_bytes) };
        assert_eq!(outcome, 0, "unmapping one's own mapping cannot fail");
    }
}

/// Zeroed private memory, with a wish for huge pages.
fn map(bytes: usize) -> io::Result<NonNull<u8>> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh anonymous mapping, wherever the kernel likes, touches no other memory.
    // JUSTIFICATION: an allocator gives neither huge pages nor lazily zeroed gigabytes for sure.
    let mapping = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0) };
    if mapping == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    if bytes >= 2 * HUGE_PAGE_BYTES {
        // A refusal only costs speed: the kernel may have been built without huge pages.
        // SAFETY: advice on one's own mapping changes no contents.
        // JUSTIFICATION: random access measured 192 ns without and 171 ns with huge pages at 1 M
        // blocks, 452 and 295 ns at 10 M.
        let _ = unsafe { libc::madvise(mapping, bytes, libc::MADV_HUGEPAGE) };
    }
    Ok(NonNull::new(mapping.cast()).expect("a mapping is never at address 0"))
}

#[inline]
fn prefetch_line(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it never faults, whatever the address.
    // JUSTIFICATION: a batch of 16 prefetched accesses costs 14 ns each instead of 192.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    // JUSTIFICATION: as above.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{0}]", in(reg) at, options(nostack, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = at;
}
