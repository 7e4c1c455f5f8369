//! A load with an eye on the clock of processor time: reads what the server and the generator took
//! at the borders of the measured time. Shell.

use std::io;

use crate::compare::sample::Costs;
use crate::compare::stages::Stage;
use crate::compare::tally::Measured;
use crate::host::cpu;
use crate::nanos::Nanos;
use crate::net::clock;
use crate::traffic::{End, Io, Next, Traffic};

/// Which processes a server's cost is the sum of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// The one that was started.
    One(u32),
    /// That and all below it.
    All(u32),
}

impl Family {
    fn cpu(self) -> io::Result<Nanos> {
        let cpu = match self {
            Self::One(pid) => cpu::process_cpu(pid),
            Self::All(pid) => cpu::family_cpu(pid),
        };
        cpu.map(|cpu| cpu.total)
    }
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Nanos,
    server: Nanos,
    generator: Nanos,
}

/// A load whose costs are read.
#[derive(Debug)]
pub(super) struct Watched<T> {
    load: T,
    server: Family,
    began: Option<Mark>,
    costs: Costs,
}

impl<T: Measured> Watched<T> {
    pub(super) fn new(load: T, server: Family) -> Self {
        Self {
            load,
            server,
            began: None,
            costs: Costs::default(),
        }
    }

    /// The load and what it cost; nothing if its measured time never ended.
    pub(super) fn into_parts(self) -> (T, Costs) {
        (self.load, self.costs)
    }

    /// The instant is read first: what the server does while its many processes are looked up is
    /// in the costs at the start and at the end alike.
    fn mark(&mut self) -> Option<Mark> {
        let at = clock::now();
        let generator = cpu::thread_cpu();
        match self.server.cpu() {
            Ok(server) => Some(Mark {
                at,
                server,
                generator,
            }),
            Err(error) => {
                let text = format!("the server's processor time cannot be read: {error}");
                self.load.tally().trouble(text);
                None
            }
        }
    }

    fn stage_changed(&mut self, from: Stage, to: Stage) {
        if to == Stage::Measuring {
            self.began = self.mark();
        } else if from == Stage::Measuring && to == Stage::Finishing {
            let Some((began, ended)) = self.began.zip(self.mark()) else {
                return;
            };
            self.costs = Costs {
                measured: ended.at - began.at,
                server: ended.server - began.server,
                generator: ended.generator - began.generator,
            };
        }
    }
}

impl<T: Measured> Traffic for Watched<T> {
    fn opened(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        self.load.opened(connection, now, io);
    }

    #[inline]
    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        self.load.received(connection, bytes, now, io)
    }

    fn closed(&mut self, connection: usize, end: End, now: Nanos, io: &mut Io) {
        self.load.closed(connection, end, now, io);
    }

    #[inline]
    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        let before = self.load.stage();
        let next = self.load.tick(now, io);
        let after = self.load.stage();
        if before != after {
            self.stage_changed(before, after);
        }
        next
    }
}
