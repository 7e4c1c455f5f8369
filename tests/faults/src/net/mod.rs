//! What lies between clients and a server, and how it fails: networks of our own, and a proxy.

mod island;
mod proxy;

pub use island::{Cut, Islands};
pub use proxy::{Proxy, Side};
