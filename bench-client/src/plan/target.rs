//! Which server a run is against: one that runs, or one of its own. Pure.

use super::Refusal;

/// Where `locker` listens by default.
pub const ADDRESS: &str = "127.0.0.1:5625";

/// What a spawned server listens on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Socket {
    /// A TCP port of 127.0.0.1.
    #[default]
    Tcp,
    /// A Unix socket in a folder of its own.
    Unix,
}

/// What the flags say about the server; `None` where the user said nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetAsked {
    /// The address as an argument.
    pub address: Option<String>,
    /// The address as `--connect`.
    pub connect: Option<String>,
    /// Whether a server is started.
    pub spawn: bool,
    /// Cores to pin it to.
    pub server_cores: Option<Vec<usize>>,
    /// Its shards.
    pub server_shards: Option<u16>,
    /// Its program.
    pub server_bin: Option<String>,
    /// More of its arguments.
    pub server_args: Option<String>,
    /// What it listens on.
    pub socket: Option<Socket>,
    /// Process of a server that runs.
    pub pid: Option<u32>,
    /// Cores to pin the generator to.
    pub cores: Option<Vec<usize>>,
    /// Cores that this process may use.
    pub allowed: Vec<usize>,
}

/// A server, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One that runs.
    Running {
        /// Where it listens.
        address: String,
        /// Its process, if its processor time shall be told.
        pid: Option<u32>,
    },
    /// One that is started for this run.
    Spawned {
        /// Cores to pin it to.
        cores: Vec<usize>,
        /// Its shards.
        shards: u16,
        /// Its program, if not the one beside ours.
        program: Option<String>,
        /// More of its arguments.
        arguments: Vec<String>,
        /// What it listens on.
        socket: Socket,
    },
}

/// A server, and cores for the generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The server.
    pub target: Target,
    /// Cores that generator threads are pinned to in turn; empty = they are not pinned.
    pub pinned: Vec<usize>,
    /// Cores that the generator has, pinned or not: the default number of threads.
    pub cores: u16,
}

impl TargetAsked {
    /// The server and the cores.
    ///
    /// # Errors
    /// The first contradiction found.
    pub fn check(&self) -> Result<Placement, Refusal> {
        self.check_cores("--cores", self.cores.as_deref())?;
        self.check_cores("--server-cores", self.server_cores.as_deref())?;
        let (target, free) = match self.spawn {
            true => self.spawned()?,
            false => (self.running()?, Vec::new()),
        };
        let pinned = self.cores.clone().unwrap_or(free);
        // Beside a server that runs on this machine the generator leaves it half of the cores.
        let cores = match pinned.len() {
            0 => self.allowed.len() / 2,
            pinned => pinned,
        };
        Ok(Placement {
            target,
            pinned,
            cores: u16::try_from(cores.max(1)).unwrap_or(u16::MAX),
        })
    }

    fn running(&self) -> Result<Target, Refusal> {
        let about_a_spawned_one = [
            ("--server-cores", self.server_cores.is_some()),
            ("--server-shards", self.server_shards.is_some()),
            ("--server-bin", self.server_bin.is_some()),
            ("--server-args", self.server_args.is_some()),
            ("--socket", self.socket.is_some()),
        ];
        if let Some((flag, _)) = about_a_spawned_one.into_iter().find(|(_, given)| *given) {
            return Err(Refusal::WithoutSpawn { flag });
        }
        let address = match (&self.address, &self.connect) {
            (Some(_), Some(_)) => return Err(Refusal::TwoAddresses),
            (Some(address), None) | (None, Some(address)) => address.clone(),
            (None, None) => ADDRESS.to_owned(),
        };
        let pid = self.pid;
        Ok(Target::Running { address, pid })
    }

    /// The server, and the cores that it leaves.
    fn spawned(&self) -> Result<(Target, Vec<usize>), Refusal> {
        let about_a_running_one = [
            ("the address", self.address.is_some()),
            ("--connect", self.connect.is_some()),
            ("--pid", self.pid.is_some()),
        ];
        if let Some((flag, _)) = about_a_running_one.into_iter().find(|(_, given)| *given) {
            return Err(Refusal::WithSpawn { flag });
        }
        let first = self.allowed.first().copied().unwrap_or(0);
        let cores = self.server_cores.clone().unwrap_or_else(|| vec![first]);
        let shards = match self.server_shards {
            Some(0) => {
                return Err(Refusal::Zero {
                    flag: "--server-shards",
                });
            }
            Some(shards) => shards,
            None => u16::try_from(cores.len()).unwrap_or(u16::MAX),
        };
        let left = self.allowed.iter().filter(|core| !cores.contains(core));
        let left = left.copied().collect();
        let words = self.server_args.as_deref().unwrap_or("").split_whitespace();
        let target = Target::Spawned {
            cores,
            shards,
            program: self.server_bin.clone(),
            arguments: words.map(str::to_owned).collect(),
            socket: self.socket.unwrap_or_default(),
        };
        Ok((target, left))
    }

    fn check_cores(&self, flag: &'static str, cores: Option<&[usize]>) -> Result<(), Refusal> {
        let mut asked = cores.unwrap_or(&[]).iter();
        match asked.find(|core| !self.allowed.contains(core)) {
            None => Ok(()),
            Some(core) => Err(Refusal::NoSuchCore {
                flag,
                core: *core,
                allowed: locker::config::units::show_cpus(&self.allowed),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(change: impl FnOnce(&mut TargetAsked)) -> TargetAsked {
        let mut asked = TargetAsked {
            allowed: vec![0, 1, 2, 3],
            ..TargetAsked::default()
        };
        change(&mut asked);
        asked
    }

    fn refused(change: impl FnOnce(&mut TargetAsked)) -> Refusal {
        asked(change).check().expect_err("it is refused")
    }

    #[test]
    fn flags_of_a_spawned_server_need_one() {
        let without = |flag| Refusal::WithoutSpawn { flag };
        let cores = refused(|a| a.server_cores = Some(vec![0]));
        assert_eq!(cores, without("--server-cores"));
        let shards = refused(|a| a.server_shards = Some(1));
        assert_eq!(shards, without("--server-shards"));
        let bin = refused(|a| a.server_bin = Some("x".to_owned()));
        assert_eq!(bin, without("--server-bin"));
        let args = refused(|a| a.server_args = Some("x".to_owned()));
        assert_eq!(args, without("--server-args"));
        let socket = refused(|a| a.socket = Some(Socket::Unix));
        assert_eq!(socket, without("--socket"));
    }

    #[test]
    fn a_spawned_server_has_no_address_and_no_pid_of_the_users() {
        let with = |flag| Refusal::WithSpawn { flag };
        let pid = refused(|a| (a.spawn, a.pid) = (true, Some(1)));
        assert_eq!(pid, with("--pid"));
        let connect = refused(|a| (a.spawn, a.connect) = (true, Some("x:1".to_owned())));
        assert_eq!(connect, with("--connect"));
        let address = refused(|a| (a.spawn, a.address) = (true, Some("x:1".to_owned())));
        assert_eq!(address, with("the address"));
        let shards = refused(|a| (a.spawn, a.server_shards) = (true, Some(0)));
        let flag = "--server-shards";
        assert_eq!(shards, Refusal::Zero { flag });
    }

    #[test]
    fn one_address_is_enough() {
        let refusal = refused(|a| {
            a.address = Some("x:1".to_owned());
            a.connect = Some("x:1".to_owned());
        });
        assert_eq!(refusal, Refusal::TwoAddresses);
    }

    #[test]
    fn cores_that_the_process_may_not_use_are_refused() {
        let refusal = refused(|a| a.cores = Some(vec![1, 9]));
        let expected = Refusal::NoSuchCore {
            flag: "--cores",
            core: 9,
            allowed: "0-3".to_owned(),
        };
        assert_eq!(refusal, expected);
    }

    #[test]
    fn a_spawned_server_has_the_first_core_and_the_generator_the_others() {
        let placement = asked(|a| a.spawn = true).check().expect("it is fine");
        let Target::Spawned { cores, shards, .. } = placement.target else {
            panic!("it is spawned");
        };
        assert_eq!((cores, shards), (vec![0], 1));
        assert_eq!((placement.pinned, placement.cores), (vec![1, 2, 3], 3));
    }

    #[test]
    fn on_one_core_the_generator_is_not_pinned() {
        let alone = asked(|a| (a.spawn, a.allowed) = (true, vec![5]));
        let placement = alone.check().expect("it is fine");
        assert_eq!((placement.pinned, placement.cores), (vec![], 1));
    }

    #[test]
    fn beside_a_server_that_runs_the_generator_takes_half_of_the_cores() {
        let placement = asked(|_| {}).check().expect("it is fine");
        let address = ADDRESS.to_owned();
        let target = Target::Running { address, pid: None };
        assert_eq!(placement.target, target);
        assert_eq!((placement.pinned, placement.cores), (vec![], 2));
    }
}
