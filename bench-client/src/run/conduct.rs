//! One run: threads are started, begin together, are watched, and what they measured is merged.
//!
//! ```text
//!   main thread                          generator threads, one per core
//!   ------------------------------------------------------------------------
//!   starts them                          open their connections
//!   waits until all are ready  <-------- count what is ready
//!   sets the common start      --------> run
//!   shows their seconds        <-------- tell each second that is over
//!   Ctrl-C: stops them         --------> finish what is in flight
//!   merges what they measured  <-------- end
//! ```

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;

use super::checker::Checker;
use super::error::RunError;
use super::interrupt::Interrupt;
use super::observed::{Common, Observed, Reading};
use super::progress::{Display, Gather, Live, Told};
use crate::host::cpu;
use crate::load::{Fleet, Share, Shared};
use crate::measure::Measures;
use crate::nanos::Nanos;
use crate::net::address::Address;
use crate::net::clock;
use crate::net::event_loop::drive;
use crate::plan::{Mode, Plan, Stop};
use crate::report::facts::{CheckFacts, Ending, ThreadFacts};
use crate::traffic::End;

/// Between the common start and its announcement, so that every thread hears of it in time.
const NOTICE: Nanos = Nanos::from_ms(5);
/// How often the main thread looks at what no message tells it.
const LOOK: Duration = Duration::from_millis(20);
/// How long no connection becomes ready before the run is given up.
const READY_PAUSE_MAX: Nanos = Nanos(10 * Nanos::SECOND.0);
/// Holds per second that renewing clients acquire at least before they begin.
const SET_UP_RATE_MIN: u64 = 2_000;
/// How long a thread may take to finish what is in flight.
const DRAIN_MAX: Nanos = Nanos(20 * Nanos::SECOND.0);

/// What a run is made against, and by what.
#[derive(Debug)]
pub(super) struct Conductor {
    /// Where connections go, in turn.
    pub(super) addresses: Vec<Address>,
    /// Cores that threads are pinned to in turn; empty = they are not.
    pub(super) pinned: Vec<usize>,
    /// The server's process, if it is known.
    pub(super) pid: Option<u32>,
    pub(super) interrupt: Interrupt,
}

/// What a run measured, merged.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) plan: Arc<Plan>,
    pub(super) began_unix: u64,
    pub(super) measured: Nanos,
    pub(super) measures: Measures,
    pub(super) handoff: Histogram<u64>,
    pub(super) checks: CheckFacts,
    pub(super) threads: Vec<ThreadFacts>,
    /// The server's processor time, and its part in the kernel.
    pub(super) server_cpu: Option<(Nanos, Option<Nanos>)>,
    pub(super) ending: Ending,
}

/// What one thread measured.
struct Part {
    measures: Measures,
    window: (Nanos, Nanos),
    readings: Option<(Reading, Reading)>,
    gone: Option<End>,
    unfit: Option<String>,
}

type Worker = JoinHandle<Result<Part, RunError>>;

impl Conductor {
    /// Makes a run from its first connection to its last answer.
    ///
    /// # Errors
    /// It could not begin, or this server cannot serve the plan.
    pub(super) fn conduct(&self, plan: Plan, display: &mut Display) -> Result<Outcome, RunError> {
        let plan = Arc::new(plan);
        let shared = Arc::new(Shared::new(&plan));
        let common = Arc::new(Common {
            checker: Checker::new(&plan, &shared),
            shared,
            abandoned: AtomicBool::new(false),
        });
        let (workers, told) = self.start(&plan, &common);
        let began = self.await_ready(&plan, &common, &workers);
        let began_unix = began_unix();
        match began {
            Ok(begin) => self.watch(&plan, &common, begin, &told, display),
            Err(_) => common.shared.stop(),
        }
        let parts = workers.into_iter().map(|worker| {
            let part = worker.join();
            part.expect("a thread that panics ends the process, or is a bug to be seen")
        });
        let parts = parts.collect::<Result<Vec<Part>, RunError>>()?;
        began?;
        let interrupted = self.interrupt.came();
        let common = Arc::into_inner(common).expect("the threads have ended");
        merge(&plan, parts, common, interrupted, began_unix, &self.pinned)
    }

    fn start(&self, plan: &Arc<Plan>, common: &Arc<Common>) -> (Vec<Worker>, Receiver<Told>) {
        let (tell, told) = channel();
        let shares = shares(plan).into_iter();
        let workers = shares.map(|share| {
            let (plan, common, tell) = (Arc::clone(plan), Arc::clone(common), tell.clone());
            let addresses = rotated(&self.addresses, share.first_connection);
            let core = core_of(&self.pinned, share.thread);
            // One thread reads the server's processor time, between its own rounds: no other
            // thread has to wake up on a busy core for that.
            let pid = self.pid.filter(|_| share.thread == 0);
            let work = move || {
                let fleet = Fleet::new(share, plan, Arc::clone(&common.shared));
                let observed = Observed::new(fleet, share.thread, Arc::clone(&common), tell, pid);
                let part = work(observed, share, core, &addresses);
                if part.is_err() {
                    common.shared.stop();
                }
                part
            };
            let named = thread::Builder::new().name(format!("load-{}", share.thread));
            named.spawn(work).expect("a few threads can be started")
        });
        (workers.collect(), told)
    }

    /// Waits until every connection is ready, and sets the common start.
    fn await_ready(
        &self,
        plan: &Plan,
        common: &Common,
        workers: &[Worker],
    ) -> Result<Nanos, RunError> {
        let shared = &common.shared;
        let patience = READY_PAUSE_MAX + set_up_time(plan);
        let (mut ready_before, mut since) = (0, clock::now());
        loop {
            let (ready, now) = (shared.ready(), clock::now());
            if self.interrupt.came() {
                return Err(RunError::Interrupted);
            }
            if ready >= plan.connections || workers.iter().all(JoinHandle::is_finished) {
                let begin = now + NOTICE;
                shared.begin(begin);
                return Ok(begin);
            }
            if ready > ready_before {
                (ready_before, since) = (ready, now);
            } else if now.since(since) > patience {
                return Err(RunError::NotReady {
                    ready,
                    connections: plan.connections,
                    seconds: now.since(since).0 / Nanos::SECOND.0,
                });
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Shows progress until all threads have ended; ends them when the user wants it.
    fn watch(
        &self,
        plan: &Plan,
        common: &Common,
        begin: Nanos,
        told: &Receiver<Told>,
        display: &mut Display,
    ) {
        let length = match plan.stop {
            Stop::After(length) => Some(length),
            Stop::Operations(_) => None,
        };
        let mut ends = length.map(|length| begin + plan.warmup + length);
        let mut gather = Gather::new(usize::from(plan.threads));
        let mut live = Live::new(plan.warmup, length);
        loop {
            match told.recv_timeout(LOOK) {
                Ok(second) => {
                    if let Some(second) = gather.add(second) {
                        live.add(&second);
                        display.show(&live, &second);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.interrupt.came() {
                common.shared.stop();
            }
            let now = clock::now();
            if common.shared.is_stopped() {
                ends = Some(ends.map_or(now, |ends| ends.min(now)));
            }
            if ends.is_some_and(|ends| now.since(ends) > DRAIN_MAX) {
                common.abandoned.store(true, Ordering::Relaxed);
            }
        }
    }
}

fn work(
    mut observed: Observed,
    share: Share,
    core: Option<usize>,
    addresses: &[Address],
) -> Result<Part, RunError> {
    if let Some(core) = core {
        cpu::pin_thread(core).map_err(|error| RunError::Pin { core, error })?;
    }
    let connections = usize::try_from(share.connections).expect("connections are few");
    drive(&mut observed, addresses, connections).map_err(RunError::Loop)?;
    let (fleet, readings) = observed.into_outcome(clock::now());
    Ok(Part {
        window: fleet.window(),
        gone: fleet.server_gone(),
        unfit: fleet.unfit().map(str::to_owned),
        measures: fleet.into_measures(),
        readings,
    })
}

fn merge(
    plan: &Arc<Plan>,
    parts: Vec<Part>,
    common: Common,
    interrupted: bool,
    began_unix: u64,
    pinned: &[usize],
) -> Result<Outcome, RunError> {
    if let Some(why) = parts.iter().find_map(|part| part.unfit.clone()) {
        return Err(RunError::Unfit(why));
    }
    let gone = parts.iter().find_map(|part| part.gone);
    let (checks, handoff, violation) = common.checker.into_outcome();
    let ending = match (violation, gone) {
        (Some(violation), _) => Ending::Violation(violation),
        (None, Some(end)) => Ending::ServerGone(describe(end)),
        (None, None) if interrupted => Ending::Interrupted,
        (None, None) => Ending::Complete,
    };
    let threads = parts.iter().zip(0..).map(|(part, thread)| ThreadFacts {
        core: core_of(pinned, thread),
        cpu: (part.readings).map_or(Nanos::ZERO, |(first, last)| last.thread.since(first.thread)),
    });
    let threads = threads.collect();
    let readings = parts.iter().find_map(|part| part.readings);
    let server_cpu = readings.and_then(|(first, last)| {
        let (first, last) = first.server.zip(last.server)?;
        let system = first.system.zip(last.system);
        Some((
            last.total - first.total,
            system.map(|(first, last)| last - first),
        ))
    });
    let measured = parts.iter().map(measured).max().unwrap_or(Nanos::ZERO);
    let mut measures = Measures::new(plan.clients());
    for part in &parts {
        measures.merge(&part.measures);
    }
    Ok(Outcome {
        plan: Arc::clone(plan),
        began_unix,
        measured,
        measures,
        handoff,
        checks,
        threads,
        server_cpu,
        ending,
    })
}

/// Length of a thread's measured time.
fn measured(part: &Part) -> Nanos {
    let Some((_, last)) = part.readings else {
        return Nanos::ZERO;
    };
    let (from, to) = part.window;
    to.min(last.at).since(from)
}

/// The connections of a run, spread evenly over its threads.
fn shares(plan: &Plan) -> Vec<Share> {
    let threads = u32::from(plan.threads);
    let (each, more) = (plan.connections / threads, plan.connections % threads);
    let mut first_connection = 0;
    let share = |thread: u16| {
        let connections = each + u32::from(u32::from(thread) < more);
        let share = Share {
            thread,
            first_connection,
            connections,
        };
        first_connection += connections;
        share
    };
    (0..plan.threads).map(share).collect()
}

/// The addresses as a thread takes them in turn, so that a connection's number over all threads
/// decides on its address.
fn rotated(addresses: &[Address], first_connection: u32) -> Vec<Address> {
    let first = usize::try_from(first_connection).expect("connections are few");
    let mut rotated = addresses.to_vec();
    rotated.rotate_left(first % addresses.len());
    rotated
}

fn core_of(pinned: &[usize], thread: u16) -> Option<usize> {
    let index = usize::from(thread).checked_rem(pinned.len())?;
    Some(pinned[index])
}

/// How long acquiring the locks takes that are renewed later.
fn set_up_time(plan: &Plan) -> Nanos {
    let keys = match plan.workload.mode {
        Mode::Renew => u64::from(plan.workload.keys),
        _ => 0,
    };
    Nanos(keys / SET_UP_RATE_MIN * Nanos::SECOND.0)
}

fn describe(end: End) -> String {
    match end {
        End::NotOpened(number) => format!(
            "it takes no connections any more: {}",
            io::Error::from_raw_os_error(number)
        ),
        End::Eof => "it closed its connections".to_owned(),
        End::Broken(number) => format!(
            "its connections broke: {}",
            io::Error::from_raw_os_error(number)
        ),
    }
}

/// Wall-clock time, for the reader of the report alone.
fn began_unix() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::plan::Asked;

    #[test]
    fn connections_are_spread_evenly_and_numbered_through() {
        let asked = Asked {
            threads: Some(3),
            connections: Some(8),
            ..Asked::default()
        };
        let shares = shares(&asked.check().unwrap());
        let figures = shares
            .iter()
            .map(|s| (s.thread, s.first_connection, s.connections));
        let figures: Vec<_> = figures.collect();
        assert_eq!(figures, [(0, 0, 3), (1, 3, 3), (2, 6, 2)]);
    }

    #[test]
    fn the_number_over_all_threads_decides_on_the_address() {
        let address = |port: u16| Address::Tcp(([127, 0, 0, 1], port).into());
        let addresses = [address(0), address(1), address(2)];
        // A thread's connection 0 is number 7 of all.
        let rotated = rotated(&addresses, 7);
        assert_eq!(rotated, [address(1), address(2), address(0)]);
    }

    #[test]
    fn more_threads_than_cores_take_turns_on_them() {
        assert_eq!(core_of(&[4, 7], 3), Some(7));
        assert_eq!(core_of(&[], 3), None);
    }
}
