//! Where to listen: the common addresses, and the ports of single shards beside them.

use crate::config::address::Address;
use crate::config::error::ConfigError;
use crate::config::layers::Layers;
use crate::config::table as t;
use crate::limits::LISTEN_ADDRESSES_MAX;
use std::net::SocketAddr;

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The address.
    pub address: Address,
    /// Whether its clients may force-release, list locks and list sessions.
    pub admin: bool,
}

/// A port for each shard: a connection that arrives there is that shard's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardPorts {
    /// Port of shard 0, those of the others follow; 0 = the system chooses each.
    pub base: u16,
    /// Where those ports are opened: every IP address of `--listen` once.
    pub places: Vec<ShardPlace>,
}

/// An IP address at which each shard has a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardPlace {
    /// The address, with port 0.
    pub address: SocketAddr,
    /// As of the common listener at this address.
    pub admin: bool,
}

impl ShardPorts {
    /// The port asked for shard `shard`, an index; 0 = any.
    ///
    /// # Panics
    /// If there is no such shard.
    #[must_use]
    pub fn port(&self, shard: usize) -> u16 {
        match self.base {
            0 => 0,
            base => {
                let shard = u16::try_from(shard).expect("at most 256 shards");
                base.checked_add(shard).expect("the check bounds the base")
            }
        }
    }
}

/// The common listeners, in the order given.
pub(super) fn check_listen(layers: &Layers) -> Result<Vec<Listener>, ConfigError> {
    let admin = layers.choice(&t::ADMIN)?;
    let addresses = layers.addresses(&t::LISTEN)?;
    if addresses.len() > LISTEN_ADDRESSES_MAX {
        let reason = format!("are more than {LISTEN_ADDRESSES_MAX} addresses");
        return Err(layers.bad(&t::LISTEN, Some(&reason)));
    }
    let listener = |address: Address| Listener {
        admin: match admin {
            0 => address.is_loopback(),
            1 => true,
            _ => false,
        },
        address,
    };
    Ok(addresses.into_iter().map(listener).collect())
}

/// The ports of the shards, if there are to be any.
pub(super) fn check_shard_ports(
    layers: &Layers,
    listen: &[Listener],
    shards: usize,
) -> Result<Option<ShardPorts>, ConfigError> {
    let Some(base) = layers.number_or_none(&t::SHARD_PORT_BASE)? else {
        return Ok(None);
    };
    let base = u16::try_from(base).expect("the table bounds ports");
    let above = u16::try_from(shards - 1).expect("at most 256 shards");
    let refused = |reason: String| Err(layers.bad(&t::SHARD_PORT_BASE, Some(&reason)));
    let places = places(listen);
    if places.is_empty() {
        return refused("ports are of IP addresses, and --listen has none".to_owned());
    }
    let Some(last) = base.checked_add(above) else {
        let most = u16::MAX - above;
        return refused(format!(
            "ports end at 65535, and {shards} shards take one each: give {most} at most"
        ));
    };
    // Each of these ports is opened at every address: one of them taken there is taken for all.
    let ports = tcp(listen).map(|place| place.address.port());
    let mut taken = ports.filter(|port| base > 0 && (base..=last).contains(port));
    if let Some(port) = taken.next() {
        return refused(format!(
            "{shards} shards take the ports {base} to {last}, and {port} is one of --listen: \
             give a base above it, or one {shards} below it"
        ));
    }
    Ok(Some(ShardPorts { base, places }))
}

/// The IP addresses, with their ports.
fn tcp(listen: &[Listener]) -> impl Iterator<Item = ShardPlace> {
    listen.iter().filter_map(|listener| match listener.address {
        Address::Tcp(address) => Some(ShardPlace {
            address,
            admin: listener.admin,
        }),
        Address::Unix(_) => None,
    })
}

/// Each IP address once, with port 0; none that an address for all of its family covers.
fn places(listen: &[Listener]) -> Vec<ShardPlace> {
    let for_all = |family_of: SocketAddr| {
        tcp(listen).any(|other| {
            other.address.ip().is_unspecified() && other.address.is_ipv4() == family_of.is_ipv4()
        })
    };
    let mut places: Vec<ShardPlace> = Vec::new();
    for mut place in tcp(listen) {
        place.address.set_port(0);
        let covered = for_all(place.address) && !place.address.ip().is_unspecified();
        if !covered && !places.contains(&place) {
            places.push(place);
        }
    }
    places
}
