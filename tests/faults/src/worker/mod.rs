//! A worker: clients that take locks, work at the fenced resource, release, and write down all of
//! it before they act.
//!
//! It runs until its standard input ends. It is as careless or careful as it is told: a careful
//! one asks its lock whether it is valid before each access, as docs/GUARANTEES.md says; a careless
//! one leaves that to the resource.

mod client;
mod journal;
mod options;

pub use options::{Keys, WorkerOptions};

use std::io::{self, Read as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use client::WorkingClient;

/// Works until standard input ends.
///
/// # Errors
/// The journal or the resource cannot be opened or used.
pub fn work(options: &WorkerOptions) -> io::Result<()> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..options.clients)
            .map(|client| {
                let stop = &stop;
                scope.spawn(move || WorkingClient::new(options, client)?.run(stop))
            })
            .collect();
        scope.spawn(|| {
            // Nothing is ever written to it: this returns when the harness closes its end.
            let _ = io::stdin().read_to_end(&mut Vec::new());
            stop.store(true, Ordering::Relaxed);
        });
        for client in clients {
            let ended = client.join();
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(())
    })
}
