//! Numbers of the protocol.
//!
//! Generated from `table.toml`; do not edit.

/// `delay_ms` of ForceRelease: the ended holder's TTL x 1.02 + 50 ms.
pub const DELAY_HOLDER_TTL: u32 = 0xFFFFFFFF;
/// Bytes after the header that a server takes unless HelloOk says otherwise.
pub const FRAME_BYTES_MAX: usize = 0x10000;
/// Bytes of a frame's header.
pub const HEADER_BYTES: usize = 16;
/// Bytes of a key at most; a server may be set to less.
pub const KEY_BYTES_MAX: usize = 1024;
/// `lease_ms` of Renew: leave the deadline as it is.
pub const LEASE_KEEP: u32 = 0xFFFFFFFF;
/// `lease_left_ms`: as long as the session lives.
pub const LEASE_LEFT_SESSION: u32 = 0xFFFFFFFF;
/// `lease_ms`: as long as the session lives.
pub const LEASE_SESSION: u32 = 0;
/// Bytes of a client library's name at most.
pub const LIBRARY_BYTES_MAX: usize = 64;
/// Bytes of a hold's metadata at most; a server may be set to less.
pub const METADATA_BYTES_MAX: usize = 256;
/// Bytes of a session's name at most.
pub const NAME_BYTES_MAX: usize = 32;
/// A key's permit limit at most.
pub const PERMIT_LIMIT_MAX: u32 = 0x80000000;
/// `LKR` and 0x01: the first bytes of a client, before its first frame.
pub const PREFACE: [u8; 4] = [76, 75, 82, 1];
/// Bytes of the reason of a ForceRelease at most.
pub const REASON_BYTES_MAX: usize = 256;
/// Seats of a session at most.
pub const SEATS_MAX: u16 = 4096;
/// The bit of a TLV's tag that says: refuse the message if the tag is not known.
pub const TLV_MUST_UNDERSTAND: u16 = 32768;
/// `token` of Release: the one exclusive or shared hold; of ForceRelease: every hold.
pub const TOKEN_ANY: u64 = 0;
/// The version of the protocol that this table describes.
pub const VERSION: u8 = 1;
/// `wait_ms` and `wait_left_ms`: as long as the session lives.
pub const WAIT_FOREVER: u32 = 0xFFFFFFFF;
/// `wait_ms`: do not queue.
pub const WAIT_TRY: u32 = 0;
