//! The engine's behaviours, each as a small example. Every step checks all invariants.
#![allow(clippy::unwrap_used)]

mod acquire;
mod cancels;
mod force;
mod lanes;
mod leases;
mod phases;
mod queue;
mod reads;
mod reclaim;
mod semaphore;
mod sessions;
mod world;
