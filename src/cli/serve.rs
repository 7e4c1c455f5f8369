//! `locker serve`: from a configuration to a running server, to an exit code.
//!
//! ```text
//! flags, LOCKER_*, file -> Config -> machine checked -> data dir locked -> addresses bound
//!   -> record durable -> listening -> shards -> ready -> control loop ... drain -> record -> exit
//! ```
//! Nothing durable changes before everything that can be checked is; no client is let in before the
//! record of this start is durable.

use crate::cli::config::load;
use crate::config::table::LOG;
use crate::config::{Config, DataPlace, Flags};
use crate::control::failure::Failure;
use crate::control::file_store::FileStore;
use crate::control::listening::Listening;
use crate::control::plane::{Books, End, Plane};
use crate::control::run::{StopSignal, run as run_control};
use crate::control::shards::{self, Identity};
use crate::control::{opening, preflight};
use crate::driver::server_clock::ServerClock;
use crate::time::{Instant, Millis};
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::mpsc::channel;

/// Runs the server until it is drained or fails.
pub(super) fn run(flags: &Flags) -> ExitCode {
    match serve(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => super::fail(&failure),
    }
}

fn serve(flags: &Flags) -> Result<(), Failure> {
    let (_, config) = load(flags)?;
    start_log(&config);
    let warnings = preflight::check(&config, &preflight::Machine)?;
    for warning in config.warnings.iter().chain(&warnings) {
        log::warn!("{warning}");
    }
    // From here on a signal ends the server in order, or at once if it comes twice.
    let stop = StopSignal::install().map_err(|error| Failure::System {
        action: "listen for signals",
        reason: error.to_string(),
    })?;
    let store = open_store(&config)?;
    let mut listening = Listening::bind(&config)?;
    let books = store
        .map(|store| opening::open(store, &config))
        .transpose()?;
    listening.start()?;

    let clock = ServerClock::start();
    let window_until = window_end(books.as_ref(), clock.now());
    let identity = Identity::of(books.as_ref().map(|books| &books.ledger), window_until)?;
    let (to_control, inbox) = channel();
    let window_ms = books.as_ref().and_then(|books| books.ledger.window_ms());
    let ready = ready_line(&config, &listening, window_ms);
    let running = shards::start(&config, &identity, &mut listening, clock, to_control)?;
    if let Some(ms) = window_ms {
        log::info!(
            "grace window of {ms} ms: keys stay closed to all but clients that reclaim what they \
             held before"
        );
    }
    announce(&ready);

    let mut plane = Plane::new(books, window_until, Millis(config.drain_ms), config.shards);
    run_control(&mut plane, &inbox, &running, &stop, || clock.now())?;
    running.stop();
    match plane.end()? {
        End::Clean => log::info!("stopped with no lock held"),
        End::Dirty => log::warn!(
            "stopped with locks held or a grace window open: the next start keeps keys closed \
             until their holders have surely given up"
        ),
    }
    Ok(())
}

fn start_log(config: &Config) {
    let filter = config
        .log
        .clone()
        .or_else(|| std::env::var("RUST_LOG").ok());
    let filter = filter.as_deref().unwrap_or(LOG.default);
    env_logger::Builder::new().parse_filters(filter).init();
}

/// Opens and locks the data dir, if there is to be one.
fn open_store(config: &Config) -> Result<Option<FileStore>, Failure> {
    let DataPlace::Directory(path) = &config.data else {
        return Ok(None);
    };
    let store = FileStore::open(path).map_err(|error| Failure::open(path, error))?;
    Ok(Some(store))
}

fn window_end(books: Option<&Books<FileStore>>, listening: Instant) -> Option<Instant> {
    let window_ms = books.and_then(|books| books.ledger.window_ms())?;
    Some(listening + Millis(window_ms))
}

/// The one line on stdout; docs/OPERATIONS.md tells its words to those who read it by program.
fn ready_line(config: &Config, listening: &Listening, window_ms: Option<u32>) -> String {
    let addresses = with_commas(listening.addresses());
    let grace = window_ms.map_or("none".to_owned(), |ms| format!("{ms}ms"));
    let ephemeral = match config.data {
        DataPlace::Ephemeral => " ephemeral",
        DataPlace::Directory(_) => "",
    };
    let ports = match listening.shard_ports() {
        [] => String::new(),
        ports => format!(" shard-ports={}", with_commas(ports)),
    };
    format!(
        "locker ready: listening on {addresses} shards={} capacity={} locks \
         grace={grace}{ports}{ephemeral}\n",
        config.shards,
        config.memory.capacity(),
    )
}

fn with_commas(items: &[impl ToString]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(",")
}

/// Clients may come.
fn announce(line: &str) {
    // A closed stdout is no reason not to serve.
    let mut stdout = io::stdout();
    let _ = stdout
        .write_all(line.as_bytes())
        .and_then(|()| stdout.flush());
}
