//! Starting and ending the shards: one executor and thread each.

use crate::driver::lane;
use crate::driver::mail::{Mail, MailBox, post};
use crate::driver::server_clock::ServerClock;
use crate::driver::shell::Shell;
use crate::driver::signal::Signal;
use crate::driver::turns::{Driver, Parts};
use crate::lock::op::ShardId;
use crate::net::acceptor::{Acceptor, Listener};
use crate::net::chunk::ChunkPool;
use crate::net::connections::Connections;
use crate::net::ring::Ring;
use crate::shard::io::{FromControl, ShellCounters, ToControl};
use crate::shard::machine::Machine;
use crate::{limits, net};
use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, sync_channel};
use std::time::Duration;

/// Memory that glommio registers for its own files: we have none.
const EXECUTOR_IO_BYTES: usize = 64 * 1024;
/// Depth of glommio's own rings, which carry nothing.
const EXECUTOR_RING_DEPTH: usize = 128;
/// glommio preempts only to be fair between tasks, and there is one, which never yields. Its timer
/// would interrupt our waits, so it is put off for ten years.
const EXECUTOR_PREEMPT: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What all shards of a server have in common.
pub struct ShardsSetup {
    /// Shards, 1..=256.
    pub shards: u16,
    /// The CPU of each shard; empty: wherever the system puts them.
    pub cpus: Vec<usize>,
    /// Bytes of each lane, a power of two.
    pub lane_bytes: usize,
    /// Chunks of each shard, for output and input that wait.
    pub chunks: u32,
    /// Connections of all shards at most.
    pub connections_max: u32,
    /// How long a shard polls before it parks.
    pub spin: Duration,
    /// The listening sockets.
    pub listeners: Vec<Listener>,
    /// The server's clock.
    pub clock: ServerClock,
    /// Where the shards' words to the control thread go.
    pub to_control: Sender<(ShardId, ToControl)>,
}

/// Why a shard did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No descriptor or no thread.
    #[error("cannot start shard {}: {source}", shard.0)]
    Resources {
        /// Which.
        shard: ShardId,
        /// What the system says.
        source: io::Error,
    },
    /// The executor's rings could not be made.
    #[error("cannot start the executor of shard {}: {reason}", shard.0)]
    Executor {
        /// Which.
        shard: ShardId,
        /// What glommio says.
        reason: String,
    },
    /// The machine of the shard found no memory.
    #[error("cannot get the memory of shard {}: {source}", shard.0)]
    Memory {
        /// Which.
        shard: ShardId,
        /// What the system says.
        source: io::Error,
    },
    /// The shard's own ring could not be made.
    #[error("cannot make the io_uring of shard {}: {source}", shard.0)]
    Ring {
        /// Which.
        shard: ShardId,
        /// What the kernel says.
        source: io::Error,
    },
}

/// Running shards.
pub struct Running {
    boxes: Vec<MailBox>,
    threads: Vec<ExecutorJoinHandle<()>>,
}

impl Running {
    /// Shards.
    #[must_use]
    pub fn count(&self) -> usize {
        self.boxes.len()
    }

    /// The public faces of the shards, in order: for the watchdog.
    pub fn signals(&self) -> impl Iterator<Item = &Arc<Signal>> {
        self.boxes.iter().map(MailBox::signal)
    }

    /// Tells one shard's core.
    ///
    /// # Panics
    /// If there is no such shard.
    pub fn tell(&self, shard: ShardId, word: FromControl) {
        post(&self.boxes, shard, Mail::Control(word));
    }

    /// Tells all cores.
    pub fn tell_all(&self, word: FromControl) {
        for shard in &self.boxes {
            shard.post(Mail::Control(word));
        }
    }

    /// Stops: what is written is sent, for at most `net::connections::FLUSH_MS_MAX`, then all
    /// connections are closed; returns when every shard has ended.
    ///
    /// # Panics
    /// If a shard panicked, which aborts the process before.
    pub fn stop(self) {
        for shard in &self.boxes {
            shard.post(Mail::Stop);
        }
        for thread in self.threads {
            thread.join().expect("a shard that panics aborts");
        }
    }
}

/// Starts all shards and returns once each has its rings.
///
/// `machine` makes the core of a shard, in the shard's own thread: its memory is first touched
/// there.
///
/// # Errors
/// The first shard that could not start; those that had are stopped.
pub fn start_shards<M, F>(setup: ShardsSetup, machine: F) -> Result<Running, StartError>
where
    M: Machine + 'static,
    F: Fn(ShardId) -> io::Result<M> + Clone + Send + 'static,
{
    assert!((1..=limits::SHARDS_MAX).contains(&usize::from(setup.shards)));
    let plans = plan(setup)?;
    let boxes = plans[0].boxes.clone();
    let mut running = Running {
        boxes,
        threads: Vec::new(),
    };
    for plan in plans {
        match start_one(plan, machine.clone()) {
            Ok(thread) => running.threads.push(thread),
            Err(error) => {
                running.stop();
                return Err(error);
            }
        }
    }
    Ok(running)
}

/// Everything one shard needs, made in the starting thread.
struct Plan {
    me: ShardId,
    cpu: Option<usize>,
    chunks: u32,
    connections_max: usize,
    spin: Duration,
    shares_cpu: bool,
    clock: ServerClock,
    to_control: Sender<(ShardId, ToControl)>,
    signal: Arc<Signal>,
    mail: Receiver<Mail>,
    boxes: Vec<MailBox>,
    outbound: Vec<Option<lane::Sender>>,
    inbound: Vec<(ShardId, lane::Receiver)>,
    acceptor: Option<Acceptor>,
}

fn plan(setup: ShardsSetup) -> Result<Vec<Plan>, StartError> {
    let shards = (0..setup.shards).map(|shard| {
        let shard = u8::try_from(shard).expect("at most 256 shards");
        ShardId(shard)
    });
    let mut boxes = Vec::new();
    let mut mails = Vec::new();
    for shard in shards.clone() {
        let signal = Signal::new().map_err(|source| StartError::Resources { shard, source })?;
        let (mail_box, mail) = MailBox::new(Arc::new(signal));
        boxes.push(mail_box);
        mails.push(mail);
    }
    let mut plans: Vec<Plan> = shards
        .clone()
        .zip(mails)
        .map(|(me, mail)| Plan {
            me,
            cpu: setup.cpus.get(usize::from(me.0)).copied(),
            chunks: setup.chunks,
            connections_max: usize::try_from(setup.connections_max).expect("32 bits fit"),
            spin: setup.spin,
            shares_cpu: shares_cpu(&setup.cpus, usize::from(me.0)),
            clock: setup.clock,
            to_control: setup.to_control.clone(),
            signal: Arc::clone(boxes[usize::from(me.0)].signal()),
            mail,
            boxes: boxes.clone(),
            outbound: Vec::new(),
            inbound: Vec::new(),
            acceptor: None,
        })
        .collect();
    connect_lanes(&mut plans, setup.lane_bytes);
    let full_words = net::words::connections_full(setup.connections_max);
    let acceptor = Acceptor::new(setup.listeners, boxes, setup.connections_max, &full_words);
    plans[0].acceptor = Some(acceptor);
    Ok(plans)
}

/// Whether another shard runs on the processor of this one, or may for all we know.
fn shares_cpu(cpus: &[usize], me: usize) -> bool {
    cpus.get(me)
        .is_none_or(|mine| cpus.iter().filter(|cpu| *cpu == mine).count() > 1)
}

fn connect_lanes(plans: &mut [Plan], lane_bytes: usize) {
    for from in 0..plans.len() {
        for to in 0..plans.len() {
            if from == to {
                plans[from].outbound.push(None);
                continue;
            }
            let (sender, receiver) = lane::lane(lane_bytes);
            let from_id = plans[from].me;
            plans[from].outbound.push(Some(sender));
            plans[to].inbound.push((from_id, receiver));
        }
    }
}

fn start_one<M, F>(plan: Plan, machine: F) -> Result<ExecutorJoinHandle<()>, StartError>
where
    M: Machine + 'static,
    F: Fn(ShardId) -> io::Result<M> + Send + 'static,
{
    let shard = plan.me;
    let placement = plan.cpu.map_or(Placement::Unbound, Placement::Fixed);
    let (ready, started) = sync_channel(1);
    let spawned = LocalExecutorBuilder::new(placement)
        .name("shard")
        .io_memory(EXECUTOR_IO_BYTES)
        .ring_depth(EXECUTOR_RING_DEPTH)
        .preempt_timer(EXECUTOR_PREEMPT)
        .spawn(move || async move {
            let _guard = AbortOnPanic;
            let ring = Ring::new(plan.signal.eventfd());
            let ring = ring.map_err(|source| StartError::Ring { shard, source });
            let made = ring.and_then(|ring| match machine(shard) {
                Ok(machine) => Ok(drive(plan, ring, machine)),
                Err(source) => Err(StartError::Memory { shard, source }),
            });
            match made {
                Ok(driver) => {
                    // The starter waits for this word.
                    let _ = ready.send(Ok(()));
                    driver.run();
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        });
    let executor_error = |reason: String| StartError::Executor { shard, reason };
    let thread = spawned.map_err(|error| executor_error(error.to_string()))?;
    match started.recv() {
        Ok(Ok(())) => Ok(thread),
        Ok(Err(error)) => {
            // It has nothing more to tell.
            let _ = thread.join();
            Err(error)
        }
        Err(_) => Err(executor_error(match thread.join() {
            Ok(()) => "it ended without a word".into(),
            Err(error) => error.to_string(),
        })),
    }
}

fn drive<M: Machine>(plan: Plan, ring: Ring, machine: M) -> Driver<M> {
    let pool = ChunkPool::new(plan.chunks);
    let slow_reader = net::words::slow_reader();
    let connections = Connections::new(pool, plan.connections_max, &slow_reader);
    Driver::new(Parts {
        machine,
        shell: Shell {
            me: plan.me,
            connections,
            lanes: plan.outbound,
            boxes: plan.boxes,
            to_control: plan.to_control,
            counters: ShellCounters::default(),
            input_waits: false,
        },
        ring,
        inbound: plan.inbound,
        mail: plan.mail,
        acceptor: plan.acceptor,
        signal: plan.signal,
        clock: plan.clock,
        spin: plan.spin,
        shares_cpu: plan.shares_cpu,
    })
}

/// A shard without its state is no shard: a panic in one ends the process.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests;
