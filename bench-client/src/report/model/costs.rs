//! Processor time and memory: of the server, of the generator, of the machine they ran on.

use serde::{Deserialize, Serialize};

use super::per;
use crate::report::facts::{HostFacts, RunFacts, ServerFacts};

/// The server's cost in the measured time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// Its process.
    pub pid: u32,
    /// Processor time of all its threads.
    pub cpu_s: f64,
    /// Processor time per request answered, in microseconds: the figure that decides.
    pub cpu_us_per_request: Option<f64>,
    /// Processor time over time: 1 = one core all the time.
    pub cores_used: f64,
    /// Share of its processor time that the kernel took.
    pub system_share: Option<f64>,
    /// Cores that we pinned it to; empty = not by us.
    pub cores: Vec<usize>,
    /// Share of its pinned cores that it used; null if it is not pinned by us.
    pub busy_share: Option<f64>,
    /// Resident memory at the end.
    pub resident_bytes: u64,
    /// Its command line, if we started it.
    pub spawned: Option<Vec<String>>,
}

/// The generator's cost in the measured time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Its threads.
    pub threads: Vec<GeneratorThread>,
    /// The largest share of a core that one of them used.
    pub busiest_share: f64,
    /// Processor time of all of them per request answered, in microseconds.
    pub cpu_us_per_request: Option<f64>,
}

/// One thread of the generator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeneratorThread {
    /// The core that it is pinned to; null if it is not.
    pub core: Option<usize>,
    /// Its processor time.
    pub cpu_s: f64,
    /// Share of the measured time that it ran.
    pub busy_share: f64,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Model name of the first processor.
    pub cpu_model: String,
    /// Processors online.
    pub cpus: usize,
    /// Memory.
    pub memory_bytes: u64,
    /// Kernel release.
    pub kernel: String,
    /// Frequency governor of the first processor; null where there is none.
    pub governor: Option<String>,
    /// Whether it is known to be a virtual machine.
    pub virtual_machine: bool,
}

impl Server {
    pub(super) fn of(server: &ServerFacts, facts: &RunFacts<'_>) -> Self {
        let (cpu_s, measured_s) = (server.cpu.seconds(), facts.measured.seconds());
        let cores_used = per(cpu_s, measured_s).unwrap_or(0.0);
        let system = server
            .cpu_system
            .and_then(|system| per(system.seconds(), cpu_s));
        Self {
            pid: server.pid,
            cpu_s,
            cpu_us_per_request: per(cpu_s * 1e6, facts.measures.answered as f64),
            cores_used,
            system_share: system,
            cores: server.cores.clone(),
            busy_share: per(cores_used, server.cores.len() as f64),
            resident_bytes: server.resident_bytes,
            spawned: server.spawned.clone(),
        }
    }
}

impl Generator {
    pub(super) fn of(facts: &RunFacts<'_>) -> Self {
        let measured_s = facts.measured.seconds();
        let threads = facts.threads.iter().map(|thread| GeneratorThread {
            core: thread.core,
            cpu_s: thread.cpu.seconds(),
            busy_share: per(thread.cpu.seconds(), measured_s).unwrap_or(0.0),
        });
        let threads: Vec<_> = threads.collect();
        let cpu_s: f64 = threads.iter().map(|thread| thread.cpu_s).sum();
        Self {
            busiest_share: threads
                .iter()
                .map(|thread| thread.busy_share)
                .fold(0.0, f64::max),
            cpu_us_per_request: per(cpu_s * 1e6, facts.measures.answered as f64),
            threads,
        }
    }
}

impl Machine {
    pub(super) fn of(host: &HostFacts) -> Self {
        Self {
            cpu_model: host.cpu_model.clone(),
            cpus: host.cpus,
            memory_bytes: host.memory_bytes,
            kernel: host.kernel.clone(),
            governor: host.governor.clone(),
            virtual_machine: host.virtual_machine,
        }
    }
}
