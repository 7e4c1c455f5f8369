//! Start-up checks: what is missing is named before anything is opened, with its remedy.
//!
//! Facts come through [`Probe`], so that tests can show a machine that they do not run on.

use crate::config::Config;
use crate::control::failure::Failure;
use rustix::process::{Resource, getrlimit};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The oldest kernel that has what the socket driver uses.
pub const KERNEL_MIN: (u32, u32) = (6, 1);
/// Locked memory that the executor of a shard asks for at least.
const MEMLOCK_MIN: u64 = 512 * 1024;
/// Locked memory that each shard's rings register: three of the executor at 64 KiB each.
const MEMLOCK_PER_SHARD: u64 = 3 * 64 * 1024;

/// Facts about the machine that start-up depends on.
pub trait Probe {
    /// What `uname -r` says.
    fn kernel_release(&self) -> String;
    /// Makes a ring and drops it.
    ///
    /// # Errors
    /// What the kernel says.
    fn ring(&self) -> io::Result<()>;
    /// Value of `kernel.io_uring_disabled`, if the kernel has it.
    fn ring_disabled(&self) -> Option<u32>;
    /// The limit of locked memory in bytes, none if there is no limit for this process.
    fn memlock(&self) -> Option<u64>;
    /// Bytes of memory of the machine.
    fn memory_total(&self) -> Option<u64>;
    /// Bytes of memory that are free or can be freed.
    fn memory_available(&self) -> Option<u64>;
    /// The lowest memory limit of the control groups that this process is in.
    fn memory_of_group(&self) -> Option<u64>;
}

/// Checks the machine against the configuration. Returns warnings.
///
/// # Errors
/// The first thing that is missing.
pub fn check(config: &Config, probe: &impl Probe) -> Result<Vec<String>, Failure> {
    check_kernel(probe)?;
    check_ring(probe)?;
    check_memlock(config.shards, probe)?;
    check_memory(config, probe)
}

fn check_kernel(probe: &impl Probe) -> Result<(), Failure> {
    let release = probe.kernel_release();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut number = || numbers.next().and_then(|text| text.parse::<u32>().ok());
    // A release that is not numbers is some kernel of its own: the ring decides.
    match (number(), number()) {
        (Some(major), Some(minor)) if (major, minor) < KERNEL_MIN => {
            Err(Failure::KernelTooOld { release })
        }
        _ => Ok(()),
    }
}

fn check_ring(probe: &impl Probe) -> Result<(), Failure> {
    let Err(source) = probe.ring() else {
        return Ok(());
    };
    if let Some(level @ 1..) = probe.ring_disabled() {
        return Err(Failure::RingDisabled { level });
    }
    let blocked = matches!(
        source.raw_os_error(),
        Some(libc::ENOSYS | libc::EPERM | libc::EACCES)
    );
    Err(match blocked {
        true => Failure::RingBlocked { source },
        false => Failure::RingFailed { source },
    })
}

fn check_memlock(shards: usize, probe: &impl Probe) -> Result<(), Failure> {
    let each = MEMLOCK_PER_SHARD * u64::try_from(shards).expect("at most 256 shards");
    let needed = each.max(MEMLOCK_MIN);
    match probe.memlock() {
        Some(limit) if limit < needed => Err(Failure::Memlock {
            limit,
            needed,
            shards,
        }),
        _ => Ok(()),
    }
}

fn check_memory(config: &Config, probe: &impl Probe) -> Result<Vec<String>, Failure> {
    let wanted = config.memory.demand.total;
    let total = probe.memory_total();
    let limits = [
        (total, "this machine", "the memory of the machine"),
        (
            probe.memory_of_group(),
            "the control group",
            "its memory.max (MemoryMax= in the systemd unit, `--memory` of the container)",
        ),
    ];
    for (available, holder, remedy) in limits {
        if let Some(available) = available.filter(|available| *available < wanted) {
            return Err(Failure::Memory {
                wanted,
                available,
                holder,
                remedy,
            });
        }
    }
    let free = probe.memory_available();
    let short = free.filter(|free| *free < wanted);
    if let Some(available) = short.filter(|_| config.prefault) {
        return Err(Failure::Memory {
            wanted,
            available,
            holder: "this machine, free now,",
            remedy: "what is free, or start without --prefault",
        });
    }
    let warning = short.map(|free| {
        format!(
            "only {} MiB of memory are free now, and --memory is {} MiB: the server may be \
             killed when its tables fill",
            free >> 20,
            wanted >> 20
        )
    });
    Ok(warning.into_iter().collect())
}

/// The machine that this process runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Probe for Machine {
    fn kernel_release(&self) -> String {
        rustix::system::uname()
            .release()
            .to_string_lossy()
            .into_owned()
    }

    fn ring(&self) -> io::Result<()> {
        io_uring::IoUring::<io_uring::squeue::Entry>::builder()
            .setup_single_issuer()
            .setup_coop_taskrun()
            .setup_defer_taskrun()
            .build(8)
            .map(drop)
    }

    fn ring_disabled(&self) -> Option<u32> {
        number_in(Path::new("/proc/sys/kernel/io_uring_disabled"))
            .and_then(|level| u32::try_from(level).ok())
    }

    fn memlock(&self) -> Option<u64> {
        getrlimit(Resource::Memlock).current
    }

    fn memory_total(&self) -> Option<u64> {
        meminfo("MemTotal:")
    }

    fn memory_available(&self) -> Option<u64> {
        meminfo("MemAvailable:")
    }

    fn memory_of_group(&self) -> Option<u64> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let root = PathBuf::from("/sys/fs/cgroup");
        let path = root.join(own);
        let limits = path
            .ancestors()
            .take_while(|group| group.starts_with(&root));
        limits
            .filter_map(|group| number_in(&group.join("memory.max")))
            .min()
    }
}

fn number_in(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// A line of /proc/meminfo in bytes.
fn meminfo(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests;
