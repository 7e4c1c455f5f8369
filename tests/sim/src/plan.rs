//! What a seed decides before anything happens: which faults there are, how large things are.
//!
//! Swarm testing (Groce et al. 2012): each run has only some of the faults and operations, so that
//! none hides what another would show.

use crate::dice::Dice;
use crate::network::Weather;
use crate::server::{Pace, TurnSizes};

/// Holds and calls of one client at most: it does not ask for more.
pub const BUSY_MAX: usize = 12;

/// The server's machine and settings.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Shards.
    pub shards: u16,
    /// Bytes of a lane.
    pub lane_bytes: usize,
    /// Connections at most.
    pub connections: u32,
    /// Sessions of a shard at most.
    pub sessions: u32,
    /// Seats of a session.
    pub seats: u16,
    /// Blocks of a shard.
    pub blocks: u32,
    /// Bytes of a block.
    pub block_bytes: usize,
    /// Waiters of a key at most.
    pub key_waiters_max: u32,
    /// Chunks of a shard's output.
    pub chunks: u32,
    /// Receive buffers of a shard.
    pub buffers: usize,
    /// Slices that one send carries.
    pub slices: usize,
    /// Bytes of a key at most.
    pub key_bytes_max: u16,
    /// Bytes of a frame at most.
    pub frame_bytes_max: u32,
    /// The TTL of who asks for none.
    pub ttl_ms_default: u32,
    /// The longest TTL.
    pub ttl_ms_max: u32,
    /// How long a drain waits.
    pub drain_ms: u32,
    /// Tokens left of a shard's first epoch; 0 = all.
    pub tokens_left: u64,
    /// What one turn takes.
    pub turn: TurnSizes,
}

/// A kind of fault; each is a switch of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Connections are reset.
    Reset,
    /// Connections are ended in order, by something in the middle.
    Finish,
    /// One end of a connection is reset, the other hears nothing.
    HalfOpen,
    /// Nothing passes for a while, in one direction or both.
    Hole,
    /// Nothing passes, then the connection is reset.
    HoleThenReset,
    /// A client leaves a sound connection and resumes on another.
    Reconnect,
    /// A client does not read for a while.
    SlowReader,
    /// A client stands still, for longer than its leases or TTL.
    Pause,
    /// A client dies; another takes its place.
    Kill,
    /// A shard stands still.
    StallShard,
    /// The whole server stands still.
    StallServer,
    /// The control thread stands still.
    StallControl,
    /// The server dies and is started again.
    Crash,
    /// The server is asked to drain, and is started again.
    Terminate,
    /// The newer copy of the record is damaged while the server is down.
    Damage,
}

/// All kinds of faults.
pub const FAULTS: [Fault; 15] = [
    Fault::Reset,
    Fault::Finish,
    Fault::HalfOpen,
    Fault::Hole,
    Fault::HoleThenReset,
    Fault::Reconnect,
    Fault::SlowReader,
    Fault::Pause,
    Fault::Kill,
    Fault::StallShard,
    Fault::StallServer,
    Fault::StallControl,
    Fault::Crash,
    Fault::Terminate,
    Fault::Damage,
];

/// A kind of operation of a client; each is a switch of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// Acquire exclusively.
    Exclusive,
    /// Acquire shared.
    Shared,
    /// Acquire permits.
    Permit,
    /// Change a key's permits by acquiring.
    Resize,
    /// Release a hold.
    Release,
    /// Renew a hold.
    Renew,
    /// Give up a call.
    Cancel,
    /// End others' holds.
    Force,
    /// Ask about keys, sessions, counters.
    Read,
    /// Close the session, and open another.
    Close,
}

/// All kinds of operations.
pub const DEEDS: [Deed; 10] = [
    Deed::Exclusive,
    Deed::Shared,
    Deed::Permit,
    Deed::Resize,
    Deed::Release,
    Deed::Renew,
    Deed::Cancel,
    Deed::Force,
    Deed::Read,
    Deed::Close,
];

/// What is left out of a run to see whether it fails without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Without {
    /// These faults.
    pub faults: Vec<Fault>,
    /// These operations.
    pub deeds: Vec<Deed>,
    /// These clients.
    pub clients: Vec<u8>,
    /// The random part ends after so many milliseconds.
    pub until_ms: Option<u64>,
}

impl Without {
    /// Each thing once.
    pub fn tidy(&mut self) {
        self.faults.sort_unstable();
        self.faults.dedup();
        self.deeds.sort_unstable();
        self.deeds.dedup();
        self.clients.sort_unstable();
        self.clients.dedup();
    }

    /// The flags that say so.
    #[must_use]
    pub fn flags(&self) -> String {
        let faults = self.faults.iter().map(|fault| format!("{fault:?}"));
        let deeds = self.deeds.iter().map(|deed| format!("{deed:?}"));
        let clients = self.clients.iter().map(u8::to_string);
        let words: Vec<String> = faults.chain(deeds).chain(clients).collect();
        let mut flags = String::new();
        if !words.is_empty() {
            flags = format!(" --without {}", words.join(","));
        }
        if let Some(ms) = self.until_ms {
            flags += &format!(" --until-ms {ms}");
        }
        flags
    }

    /// Leaves out one thing more, by its name. False if there is no such thing.
    pub fn add(&mut self, word: &str) -> bool {
        let fault = FAULTS.iter().find(|fault| format!("{fault:?}") == word);
        let deed = DEEDS.iter().find(|deed| format!("{deed:?}") == word);
        match (fault, deed, word.parse()) {
            (Some(fault), _, _) => self.faults.push(*fault),
            (_, Some(deed), _) => self.deeds.push(*deed),
            (_, _, Ok(client)) => self.clients.push(client),
            _ => return false,
        }
        true
    }
}

/// Everything drawn for one run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Faults that happen.
    pub faults: Vec<Fault>,
    /// Operations that happen.
    pub deeds: Vec<Deed>,
    /// Clients, by number.
    pub clients: Vec<u8>,
    /// Keys.
    pub keys: Vec<Vec<u8>>,
    /// The server.
    pub sizes: Sizes,
    /// Its machine's speed.
    pub pace: Pace,
    /// The network.
    pub weather: Weather,
    /// Microseconds of the random part.
    pub random_us: u64,
    /// Microseconds between two faults, about.
    pub fault_every_us: u64,
    /// Microseconds between two operations of a client, about.
    pub act_every_us: u64,
    /// By how many millionths the server's clock is fast.
    pub server_fast_ppm: i64,
    /// By how much clients' clocks differ from the server's at most.
    pub client_off_ppm: i64,
    /// Whether some clients have one clock only, which is further off.
    pub has_one_clocks: bool,
    /// The longest lease asked for, in milliseconds.
    pub lease_ms_most: u64,
    /// Whether the number of shards may change at a restart.
    pub reshard: bool,
    /// Restarts are the main fault: the server falls again within its grace window.
    pub restless: bool,
    /// How long the server is down at most, in microseconds.
    pub down_us_most: u64,
    /// How long a program keeps a hold at least, and at most, in microseconds.
    pub keep_us: (u64, u64),
}

impl Plan {
    /// The plan of a seed, less what is left out.
    #[must_use]
    pub fn of(seed: u64, without: &Without) -> Self {
        let mut dice = Dice::of(seed, 0);
        let mut sizes = draw_sizes(&mut dice);
        sizes.tokens_left = Dice::of(seed, 4).pick(&[0, 0, 3, 40]);
        let mut faults = swarm(&mut dice, &FAULTS, &without.faults);
        let mut later = Dice::of(seed, 5);
        let restless = later.one_in(3);
        if restless {
            let falls = [Fault::Crash, Fault::Terminate];
            let falls = falls.iter().filter(|fall| !without.faults.contains(fall));
            faults.extend(falls);
        }
        // Quick, against any TTL: who held a lock is back before its deadline.
        let down_us_most = match restless {
            true => later.pick(&[20_000, 300_000]),
            false => 3_000_000,
        };
        let deeds = swarm(&mut dice, &DEEDS, &without.deeds);
        let client_count = u8::try_from(dice.within(2, 7)).expect("few");
        let clients = (0..client_count).filter(|client| !without.clients.contains(client));
        let clients = clients.collect();
        if restless {
            sizes.ttl_ms_default = sizes.ttl_ms_default.min(2_000);
            sizes.ttl_ms_max = sizes.ttl_ms_default * later.pick(&[1, 2]);
        }
        let key_count = dice.within(1, 4);
        let keys = (0..key_count).map(|_| draw_key(&mut dice, sizes.key_bytes_max));
        let keys = keys.collect();
        let pace = Pace {
            step_most: dice.pick(&[5, 50, 400]),
            write_most: dice.pick(&[50, 3_000, 100_000]),
        };
        let weather = draw_weather(&mut dice);
        let random_us = dice.within(5_000, 30_000) * 1_000;
        let fault_every_us = dice.spread(100_000, 3_000_000);
        // Windows come to their end, and locks are held when the next begins.
        let (random_us, fault_every_us) = match restless {
            true => (
                later.within(20_000, 60_000) * 1_000,
                fault_every_us.max(1_500_000),
            ),
            false => (random_us, fault_every_us),
        };
        let act_every_us = dice.spread(20_000, 400_000);
        let until = without.until_ms.map_or(u64::MAX, |ms| ms * 1_000);
        Self {
            seed,
            faults,
            deeds,
            clients,
            keys,
            sizes,
            pace,
            weather,
            random_us: random_us.min(until),
            fault_every_us,
            act_every_us,
            server_fast_ppm: within_ppm(&mut dice, 4_900),
            client_off_ppm: dice.pick(&[0, 4_900]),
            has_one_clocks: dice.one_in(3),
            lease_ms_most: dice.pick(&[500, 3_000, 20_000]),
            reshard: dice.one_in(2),
            restless,
            down_us_most,
            keep_us: match restless {
                true => (300_000, 12_000_000),
                false => (1_000, 6_000_000),
            },
        }
    }

    /// Whether there are faults of this kind.
    #[must_use]
    pub fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// Whether there are operations of this kind.
    #[must_use]
    pub fn has_deed(&self, deed: Deed) -> bool {
        self.deeds.contains(&deed)
    }

    /// The longest that anything lasts after the last fault, in microseconds.
    #[must_use]
    pub fn rest_us(&self) -> u64 {
        let ttl = u64::from(self.sizes.ttl_ms_max);
        // A window of the longest bound, and then a session or a lease as long.
        let window = (ttl * 2 + self.lease_ms_most.max(ttl)) * 1_100;
        // A drain may be under way; then all that queue get their turns, and give back one by one.
        let drain = u64::from(self.sizes.drain_ms) * 1_100;
        let queue = u64::try_from(self.clients.len() * BUSY_MAX).expect("few") * self.act_every_us;
        window + drain + queue + 20_000_000
    }
}

/// A number of millionths, either way.
pub(crate) fn within_ppm(dice: &mut Dice, most: u32) -> i64 {
    let drawn = dice.below(2 * u64::from(most) + 1);
    i64::try_from(drawn).expect("small") - i64::from(most)
}

/// A random half of these, or all of them; less those left out.
fn swarm<T: Copy + PartialEq>(dice: &mut Dice, all: &[T], without: &[T]) -> Vec<T> {
    let share = dice.pick(&[0, 250, 500, 500, 750, 1_000]);
    let drawn: Vec<bool> = all.iter().map(|_| dice.permille(share)).collect();
    let drawn = all.iter().zip(drawn).filter(|(_, drawn)| *drawn);
    let kept = drawn.map(|(one, _)| *one);
    kept.filter(|one| !without.contains(one)).collect()
}

fn draw_sizes(dice: &mut Dice) -> Sizes {
    let ttl_ms_default = dice.pick(&[1_000, 2_000, 5_000]);
    let key_bytes_max = dice.pick(&[16, 200]);
    let lane_bytes = dice.pick(&[2_048, 4_096, 16_384]);
    Sizes {
        shards: dice.pick(&[1, 1, 2, 2, 3, 4]),
        // As in a real server no message takes more than an eighth of its lane.
        lane_bytes: lane_bytes.max(if key_bytes_max > 16 { 4_096 } else { 0 }),
        connections: dice.pick(&[10, 14, 64]),
        sessions: dice.pick(&[8, 16, 64]),
        seats: dice.pick(&[2, 3, 8, 64]),
        blocks: dice.pick(&[8, 32, 256]),
        block_bytes: dice.pick(&[96, 128, 256]),
        key_waiters_max: dice.pick(&[2, 100, 256]),
        chunks: dice.pick(&[24, 512]),
        buffers: dice.pick(&[2, 8, 64]),
        slices: dice.pick(&[1, 8]),
        key_bytes_max,
        frame_bytes_max: 4_096,
        ttl_ms_default,
        ttl_ms_max: ttl_ms_default * dice.pick(&[1, 4]),
        drain_ms: dice.pick(&[100, 1_000, 5_000]),
        tokens_left: 0,
        turn: TurnSizes {
            completions: dice.pick(&[2, 8, 4_096]),
            mail: dice.pick(&[1, 256]),
            input: dice.pick(&[100, 262_144]),
            offered: dice.pick(&[100, 131_072]),
        },
    }
}

fn draw_key(dice: &mut Dice, most: u16) -> Vec<u8> {
    let most = match dice.one_in(3) {
        true => u64::from(most),
        false => 8,
    };
    let length = dice.within(3, most);
    let letters = (0..length).map(|_| b"abcdefgh"[dice.index(8)]);
    letters.collect()
}

fn draw_weather(dice: &mut Dice) -> Weather {
    let delay_least = dice.spread(10, 5_000);
    Weather {
        delay_least,
        delay_most: delay_least * dice.within(1, 20),
        late_permille: dice.pick(&[0, 5, 50]),
        late_most: dice.pick(&[50_000, 500_000, 3_000_000]),
        capacity: dice.pick(&[2_048, 65_536, 262_144]),
    }
}
