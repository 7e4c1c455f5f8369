//! Networks of our own: the server on one island, clients on others, a pair of virtual links
//! between each and the server's.
//!
//! ```text
//!   island 0: clients --- 10.77.1.2 ===== 10.77.1.1 --+
//!   island 1: clients --- 10.77.2.2 ===== 10.77.2.1 --+-- 10.77.0.1 server
//! ```
//!
//! Each island is a network namespace, so its addresses, ports and packet filters are its own and
//! need not be free anywhere else. All go when this is dropped, after a panic too; those of a
//! harness that was killed are removed by the next one.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::process::run;
use crate::trouble::Trouble;

/// Names of all our namespaces begin with this and the id of the process that made them.
const PREFIX: &str = "locker-faults-";

/// Where the server listens, on its island.
const SERVER: &str = "10.77.0.1";

/// The link of an island, on it.
const LINK: &str = "sea";

/// What happens to the packets between an island and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// They vanish, both ways.
    BlackHole,
    /// Those to the server vanish.
    Up,
    /// Those from the server vanish.
    Down,
    /// Those to the server are answered by a reset: the server hears nothing of it.
    RejectUp,
    /// Those from the server are answered by a reset: the client hears nothing of it.
    RejectDown,
    /// The link is down.
    LinkDown,
}

impl Cut {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::BlackHole,
        Self::Up,
        Self::Down,
        Self::RejectUp,
        Self::RejectDown,
        Self::LinkDown,
    ];

    /// What it is called in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BlackHole => "packets dropped both ways",
            Self::Up => "packets to the server dropped",
            Self::Down => "packets from the server dropped",
            Self::RejectUp => "packets to the server reset",
            Self::RejectDown => "packets from the server reset",
            Self::LinkDown => "link down",
        }
    }

    /// Chains of the packet filter, on the clients' side.
    fn rules(self) -> Option<String> {
        let chain = |hook: &str, verdict: &str| {
            format!(
                "add chain inet faults {hook} {{ type filter hook {hook} priority 0; }}; \
                 add rule inet faults {hook} meta l4proto tcp {verdict};"
            )
        };
        let chains = match self {
            Self::BlackHole => chain("input", "drop") + &chain("output", "drop"),
            Self::Up => chain("output", "drop"),
            Self::Down => chain("input", "drop"),
            Self::RejectUp => chain("output", "reject with tcp reset"),
            Self::RejectDown => chain("input", "reject with tcp reset"),
            Self::LinkDown => return None,
        };
        Some(format!("add table inet faults; {chains}"))
    }
}

/// The islands of a round.
#[derive(Debug)]
pub struct Islands {
    server: Namespace,
    clients: Vec<Namespace>,
}

impl Islands {
    /// The server's island, and so many others. Needs root, `ip` and `nft`.
    ///
    /// # Errors
    /// The system refuses.
    pub fn make(count: usize) -> Result<Self, Trouble> {
        remove_those_left()?;
        let server = Namespace::make()?;
        server.ip(&["link", "set", "lo", "up"])?;
        server.ip(&["address", "add", &format!("{SERVER}/32"), "dev", "lo"])?;
        let clients = (1..=count).map(|number| {
            let (island, far) = (Namespace::make()?, format!("to-{number}"));
            let near = ["link", "add", LINK, "type", "veth", "peer", "name", &far];
            island.ip(&[&near[..], &["netns", &server.0]].concat())?;
            let address = |host: u8| format!("10.77.{number}.{host}/30");
            server.ip(&["address", "add", &address(1), "dev", &far])?;
            server.ip(&["link", "set", &far, "up"])?;
            island.ip(&["address", "add", &address(2), "dev", LINK])?;
            island.link_up(number)?;
            Ok(island)
        });
        Ok(Self {
            clients: clients.collect::<Result<_, Trouble>>()?,
            server,
        })
    }

    /// Where the server is to listen.
    #[must_use]
    pub fn listen(&self) -> String {
        format!("{SERVER}:0")
    }

    /// The command in front of the server's.
    #[must_use]
    pub fn server_prefix(&self) -> Vec<OsString> {
        self.server.prefix()
    }

    /// The command in front of a worker's, of an island counted from 0.
    #[must_use]
    pub fn client_prefix(&self, island: usize) -> Vec<OsString> {
        self.clients[island].prefix()
    }

    /// Cuts an island off.
    ///
    /// # Errors
    /// The system refuses.
    pub fn cut(&self, island: usize, cut: Cut) -> Result<(), Trouble> {
        let island = &self.clients[island];
        match cut.rules() {
            Some(rules) => island.nft(&rules),
            None => island.ip(&["link", "set", LINK, "down"]),
        }
    }

    /// Undoes a cut.
    ///
    /// # Errors
    /// The system refuses, or there was no such cut.
    pub fn heal(&self, island: usize, cut: Cut) -> Result<(), Trouble> {
        let namespace = &self.clients[island];
        match cut {
            Cut::LinkDown => namespace.link_up(island + 1),
            _ => namespace.nft("delete table inet faults"),
        }
    }
}

/// A network namespace, removed when dropped.
#[derive(Debug)]
struct Namespace(String);

impl Namespace {
    fn make() -> Result<Self, Trouble> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{count}", std::process::id());
        run("ip", &["netns", "add", &name])?;
        Ok(Self(name))
    }

    fn prefix(&self) -> Vec<OsString> {
        ["ip", "netns", "exec", &self.0]
            .map(OsString::from)
            .to_vec()
    }

    fn ip(&self, arguments: &[&str]) -> Result<(), Trouble> {
        run("ip", &[&["-netns", &self.0], arguments].concat()).map(drop)
    }

    fn nft(&self, script: &str) -> Result<(), Trouble> {
        run("ip", &["netns", "exec", &self.0, "nft", script]).map(drop)
    }

    /// A link that goes down takes its routes along.
    fn link_up(&self, number: usize) -> Result<(), Trouble> {
        self.ip(&["link", "set", LINK, "up"])?;
        let gateway = format!("10.77.{number}.1");
        self.ip(&["route", "replace", SERVER, "via", &gateway])
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Nothing can be done about one that stays; the next harness tries again.
        let _ = run("ip", &["netns", "delete", &self.0]);
    }
}

/// Removes the namespaces of harnesses that are gone.
fn remove_those_left() -> Result<(), Trouble> {
    let names = run("ip", &["netns", "list"])?;
    let names = names.lines().filter_map(|line| line.split(' ').next());
    for name in names.filter(|name| is_left(name)) {
        // Another harness may do the same at this moment.
        let _ = run("ip", &["netns", "delete", name]);
    }
    Ok(())
}

/// Whether a namespace is ours and its process is gone.
fn is_left(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX);
    let pid = rest.and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
    pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_namespaces_of_processes_that_are_gone_are_left() {
        let own = std::process::id();
        assert!(!is_left(&format!("{PREFIX}{own}-0")));
        // Above the greatest id that the kernel gives.
        assert!(is_left(&format!("{PREFIX}4194999-7")));
        assert!(!is_left("somebody-else"));
        assert!(!is_left(&format!("{PREFIX}x-0")));
    }

    #[test]
    fn a_cut_of_one_direction_has_one_chain() {
        let chains = |cut: Cut| {
            cut.rules()
                .map_or(0, |rules| rules.matches("add chain").count())
        };
        assert_eq!(Cut::ALL.map(chains), [2, 1, 1, 1, 1, 0]);
    }
}
