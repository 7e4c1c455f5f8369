//! Numbers of the protocol.
//!
//! Generated from `table.toml`; do not edit.

/// See docs/PROTOCOL.md.
pub const DELAY_HOLDER_TTL: u32 = 0xffffffff;
/// See docs/PROTOCOL.md.
pub const FRAME_BYTES_MAX: usize = 0x10000;
/// See docs/PROTOCOL.md.
pub const HEADER_BYTES: usize = 0x10;
/// See docs/PROTOCOL.md.
pub const KEY_BYTES_MAX: usize = 0x400;
/// See docs/PROTOCOL.md.
pub const LEASE_KEEP: u32 = 0xffffffff;
/// See docs/PROTOCOL.md.
pub const LEASE_SESSION: u32 = 0x0;
/// See docs/PROTOCOL.md.
pub const LIBRARY_BYTES_MAX: usize = 0x40;
/// See docs/PROTOCOL.md.
pub const METADATA_BYTES_MAX: usize = 0x100;
/// See docs/PROTOCOL.md.
pub const NAME_BYTES_MAX: usize = 0x20;
/// See docs/PROTOCOL.md.
pub const PERMIT_LIMIT_MAX: u32 = 0x80000000;
/// See docs/PROTOCOL.md.
pub const PREFACE: [u8; 4] = [76, 75, 82, 1];
/// See docs/PROTOCOL.md.
pub const REASON_BYTES_MAX: usize = 0x100;
/// See docs/PROTOCOL.md.
pub const SEATS_MAX: u16 = 0x1000;
/// See docs/PROTOCOL.md.
pub const TLV_MUST_UNDERSTAND: u16 = 0x8000;
/// See docs/PROTOCOL.md.
pub const TOKEN_ANY: u64 = 0x0;
/// See docs/PROTOCOL.md.
pub const VERSION: u8 = 0x1;
/// See docs/PROTOCOL.md.
pub const WAIT_FOREVER: u32 = 0xffffffff;
/// See docs/PROTOCOL.md.
pub const WAIT_TRY: u32 = 0x0;
