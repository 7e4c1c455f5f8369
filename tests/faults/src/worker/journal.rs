//! The file that a client's history goes to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::history::{Deed, Entry, Nanos};

/// Appends entries, each by one write: what was written stands when the process is killed.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    client: u32,
}

impl Journal {
    pub(super) fn open(path: &Path, client: u32) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file, client })
    }

    pub(super) fn write(&mut self, at: Nanos, ask: u64, deed: Deed) -> io::Result<()> {
        let client = self.client;
        let entry = Entry {
            at,
            client,
            ask,
            deed,
        };
        self.file.write_all(format!("{entry}\n").as_bytes())
    }
}
