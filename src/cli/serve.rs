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
use crate::config::{Config, DataPlace, Flags, Listener};
use crate::control::failure::Failure;
use crate::control::file_store::FileStore;
use crate::control::plane::{Books, End, Plane};
use crate::control::run::{StopSignal, run as run_control};
use crate::control::shards::{self, Identity};
use crate::control::{opening, preflight};
use crate::driver::server_clock::ServerClock;
use crate::net::listen;
use crate::time::{Instant, Millis};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// How long a start waits for its port, and how often it looks.
const PORT_PATIENCE: Duration = Duration::from_secs(1);
const PORT_PAUSE: Duration = Duration::from_millis(20);

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
    let sockets = bind(&config)?;
    let books = store
        .map(|store| opening::open(store, &config))
        .transpose()?;
    for (socket, address) in &sockets {
        let address = *address;
        listen::start(socket).map_err(|source| Failure::Listen { address, source })?;
    }

    let clock = ServerClock::start();
    let window_until = window_end(books.as_ref(), clock.now());
    let identity = Identity::of(books.as_ref().map(|books| &books.ledger), window_until)?;
    let (to_control, inbox) = channel();
    let addresses: Vec<SocketAddr> = sockets.iter().map(|(_, address)| *address).collect();
    let listeners = sockets.into_iter().map(|(socket, _)| socket).collect();
    let running = shards::start(&config, &identity, listeners, clock, to_control)?;
    let window_ms = books.as_ref().and_then(|books| books.ledger.window_ms());
    announce(&config, &addresses, window_ms);

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

/// Binds all addresses: who is in the way is found before anything durable is written.
fn bind(config: &Config) -> Result<Vec<(crate::net::acceptor::Listener, SocketAddr)>, Failure> {
    let bind_one = |listener: &Listener| {
        let failed = |source| Failure::Listen {
            address: listener.address,
            source,
        };
        let bind = || listen::bind(listener.address, listener.admin);
        let socket = once_free(bind).map_err(failed)?;
        let address = socket.address().map_err(failed)?;
        Ok((socket, address))
    };
    config.listen.iter().map(bind_one).collect()
}

/// Tries again for a moment while the port is taken: after a `kill -9` the kernel takes the old
/// server's rings down, and with them its listening socket, only once the process is gone.
fn once_free<T>(mut bind: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let tries = PORT_PATIENCE.as_millis() / PORT_PAUSE.as_millis();
    for _ in 0..tries {
        match bind() {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => thread::sleep(PORT_PAUSE),
            bound => return bound,
        }
    }
    bind()
}

fn window_end(books: Option<&Books<FileStore>>, listening: Instant) -> Option<Instant> {
    let window_ms = books.and_then(|books| books.ledger.window_ms())?;
    Some(listening + Millis(window_ms))
}

/// The one line on stdout: clients may come.
fn announce(config: &Config, addresses: &[SocketAddr], window_ms: Option<u32>) {
    let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    let grace = window_ms.map_or("none".to_owned(), |ms| format!("{ms}ms"));
    let ephemeral = match config.data {
        DataPlace::Ephemeral => " ephemeral",
        DataPlace::Directory(_) => "",
    };
    let line = format!(
        "locker ready: listening on {} shards={} capacity={} locks grace={grace}{ephemeral}\n",
        addresses.join(","),
        config.shards,
        config.memory.capacity(),
    );
    // A closed stdout is no reason not to serve.
    let mut stdout = io::stdout();
    let _ = stdout
        .write_all(line.as_bytes())
        .and_then(|()| stdout.flush());
}
