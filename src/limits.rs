//! Compile-time limits, tied together by assertions. What an operator may set is in `config`.

/// Shards at most: a session id carries its home in 8 bits.
pub const SHARDS_MAX: usize = 256;
/// Addresses given to listen on at most.
pub const LISTEN_ADDRESSES_MAX: usize = 64;
/// Key bytes at most, whatever is configured.
pub const KEY_BYTES_MAX: usize = locker_protocol::KEY_BYTES_MAX;
/// Metadata bytes at most.
pub const METADATA_BYTES_MAX: usize = locker_protocol::METADATA_BYTES_MAX;
/// Bytes of a session's name at most.
pub const NAME_BYTES_MAX: usize = locker_protocol::NAME_BYTES_MAX;
/// Seats of a session at most, whatever is configured.
pub const SEATS_MAX: usize = 4_096;
/// Bytes of one read's reply body at most: what a home shard reserves in the return lane.
pub const READ_REPLY_BYTES_MAX: usize = 16 * 1024;
/// Holders told by Get at most.
pub const GET_HOLDERS_MAX: usize = 16;
/// Waiters told by Get at most.
pub const GET_WAITERS_MAX: usize = 8;
/// Holds and waiters of one (session, owner) on one key at most.
pub const OWNER_ENTRIES_MAX: usize = 64;
/// Waiters of one key at most.
pub const KEY_WAITERS_MAX: u32 = 1_000_000;
/// Inside the grace window only one in so many of the waiters may queue, with one in so many of the
/// blocks: the others are for holds that are reclaimed.
pub const GRACE_WAITERS_PART: u32 = 4;
/// Inside the grace window one in so many of the sessions is kept for clients that reclaim.
pub const GRACE_SESSIONS_PART: u32 = 4;
/// Grants on one key in one turn at most.
pub const GRANTS_PER_TURN_MAX: u32 = 1_024;
/// Keys opened after the grace window in one turn at most.
pub const KEYS_OPENED_PER_TURN_MAX: u32 = 1_024;
/// Blocks of ended sessions freed in one turn at most.
pub const SWEEP_PER_TURN_MAX: u32 = 256;
/// Buckets looked at by one page of List at most.
pub const LIST_BUCKETS_MAX: u32 = 4_096;
/// Milliseconds that an acquire waits for room in the lane to its owner shard before it is refused.
pub const LANE_WAIT_MS_MAX: u32 = 200;
/// Inputs applied to the engine as one batch at most.
pub const BATCH_MAX: usize = 128;
/// Milliseconds that a shard's wheel clock advances in one turn at most.
pub const WHEEL_STEP_MS_MAX: u64 = 50;
/// Lease bounds that can be configured: 10 ms..24 d.
pub const LEASE_MS_MIN: u32 = 10;
/// 24 days.
pub const LEASE_MS_MAX: u32 = 24 * 86_400_000;
/// Session TTL bounds: 1 s..1 h.
pub const TTL_MS_MIN: u32 = 1_000;
/// One hour.
pub const TTL_MS_MAX: u32 = 3_600_000;
/// The TTL of a session that asks for none.
pub const TTL_MS_DEFAULT: u32 = 10_000;
/// Time for a connection's Hello.
pub const HELLO_MS_MAX: u32 = 5_000;
/// Unread output at which a connection is no longer read.
pub const OUTPUT_PAUSE_BYTES: usize = 256 * 1024;
/// Unread output at which a connection is closed.
pub const OUTPUT_CLOSE_BYTES: usize = 1024 * 1024;

const _: () = assert!(
    LISTEN_ADDRESSES_MAX * (1 + SHARDS_MAX) <= u16::MAX as usize,
    "16 bits tell the listeners apart"
);
const _: () = assert!(
    READ_REPLY_BYTES_MAX <= locker_protocol::FRAME_BYTES_MAX,
    "a read's reply fits one frame"
);
const _: () = assert!(
    OUTPUT_PAUSE_BYTES < OUTPUT_CLOSE_BYTES,
    "reading stops first"
);
