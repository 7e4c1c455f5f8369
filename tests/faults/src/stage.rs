//! The stage of a round: a server, a crew of workers and the fenced resource, and what was done to
//! them.

use std::mem;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::bend;
use crate::check::{Fault, Rule, judge};
use crate::clock;
use crate::dice::Dice;
use crate::folder;
use crate::history::{Deed, History, Nanos};
use crate::launch::LaunchOptions;
use crate::process::{self, Launch, Process};
use crate::program;
use crate::resource::Resource;
use crate::scenario::{Round, Tally};
use crate::server::{Server, ServerSetup};
use crate::trouble::{Trouble, Trying as _};
use crate::worker::Keys;

/// How long anybody may wait for work to go on before the round says that somebody is stuck. Far
/// above every window and TTL, because a busy machine decides nothing.
const STUCK: Duration = Duration::from_secs(60);

/// Pause between looks.
const PAUSE: Duration = Duration::from_millis(5);

/// How a worker is started.
#[derive(Clone, Debug)]
pub struct WorkerSetup {
    /// Clients, each a session and a thread.
    pub clients: u32,
    /// TTL of the sessions.
    pub ttl: Duration,
    /// Keys of each kind.
    pub keys: Keys,
    /// Of a thousand holds so many have a lease.
    pub leased: u64,
    /// The longest lease.
    pub lease: Duration,
    /// How long a hold is worked with at most.
    pub work: Duration,
    /// How long an ask waits at most.
    pub wait: Duration,
    /// Whether it leaves checking to the resource.
    pub is_careless: bool,
    /// How fast the one clock runs that it reckons by; else it has two, which nothing bends.
    pub clock_rate: Option<f64>,
    /// Where the server is for it, if not where the stage's server listens.
    pub server: Option<String>,
    /// A command in front of all, as [`Launch::prefix`].
    pub prefix: Vec<std::ffi::OsString>,
    /// Variables of the environment besides ours.
    pub environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
}

impl Default for WorkerSetup {
    /// Four clients of the shortest TTL on four keys, half of the holds with a lease.
    fn default() -> Self {
        Self {
            clients: 4,
            ttl: Duration::from_secs(1),
            keys: Keys {
                exclusive: 2,
                shared: 1,
                permits: 1,
            },
            leased: 500,
            lease: Duration::from_millis(800),
            work: Duration::from_millis(30),
            wait: Duration::from_secs(5),
            is_careless: false,
            clock_rate: None,
            server: None,
            prefix: Vec::new(),
            environment: Vec::new(),
        }
    }
}

/// A worker process of the crew.
#[derive(Debug)]
pub struct Worker {
    name: String,
    journal: PathBuf,
    process: Process,
    was_killed: bool,
}

impl Worker {
    /// Its process.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    fn history(&self) -> Result<History, Trouble> {
        let text = process::read(&self.journal);
        let history = History::read(&self.name, self.was_killed, &text);
        history.map_err(|bad| Trouble::failed(bad.to_string()))
    }
}

/// All of a round.
#[derive(Debug)]
pub struct Stage {
    /// The server.
    pub server: Server,
    /// The fenced resource.
    pub resource: Resource,
    /// The round's own dice, for the schedule of faults.
    pub dice: Dice,
    crew: Vec<Worker>,
    faults: Vec<Fault>,
    /// The rule that has to be broken, and others that may be.
    expected: &'static [Rule],
    tally: Tally,
    is_clean: bool,
    folder: TempDir,
}

impl Stage {
    /// Starts a server, set up as `adapt` says, and the resource.
    ///
    /// # Errors
    /// The server does not get ready, or the system refuses.
    pub fn open(
        round: &Round,
        adapt: impl FnOnce(ServerSetup) -> ServerSetup,
    ) -> Result<Self, Trouble> {
        let folder = folder::fresh()?;
        let resource = Resource::serve(folder.path().join("resource"));
        let resource = resource.trying("cannot serve the resource")?;
        let setup = adapt(ServerSetup::new(folder.path()));
        Ok(Self {
            server: Server::start(setup, folder.path())?,
            resource,
            dice: Dice::new(round.seed),
            crew: Vec::new(),
            faults: Vec::new(),
            expected: &[],
            tally: Tally::default(),
            is_clean: false,
            folder,
        })
    }

    /// A folder that goes with the round.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Starts one more worker; its number.
    ///
    /// # Errors
    /// The system refuses.
    pub fn hire(&mut self, setup: &WorkerSetup) -> Result<usize, Trouble> {
        let name = format!("worker-{}", self.crew.len());
        let journal = self.folder.path().join(format!("{name}.history"));
        let server = setup.server.as_deref().unwrap_or(self.server.address());
        let millis = |span: Duration| span.as_millis().to_string();
        let flags = [
            ("server", server.to_owned()),
            ("resource", self.resource.socket().display().to_string()),
            ("journal", journal.display().to_string()),
            ("name", name.clone()),
            ("clients", setup.clients.to_string()),
            ("seed", self.dice.any().to_string()),
            ("ttl-ms", millis(setup.ttl)),
            ("keys", setup.keys.flag()),
            ("leased", setup.leased.to_string()),
            ("lease-ms", millis(setup.lease)),
            ("work-ms", millis(setup.work)),
            ("wait-ms", millis(setup.wait)),
        ];
        let mut command = vec![program::faults()?.into_os_string(), "worker".into()];
        command.extend(flags.map(|(name, value)| format!("--{name}={value}").into()));
        if setup.is_careless {
            command.push("--careless".into());
        }
        let mut environment = setup.environment.clone();
        if let Some(rate) = setup.clock_rate {
            command.push("--one-clock".into());
            command.push(format!("--clock-rate={rate}").into());
            environment.extend(bend::at_rate(rate)?);
        }
        let launch = Launch {
            options: LaunchOptions {
                command,
                ..LaunchOptions::default()
            },
            prefix: setup.prefix.clone(),
            environment,
            log: self.folder.path().join(format!("{name}.log")),
        };
        self.crew.push(Worker {
            name,
            journal,
            process: launch.start()?,
            was_killed: false,
        });
        Ok(self.crew.len() - 1)
    }

    /// Starts so many workers alike.
    ///
    /// # Errors
    /// The system refuses.
    pub fn hire_many(&mut self, count: usize, setup: &WorkerSetup) -> Result<(), Trouble> {
        (0..count).try_for_each(|_| self.hire(setup).map(drop))
    }

    /// A worker.
    pub fn worker(&mut self, number: usize) -> &mut Worker {
        &mut self.crew[number]
    }

    /// The workers that were not killed.
    #[must_use]
    pub fn living(&self) -> Vec<usize> {
        let living = self.crew.iter().enumerate();
        living
            .filter_map(|(number, worker)| (!worker.was_killed).then_some(number))
            .collect()
    }

    /// Waits until `count` more accesses were let in: that work goes on.
    ///
    /// # Errors
    /// It does not: somebody is stuck, or the server is gone.
    pub fn await_work(&mut self, count: usize) -> Result<(), Trouble> {
        let began = Instant::now();
        let wanted = self.resource.accepted() + count;
        while !self.resource.wait_for(wanted, Duration::from_millis(200)) {
            check_interrupted()?;
            if let Some(status) = self.server.running().ended() {
                let said = self.server.said();
                return Err(Trouble::failed(format!("server ended, {status}: {said}")));
            }
            if began.elapsed() > STUCK {
                return Err(Trouble::failed("nobody gets a lock any more"));
            }
        }
        Ok(())
    }

    /// Waits until work has gone on for a random while: between 1 and `most` accesses.
    ///
    /// # Errors
    /// Those of [`await_work`](Self::await_work).
    pub fn await_some_work(&mut self, most: u64) -> Result<(), Trouble> {
        let count = usize::try_from(self.dice.between(1, most + 1)).unwrap_or(1);
        self.await_work(count)
    }

    /// Lets a fault last.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn pause(&self, span: Duration) -> Result<(), Trouble> {
        pause(span)
    }

    /// Does something to somebody, and notes when it began and when it was over.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn fault(
        &mut self,
        what: &'static str,
        act: impl FnOnce(&mut Self) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let at = clock::now();
        act(self)?;
        self.note_fault(what, at);
        Ok(())
    }

    /// Notes a fault that began at `at` and is over now.
    pub fn note_fault(&mut self, what: &'static str, at: Nanos) {
        let over = clock::now();
        self.faults.push(Fault { what, at, over });
        self.tally.faults += 1;
    }

    /// `kill -9` of the server, and a start on the same data dir.
    ///
    /// # Errors
    /// It does not get ready.
    pub fn kill_server_and_restart(&mut self) -> Result<(), Trouble> {
        self.fault("kill -9 of the server", |stage| {
            stage.server.kill();
            stage.count_kill();
            stage.restart()
        })
    }

    /// Starts the server again, which has ended.
    ///
    /// # Errors
    /// It does not get ready.
    pub fn restart(&mut self) -> Result<(), Trouble> {
        self.server.start_again()?;
        self.tally.restarts += 1;
        Ok(())
    }

    /// `kill -9` of a worker. It is not hired again.
    pub fn kill_worker(&mut self, number: usize) {
        let at = clock::now();
        let worker = &mut self.crew[number];
        worker.was_killed = true;
        worker.process.kill();
        self.count_kill();
        self.note_fault("kill -9 of a worker", at);
    }

    /// Counts a kill that the caller did itself.
    pub const fn count_kill(&mut self) {
        self.tally.kills += 1;
    }

    /// Counts a restart that the caller did itself.
    pub const fn count_restart(&mut self) {
        self.tally.restarts += 1;
    }

    /// Adds a line to the report of the round.
    pub fn note(&mut self, line: impl Into<String>) {
        self.tally.notes.push(line.into());
    }

    /// SIGSTOP, a while, SIGCONT of the server.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn stop_server_for(&mut self, span: Duration) -> Result<(), Trouble> {
        self.fault("SIGSTOP of the server", |stage| {
            stage.server.running().signal(Signal::STOP);
            let paused = pause(span);
            stage.server.running().signal(Signal::CONT);
            paused
        })
    }

    /// SIGSTOP, a while, SIGCONT of a worker.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn stop_worker_for(&mut self, number: usize, span: Duration) -> Result<(), Trouble> {
        self.fault("SIGSTOP of a worker", |stage| {
            stage.crew[number].process.signal(Signal::STOP);
            let paused = pause(span);
            stage.crew[number].process.signal(Signal::CONT);
            paused
        })
    }

    /// All histories so far.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn histories(&self) -> Result<Vec<History>, Trouble> {
        self.crew.iter().map(Worker::history).collect()
    }

    /// Waits until every client of every living worker was granted something since now: nobody is
    /// stuck.
    ///
    /// # Errors
    /// Somebody is.
    pub fn await_everybody(&mut self) -> Result<(), Trouble> {
        let (began, since) = (Instant::now(), clock::now());
        loop {
            check_interrupted()?;
            let histories = self.histories()?;
            let living = histories.iter().filter(|history| !history.was_killed);
            let Some(stuck) = living.filter_map(|one| stuck_since(one, since)).next() else {
                return Ok(());
            };
            if began.elapsed() > STUCK {
                return Err(Trouble::failed(format!("{stuck} gets no lock any more")));
            }
            pause(PAUSE * 20)?;
        }
    }

    /// Ends the round: waits until everybody got something after the last fault, stops workers and
    /// server in order, and judges.
    ///
    /// # Errors
    /// Somebody is stuck, a worker failed, or the server does not stop in order.
    pub fn finish(mut self) -> Result<Tally, Trouble> {
        self.end()?;
        self.is_clean = self.tally.violations.is_empty();
        Ok(mem::take(&mut self.tally))
    }

    fn end(&mut self) -> Result<(), Trouble> {
        self.await_everybody()?;
        self.dismiss()?;
        self.server.stop()?;
        self.judge()
    }

    /// Asks the workers to stop and waits until they have.
    ///
    /// # Errors
    /// One does not end, or not with success.
    pub fn dismiss(&mut self) -> Result<(), Trouble> {
        for worker in &mut self.crew {
            worker.process.close_input();
        }
        for worker in self.crew.iter_mut().filter(|worker| !worker.was_killed) {
            let said = worker.process.said();
            match worker.process.wait(STUCK) {
                Some(status) if status.success() => {}
                Some(status) => {
                    let how = format!("{} ended, {status}: {said}", worker.name);
                    return Err(Trouble::failed(how));
                }
                None => {
                    return Err(Trouble::failed(format!(
                        "{} does not end: {said}",
                        worker.name
                    )));
                }
            }
        }
        Ok(())
    }

    /// Says that the round breaks what the promises stand on: the first of these rules must be seen
    /// broken, the others may be.
    pub const fn expect(&mut self, rules: &'static [Rule]) {
        self.expected = rules;
    }

    /// Whether the rule that has to be broken was seen broken by now; never without one.
    ///
    /// # Errors
    /// A history cannot be read.
    pub fn has_seen_expected(&self) -> Result<bool, Trouble> {
        let Some(wanted) = self.expected.first() else {
            return Ok(false);
        };
        let verdict = judge(&self.histories()?, &self.resource.accesses(), &self.faults);
        Ok(verdict.violations.iter().any(|one| one.rule == *wanted))
    }

    /// Checks all that was written.
    fn judge(&mut self) -> Result<(), Trouble> {
        let faults = mem::take(&mut self.faults);
        let mut verdict = judge(&self.histories()?, &self.resource.accesses(), &faults);
        if let Some(wanted) = self.expected.first() {
            let count = verdict
                .violations
                .iter()
                .filter(|one| one.rule == *wanted)
                .count();
            if count == 0 {
                let how = format!("{wanted:?} had to be broken, and nobody saw it");
                return Err(Trouble::failed(how));
            }
            verdict
                .violations
                .retain(|one| !self.expected.contains(&one.rule));
            self.note(format!(
                "caught, as it has to be: {wanted:?} broken {count} times"
            ));
        }
        self.tally.add_verdict(&verdict);
        Ok(())
    }
}

impl Drop for Stage {
    /// Says where the folder is, unless the round came to a good end or nobody is there to look.
    fn drop(&mut self) {
        if !self.is_clean && check_interrupted().is_ok() {
            self.folder.disable_cleanup(true);
            eprintln!("kept: {}", self.folder.path().display());
        }
    }
}

/// A client of this worker that was granted nothing since then.
fn stuck_since(history: &History, since: Nanos) -> Option<String> {
    let mut waiting: Vec<u32> = Vec::new();
    for entry in &history.entries {
        if !waiting.contains(&entry.client) {
            waiting.push(entry.client);
        }
    }
    for entry in history.entries.iter().filter(|entry| entry.at > since) {
        if matches!(entry.deed, Deed::Granted { .. }) {
            waiting.retain(|client| *client != entry.client);
        }
    }
    let client = waiting.first()?;
    Some(format!("{}.{client}", history.worker))
}

/// Waits, but not past a Ctrl-C.
///
/// # Errors
/// Ctrl-C.
pub fn pause(span: Duration) -> Result<(), Trouble> {
    let began = Instant::now();
    while let Some(left) = span.checked_sub(began.elapsed()) {
        check_interrupted()?;
        std::thread::sleep(left.min(PAUSE * 20));
    }
    Ok(())
}

fn check_interrupted() -> Result<(), Trouble> {
    match crate::campaign::was_interrupted() {
        true => Err(Trouble::Interrupted),
        false => Ok(()),
    }
}
