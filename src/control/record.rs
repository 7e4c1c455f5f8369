//! What outlives the process, and its 64 bytes on disk. Pure.
//!
//! ```text
//! 0   magic "lockerdd"   8   format u32 = 1   12  reserved u32 = 0   16  version u64
//! 24  epoch u32          28  floor u32        32  bound ms u32       36  longest ttl ms u32
//! 40  state u8           41  reserved         44  server id          60  crc32 of bytes 0..60
//! ```
//! All integers little-endian. A copy is whole only if its checksum, its magic, its reserved bytes
//! and the bounds of its fields are right; there is no repair of single fields.

/// Bits of an epoch within a fencing token.
pub const EPOCH_BITS: u32 = 28;
/// The last epoch there is.
pub const EPOCH_MAX: u32 = (1 << EPOCH_BITS) - 1;
/// Bytes of an encoded record.
pub const RECORD_BYTES: usize = 64;

const MAGIC: [u8; 8] = *b"lockerdd";
const FORMAT: u32 = 1;
const CHECKED_BYTES: usize = RECORD_BYTES - 4;

/// Whether holds of the last server run may still be believed in by their holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// No session was opened, in this run or in one whose holds may live.
    Idle = 0,
    /// Sessions were opened.
    Dirty = 1,
    /// The server stopped with no hold left.
    Clean = 2,
}

/// The durable facts. Replaced as a whole, by compare-and-set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The last epoch handed out, 1..2^28.
    pub epoch: u32,
    /// Holds last confirmed by a run before this epoch are surely over.
    pub floor: u32,
    /// No holder of a live hold has a session TTL above this, in milliseconds.
    pub bound_ms: u32,
    /// The longest TTL that the run which wrote this may grant: what stands in for `bound_ms` when
    /// a newer copy is lost.
    pub ttl_ms_max: u32,
    /// See [`State`].
    pub state: State,
    /// Drawn when the data dir was created.
    pub server_id: [u8; 16],
}

/// Counts the replacements of a record, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRecord {
    /// Not what was written: damaged, cut short, or out of bounds.
    Corrupt,
    /// Whole, but not ours, or from a later format.
    Foreign,
}

impl Record {
    /// The record's bytes on disk.
    #[must_use]
    pub fn encode(&self, version: Version) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[16..24].copy_from_slice(&version.0.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.floor.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.bound_ms.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.ttl_ms_max.to_le_bytes());
        bytes[40] = self.state as u8;
        bytes[44..60].copy_from_slice(&self.server_id);
        let checksum = crc32fast::hash(&bytes[..CHECKED_BYTES]);
        bytes[CHECKED_BYTES..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads what [`Record::encode`] wrote.
    ///
    /// # Errors
    /// See [`BadRecord`].
    pub fn decode(bytes: &[u8]) -> Result<(Version, Self), BadRecord> {
        let bytes: &[u8; RECORD_BYTES] = bytes.try_into().map_err(|_| BadRecord::Corrupt)?;
        if u32_at(bytes, CHECKED_BYTES) != crc32fast::hash(&bytes[..CHECKED_BYTES]) {
            return Err(BadRecord::Corrupt);
        }
        if bytes[..8] != MAGIC || u32_at(bytes, 8) != FORMAT {
            return Err(BadRecord::Foreign);
        }
        let mut version = [0; 8];
        version.copy_from_slice(&bytes[16..24]);
        let mut server_id = [0; 16];
        server_id.copy_from_slice(&bytes[44..60]);
        let record = Self {
            epoch: u32_at(bytes, 24),
            floor: u32_at(bytes, 28),
            bound_ms: u32_at(bytes, 32),
            ttl_ms_max: u32_at(bytes, 36),
            state: match bytes[40] {
                0 => State::Idle,
                1 => State::Dirty,
                2 => State::Clean,
                _ => return Err(BadRecord::Corrupt),
            },
            server_id,
        };
        let reserved_zero = bytes[12..16] == [0; 4] && bytes[41..44] == [0; 3];
        let version = Version(u64::from_le_bytes(version));
        let plausible = reserved_zero && version.0 > 0 && record.is_plausible();
        plausible
            .then_some((version, record))
            .ok_or(BadRecord::Corrupt)
    }

    const fn is_plausible(&self) -> bool {
        self.epoch >= 1 && self.epoch <= EPOCH_MAX && self.floor <= self.epoch
    }
}

fn u32_at(bytes: &[u8; RECORD_BYTES], offset: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: Record = Record {
        epoch: 7,
        floor: 5,
        bound_ms: 10_000,
        ttl_ms_max: 3_600_000,
        state: State::Dirty,
        server_id: *b"0123456789abcdef",
    };

    #[test]
    fn a_record_reads_back() {
        let bytes = RECORD.encode(Version(9));
        assert_eq!(Record::decode(&bytes), Ok((Version(9), RECORD)));
    }

    #[test]
    fn every_single_bit_and_every_cut_is_noticed() {
        let bytes = RECORD.encode(Version(9));
        for bit in 0..RECORD_BYTES * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                Record::decode(&damaged),
                Err(BadRecord::Corrupt),
                "bit {bit}"
            );
        }
        for length in 0..RECORD_BYTES {
            assert_eq!(Record::decode(&bytes[..length]), Err(BadRecord::Corrupt));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Record::decode(&longer), Err(BadRecord::Corrupt));
    }

    #[test]
    fn a_whole_record_of_another_format_is_foreign() {
        let mut bytes = RECORD.encode(Version(9));
        bytes[8] = 2;
        let checksum = crc32fast::hash(&bytes[..CHECKED_BYTES]);
        bytes[CHECKED_BYTES..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(Record::decode(&bytes), Err(BadRecord::Foreign));
    }

    #[test]
    fn fields_out_of_bounds_are_corrupt() {
        for record in [
            Record {
                epoch: 0,
                floor: 0,
                ..RECORD
            },
            Record {
                epoch: EPOCH_MAX + 1,
                ..RECORD
            },
            Record { floor: 8, ..RECORD },
        ] {
            assert_eq!(
                Record::decode(&record.encode(Version(1))),
                Err(BadRecord::Corrupt)
            );
        }
        assert_eq!(
            Record::decode(&RECORD.encode(Version(0))),
            Err(BadRecord::Corrupt)
        );
    }
}
