//! Where a shard sleeps: a read of its eventfd, awaited through the executor.

use glommio::io::BufferedFile;
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd};

/// A shard's eventfd as a file of its executor.
pub(super) struct Park(BufferedFile);

impl Park {
    /// Must be called, and the park be used, inside the shard's executor.
    ///
    /// # Errors
    /// No descriptor was free.
    pub(super) fn new(eventfd: BorrowedFd<'_>) -> io::Result<Self> {
        let own = eventfd.try_clone_to_owned()?;
        // SAFETY: the clone is ours alone and is passed on.
        // JUSTIFICATION: glommio makes a file of a descriptor by its number only.
        Ok(Self(unsafe {
            BufferedFile::from_raw_fd(own.into_raw_fd())
        }))
    }

    /// Sleeps until something is written to the eventfd, or returns at once if it was.
    pub(super) async fn sleep(&self) {
        let read = self.0.read_at(0, size_of::<u64>()).await;
        debug_assert!(read.is_ok(), "an eventfd can be read");
    }
}
