//! The wire protocol of the locker lock server: a pure codec.
//!
//! ```text
//! stream --split_frame--> Frame --Request::decode----> Acquire, Release, ...   (a server reads)
//!                               --FromServer::decode-> Granted, Lost, ...      (a client reads)
//! message --encode--> Sink: a Vec, a FrameBuffer, a connection's output
//! ```
//!
//! It knows no clock, no socket and no session: whether a request makes sense *now* is for its
//! caller. Decoded messages borrow from the frame; decoding allocates nothing, and any bytes at all
//! give a message or a typed [`BadFrame`], never a panic. Encoding writes the header and the fixed
//! part at once, from the stack.
//!
//! `table.toml` beside this crate is the protocol; constants, enumerations and messages are
//! generated from it. `docs/PROTOCOL.md` in the repository says what the messages mean.
#![forbid(unsafe_code)]

mod bad_frame;
#[doc(hidden)]
pub mod check;
mod escape;
mod frame;
#[rustfmt::skip]
mod generated;
mod layout;
mod list;
mod message;
mod request_id;
mod rules;
mod sink;
mod slot;
mod status;
mod tail;
mod wire;

pub use bad_frame::BadFrame;
pub use escape::{EscapeError, EscapedKey, escape_key, unescape_key};
pub use frame::{Frame, FrameError, Header, split_frame};
pub use generated::*;
pub use list::{Record, RecordList, Records, U16List};
pub use message::FromServer;
pub use request_id::RequestId;
pub use sink::{FrameBuffer, Sink};
pub use slot::{SLOTS, crc16, shard_of_slot, slot_of};
pub use status::StatusClass;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
