//! The hunt for canaries: each known defect is let loose, and seeds are played until a promise is
//! seen broken. See README.md for which promise finds which.

use locker::canary::Canary as ServerCanary;
use locker_client::machine::canary::Canary as ClientCanary;
use sim::plan::Without;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A known defect, of the server or of the client.
#[derive(Clone, Copy)]
enum Canary {
    Server(ServerCanary),
    Client(ClientCanary),
}

impl Canary {
    /// All, with their names.
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        let server = ServerCanary::ALL.into_iter();
        let client = ClientCanary::ALL.into_iter();
        let server = server.map(|(name, canary)| (name, Self::Server(canary)));
        server.chain(client.map(|(name, canary)| (name, Self::Client(canary))))
    }

    /// Lets it loose in this thread. Whoever guards against clients that come back too late is only
    /// put to the test by such clients.
    fn choose(self) {
        let late = self
            .is_of_floor()
            .then_some(ClientCanary::LateGrantAccepted);
        let (server, client) = match self {
            Self::Server(canary) => (Some(canary), late),
            Self::Client(canary) => (None, Some(canary)),
        };
        locker::canary::choose(server);
        locker_client::machine::canary::choose(client);
    }

    fn is_of_floor(self) -> bool {
        matches!(
            self,
            Self::Server(ServerCanary::NoFloor | ServerCanary::FloorAfterGrant)
        )
    }

    /// Whether this promise is broken by the canary, and not by the client that comes too late.
    fn breaks(self, promise: &str) -> bool {
        !self.is_of_floor() || promise == "floor"
    }
}

/// Lets the canary of this name loose in this thread.
///
/// # Errors
/// There is none.
pub(crate) fn choose(name: &str) -> Result<(), String> {
    let named = Canary::all().find(|(known, _)| *known == name);
    let (_, canary) = named.ok_or_else(|| {
        let names: Vec<_> = Canary::all().map(|(name, _)| name).collect();
        format!(
            "no canary is called `{name}`; there are {}",
            names.join(", ")
        )
    })?;
    canary.choose();
    Ok(())
}

/// Hunts each canary of these names, or all of them, through at most so many seeds.
pub(crate) fn hunt_all(
    names: &str,
    from: u64,
    seeds: u64,
    threads: usize,
    without: &Without,
) -> ExitCode {
    let mut missed = 0;
    println!("{:<24} {:>6}  promise", "canary", "seeds");
    let is_named = |name| names == "all" || names.split(',').any(|named| named == name);
    for (name, canary) in Canary::all().filter(|(name, _)| is_named(*name)) {
        match hunt(canary, from..from + seeds, threads, without) {
            Some((seed, promise)) => println!("{name:<24} {:>6}  {promise}", seed - from + 1),
            None => {
                missed += 1;
                println!("{name:<24} {:>6}  NOT FOUND", "-");
            }
        }
    }
    if missed > 0 {
        println!("{missed} canaries were not found in {seeds} seeds");
        return ExitCode::FAILURE;
    }
    println!("every canary was found");
    ExitCode::SUCCESS
}

/// The first seed that finds the canary, and the promise that it breaks.
fn hunt(
    canary: Canary,
    seeds: std::ops::Range<u64>,
    threads: usize,
    without: &Without,
) -> Option<(u64, &'static str)> {
    let next = AtomicU64::new(seeds.start);
    let found: Mutex<Option<(u64, &'static str)>> = Mutex::new(None);
    let first = || found.lock().expect("nobody panics with it");
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                canary.choose();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    // Seeds below one that was found are still played out: the first one counts.
                    if seed >= seeds.end || first().is_some_and(|(found, _)| found < seed) {
                        return;
                    }
                    if let Some((_, violation)) = sim::play(seed, without).violation
                        && canary.breaks(violation.invariant)
                    {
                        let mut found = first();
                        if found.is_none_or(|(known, _)| seed < known) {
                            *found = Some((seed, violation.invariant));
                        }
                    }
                }
            });
        }
    });
    found.into_inner().expect("nobody panics with it")
}
