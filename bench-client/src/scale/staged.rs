//! A scenario in stages: what happens on its connections, and the marks between them.
//!
//! ```text
//!   drive(event loop) -> Staged (shell: reads the server when the stage changes)
//!                          -> a scenario's traffic (pure)
//! ```

use std::io;

use super::site::{Mark, Site};
use crate::nanos::Nanos;
use crate::net::event_loop::drive;
use crate::traffic::{End, Io, Next, Traffic};

/// A traffic with stages, in the order in which they come.
pub trait Stages: Traffic {
    /// One stage; small, and told apart by value.
    type Stage: Copy + PartialEq + std::fmt::Debug;

    /// Where it stands.
    fn stage(&self) -> Self::Stage;

    /// Whether the server is killed and started again when this stage begins. Its mark is of the
    /// new server, and the instant of the mark that at which it took clients.
    fn is_crash(_stage: Self::Stage) -> bool {
        false
    }

    /// What went wrong so that nothing can be measured, if something did.
    fn trouble(&self) -> Option<&str>;
}

/// The marks of a scenario: each stage, and the server as it was when the stage began.
#[derive(Debug)]
pub struct Marks<S>(Vec<(S, Mark)>);

impl<S: Copy + PartialEq + std::fmt::Debug> Marks<S> {
    /// The server when a stage began.
    ///
    /// # Panics
    /// If the scenario has no such stage, or ended before.
    #[must_use]
    pub fn at(&self, stage: S) -> &Mark {
        let found = self.0.iter().find(|(begun, _)| *begun == stage);
        match found {
            Some((_, mark)) => mark,
            None => panic!("a scenario that ends well had all its stages: {stage:?}"),
        }
    }

    /// A stage's begin, and that of the stage after it.
    ///
    /// # Panics
    /// As [`Marks::at`]; also of the last stage.
    #[must_use]
    pub fn around(&self, stage: S) -> (&Mark, &Mark) {
        let index = self.0.iter().position(|(begun, _)| *begun == stage);
        let index = index.expect("a scenario that ends well had all its stages");
        (&self.0[index].1, &self.0[index + 1].1)
    }
}

/// Runs a traffic to its end, on this thread.
///
/// # Errors
/// The event loop failed, the server could not be read, or the traffic is in trouble.
pub fn run<T: Stages>(
    site: &mut Site,
    traffic: &mut T,
    connections: usize,
) -> io::Result<Marks<T::Stage>> {
    let address = site.address().clone();
    let mut staged = Staged {
        site,
        traffic,
        marks: Vec::new(),
        failed: None,
    };
    drive(&mut staged, &[address], connections)?;
    let Staged { marks, failed, .. } = staged;
    match (failed, traffic.trouble()) {
        (Some(error), _) => Err(error),
        (None, Some(why)) => Err(io::Error::other(why.to_owned())),
        (None, None) => Ok(Marks(marks)),
    }
}

struct Staged<'a, T: Stages> {
    site: &'a mut Site,
    traffic: &'a mut T,
    marks: Vec<(T::Stage, Mark)>,
    failed: Option<io::Error>,
}

impl<T: Stages> Staged<'_, T> {
    fn mark(&mut self, stage: T::Stage) -> io::Result<Mark> {
        if !T::is_crash(stage) {
            return self.site.mark();
        }
        let at = self.site.crash()?;
        let mut mark = self.site.mark()?;
        mark.at = at;
        Ok(mark)
    }

    /// Reads the server if a stage has begun. What the traffic said before is not sent yet.
    fn look(&mut self) {
        let stage = self.traffic.stage();
        if self.marks.last().is_some_and(|(last, _)| *last == stage) {
            return;
        }
        match self.mark(stage) {
            Ok(mark) => self.marks.push((stage, mark)),
            Err(error) => self.failed = Some(error),
        }
    }
}

impl<T: Stages> Traffic for Staged<'_, T> {
    fn opened(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        self.traffic.opened(connection, now, io);
    }

    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        self.traffic.received(connection, bytes, now, io)
    }

    fn closed(&mut self, connection: usize, end: End, now: Nanos, io: &mut Io) {
        self.traffic.closed(connection, end, now, io);
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        let next = self.traffic.tick(now, io);
        self.look();
        if self.failed.is_some() || self.traffic.trouble().is_some() {
            return Next::Finished;
        }
        next
    }
}
