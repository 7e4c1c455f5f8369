//! What a worker did and believed, one line per entry. Pure.

mod entry;
#[cfg(test)]
mod tests;

pub use entry::{BadEntry, Deed, Entry, Mode, Nanos};

/// What one worker process wrote, in the order in which it wrote it.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The worker.
    pub worker: String,
    /// Whether the harness killed it: what it was at may then have no end.
    pub was_killed: bool,
    /// Its entries. Those of one client stand in order.
    pub entries: Vec<Entry>,
}

impl History {
    /// Reads what a worker wrote. A last line without an end is left out: a kill cut it.
    ///
    /// # Errors
    /// A line that is no entry.
    pub fn read(worker: &str, was_killed: bool, text: &str) -> Result<Self, BadEntry> {
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        Ok(Self {
            worker: worker.to_owned(),
            was_killed,
            entries: whole.lines().map(str::parse).collect::<Result<_, _>>()?,
        })
    }
}
