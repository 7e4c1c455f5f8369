//! The wire protocol of the locker lock server: a pure codec.
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
