//! The Rust client against the real server: many threads, broken connections, restarts.

#![allow(clippy::unwrap_used)]

mod connections;
mod cutter;
mod inspecting;
mod leases;
mod restarts;
#[allow(dead_code, unreachable_pub)]
#[path = "../server/support/server.rs"]
mod server;
mod shards;
mod threads;

use std::time::Duration;

use locker_client::Client;

use self::server::Server;

/// Longer than anything here takes on a busy machine; only a failing test waits for it.
const LONG: Duration = Duration::from_secs(30);

fn client(server: &Server) -> Client {
    Client::connect(server.address.to_string()).unwrap()
}
