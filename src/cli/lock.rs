//! `locker lock`: runs a command while holding a lock, or holds one for whoever reads our output.
//!
//! ```text
//! signals ─┐                       ┌─ before the grant: a signal cancels and ends us
//! asking ──┼─▶ one queue of events ┼─ with a command: forward, watch the lock, reap
//! child  ──┤    main thread        └─ without one: hold until a signal or the end of stdin
//! stdin  ──┘
//! ```
//! The main thread starts the command, because the command dies with the thread that started it.

mod child;
mod events;
mod watch;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, value_parser};
use locker_client::{Acquisition, Canceller, Client, Error, Lock, LostReason, ServerInfo};
use locker_protocol::escape_key;
use rustix::process::Signal;
use signal_hook::consts::signal::SIGCONT;

use self::child::{Change, Group};
use self::events::{Event, start, watch_child, watch_signals, watch_stdin};
use self::watch::{Action, Certainty, OnLost, Watch};
use super::exit::{Exit, code, complain};
use super::output::span;
use super::server::{Server, parse_key};
use crate::config::units::{parse_duration, show_duration};

const EXAMPLES: &str = r"Examples:
  locker lock nightly-report -- ./report.sh        one at a time, the others wait
  locker lock -n nightly-report -- ./report.sh     skip it if another host is at it
  locker lock -w 30s -E 0 deploy -- make deploy    wait half a minute, no error if busy
  locker lock -s config -- ./read-config.sh        many readers ...
  locker lock config -- ./write-config.sh          ... or one writer
  locker lock --limit 4 encode -- ./encode.sh f    at most four at a time
  coproc locker lock demo; read -r <&${COPROC[0]}  hold until this bash ends, see below

The command finds LOCKER_KEY and LOCKER_TOKEN in its environment. The token is greater than that of
every earlier lock of the same name: pass it to what the lock protects and let that refuse smaller
ones. No shell is involved; signals that reach locker are sent on to the command's process group,
and the command is killed when locker dies, but not what it started. On a terminal the command has
the foreground to itself.

If the server is restarted the command goes on under its lock, provided that the server is back
before the lock is about to end; whoever waits for the lock waits on.

Without a command one JSON line is printed (key, token, session, until), and the lock is held until
a signal comes or stdin ends.

In NAME, \\ stands for a backslash and \xNN for any byte.

Exit code: that of the command, 128 + n if signal n ended it, or
    1  not obtained (-n, -w); another one with -E
   64  wrong usage         69  no server reached    75  server full, starting or stopping
   76  the lock was lost while the command ran      77  not allowed
  126  the command cannot be run                   127  the command was not found";

/// How to lock, and what to do meanwhile.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Share the lock with others that share it
    #[arg(short, long, conflicts_with = "limit")]
    shared: bool,
    /// Do not wait
    #[arg(short = 'n', long = "try", conflicts_with = "wait")]
    try_now: bool,
    /// Wait at most this long; for ever without -n and -w
    #[arg(short, long, value_name = "DUR", value_parser = parse_duration)]
    wait: Option<Duration>,
    /// Let N hold the lock at a time; everybody must say the same N
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1 << 31))]
    limit: Option<u32>,
    /// Hold for this long at a time, renewed at a third of it; as long as the session if not said
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    lease: Option<Duration>,
    /// After this long without contact the server gives the lock to others [default: the server's]
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    ttl: Option<Duration>,
    /// Exit code when the lock is not obtained
    #[arg(short = 'E', long, value_name = "N", default_value_t = code::CONFLICT)]
    conflict_exit_code: u8,
    /// What becomes of the command when its lock is lost
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = OnLost::Term)]
    on_lost: OnLost,
    /// From TERM to KILL when the lock is lost; without contact TERM comes this long before the end
    /// [default: a quarter of the TTL or lease, the shorter one]
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    kill_after: Option<Duration>,
    #[command(flatten)]
    server: Server,
    /// What to lock
    name: OsString,
    /// The command and its arguments
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match lock(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(exit) => exit.report(),
    }
}

fn lock(arguments: &Arguments) -> Result<u8, Exit> {
    let key = parse_key(&arguments.name).map_err(|error| Exit::new(code::USAGE, error))?;
    let (sender, events) = channel();
    watch_signals(sender.clone())?;
    ask(arguments, Arc::clone(&key), sender.clone())?;
    let (client, lock) = await_lock(&events)?;
    let told = sender.clone();
    // Told after we are gone, it tells nobody.
    lock.on_lost(move |_| drop(told.send(Event::Lost)))?;
    let result = if arguments.command.is_empty() {
        hold(&client, &lock, &events, sender)
    } else {
        run_command(arguments, &client, &lock, &events, sender)
    };
    finish(lock, result)
}

/// Connects and asks for the lock on a thread of its own, so that signals are heard meanwhile.
fn ask(arguments: &Arguments, key: Arc<[u8]>, events: Sender<Event>) -> Result<(), Exit> {
    let mut builder = arguments.server.builder();
    if let Some(ttl) = arguments.ttl {
        builder = builder.ttl(ttl);
    }
    let Arguments {
        lease,
        kill_after,
        conflict_exit_code,
        ..
    } = *arguments;
    let describe = describe(arguments);
    start("asking", move || {
        let answer = (|| {
            let client = builder.connect()?;
            kill_pause(&client, lease, kill_after)?;
            tell_of_window(&client);
            let pending = describe(client.acquire(&key)).start()?;
            // Nobody hears of it once the program ends.
            let _ = events.send(Event::Asked(pending.canceller()));
            match pending.wait() {
                Err(Error::NotObtained) => Err(Exit::silent(conflict_exit_code)),
                other => Ok((client, other?)),
            }
        })();
        let _ = events.send(Event::Answered(Box::new(answer)));
    })
}

/// Who asks after a restart waits for all who may still hold a lock: for how long?
fn tell_of_window(client: &Client) {
    let left = client
        .server()
        .map_or(Duration::ZERO, |server| server.grace_left);
    if !left.is_zero() {
        complain(format_args!(
            "the server was restarted and grants no lock for {}: former holders may come back",
            span(left)
        ));
    }
}

/// Mode, wait and lease as the flags say.
fn describe(arguments: &Arguments) -> impl FnOnce(Acquisition) -> Acquisition + Send + 'static {
    let &Arguments {
        shared,
        try_now,
        wait,
        limit,
        lease,
        ..
    } = arguments;
    move |mut acquisition| {
        if shared {
            acquisition = acquisition.shared();
        }
        if let Some(limit) = limit {
            acquisition = acquisition.permits(1, limit);
        }
        if let Some(lease) = lease {
            acquisition = acquisition.lease(lease).auto_renew();
        }
        match wait {
            _ if try_now => acquisition.try_now(),
            Some(wait) => acquisition.wait(wait),
            None => acquisition,
        }
    }
}

/// Waits for the grant. A signal cancels; the server hears of that before we are gone.
fn await_lock(events: &Receiver<Event>) -> Result<(Client, Lock), Exit> {
    let mut canceller: Option<Canceller> = None;
    let mut ending: Option<u8> = None;
    loop {
        let event = match ending {
            None => events
                .recv()
                .expect("the signals' thread keeps the queue open"),
            Some(code) => match events.recv_timeout(Duration::from_secs(1)) {
                Ok(event) => event,
                Err(_) => return Err(Exit::silent(code)),
            },
        };
        match (event, ending) {
            (Event::Asked(asked), _) => canceller = Some(asked),
            (Event::Answered(answer), None) => return *answer,
            // Granted or not, dropping the client tells the server that we are gone.
            (Event::Answered(_), Some(code)) => return Err(Exit::silent(code)),
            (Event::Signal(SIGCONT), _) => {}
            (Event::Signal(_), Some(code)) => return Err(Exit::silent(code)),
            (Event::Signal(signal), None) => {
                ending = Some(signal_code(signal));
                match &canceller {
                    Some(canceller) => canceller.cancel(),
                    None => return Err(Exit::silent(signal_code(signal))),
                }
            }
            (Event::Child(_) | Event::Lost | Event::StdinEnded, _) => {}
        }
    }
}

/// How long before the end of certainty the command is asked to stop.
fn kill_pause(
    client: &Client,
    lease: Option<Duration>,
    wanted: Option<Duration>,
) -> Result<Duration, Exit> {
    let ttl = client
        .server()
        .map_or(Duration::from_secs(10), |ServerInfo { ttl, .. }| ttl);
    let certain = lease.unwrap_or(ttl).min(ttl);
    match wanted {
        None => Ok(certain / 4),
        Some(wanted) if wanted <= certain / 2 => Ok(wanted),
        Some(wanted) => Err(Exit::new(
            code::USAGE,
            format!(
                "--kill-after {} is more than half of {}, after which the lock ends without \
                 contact: lower it, or raise --ttl{}",
                show_duration(wanted),
                show_duration(certain),
                if lease.is_some() { " or --lease" } else { "" }
            ),
        )),
    }
}

/// Holds the lock for whoever started us. The exit code.
fn hold(
    client: &Client,
    lock: &Lock,
    events: &Receiver<Event>,
    sender: Sender<Event>,
) -> Result<u8, Exit> {
    watch_stdin(sender)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", description(client, lock))?;
    out.flush()?;
    loop {
        match events
            .recv()
            .expect("the signals' thread keeps the queue open")
        {
            Event::StdinEnded => return Ok(0),
            Event::Signal(SIGCONT) => {}
            Event::Signal(signal) => return Ok(signal_code(signal)),
            Event::Lost => return Err(lost(lock)),
            Event::Asked(_) | Event::Answered(_) | Event::Child(_) => {}
        }
    }
}

/// One line of JSON: `until` is the lease's end in Unix milliseconds, null if it has none.
fn description(client: &Client, lock: &Lock) -> serde_json::Value {
    let session = client.server().map_or(0, |server| server.session_id);
    let until = lock.lease_remaining().and_then(|left| {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        u64::try_from((since_epoch + left).as_millis()).ok()
    });
    serde_json::json!({
        "key": escape_key(lock.key()).to_string(),
        "token": lock.token().to_string(),
        "session": format!("{session:#x}"),
        "until": until,
    })
}

/// Runs the command under the lock. The exit code.
fn run_command(
    arguments: &Arguments,
    client: &Client,
    lock: &Lock,
    events: &Receiver<Event>,
    sender: Sender<Event>,
) -> Result<u8, Exit> {
    let kill_after = kill_pause(client, arguments.lease, arguments.kill_after)?;
    let key = escape_key(lock.key()).to_string();
    let token = lock.token().to_string();
    let environment = [
        ("LOCKER_KEY", OsStr::new(&key)),
        ("LOCKER_TOKEN", OsStr::new(&token)),
    ];
    let group = Group::start(&arguments.command, &environment)
        .map_err(|error| cannot_run(&arguments.command[0], &error))?;
    watch_child(group.waiter(), sender)?;
    let mut watch = Watch::new(arguments.on_lost, kill_after);
    let ended = attend(&group, &mut watch, lock, events);
    group.take_terminal();
    if !watch.has_acted() {
        return Ok(match ended {
            Change::Killed(signal) => code::SIGNAL.saturating_add(signal),
            Change::Exited(code) => code,
            Change::Stopped => unreachable!("a command that stopped has not ended"),
        });
    }
    if arguments.on_lost != OnLost::Continue {
        // What the command started must not outlive the lock either.
        group.kill();
    }
    Err(lost(lock))
}

/// Attends to the command until it ends: forwards signals, watches its lock.
fn attend(group: &Group, watch: &mut Watch, lock: &Lock, events: &Receiver<Event>) -> Change {
    let started = Instant::now();
    loop {
        let (action, pause) = watch.look(started.elapsed(), certainty(lock));
        match action {
            Action::Nothing => {}
            Action::Terminate => {
                complain(format_args!(
                    "{}: asking the command to stop",
                    concern(lock)
                ));
                group.signal(Signal::TERM);
                // A stopped command would not hear it.
                group.signal(Signal::CONT);
            }
            Action::Kill => {
                complain(format_args!("{}: killing the command", concern(lock)));
                group.kill();
            }
            Action::Warn => complain(format_args!(
                "{}: the command goes on without it",
                concern(lock)
            )),
        }
        let event = match pause {
            Some(pause) => events.recv_timeout(pause),
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(Event::Child(Change::Stopped)) => group.stop_with(),
            Ok(Event::Child(change)) => return change,
            Ok(Event::Signal(SIGCONT)) if lock.is_valid() => group.resume(),
            Ok(Event::Signal(number)) => {
                if let Some(signal) = Signal::from_named_raw(number) {
                    group.signal(signal);
                }
            }
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                unreachable!("the signals' thread keeps the queue open")
            }
        }
    }
}

fn certainty(lock: &Lock) -> Certainty {
    let left = lock.remaining();
    match lock.lost_reason() {
        Some(LostReason::Forced | LostReason::Unknown) => Certainty::Forced,
        Some(_) => Certainty::Over,
        None if left.is_zero() => Certainty::Over,
        None => Certainty::For(left),
    }
}

/// What is the matter with the lock, for stderr.
fn concern(lock: &Lock) -> String {
    let key = escape_key(lock.key());
    match lock.lost_reason() {
        Some(reason) => format!("{key}: {}", Error::Lost { reason }),
        None => format!("{key}: no contact with the server, the lock is about to end"),
    }
}

fn lost(lock: &Lock) -> Exit {
    Exit::new(code::LOST, concern(lock))
}

fn cannot_run(command: &OsStr, error: &io::Error) -> Exit {
    let code = match error.kind() {
        ErrorKind::NotFound => code::NOT_FOUND,
        _ => code::CANNOT_RUN,
    };
    Exit::new(code, format!("cannot run {}: {error}", command.display()))
}

/// Gives the lock back and settles the exit code: a lock that was lost meanwhile is told.
fn finish(lock: Lock, result: Result<u8, Exit>) -> Result<u8, Exit> {
    let code = result?;
    match lock.release() {
        Err(error @ Error::Lost { .. }) => Err(error.into()),
        Err(error) => {
            complain(format_args!("the lock ends by itself: {error}"));
            Ok(code)
        }
        Ok(()) => Ok(code),
    }
}

/// The exit code of a program that a signal ended.
fn signal_code(signal: i32) -> u8 {
    u8::try_from(signal).map_or(u8::MAX, |signal| code::SIGNAL.saturating_add(signal))
}
