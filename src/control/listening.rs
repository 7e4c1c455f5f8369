//! The sockets of a server: bound at first, listening once the start is durable.

use crate::config::table::{LISTEN, SHARD_PORT_BASE};
use crate::config::{Config, Listener, ShardPorts};
use crate::control::failure::Failure;
use crate::lock::op::ShardId;
use crate::net::acceptor::{Deal, Listener as Socket};
use crate::net::listen;
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

/// How long a start waits for its port, and how often it looks.
const PORT_PATIENCE: Duration = Duration::from_secs(1);
const PORT_PAUSE: Duration = Duration::from_millis(20);

/// All sockets that a server listens on.
#[derive(Debug)]
pub struct Listening {
    bound: Vec<Bound>,
    addresses: Vec<SocketAddr>,
    shard_ports: Vec<u16>,
}

#[derive(Debug)]
struct Bound {
    socket: Socket,
    address: SocketAddr,
    setting: &'static str,
}

impl Listening {
    /// Binds all addresses: who is in the way is found before anything durable is written.
    ///
    /// Fixed ports come before those that the system chooses, which would be chosen among them.
    ///
    /// # Errors
    /// What the system says, for the first address that cannot be bound.
    pub fn bind(config: &Config) -> Result<Self, Failure> {
        let mut bound = Vec::new();
        let mut shard_ports = Vec::new();
        let fixed = |ports: &&ShardPorts| ports.base > 0;
        if let Some(ports) = config.shard_ports.as_ref().filter(fixed) {
            shard_ports = bind_shards(ports, config.shards, &mut bound)?;
        }
        let addresses = bind_common(&config.listen, &mut bound)?;
        if let Some(ports) = config.shard_ports.as_ref().filter(|ports| !fixed(ports)) {
            shard_ports = bind_shards(ports, config.shards, &mut bound)?;
        }
        Ok(Self {
            bound,
            addresses,
            shard_ports,
        })
    }

    /// Lets clients in; they wait until the shards run.
    ///
    /// # Errors
    /// Another process listened first.
    pub fn start(&self) -> Result<(), Failure> {
        for bound in &self.bound {
            let started = listen::start(&bound.socket);
            started.map_err(|source| failure(bound.address, bound.setting, source))?;
        }
        Ok(())
    }

    /// The common addresses in the order given, each with the port that it has.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The port of each shard, or none.
    #[must_use]
    pub fn shard_ports(&self) -> &[u16] {
        &self.shard_ports
    }

    /// The sockets, for the acceptor.
    #[must_use]
    pub fn into_sockets(self) -> Vec<Socket> {
        self.bound.into_iter().map(|bound| bound.socket).collect()
    }
}

/// Binds the common listeners; their addresses.
fn bind_common(listen: &[Listener], bound: &mut Vec<Bound>) -> Result<Vec<SocketAddr>, Failure> {
    let mut addresses = Vec::new();
    for listener in listen {
        let one = bind_one(*listener, Deal::Fewest, LISTEN.name)?;
        addresses.push(one.address);
        bound.push(one);
    }
    Ok(addresses)
}

/// Binds the ports of single shards; these ports. One that the system chose at the first place is
/// taken at the others too: a client finds it at whatever address it knows.
fn bind_shards(
    ports: &ShardPorts,
    shards: usize,
    bound: &mut Vec<Bound>,
) -> Result<Vec<u16>, Failure> {
    let mut numbers = Vec::new();
    for shard in 0..shards {
        let deal = Deal::To(ShardId(u8::try_from(shard).expect("at most 256 shards")));
        let mut port = ports.port(shard);
        for place in &ports.places {
            let mut listener = *place;
            listener.address.set_port(port);
            let one = bind_one(listener, deal, SHARD_PORT_BASE.name)?;
            port = one.address.port();
            bound.push(one);
        }
        numbers.push(port);
    }
    Ok(numbers)
}

fn bind_one(listener: Listener, deal: Deal, setting: &'static str) -> Result<Bound, Failure> {
    let failed = |source| failure(listener.address, setting, source);
    let bind = || listen::bind(listener.address, listener.admin, deal);
    let socket = once_free(bind).map_err(failed)?;
    let address = socket.address().map_err(failed)?;
    Ok(Bound {
        socket,
        address,
        setting,
    })
}

fn failure(address: SocketAddr, setting: &'static str, source: io::Error) -> Failure {
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
