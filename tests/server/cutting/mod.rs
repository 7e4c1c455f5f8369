//! The network fails at every byte of an exchange, and nothing is lost, doubled or left behind.
//!
//! After each failure: a key has at most one exclusive hold, as Get says; each request has one
//! answer, the same however often it is told; a key is held by nobody once its holder let go;
//! tokens grow.

mod every_byte;
mod exchange;
mod hand_over;
mod late_bytes;
mod real_client;
mod swallowed;
mod twin_resume;
