//! The machine, as reports describe it.

use std::fs;

use crate::report::facts::HostFacts;

/// What is known of this machine; what the system does not tell is left at 0 or "unknown".
#[must_use]
pub fn describe() -> HostFacts {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    HostFacts {
        cpu_model: cpu_model(&processors),
        cpus: cpus(&processors),
        memory_bytes: memory_bytes(&memory),
        kernel: rustix::system::uname()
            .release()
            .to_string_lossy()
            .into_owned(),
        governor: fs::read_to_string(governor)
            .ok()
            .map(|text| text.trim().to_owned()),
        virtual_machine: is_virtual(&processors),
    }
}

/// Memory that can be had now without driving others out; `None` if the system does not tell.
#[must_use]
pub fn available_bytes() -> Option<u64> {
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    kibibytes(&memory, "MemAvailable").map(|kibibytes| kibibytes.saturating_mul(1024))
}

/// What follows a name and a colon, in the first line that has it.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then_some(value.trim())
    })
}

/// Processors online, those too that this process is kept from.
fn cpus(processors: &str) -> usize {
    let names = processors.lines().filter_map(|line| line.split_once(':'));
    names.filter(|(name, _)| name.trim() == "processor").count()
}

fn cpu_model(processors: &str) -> String {
    // Architectures name it differently, some not at all.
    let names = ["model name", "Model", "cpu model", "CPU part", "uarch"];
    let found = names.iter().find_map(|name| field(processors, name));
    found.unwrap_or("unknown").to_owned()
}

fn memory_bytes(memory: &str) -> u64 {
    kibibytes(memory, "MemTotal")
        .unwrap_or(0)
        .saturating_mul(1024)
}

fn kibibytes(memory: &str, name: &str) -> Option<u64> {
    field(memory, name)?.split(' ').next()?.parse().ok()
}

/// Hypervisors tell the system so through a flag of the processor (x86), or as its maker.
fn is_virtual(processors: &str) -> bool {
    let flags = field(processors, "flags").unwrap_or_default();
    if flags.split(' ').any(|flag| flag == "hypervisor") {
        return true;
    }
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let product = read("/sys/class/dmi/id/product_name") + &read("/sys/class/dmi/id/sys_vendor");
    let known = [
        "KVM",
        "QEMU",
        "VMware",
        "VirtualBox",
        "Xen",
        "Virtual Machine",
        "Amazon EC2",
    ];
    known.iter().any(|name| product.contains(name))
        || fs::exists("/sys/hypervisor/type").unwrap_or(false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn this_machine_has_processors_memory_and_a_kernel() {
        let host = describe();
        assert!(host.cpus > 0);
        assert!(host.memory_bytes > 1 << 26);
        assert!((1..host.memory_bytes).contains(&available_bytes().unwrap()));
        assert!(host.kernel.contains('.'));
        assert!(!host.cpu_model.is_empty());
    }

    #[test]
    fn the_first_processor_names_the_model() {
        let text = "processor\t: 0\nmodel name\t: Fast 9\nflags\t\t: fpu hypervisor\n\n\
                    processor\t: 1\nmodel name\t: Slow 1\n";
        assert_eq!(cpu_model(text), "Fast 9");
        assert_eq!(cpus(text), 2);
        assert!(is_virtual(text), "by its flag");
        assert_eq!(cpu_model("processor: 0\n"), "unknown");
    }

    #[test]
    fn memory_is_told_in_bytes() {
        assert_eq!(
            memory_bytes("MemFree: 1 kB\nMemTotal:       2048 kB\n"),
            2048 * 1024
        );
        assert_eq!(memory_bytes("nonsense"), 0);
    }
}
