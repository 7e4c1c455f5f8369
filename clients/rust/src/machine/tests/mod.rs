//! The machine in virtual time against a scripted server: each behaviour a small example.

#![allow(clippy::unwrap_used)]

mod cancelling;
mod draining;
mod holding;
mod lab;
mod reclaiming;
mod renewing;
mod resuming;
mod seating;
