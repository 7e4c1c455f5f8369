//! The server's half of the model: runs, the record, the window, grants.

use super::{DEFAULT, Down, Fault, GRANTS, Restart, Rival, Server, State, TTL, Token, Up, Who};

/// The server.
impl State {
    pub(super) fn start(&mut self, model: &Restart) -> bool {
        if self.server.is_some() || self.record.epoch >= model.runs {
            return false;
        }
        self.record.epoch += 1;
        let bound = self.record.bound;
        let length = match model.has(Fault::ShortWindow) {
            true => bound / 2,
            false => bound,
        };
        let window_left = self.record.dirty.then_some(length);
        if window_left.is_none() {
            self.record.floor = self.record.epoch;
            self.record.bound = DEFAULT;
        }
        self.server = Some(Server {
            epoch: self.record.epoch,
            session: None,
            opening: false,
            late: false,
            holder: None,
            waiters: Vec::new(),
            window_left,
            floor_written: window_left.is_none(),
            count: 0,
        });
        true
    }

    pub(super) fn crash(&mut self) -> bool {
        let was_up = self.server.take().is_some();
        if was_up {
            let client = &mut self.client;
            client.up.clear();
            client.cut |= client.session.is_some() || client.asked.is_some();
            self.rival = Rival::Idle;
        }
        was_up
    }

    /// A stop in order: clean if nothing is held and no window is open.
    pub(super) fn stop(&mut self, model: &Restart) -> bool {
        let Some(server) = &self.server else {
            return false;
        };
        let held = server.holder.is_some() && !model.has(Fault::CleanWithHold);
        if !held && server.window_left.is_none() && server.floor_written {
            self.record.dirty = false;
        }
        self.crash()
    }

    pub(super) fn receive(&mut self, model: &Restart) -> bool {
        let Some(server) = &mut self.server else {
            return false;
        };
        if self.client.up.is_empty() {
            return false;
        }
        let up = self.client.up.remove(0);
        if up == Up::Open {
            server.opening = true;
            return true;
        }
        let Some(left) = &mut server.session else {
            self.say(Down::NoSession);
            return true;
        };
        // Any byte is a sign of life.
        *left = TTL;
        match up {
            Up::Open => {}
            Up::Ping => self.say(Down::Pong),
            Up::Acquire => {
                server.waiters.push(Who::Client);
                self.grant(model);
            }
            Up::Release { token } => {
                if server.holder == Some((Who::Client, token)) {
                    server.holder = None;
                }
                self.say(Down::Released);
                self.grant(model);
            }
            Up::Reclaim { token, run, is_own } => {
                self.reclaim_asked(model.frozen, (token, run), is_own)
            }
        }
        true
    }

    pub(super) fn reclaim_asked(&mut self, frozen: bool, (token, run): (Token, u8), is_own: bool) {
        let floor = self.record.floor;
        let server = self.server.as_mut().expect("it received this");
        let in_window = server.window_left.is_some();
        let wins = server.holder.is_none_or(|(_, other)| other < token);
        if !in_window || run < floor || !wins {
            self.say(Down::Refused);
            return;
        }
        server.holder = Some((Who::Client, token));
        // A client whose clock stood still may come back behind a grant of the same run: there only
        // tokens protect. Behind one of a later run the floor stands.
        let is_behind = match frozen {
            true => run < self.top / GRANTS,
            false => token < self.top,
        };
        if is_behind {
            self.fault = Some("no hold comes back behind a later grant");
        }
        self.say(Down::Reclaimed { token, is_own });
    }

    /// The greeting needs its TTL durable first; by fault it leaves before that.
    pub(super) fn durable(&mut self) -> bool {
        let Some(server) = &mut self.server else {
            return false;
        };
        let wanted = server.opening || server.late;
        let is_durable = self.record.dirty && self.record.bound >= TTL;
        if !wanted || is_durable {
            return false;
        }
        server.late = false;
        self.record.dirty = true;
        self.record.bound = self.record.bound.max(TTL);
        true
    }

    pub(super) fn greet(&mut self, model: &Restart) -> bool {
        let Some(server) = &mut self.server else {
            return false;
        };
        let is_durable = self.record.dirty && self.record.bound >= TTL;
        if !server.opening || !(is_durable || model.has(Fault::LateBound)) {
            return false;
        }
        server.opening = false;
        server.late = !is_durable;
        server.session = Some(TTL);
        let run = server.epoch;
        self.say(Down::HelloOk { run });
        true
    }

    pub(super) fn expire(&mut self, model: &Restart) -> bool {
        let Some(server) = &mut self.server else {
            return false;
        };
        if server.session != Some(0) {
            return false;
        }
        server.session = None;
        server.waiters.retain(|waiter| *waiter != Who::Client);
        if server.holder.is_some_and(|(who, _)| who == Who::Client) {
            server.holder = None;
        }
        self.say(Down::NoSession);
        self.grant(model);
        true
    }

    /// The window's end makes the floor durable, and lets the bound fall to what this run granted.
    pub(super) fn floor(&mut self, model: &Restart) -> bool {
        let Some(server) = &mut self.server else {
            return false;
        };
        let late = model.has(Fault::LateFloor);
        let due = match late {
            true => server.window_left.is_none() && server.count > 0,
            false => server.window_left == Some(0),
        };
        if !due || server.floor_written {
            return false;
        }
        server.floor_written = true;
        if !model.has(Fault::NoFloor) {
            self.record.floor = server.epoch;
        }
        let has_long = server.session.is_some() || server.opening;
        if !late {
            self.record.bound = if has_long { TTL } else { DEFAULT };
        }
        true
    }

    pub(super) fn open_keys(&mut self, model: &Restart) -> bool {
        let late = model.has(Fault::LateFloor);
        let Some(server) = &mut self.server else {
            return false;
        };
        if server.window_left != Some(0) || !(server.floor_written || late) {
            return false;
        }
        server.window_left = None;
        self.grant(model);
        true
    }

    pub(super) fn grant(&mut self, model: &Restart) {
        let Some(server) = &mut self.server else {
            return;
        };
        let closed = server.window_left.is_some();
        if closed || server.holder.is_some() || server.waiters.is_empty() {
            return;
        }
        let who = server.waiters.remove(0);
        let epoch = match model.has(Fault::SameEpoch) {
            true => 1,
            false => server.epoch,
        };
        let token = epoch * GRANTS + server.count;
        server.count += 1;
        server.holder = Some((who, token));
        if token <= self.top {
            self.fault = Some("tokens grow");
        }
        self.top = self.top.max(token);
        match who {
            Who::Client => self.say(Down::Granted { token }),
            Who::Rival => self.rival = Rival::Holds,
        }
    }

    pub(super) fn rival_acquires(&mut self, model: &Restart) -> bool {
        let Some(server) = &mut self.server else {
            return false;
        };
        if self.rival != Rival::Idle || self.rival_left == 0 {
            return false;
        }
        self.rival_left -= 1;
        self.rival = Rival::Waits;
        server.waiters.push(Who::Rival);
        self.grant(model);
        true
    }

    pub(super) fn rival_releases(&mut self, model: &Restart) -> bool {
        let Some(server) = &mut self.server else {
            return false;
        };
        if self.rival != Rival::Holds {
            return false;
        }
        self.rival = Rival::Idle;
        server.holder = None;
        self.grant(model);
        true
    }

    pub(super) fn say(&mut self, down: Down) {
        let client = &mut self.client;
        if !client.cut {
            client.down.push(down);
        }
    }
}
