//! What a scenario needs besides a kernel, and whether it is here.

use std::env;
use std::fmt;
use std::path::Path;

use crate::bend;

/// Something that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To be root.
    Root,
    /// A program in PATH.
    Tool(&'static str),
    /// The library libfaketime.
    Faketime,
    /// A folder, such as that of a control group's controller, in which new folders may be made.
    Folder(&'static str),
}

impl Need {
    /// Whether it is here.
    #[must_use]
    pub fn is_met(self) -> bool {
        match self {
            Self::Root => rustix::process::geteuid().is_root(),
            Self::Tool(name) => {
                let path = env::var_os("PATH").unwrap_or_default();
                let more = ["/usr/sbin", "/sbin"].map(Into::into);
                let mut folders = env::split_paths(&path).chain(more);
                folders.any(|folder| folder.join(name).is_file())
            }
            Self::Faketime => bend::library().is_some(),
            Self::Folder(path) => {
                let access = rustix::fs::Access::WRITE_OK;
                Path::new(path).is_dir() && rustix::fs::access(path, access).is_ok()
            }
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("root"),
            Self::Tool(name) => write!(f, "the program {name}"),
            Self::Faketime => f.write_str("libfaketime"),
            Self::Folder(path) => write!(f, "a writable {path}"),
        }
    }
}
