//! What a run hands to its report: plain facts, not yet judged or formatted. Pure.

use hdrhistogram::Histogram;

use crate::measure::Measures;
use crate::nanos::Nanos;
use crate::plan::Plan;

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As planned.
    Complete,
    /// By the user: the report is of the part before.
    Interrupted,
    /// The server went away; what the system said about it.
    ServerGone(String),
    /// The safety check found a violation; its full text, with the key's history.
    Violation(String),
}

/// The server's processor time in the measured time.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerFacts {
    /// Its process.
    pub pid: u32,
    /// Processor time it took, all threads.
    pub cpu: Nanos,
    /// Of it in the kernel, where the system tells them apart.
    pub cpu_system: Option<Nanos>,
    /// Cores that it is pinned to; empty = not by us.
    pub cores: Vec<usize>,
    /// Resident memory at the end, bytes.
    pub resident_bytes: u64,
    /// Set if the generator started it: its command line.
    pub spawned: Option<Vec<String>>,
}

/// One generator thread in the measured time.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadFacts {
    /// The core it is pinned to, if it is.
    pub core: Option<usize>,
    /// Processor time it took, without what it spent polling for an instant that was near.
    pub cpu: Nanos,
}

/// The machine, as the report describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// Model name of the first processor.
    pub cpu_model: String,
    /// Processors online.
    pub cpus: usize,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Kernel release.
    pub kernel: String,
    /// Frequency governor of the first processor, where there is one.
    pub governor: Option<String>,
    /// Whether it is known to be a virtual machine.
    pub virtual_machine: bool,
}

/// What the safety check did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckFacts {
    /// Whether it was on.
    pub on: bool,
    /// Grants held against others.
    pub grants: u64,
    /// Tokens compared.
    pub tokens: u64,
    /// Grants whose order against an earlier waiter was known and checked.
    pub orders: u64,
    /// The longest time between two grants, to whomever.
    pub silence: Nanos,
}

/// Everything a report is made of.
#[derive(Debug)]
pub struct RunFacts<'a> {
    /// What was asked for.
    pub plan: &'a Plan,
    /// The command line, to repeat it.
    pub command: &'a [String],
    /// Address of the server.
    pub target: &'a str,
    /// Wall-clock time of the start, seconds since 1970.
    pub began_unix: u64,
    /// Length of the measured time.
    pub measured: Nanos,
    /// Length of the warm-up: so many of the series' first seconds are not measured.
    pub warmup: Nanos,
    /// All threads' measures, merged.
    pub measures: &'a Measures,
    /// From a release to the next grant of its key that waited for it.
    pub handoff: &'a Histogram<u64>,
    /// What the safety check did.
    pub checks: CheckFacts,
    /// The server's cost, if it is known.
    pub server: Option<ServerFacts>,
    /// The generator's cost.
    pub threads: Vec<ThreadFacts>,
    /// The machine.
    pub host: HostFacts,
    /// How it ended.
    pub ending: Ending,
}
