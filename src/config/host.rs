//! What the configuration must know of the host, read once by the shell.

use rustix::process::{Resource, Rlimit, getrlimit, getuid, setrlimit};
use std::path::PathBuf;

/// Facts about the host and this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Cpus that this process may run on, sorted; at least one.
    pub cpus: Vec<usize>,
    /// Descriptors that this process may have open.
    pub descriptors: u64,
    /// Whether it runs as root.
    pub is_root: bool,
    /// `XDG_STATE_HOME`, if it is an absolute path.
    pub state_home: Option<PathBuf>,
    /// `HOME`, if it is an absolute path.
    pub home: Option<PathBuf>,
}

impl Host {
    /// Reads the facts, having raised the soft descriptor limit to the hard one.
    ///
    /// The limit is raised here because it costs nothing and the soft one is a relic of `select`;
    /// where that fails the soft limit counts.
    #[must_use]
    pub fn read() -> Self {
        Self {
            cpus: cpus_allowed(),
            descriptors: raise_descriptors(),
            is_root: getuid().is_root(),
            state_home: absolute("XDG_STATE_HOME"),
            home: absolute("HOME"),
        }
    }

    /// `/var/lib/locker` for root, else `locker` in the user's state folder.
    #[must_use]
    pub fn data_dir_default(&self) -> Option<PathBuf> {
        if self.is_root {
            return Some(PathBuf::from("/var/lib/locker"));
        }
        let state = self.state_home.clone();
        let state = state.or_else(|| Some(self.home.as_ref()?.join(".local/state")))?;
        Some(state.join("locker"))
    }
}

fn absolute(variable: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os(variable)?);
    path.is_absolute().then_some(path)
}

fn cpus_allowed() -> Vec<usize> {
    let Ok(set) = rustix::thread::sched_getaffinity(None) else {
        return vec![0];
    };
    let cpus = (0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu));
    cpus.collect()
}

fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.unwrap_or(u64::MAX)
}
