//! Black-box tests: the real binary, real sockets, one behaviour per file.
//!
//! Each case starts its own server on a free port with its own data dir; most run with 1, 2 and 4
//! shards. Times decide nothing but the bounds that the contract states.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod support;

mod bad_frames;
mod balance;
mod churn;
mod cutting;
mod data_dir;
mod disconnects;
mod drain;
mod drain_under_load;
mod exclusion;
mod expiry;
mod fifo;
mod full_lanes;
mod keys;
mod killed_holder;
mod killed_server;
mod leases;
mod limits;
mod lost_wakeups;
mod many_connections;
mod modes;
mod never_reads;
mod overload;
mod pipelining;
mod preface;
mod prefault;
mod proxy_itself;
mod queued_past_lease;
mod reclaim;
mod reclaim_among_others;
mod reclaim_stops;
mod restarts;
mod restarts_under_load;
mod shard_ports;
mod slow_reader;
mod stalls;
mod timeouts;
mod tokens;
mod unix_sockets;
