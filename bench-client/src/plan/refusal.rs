//! Why a run is refused before any connection is made. Pure.

use super::Mode;
use super::workload::KEY_BYTES;

/// Seats that a session has at most, so requests in flight on one connection.
pub const SEATS_MAX: u16 = 4_096;
/// Clients at most, all connections together: each costs some hundred bytes.
pub const CLIENTS_MAX: u32 = 4_194_304;
/// The longest run: it keeps a few hundred bytes for each of its seconds.
pub const DURATION_MAX_DAYS: u64 = 7;

/// A run that makes no sense, or would not measure what its flags say.
///
/// Each text gives the reason and what to do instead.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A number that has to be above 0.
    #[error("{flag} is 0: nothing would run; give at least 1")]
    Zero {
        /// Which flag.
        flag: &'static str,
    },
    /// A duration of 0 where time has to pass.
    #[error("{flag} is 0: there would be no time to measure; give 1s or more")]
    NoTime {
        /// Which flag.
        flag: &'static str,
    },
    /// A run longer than its series of seconds may grow.
    #[error("{flag} is above {DURATION_MAX_DAYS} days: measure in several runs")]
    TooLong {
        /// Which flag.
        flag: &'static str,
    },
    /// A thread without a connection.
    #[error(
        "{threads} threads cannot share {connections} connections: each thread needs one of its \
         own; use -t {connections} or -c {threads}"
    )]
    FewerConnectionsThanThreads {
        /// Threads asked for.
        threads: u16,
        /// Connections asked for.
        connections: u32,
    },
    /// More requests in flight than a session has seats.
    #[error(
        "-P {inflight} needs {seats} seats of a session{why}, and no session has more than \
         {SEATS_MAX}; use -P {most} and more connections",
        why = if *one_write { ", two for each pair in one write" } else { "" },
        most = if *one_write { SEATS_MAX / 2 } else { SEATS_MAX }
    )]
    InflightAboveSeats {
        /// Requests asked for on each connection.
        inflight: u16,
        /// Seats they need.
        seats: u32,
        /// Whether each needs two.
        one_write: bool,
    },
    /// More clients than the generator keeps.
    #[error(
        "{connections} connections with {inflight} clients each are {} clients; at most \
         {CLIENTS_MAX} are kept: use fewer connections or a smaller -P",
        u64::from(*connections) * u64::from(*inflight)
    )]
    TooManyClients {
        /// Connections asked for.
        connections: u32,
        /// Clients on each.
        inflight: u16,
    },
    /// Two ends.
    #[error("-d and -n both say when the run ends: give one of them")]
    TwoEnds,
    /// A ramp without a rate to reach.
    #[error("--ramp grows a rate, and a closed loop has none: add --rate R, or drop --ramp")]
    RampWithoutRate,
    /// A ramp that never reaches its rate.
    #[error("--ramp is as long as the warm-up and the run together: use a shorter one")]
    RampTooLong,
    /// A rate that is none.
    #[error("--rate is above 0: write cycles per second, as 20k or 500,poisson")]
    RateNotPositive,
    /// A rate where the mode sets the pace.
    #[error("--mode {} sets its own pace: drop {flag}", mode.name())]
    PaceOfMode {
        /// The mode.
        mode: Mode,
        /// Which flag.
        flag: &'static str,
    },
    /// A search that runs through its operations at once.
    #[error("--find-max tries rates for a time each: give -d for one trial, not -n")]
    FindMaxWithOperations,
    /// A search with a ramp.
    #[error("--find-max sets the rate itself: drop --ramp")]
    FindMaxWithRamp,
    /// A search with two goals.
    #[error("--find-max already says what has to hold: put the bounds of --slo into it")]
    FindMaxWithSlo,
    /// More keys than numbers for them.
    #[error(
        "--keys {keys} is too many: keys are numbered with 32 bits; use at most {}",
        u32::MAX
    )]
    TooManyKeys {
        /// Keys asked for.
        keys: u64,
    },
    /// Clients that would meet though they must not.
    #[error(
        "--mode {mode} gives each client keys of its own, and {clients} clients need at least as \
         many; use --keys {clients}, fewer connections, or a smaller -P",
        mode = mode.name()
    )]
    FewerKeysThanClients {
        /// The mode.
        mode: Mode,
        /// Keys asked for.
        keys: u32,
        /// Clients, all connections together.
        clients: u32,
    },
    /// A mode for one key, with several.
    #[error("--mode herd makes all clients wait for one key: drop --keys {keys}")]
    HerdOfKeys {
        /// Keys asked for.
        keys: u64,
    },
    /// Keys of a length that the protocol or the numbering does not have.
    #[error(
        "--key-bytes {bytes}: use {} to {}; shorter keys do not hold every number, longer ones are \
         not in the protocol",
        KEY_BYTES.start(), KEY_BYTES.end()
    )]
    KeyBytes {
        /// Bytes asked for.
        bytes: u16,
    },
    /// A choice of keys that the mode does not leave.
    #[error("--mode {} draws no keys: drop --key-dist", mode.name())]
    KeyDistInMode {
        /// The mode.
        mode: Mode,
    },
    /// An exponent with which Zipf's law is none.
    #[error("zipf:{exponent} is no law: use an exponent above 0 and at most 10, as zipf:0.99")]
    ZipfExponent {
        /// The exponent asked for.
        exponent: f64,
    },
    /// More hot keys than keys.
    #[error("hot:{hot} of {keys} keys: use hot:K with K between 1 and the number of keys")]
    HotKeys {
        /// Hot keys asked for.
        hot: u32,
        /// Keys in all.
        keys: u32,
    },
    /// A hold time where nothing is released after it.
    #[error("--mode {} keeps its locks, so there is no time to hold: drop --hold", mode.name())]
    HoldInMode {
        /// The mode.
        mode: Mode,
    },
    /// A lease that ends before the hold.
    #[error(
        "locks held for {hold} would outlive their lease of {lease}: use a longer --lease, a \
         shorter --hold, or --lease session"
    )]
    LeaseBelowHold {
        /// The lease, as a person writes it.
        lease: String,
        /// The hold time, or its mean.
        hold: String,
    },
    /// A lease that no server gives.
    #[error("--lease {lease} is not between 10ms and 24d; write a span between, or session")]
    LeaseOutOfBounds {
        /// The lease, as a person writes it.
        lease: String,
    },
    /// A span finer than the wire's.
    #[error("{flag} {span} is too fine for the wire: write whole milliseconds")]
    FinerThanMilliseconds {
        /// Which flag.
        flag: &'static str,
        /// The span, as a person writes it.
        span: String,
    },
    /// A wait that no server takes.
    #[error("--wait {wait} is too long for the wire: use --wait session")]
    WaitTooLong {
        /// The wait, as a person writes it.
        wait: String,
    },
    /// A wait where nobody waits.
    #[error("--mode {} never waits for a lock: drop --wait, or use --wait try", mode.name())]
    WaitInMode {
        /// The mode.
        mode: Mode,
    },
    /// A herd that does not wait.
    #[error("--mode herd is about waiting: drop --wait try")]
    HerdWithoutWait,
    /// A pair in one write that would hold in between.
    #[error("--one-write sends the release with the acquire, so nothing is held: drop --hold")]
    OneWriteWithHold,
    /// A pair in one write that would wait in between.
    #[error("--one-write sends the release with the acquire, so it cannot wait: use --wait try")]
    OneWriteWithWait,
    /// A pair in one write where there is no pair.
    #[error("--one-write sends pairs of acquire and release, which --mode {} has not", mode.name())]
    OneWriteInMode {
        /// The mode.
        mode: Mode,
    },
    /// A pair in one write whose release would have to name a token.
    #[error("--one-write releases without a token, which permits do not allow: drop it")]
    OneWriteOfPermits,
    /// More keys than can be told apart.
    #[error("{keys} keys cannot be told apart in {bytes} bytes: use --key-bytes 10 or more")]
    KeysInBytes {
        /// Keys.
        keys: u32,
        /// Bytes of each.
        bytes: u16,
    },
    /// More keys than can be told apart, those held in the background among them.
    #[error(
        "--keys and --held together are {keys} keys, which cannot be told apart in {bytes} bytes: \
         use less of either, or --key-bytes 10 or more"
    )]
    HeldInBytes {
        /// Keys.
        keys: u64,
        /// Bytes of each.
        bytes: u16,
    },
    /// Several clients on a connection that one of them cuts.
    #[error("in --mode churn a connection has one client, not {inflight}: use more with -c")]
    ChurnInflight {
        /// Clients per connection.
        inflight: u16,
    },
    /// A key of one's own shard, drawn before the shard is known.
    #[error(
        "--mode churn draws its key before it knows its connection's shard: drop --shard-aware"
    )]
    ChurnShardAware,
    /// A server that may come back, and clients that could not go on.
    #[error(
        "--survive goes on with clients that acquire and release, which --mode {} is not about: \
         use uncontended, contended, rw or permit",
        mode.name()
    )]
    SurviveInMode {
        /// The mode.
        mode: Mode,
    },
    /// A server that may come back, and something that would not.
    #[error("--survive follows each hold over the server's absence: drop {flag}")]
    SurviveWith {
        /// Which flag.
        flag: &'static str,
    },
    /// A lock that nobody can hold.
    #[error("permit:0 lets nobody in: use permit:1 or more")]
    PermitZero,
    /// Shares that do not add up.
    #[error("rw:{shared}/{exclusive} are {} of 100: use for example rw:90/10", shared + exclusive)]
    SharesOddSum {
        /// Shared acquires of 100.
        shared: u32,
        /// Exclusive acquires of 100.
        exclusive: u32,
    },
    /// A bound that cannot be read.
    #[error("{flag}: {why}")]
    Slo {
        /// Which flag.
        flag: &'static str,
        /// What is wrong, and how it is written.
        why: String,
    },
    /// A server of ours and one of somebody else's.
    #[error("--spawn starts a server of its own: drop {flag}")]
    WithSpawn {
        /// Which flag.
        flag: &'static str,
    },
    /// A setting of a server that is not ours to start.
    #[error("{flag} is about the server that --spawn starts: add --spawn, or drop it")]
    WithoutSpawn {
        /// Which flag.
        flag: &'static str,
    },
    /// An address given twice.
    #[error("the address stands there twice: give it once, with or without --connect")]
    TwoAddresses,
    /// A core that the process may not use.
    #[error("{flag} names core {core}, which this process may not use; it may use {allowed}")]
    NoSuchCore {
        /// Which flag.
        flag: &'static str,
        /// The core.
        core: usize,
        /// The cores that it may use, as a list of ranges.
        allowed: String,
    },
    /// A text that is no value of its flag.
    #[error("{0}")]
    Misspelt(&'static str),
}
