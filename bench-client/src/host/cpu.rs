//! Cores, and the processor time of threads and processes.

use std::fs;
use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use crate::nanos::Nanos;

/// Processor time that a process took since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessCpu {
    /// In all its threads, those that ended too.
    pub total: Nanos,
    /// Of it in the kernel, in steps of a clock tick (10 ms); `None` where the system does not
    /// tell the two apart.
    pub system: Option<Nanos>,
}

/// Pins the calling thread, and threads and processes that it starts later, to one core.
///
/// # Errors
/// The core is not there, or not ours.
pub fn pin_thread(core: usize) -> io::Result<()> {
    pin_thread_to(&[core])
}

/// Pins the calling thread, and threads and processes that it starts later, to these cores.
///
/// # Errors
/// A core's number is out of range, or none of them is ours.
pub fn pin_thread_to(cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for core in cores {
        if *core >= CpuSet::MAX_CPU {
            let why = format!("there is no core {core}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        set.set(*core);
    }
    sched_setaffinity(None, &set).map_err(|error| {
        let error = io::Error::from(error);
        io::Error::new(
            error.kind(),
            format!("cannot pin to cores {cores:?}: {error}"),
        )
    })
}

/// Cores that the calling thread may run on, ascending; none if the system does not tell, as on
/// machines of more than 1,024 cores.
#[must_use]
pub fn allowed_cores() -> Vec<usize> {
    let set = sched_getaffinity(None).unwrap_or_default();
    (0..CpuSet::MAX_CPU)
        .filter(|core| set.is_set(*core))
        .collect()
}

/// Processor time of the calling thread.
#[must_use]
pub fn thread_cpu() -> Nanos {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |part: i64| u64::try_from(part).expect("the clock starts at 0");
    Nanos(part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec))
}

/// Processor time of a process: to the nanosecond where the system keeps it so and no thread
/// that took part has ended, else in clock ticks.
///
/// # Errors
/// There is no such process, or /proc does not tell.
pub fn process_cpu(pid: u32) -> io::Result<ProcessCpu> {
    let stat = Stat::read(pid)?;
    let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
    let by_ticks = Nanos((stat.user + stat.system).saturating_mul(tick));
    // Ticks are rounded down, and count threads that ended; schedules count those that live.
    let total = schedules(pid).max(by_ticks);
    Ok(ProcessCpu {
        total,
        system: Some(Nanos(stat.system.saturating_mul(tick))),
    })
}

/// Processor time of a process and of the processes below it, as of a server that starts one
/// process per connection. What a child took counts while it lives.
///
/// # Errors
/// As of [`process_cpu`].
pub fn family_cpu(pid: u32) -> io::Result<ProcessCpu> {
    let mut sum = process_cpu(pid)?;
    for child in descendants(pid)? {
        // It may have ended since.
        let Ok(cpu) = process_cpu(child) else {
            continue;
        };
        sum.total = sum.total + cpu.total;
        sum.system = sum.system.zip(cpu.system).map(|(sum, system)| sum + system);
    }
    Ok(sum)
}

/// Resident memory of a process, in bytes.
///
/// # Errors
/// There is no such process, or /proc does not tell.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    let pages: u64 = pages.ok_or_else(|| cut_short("statm"))?;
    Ok(pages * rustix::param::page_size() as u64)
}

/// The most memory of a process that was resident at once, in bytes.
///
/// # Errors
/// There is no such process, or /proc does not tell.
pub fn resident_most(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    Ok(kib.ok_or_else(|| cut_short("status"))? * 1_024)
}

fn cut_short(file: &str) -> io::Error {
    let why = format!("/proc/PID/{file} is not what it should be");
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// What /proc/PID/stat says, times in clock ticks.
struct Stat {
    parent: u32,
    user: u64,
    system: u64,
}

impl Stat {
    fn read(pid: u32) -> io::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Self::parse(&text).ok_or_else(|| cut_short("stat"))
    }

    /// The name, in parentheses, may hold spaces and parentheses: fields count from its end.
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let user = fields.nth(9)?.parse().ok()?;
        let system = fields.next()?.parse().ok()?;
        Some(Self {
            parent,
            user,
            system,
        })
    }
}

/// Time that the scheduler gave to the threads that live; 0 if it keeps no such account.
fn schedules(pid: u32) -> Nanos {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Nanos::ZERO;
    };
    let mut sum = Nanos::ZERO;
    for thread in threads.flatten() {
        let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        let time = text.split(' ').next().and_then(|time| time.parse().ok());
        sum = sum + Nanos(time.unwrap_or(0));
    }
    sum
}

/// Processes below one, without it.
fn descendants(pid: u32) -> io::Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Ok(stat) = Stat::read(child) {
            parents.push((child, stat.parent));
        }
    }
    let mut family = vec![pid];
    let mut seen = 0;
    while seen < family.len() {
        let parent = family[seen];
        let children = parents.iter().filter(|(_, of)| *of == parent);
        family.extend(children.map(|(child, _)| *child));
        seen += 1;
    }
    Ok(family.split_off(1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_thread_runs_on_the_core_it_is_pinned_to() {
        let cores = allowed_cores();
        let last = *cores.last().unwrap();
        let pinned = std::thread::spawn(move || {
            pin_thread(last).unwrap();
            allowed_cores()
        });
        assert_eq!(pinned.join().unwrap(), [last]);
        assert_eq!(allowed_cores(), cores, "other threads are not moved");
    }

    #[test]
    fn a_core_that_is_not_there_is_refused() {
        assert!(pin_thread(1_023).is_err());
        let why = pin_thread(1_000_000).unwrap_err().to_string();
        assert!(why.contains("no core 1000000"), "{why}");
    }

    #[test]
    fn processor_time_grows_with_work_and_is_finer_than_a_tick() {
        let me = std::process::id();
        let (thread, process) = (thread_cpu(), process_cpu(me).unwrap());
        let mut sum = 0_u64;
        while thread_cpu().since(thread) < Nanos::from_ms(20) {
            sum = std::hint::black_box(sum.wrapping_mul(3) + 1);
        }
        let after = process_cpu(me).unwrap();
        // The scheduler's account is up to a timer tick behind.
        assert!(after.total.since(process.total) >= Nanos::from_ms(5));
        assert!(after.system.unwrap() <= after.total + Nanos::from_ms(10));
        assert!(family_cpu(me).unwrap().total >= after.total);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(process_cpu(u32::MAX).is_err());
        assert!(resident_bytes(u32::MAX).is_err());
        assert!(resident_most(u32::MAX).is_err());
        assert!(resident_bytes(std::process::id()).unwrap() > 100_000);
        let most = resident_most(std::process::id()).unwrap();
        assert!(most > 100_000);
    }

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let text = "7 (a) (b c)) S 3 7 7 0 -1 4194560 1 2 3 4 55 66 0 0 20 0 1 0";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.parent, stat.user, stat.system), (3, 55, 66));
    }
}
