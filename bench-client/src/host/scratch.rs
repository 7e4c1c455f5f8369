//! A folder for one child's files, gone with its owner.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::program::Account;

/// A folder below the system's folder for temporary files that its owner alone may enter; dropped,
/// it is removed with all that is in it. A kill of ours leaves it.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty folder, of `account` if one is given.
    ///
    /// # Errors
    /// The folder cannot be made, or not be given away.
    pub fn new(account: Option<Account>) -> io::Result<Self> {
        Self::below(&std::env::temp_dir(), account)
    }

    /// The same below another folder, such as one in memory.
    ///
    /// # Errors
    /// As of [`Scratch::new`].
    pub fn below(parent: &Path, account: Option<Account>) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("locker-bench-{}-{number}", std::process::id());
            let path = parent.join(name);
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                // Of a process before us that had our number and was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    let scratch = Self(path);
                    if let Some(account) = account {
                        chown(scratch.path(), Some(account.uid), Some(account.gid))?;
                    }
                    return Ok(scratch);
                }
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean up.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_folder_is_new_ours_alone_and_gone_after() {
        use std::os::unix::fs::PermissionsExt as _;

        let (one, other) = (Scratch::new(None).unwrap(), Scratch::new(None).unwrap());
        assert_ne!(one.path(), other.path());
        let mode = fs::metadata(one.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let path = one.path().to_owned();
        fs::write(path.join("file"), "text").unwrap();
        drop(one);
        assert!(!path.exists());
        assert!(other.path().exists());
    }
}
