//! The client's thread: connects, reads, writes; as the library's own front does.

use super::tap::Wire;
use super::{Around, Player};
use crate::agenda::{LinkId, Side};
use crate::moment::Moment;
use crate::network::Found;
use crate::observed::Observed;

/// How long a connection may take to be made.
const CONNECT_US_MAX: u64 = 1_000_000;
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;
/// The first wait after a failure, and the longest.
const BACKOFF_US: (u64, u64) = (20_000, 500_000);

/// How far the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Down { retry_at: Moment },
    Connecting { link: LinkId, give_up_at: Moment },
    Up(LinkId),
}

impl Player {
    pub(super) fn link_wakes_at(&self) -> Moment {
        match self.link {
            Link::Down { retry_at } if self.machine.wants_connection() => retry_at,
            Link::Connecting { give_up_at, .. } => give_up_at,
            Link::Down { .. } | Link::Up(_) => Moment::NEVER,
        }
    }

    /// The server's answer to the first packet came.
    pub fn opened(&mut self, link: LinkId, taken: bool, around: &mut Around<'_>) {
        if !matches!(self.link, Link::Connecting { link: wanted, .. } if wanted == link) {
            return;
        }
        if !taken {
            self.fail(around);
        } else if self.machine.wants_connection() {
            self.link = Link::Up(link);
            self.tap.reset();
            self.machine.connected(self.now(around.now));
        }
        self.settle(around);
    }

    /// Leaves a sound connection for another; what is under way on it still arrives.
    pub fn reconnect(&mut self, around: &mut Around<'_>) {
        let Link::Up(link) = self.link else {
            return;
        };
        // Mostly the server hears of the end only after the new connection.
        if self.dice.one_in(3) {
            around
                .network
                .close(link, Side::Client, around.now, around.agenda);
        }
        self.drop_link(around, around.now);
        self.settle(around);
    }

    /// One round: connect if due, read, see to what is due.
    pub(super) fn run_front(&mut self, around: &mut Around<'_>) {
        match self.link {
            Link::Down { retry_at } => {
                if retry_at <= around.now && self.machine.wants_connection() {
                    let client = self.who.client;
                    let link = around.network.connect(client, around.now, around.agenda);
                    let give_up_at = around.now.plus(CONNECT_US_MAX);
                    self.link = Link::Connecting { link, give_up_at };
                }
            }
            Link::Connecting { link, give_up_at } => {
                if give_up_at <= around.now {
                    around
                        .network
                        .close(link, Side::Client, around.now, around.agenda);
                    self.fail(around);
                }
            }
            Link::Up(link) => self.read(link, around),
        }
        let now = self.now(around.now);
        let due = self.machine.next_deadline().is_some_and(|at| at <= now);
        if due && self.machine.handle_timeout(now).is_err() {
            self.fail(around);
        }
    }

    fn read(&mut self, link: LinkId, around: &mut Around<'_>) {
        if self.deaf_until > around.now {
            return;
        }
        let most = match self.dice.one_in(8) {
            true => 1 + self.dice.index(40),
            false => READ_BYTES,
        };
        let found = around
            .network
            .read(link, Side::Client, most, around.now, around.agenda);
        match found {
            Found::Nothing => {}
            Found::Bytes(bytes) => {
                let wire = self.wire(link, around);
                self.tap.hears(wire, &bytes, around.seen);
                let now = self.now(around.now);
                if self.machine.received(now, &bytes).is_err() {
                    return self.fail(around);
                }
                if self.machine.is_attached() {
                    self.failures = 0;
                }
                if around.network.is_readable(link, Side::Client) {
                    self.plan_wake(around.now.plus(1), around.agenda);
                }
            }
            Found::End | Found::Broken => self.fail(around),
        }
    }

    /// Writes what the machine says, as far as there is room.
    pub(super) fn send(&mut self, around: &mut Around<'_>) {
        let Link::Up(link) = self.link else {
            return;
        };
        if self.machine.has_output() {
            let mut bytes = Vec::new();
            self.machine.take_output(&mut bytes);
            let wire = self.wire(link, around);
            self.tap.sends(wire, &bytes, around.seen);
            self.unsent.extend(bytes);
        }
        if self.unsent.is_empty() {
            return;
        }
        let (now, agenda) = (around.now, &mut *around.agenda);
        match around
            .network
            .send(link, Side::Client, &self.unsent, now, agenda)
        {
            Some(count) => drop(self.unsent.drain(..count)),
            None => self.fail(around),
        }
    }

    fn wire<'a>(&self, link: LinkId, around: &Around<'a>) -> Wire<'a> {
        Wire {
            who: self.who,
            link,
            keys: &around.plan.keys,
        }
    }

    /// The connection is of no more use: another is made after a wait that grows.
    fn fail(&mut self, around: &mut Around<'_>) {
        if let Link::Up(link) = self.link {
            around
                .network
                .close(link, Side::Client, around.now, around.agenda);
        }
        self.failures += 1;
        let (first, longest) = BACKOFF_US;
        let whole = (first << self.failures.min(10)).min(longest);
        let wait = whole / 2 + self.dice.below(whole / 2 + 1);
        self.drop_link(around, around.now.plus(wait));
    }

    fn drop_link(&mut self, around: &mut Around<'_>, retry_at: Moment) {
        self.machine.disconnected();
        self.unsent.clear();
        self.link = Link::Down { retry_at };
        around.seen.push(Observed::Detached { who: self.who });
    }
}
