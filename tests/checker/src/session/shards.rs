//! The two shards' half of the model: what travels in the lanes, and what it does.

use super::{
    Answer, Ask, Back, Down, Fault, Life, SEAT_CANCEL, SEAT_LOCK, Session, State, Stub, There, Who,
};

/// The owner shard.
impl State {
    pub(super) fn owner(&mut self, model: &Session) -> bool {
        if self.there.is_empty() {
            return false;
        }
        match self.there.remove(0) {
            There::End => {
                self.stub = Stub::Dead;
            }
            There::Request(_) if self.stub == Stub::Dead => {}
            There::Request(sent) => {
                self.stub = Stub::Known;
                self.request(model, sent.ask);
            }
        }
        true
    }

    pub(super) fn request(&mut self, model: &Session, ask: Ask) {
        match ask {
            Ask::Acquire => {
                self.waiters.push(Who::Client);
                self.grant_to(model, false);
            }
            Ask::Release { token } => {
                let answer = match self.hold == Some((Who::Client, token)) {
                    true => {
                        self.hold = None;
                        self.released = true;
                        Answer::Released
                    }
                    false => Answer::NotHeld,
                };
                self.reply(SEAT_LOCK, answer);
                self.grant(model);
            }
            Ask::Cancel { .. } => {
                if let Some(place) = self.waiters.iter().position(|who| *who == Who::Client) {
                    self.waiters.remove(place);
                    self.reply(SEAT_LOCK, Answer::Cancelled);
                } else if self.hold.is_some_and(|(who, _)| who == Who::Client)
                    && !model.has(Fault::CancelKeeps)
                {
                    self.hold = None;
                }
                self.reply(SEAT_CANCEL, Answer::CancelDone);
                self.grant(model);
            }
        }
    }

    pub(super) fn reply(&mut self, seat: usize, answer: Answer) {
        let seat = u8::from(seat == SEAT_CANCEL);
        self.back.push(Back::Answer { seat, answer });
    }

    /// Grants from the head, passing over those whose session died.
    pub(super) fn grant(&mut self, model: &Session) {
        self.grant_to(model, true);
    }

    /// `queued`: whoever is granted had to wait.
    pub(super) fn grant_to(&mut self, model: &Session, queued: bool) {
        let is_dead = self.stub == Stub::Dead && !model.has(Fault::DyingWaiter);
        if is_dead && self.hold.is_some_and(|(who, _)| who == Who::Client) {
            // Met by a request: it ends on the spot.
            self.hold = None;
        }
        if self.hold.is_some() {
            return;
        }
        let alive = |who: &Who| *who == Who::Rival || !is_dead;
        let Some(place) = self.waiters.iter().position(alive) else {
            return;
        };
        let who = self.waiters.remove(place);
        self.tokens += 1;
        self.hold = Some((who, self.tokens));
        if who == Who::Client {
            self.grants += 1;
            let token = self.tokens;
            if !(model.has(Fault::GrantDropped) && queued) {
                self.reply(SEAT_LOCK, Answer::Granted { token });
            }
        }
    }

    pub(super) fn sweep(&mut self, model: &Session) -> bool {
        if self.stub != Stub::Dead {
            return false;
        }
        if !model.has(Fault::DyingWaiter) {
            self.waiters.retain(|who| *who != Who::Client);
        }
        if self.hold.is_some_and(|(who, _)| who == Who::Client) {
            self.hold = None;
        }
        self.grant(model);
        self.stub = Stub::Unknown;
        self.back.push(Back::Gone);
        true
    }

    pub(super) fn lease_ends(&mut self, model: &Session) -> bool {
        let Some((Who::Client, token)) = self.hold else {
            return false;
        };
        self.hold = None;
        if self.stub == Stub::Known {
            self.back.push(Back::Lost { token });
        }
        self.grant(model);
        true
    }

    pub(super) fn rival_acquires(&mut self, model: &Session) -> bool {
        if self.rival_left == 0 || self.waiters.contains(&Who::Rival) {
            return false;
        }
        if self.hold.is_some_and(|(who, _)| who == Who::Rival) {
            return false;
        }
        self.rival_left -= 1;
        self.waiters.push(Who::Rival);
        self.grant(model);
        true
    }

    pub(super) fn rival_releases(&mut self, model: &Session) -> bool {
        let is_rivals = self.hold.is_some_and(|(who, _)| who == Who::Rival);
        if is_rivals {
            self.hold = None;
            self.grant(model);
        }
        is_rivals
    }
}

/// The home shard.
impl State {
    pub(super) fn home(&mut self) -> bool {
        if self.back.is_empty() {
            return false;
        }
        match self.back.remove(0) {
            Back::Answer { seat, answer } => {
                let at = usize::from(seat);
                self.seats[at].answer = Some(answer);
                let sequence = self.seats[at].sequence;
                self.write(Down::Answer {
                    seat,
                    sequence,
                    answer,
                });
            }
            Back::Lost { token } => {
                let record = &mut self.seats[SEAT_LOCK].answer;
                if *record == Some(Answer::Granted { token }) {
                    *record = Some(Answer::Lost);
                }
                self.write(Down::Lost { token });
            }
            Back::Gone => self.life = Life::Gone,
        }
        true
    }

    /// To the connection, if the session has one that is whole.
    pub(super) fn write(&mut self, down: Down) {
        let is_current = self.client.connected && self.client.attach == self.attach;
        if self.life == Life::Alive && self.attached && is_current {
            self.down.push(down);
        }
    }

    pub(super) fn expire(&mut self, model: &Session) -> bool {
        if self.life != Life::Alive {
            return false;
        }
        self.life = Life::Ending;
        match model.has(Fault::EndOvertakes) {
            true => self.there.insert(0, There::End),
            false => self.there.push(There::End),
        }
        self.write_end();
        true
    }

    pub(super) fn write_end(&mut self) {
        if self.client.connected && self.client.attach == self.attach {
            self.down.push(Down::NoSession);
        }
    }
}
