//! An acquire to be sent, by a fresh owner unless told otherwise.

use locker_protocol::{Acquire, Mode, Reclaim, WAIT_FOREVER, WAIT_TRY};
use std::sync::atomic::{AtomicU64, Ordering};

static OWNERS: AtomicU64 = AtomicU64::new(1);

/// Exclusive, waits for ever, held as long as the session, unless changed.
#[derive(Clone, Debug)]
pub struct Ask {
    pub key: Vec<u8>,
    pub owner: u64,
    pub mode: Mode,
    pub wait_ms: u32,
    pub lease_ms: u32,
    pub permits: u32,
    pub limit: u32,
    pub resize: bool,
    pub metadata: Vec<u8>,
}

impl Ask {
    pub fn new(key: impl AsRef<[u8]>) -> Self {
        Self {
            key: key.as_ref().to_vec(),
            owner: OWNERS.fetch_add(1, Ordering::Relaxed),
            mode: Mode::Exclusive,
            wait_ms: WAIT_FOREVER,
            lease_ms: 0,
            permits: 0,
            limit: 0,
            resize: false,
            metadata: Vec::new(),
        }
    }

    /// Does not wait.
    pub fn once(key: impl AsRef<[u8]>) -> Self {
        Self::new(key).wait(WAIT_TRY)
    }

    pub fn shared(self) -> Self {
        let mode = Mode::Shared;
        Self { mode, ..self }
    }

    pub fn permits(self, permits: u32, limit: u32) -> Self {
        Self {
            mode: Mode::Permit,
            permits,
            limit,
            ..self
        }
    }

    pub fn wait(self, wait_ms: u32) -> Self {
        Self { wait_ms, ..self }
    }

    pub fn lease(self, lease_ms: u32) -> Self {
        Self { lease_ms, ..self }
    }

    pub fn owner(self, owner: u64) -> Self {
        Self { owner, ..self }
    }

    pub fn metadata(self, metadata: &[u8]) -> Self {
        let metadata = metadata.to_vec();
        Self { metadata, ..self }
    }

    pub fn frame(&self) -> Acquire<'_> {
        Acquire {
            owner: self.owner,
            wait_ms: self.wait_ms,
            lease_ms: self.lease_ms,
            permits: self.permits,
            limit: self.limit,
            mode: self.mode,
            resize: self.resize,
            key: &self.key,
            metadata: &self.metadata,
        }
    }

    /// What takes the hold of that token back.
    pub fn back(&self, token: u64, run: u64) -> Reclaim<'_> {
        Reclaim {
            owner: self.owner,
            token,
            run,
            lease_ms: self.lease_ms,
            permits: self.permits,
            limit: self.limit,
            mode: self.mode,
            key: &self.key,
            metadata: &self.metadata,
        }
    }
}
