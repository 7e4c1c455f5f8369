//! The load generator of locker: what the binary `locker-bench` is made of.
//!
//! ```text
//!   flags -> plan ----> run: one thread per core -----------------------------+
//!                         | net::event_loop (sockets, clock)                  |
//!                         |   <-> Traffic: load::Fleet (clients, pure)        |
//!                         |          |-> measure::Measures (histograms)       |
//!                         |          +-> verify events --> verify::Ledger     |
//!                         +---------------------------------------------------+
//!                                      | merged
//!                                      v
//!                             report: text, JSON, CSV, HTML
//! ```
//!
//! Pure are `plan`, `load`, `measure`, `verify`, `report` (but for its files) and the seams
//! [`traffic`], [`nanos`], [`dice`]; sockets, clocks, threads and processes are in `net`, `host`,
//! `run` and `compare`.
//!
//! **Two starts of an operation.** The *intended* start is when the schedule, or the end of the
//! cycle before, asked for it; the *sent* start is when its bytes were handed to the kernel. A
//! server that stalls makes the generator late: only the first shows what a user would have felt
//! (Tene: How not to measure latency, 2015).

pub mod compare;
pub mod dice;
pub mod echo;
pub mod greeting;
pub mod host;
pub mod load;
pub mod measure;
pub mod nanos;
pub mod net;
pub mod plan;
pub mod report;
pub mod run;
pub mod scale;
pub mod traffic;
pub mod verify;
