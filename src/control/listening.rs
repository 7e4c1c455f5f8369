//! The sockets of a server: bound at first, listening once the start is durable.
//!
//! But Unix sockets listen at once, see [`crate::net::unix`]; nobody is answered before the shards
//! run.

use crate::config::address::UnixName;
use crate::config::table::{LISTEN, SHARD_PORT_BASE};
use crate::config::{Address, Config, ShardPorts};
use crate::control::failure::Failure;
use crate::lock::op::ShardId;
use crate::net::acceptor::{Deal, Listener as Socket};
use crate::net::listen;
use crate::net::unix::{self, SocketFile};
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

/// How long a start waits for its port, and how often it looks.
const PORT_PATIENCE: Duration = Duration::from_secs(1);
const PORT_PAUSE: Duration = Duration::from_millis(20);

/// All sockets that a server listens on. Dropped, the files of Unix sockets are removed.
#[derive(Debug, Default)]
pub struct Listening {
    sockets: Vec<Socket>,
    /// Sockets of TCP: index, address, and the setting that asks for it.
    bound: Vec<(usize, SocketAddr, &'static str)>,
    files: Vec<SocketFile>,
    addresses: Vec<Address>,
    shard_ports: Vec<u16>,
}

impl Listening {
    /// Binds all addresses: who is in the way is found before anything durable is written.
    ///
    /// Fixed ports come before those that the system chooses, which would be chosen among them.
    ///
    /// # Errors
    /// What the system says, for the first address that cannot be bound.
    pub fn bind(config: &Config) -> Result<Self, Failure> {
        let mut listening = Self::default();
        let fixed = |ports: &&ShardPorts| ports.base > 0;
        if let Some(ports) = config.shard_ports.as_ref().filter(fixed) {
            listening.bind_shards(ports, config.shards)?;
        }
        for listener in &config.listen {
            let address = match &listener.address {
                Address::Tcp(address) => {
                    let deal = Deal::Fewest;
                    Address::Tcp(listening.bind_tcp(*address, listener.admin, deal, LISTEN.name)?)
                }
                Address::Unix(name) => {
                    listening.listen_unix(name, config.listen_mode, listener.admin)?;
                    listener.address.clone()
                }
            };
            listening.addresses.push(address);
        }
        if let Some(ports) = config.shard_ports.as_ref().filter(|ports| !fixed(ports)) {
            listening.bind_shards(ports, config.shards)?;
        }
        Ok(listening)
    }

    /// Lets clients in; they wait until the shards run.
    ///
    /// # Errors
    /// Another process listened first.
    pub fn start(&self) -> Result<(), Failure> {
        for &(index, address, setting) in &self.bound {
            let started = listen::start(&self.sockets[index]);
            started.map_err(|source| failure(Address::Tcp(address), setting, source))?;
        }
        Ok(())
    }

    /// The common addresses in the order given, each with the port that it has.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The port of each shard, or none.
    #[must_use]
    pub fn shard_ports(&self) -> &[u16] {
        &self.shard_ports
    }

    /// Moves the sockets out, for the acceptor.
    #[must_use]
    pub fn take_sockets(&mut self) -> Vec<Socket> {
        self.bound.clear();
        std::mem::take(&mut self.sockets)
    }

    /// Binds the ports of single shards. One that the system chose at the first place is taken at
    /// the others too: a client finds it at whatever address it knows.
    fn bind_shards(&mut self, ports: &ShardPorts, shards: usize) -> Result<(), Failure> {
        for shard in 0..shards {
            let deal = Deal::To(ShardId(u8::try_from(shard).expect("at most 256 shards")));
            let mut port = ports.port(shard);
            for place in &ports.places {
                let mut address = place.address;
                address.set_port(port);
                let bound = self.bind_tcp(address, place.admin, deal, SHARD_PORT_BASE.name)?;
                port = bound.port();
            }
            self.shard_ports.push(port);
        }
        Ok(())
    }

    /// Binds; the address with its port.
    fn bind_tcp(
        &mut self,
        address: SocketAddr,
        admin: bool,
        deal: Deal,
        setting: &'static str,
    ) -> Result<SocketAddr, Failure> {
        let failed = |source| failure(Address::Tcp(address), setting, source);
        let socket = once_free(|| listen::bind(address, admin, deal)).map_err(failed)?;
        let bound = socket.address().map_err(failed)?;
        self.bound.push((self.sockets.len(), bound, setting));
        self.sockets.push(socket);
        Ok(bound)
    }

    fn listen_unix(&mut self, name: &UnixName, mode: u32, admin: bool) -> Result<(), Failure> {
        let listening = once_free(|| unix::listen(name, mode, admin));
        let listening = listening
            .map_err(|source| failure(Address::Unix(name.clone()), LISTEN.name, source))?;
        self.sockets.push(listening.listener);
        self.files.extend(listening.file);
        Ok(())
    }
}

fn failure(address: Address, setting: &'static str, source: io::Error) -> Failure {
    Failure::Listen {
        address,
        setting,
        source,
    }
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
