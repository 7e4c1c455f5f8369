//! How each peer is spoken to. One file per dialect. Pure.

pub mod echo;
pub mod etcd;
pub mod http2;
pub mod locker;
pub mod memcached;
pub mod postgres;
pub mod redis;

#[cfg(test)]
mod tests;
