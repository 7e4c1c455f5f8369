//! A control group of a round's own (cgroup v1): removed when dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::trouble::{Trouble, Trying as _};

/// Folder of the controller of processor time.
pub const CPU: &str = "/sys/fs/cgroup/cpu";

/// Folder of the controller of memory.
pub const MEMORY: &str = "/sys/fs/cgroup/memory";

/// A group below a controller. Processes enter it by [`crate::launch`].
#[derive(Debug)]
pub struct Group(PathBuf);

impl Group {
    /// Makes a group with these settings: file and value.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new(controller: &str, settings: &[(&str, String)]) -> Result<Self, Trouble> {
        let name = format!("faults-{}", std::process::id());
        let folder = Path::new(controller).join(name);
        fs::create_dir(&folder).trying(format!("cannot make {}", folder.display()))?;
        let group = Self(folder);
        for (file, value) in settings {
            group.set(file, value)?;
        }
        Ok(group)
    }

    /// Writes one of its settings.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn set(&self, file: &str, value: &str) -> Result<(), Trouble> {
        let file = self.0.join(file);
        fs::write(&file, value).trying(format!("cannot write {}", file.display()))
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.0.clone()
    }

    /// The text of one of its files.
    #[must_use]
    pub fn read(&self, file: &str) -> String {
        crate::process::read(&self.0.join(file))
    }
}

impl Drop for Group {
    /// The last process of it may just be ending.
    fn drop(&mut self) {
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}
