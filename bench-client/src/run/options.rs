//! The flags of `locker-bench run`.

use std::path::{Path, PathBuf};

use locker::config::units;

use crate::nanos::Nanos;
use crate::plan::spelling::{self, Rate, Span};
use crate::plan::target::{Socket, TargetAsked};
use crate::plan::{Asked, Checks, Hold, KeyDist, Mode};

const SERVER: &str = "Server";
const LOAD: &str = "Load";
const SHAPE: &str = "Shape";
const SAFETY: &str = "Safety";
const OUTPUT: &str = "Output";

const AFTER_HELP: &str = "\
Examples:
  locker-bench run --spawn
        start a server on core 0, load it from the other cores, stop it
  locker-bench run 10.0.0.5:5625 -c 200 -d 60s --html night.html
        a server elsewhere; one page with the plots
  locker-bench run --spawn -c 50 -P 16 --one-write
        pipelined pairs: the most that one core of the server can do
  locker-bench run --rate 20k,poisson --slo 'p99<1ms,err<0.01%'
        20,000 cycles per second whether the server keeps up or not; exit code 99 if it does not
  locker-bench run --spawn --find-max 'p99<1ms'
        search for the highest rate at which 99 of 100 answers take less than 1 ms
  locker-bench run --mode contended --hold 1ms -c 64
        64 clients pass one lock on: hand-off time and fairness
  locker-bench run --mode rw:90/10 --keys 1000 --key-dist zipf:0.99 --verify=order
        readers and writers on some hot keys, order of grants checked too
  locker-bench run --mode contended --keys 100 --survive 30s -d 5m
        kill the server and start it again meanwhile: the check goes on

Exit codes:
  0    the run is complete
  1    the safety check found a violation; the history of its key is printed
  2    the flags make no sense, or the run could not begin
  3    the report is partial or not valid: the server went away, or frames were lost
  99   a bound of --slo was missed, or --find-max found no rate that meets its bounds
  130  interrupted; the report is of the part before";

/// What `locker-bench run` was asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP, after_help = "More with --help: examples, exit codes.")]
pub struct Options {
    /// Address of a server that runs [default: 127.0.0.1:5625].
    #[arg(value_name = "ADDRESS", help_heading = SERVER)]
    address: Option<String>,
    /// The same, as a flag.
    #[arg(long, value_name = "ADDRESS", help_heading = SERVER)]
    connect: Option<String>,
    /// Start a server for this run on a free port, and stop it afterwards.
    #[arg(long, help_heading = SERVER)]
    spawn: bool,
    /// Cores that the spawned server is pinned to; the generator gets the others [default: the
    /// first].
    #[arg(long, value_name = "LIST", value_parser = units::parse_cpus, help_heading = SERVER)]
    server_cores: Option<CpuList>,
    /// Shards of the spawned server [default: one per core].
    #[arg(long, value_name = "N", help_heading = SERVER)]
    server_shards: Option<u16>,
    /// Program of the spawned server [default: `locker` beside this program, else on the path].
    #[arg(long, value_name = "PATH", help_heading = SERVER)]
    server_bin: Option<String>,
    /// More arguments of the spawned server, as '--memory 4GiB --spin 50us'.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true, help_heading = SERVER)]
    server_args: Option<String>,
    /// What the spawned server listens on [default: tcp].
    #[arg(long, value_name = "KIND", help_heading = SERVER)]
    socket: Option<Socket>,
    /// Process of a server on this machine that was not spawned: its processor time is told.
    #[arg(long, help_heading = SERVER)]
    pid: Option<u32>,

    /// Generator threads [default: one per core of the generator].
    #[arg(short, long, value_name = "N", help_heading = LOAD)]
    threads: Option<u16>,
    /// Connections, all threads together [default: 50].
    #[arg(short, long, value_name = "N", value_parser = spelling::count, help_heading = LOAD)]
    connections: Option<u64>,
    /// Clients per connection, each with a cycle in flight [default: 1].
    #[arg(short = 'P', long, value_name = "N", help_heading = LOAD)]
    inflight: Option<u16>,
    /// How long to measure: 500ms, 10s, 2m; with --find-max each trial [default: 10s; 4s].
    #[arg(short, long, value_name = "TIME", value_parser = spelling::duration,
          help_heading = LOAD)]
    duration: Option<Nanos>,
    /// End after so many cycles instead: 1000, 20k, 5M.
    #[arg(short = 'n', long, value_name = "N", value_parser = spelling::count,
          help_heading = LOAD)]
    operations: Option<u64>,
    /// Open loop: so many cycles per second, whatever the answers do; evenly, or with ,poisson at
    /// random. Without it each client begins its next cycle when its last is over.
    #[arg(long, value_name = "R[,poisson]", allow_negative_numbers = true, help_heading = LOAD)]
    rate: Option<Rate>,
    /// Let the rate grow from 0 over this time.
    #[arg(long, value_name = "TIME", value_parser = spelling::duration, help_heading = LOAD)]
    ramp: Option<Nanos>,
    /// Search for the highest rate that meets these bounds, as 'p99<1ms,err<0.01%'; --rate says
    /// where to begin.
    #[arg(long, value_name = "BOUNDS", help_heading = LOAD)]
    find_max: Option<String>,
    /// Load before the measured time [default: 1s].
    #[arg(long, value_name = "TIME", value_parser = spelling::duration, help_heading = LOAD)]
    warmup: Option<Nanos>,
    /// Seed of every random choice.
    #[arg(long, default_value_t = 1, help_heading = LOAD)]
    seed: u64,
    /// Cores that generator threads are pinned to, as 1-3 [default: none; with --spawn those that
    /// the server leaves].
    #[arg(long, value_name = "LIST", value_parser = units::parse_cpus, help_heading = LOAD)]
    cores: Option<CpuList>,

    /// What a client does, over and over:
    /// uncontended: acquire and release keys of its own;
    /// contended: the same with keys that all share;
    /// rw:90/10: 90 of 100 acquires are shared, 10 exclusive;
    /// permit:N: N holders of a key at once;
    /// renew: renew locks held since before;
    /// churn: connect, acquire, cut the connection;
    /// herd: all wait for one key, which goes from hand to hand;
    /// hold-many: acquire ever new keys and keep them.
    #[arg(long, default_value = "uncontended", verbatim_doc_comment, help_heading = SHAPE)]
    mode: Mode,
    /// Keys: 1, 10k, 1M [default: 1M; renew 10k; contended, rw, permit and herd 1].
    #[arg(long, value_name = "N", value_parser = spelling::count, help_heading = SHAPE)]
    keys: Option<u64>,
    /// Which keys are drawn: uniform, zipf:0.99, hot:K (9 of 10 draws from the first K), seq
    /// [default: uniform].
    #[arg(long, value_name = "DIST", help_heading = SHAPE)]
    key_dist: Option<KeyDist>,
    /// Bytes of a key, 8 to 1024 [default: 32].
    #[arg(long, value_name = "N", help_heading = SHAPE)]
    key_bytes: Option<u16>,
    /// Time between grant and release: 0, 1ms, or exp:5ms for random times with that mean
    /// [default: 0].
    #[arg(long, value_name = "TIME", help_heading = SHAPE)]
    hold: Option<Hold>,
    /// Lease of each hold: session, or a time such as 30s [default: session].
    #[arg(long, value_name = "TIME", value_parser = spelling::lease, help_heading = SHAPE)]
    lease: Option<Span>,
    /// How long an acquire waits: try, session, or a time such as 500ms [default: session where
    /// clients share keys, else try].
    #[arg(long, value_name = "TIME", value_parser = spelling::wait, help_heading = SHAPE)]
    wait: Option<Span>,
    /// Send an acquire that does not wait and its release together: one round trip for the pair.
    #[arg(long, help_heading = SHAPE)]
    one_write: bool,
    /// Spread the connections evenly over the shards, by the port of each (the server's
    /// --shard-port-base; --spawn sees to it), and ask each connection only for keys of its shard:
    /// no request goes from shard to shard. A client program with a connection per shard does the
    /// same. Without such ports connections stay where they land, and the report tells so.
    #[arg(long, help_heading = SHAPE)]
    shard_aware: bool,
    /// Acquire so many other locks before the run and keep them: 50M. What a full table costs is
    /// this against few. A spawned server gets memory for them; --keys is as many by default, so
    /// that all of the table is asked for.
    #[arg(long, value_name = "N", value_parser = spelling::count, help_heading = SHAPE)]
    held: Option<u64>,

    /// Check while loading that no two clients hold a key at once, that permits and tokens are
    /// kept, and that every request is answered once. Takes some 30 ns of the generator's
    /// processor time per request, nothing of the server's. order: also that waiters are served
    /// in order across connections, which costs the server a read per acquire [default: on].
    #[arg(long, value_name = "on|off|order", value_parser = spelling::checks, num_args = 0..=1,
          require_equals = true, default_missing_value = "on", help_heading = SAFETY)]
    verify: Option<Checks>,
    /// Go on when connections break or the server is away, for this long at most: connections are
    /// opened anew, with new sessions, and what a lost session held is believed in until its
    /// deadline. So a server may be killed and started again, or connections be reset, while the
    /// check goes on; the report tells reconnects and the longest time without a grant. Not with
    /// a server without a data dir, which promises nothing over its restart.
    #[arg(long, value_name = "TIME", value_parser = spelling::duration, help_heading = SAFETY)]
    survive: Option<Nanos>,
    /// Bounds that decide on exit code 99, as 'p99<1ms,err<0.01%'.
    #[arg(long, value_name = "BOUNDS", help_heading = SAFETY)]
    slo: Option<String>,

    /// Write the report as JSON.
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    json: Option<PathBuf>,
    /// Write one row per second.
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    csv: Option<PathBuf>,
    /// Write the latency distribution in the format of HdrHistogram's plotters.
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    hgrm: Option<PathBuf>,
    /// Write one self-contained page with plots.
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    html: Option<PathBuf>,
    /// What is shown on stderr meanwhile; auto is a screen on a terminal and lines elsewhere.
    #[arg(long, value_name = "HOW", default_value = "auto", help_heading = OUTPUT)]
    progress: ProgressStyle,
}

/// A list of cores; a type of its own, so that clap does not take it for many values.
type CpuList = Vec<usize>;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ProgressStyle {
    /// A screen on a terminal, lines elsewhere.
    Auto,
    /// One line per second.
    Lines,
    /// Some lines of a terminal, written over.
    Screen,
    /// Not at all.
    Off,
}

impl Options {
    /// What the flags say about the server and the cores.
    #[must_use]
    pub fn target(&self, allowed: &[usize]) -> TargetAsked {
        TargetAsked {
            address: self.address.clone(),
            connect: self.connect.clone(),
            spawn: self.spawn,
            server_cores: self.server_cores.clone(),
            server_shards: self.server_shards,
            server_bin: self.server_bin.clone(),
            server_args: self.server_args.clone(),
            socket: self.socket,
            pid: self.pid,
            cores: self.cores.clone(),
            allowed: allowed.to_vec(),
        }
    }

    /// What the flags say about the load, for a generator with so many cores.
    #[must_use]
    pub fn asked(&self, cores: u16) -> Asked {
        // More than can be numbered are refused as too many clients.
        let connections = self
            .connections
            .map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        Asked {
            threads: self.threads,
            cores,
            connections,
            inflight: self.inflight,
            duration: self.duration,
            operations: self.operations,
            rate: self.rate,
            ramp: self.ramp,
            find_max: self.find_max.is_some(),
            slo: self.slo.is_some(),
            warmup: self.warmup,
            seed: self.seed,
            mode: self.mode,
            keys: self.keys,
            key_dist: self.key_dist,
            key_bytes: self.key_bytes,
            hold: self.hold,
            lease: self.lease,
            wait: self.wait,
            one_write: self.one_write,
            shard_aware: self.shard_aware,
            held: self.held,
            survive: self.survive,
            checks: self.verify,
        }
    }

    /// Bounds to judge the run by, and bounds to search the highest rate for.
    #[must_use]
    pub fn bounds(&self) -> (Option<&str>, Option<&str>) {
        (self.slo.as_deref(), self.find_max.as_deref())
    }

    /// Files to write: JSON, CSV, HGRM, HTML.
    #[must_use]
    pub fn files(&self) -> [Option<&Path>; 4] {
        let files = [&self.json, &self.csv, &self.hgrm, &self.html];
        files.map(|file| file.as_deref())
    }

    /// How progress is shown.
    #[must_use]
    pub const fn progress(&self) -> ProgressStyle {
        self.progress
    }
}
