//! What happens because time passed: deadlines, renewals, keepalive, calls that waited too long.

use super::attach::{Broken, Transport};
use super::call::{CallId, HoldId, whole_millis};
use super::canary::{self, Canary};
use super::event::Outcome;
use super::holds::{Hold, HoldState, Standing};
use super::instant::Instant;
use super::request::{Body, RenewTo, Request};
use super::session::Session;
use super::settings::Purpose;
use super::state::Machine;
use super::timers::Timer;

impl Machine {
    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `None` = not at all.
    /// Changes with every other call.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let holds_end = self
            .session
            .as_ref()
            .filter(|_| self.holds.held_count() > 0)
            .filter(|_| self.is_attached() || !canary::is(Canary::LateGrantAccepted));
        [
            self.timers.next(),
            holds_end.map(Session::deadline),
            self.transport_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due at `now`. Bytes that have arrived are handed in before.
    ///
    /// # Errors
    /// The connection is of no more use: the server was silent too long.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Broken> {
        while let Some(timer) = self.timers.due(now) {
            match timer {
                Timer::HoldDeadline(hold) => self.lose_if_past(now, hold),
                Timer::HoldRenew(hold) => self.renew_if_due(now, hold),
                Timer::Call(call) => self.on_call_timer(now, call),
            }
        }
        if self
            .session
            .as_ref()
            .is_some_and(|session| now >= session.deadline())
        {
            for hold in self.holds.held() {
                self.lose_if_past(now, hold);
            }
        }
        if self
            .transport_deadline()
            .is_some_and(|deadline| now >= deadline)
        {
            self.on_transport_deadline(now)?;
        }
        self.flush(now);
        Ok(())
    }

    /// When the connection wants attention: the greeting is late, a keepalive is due, or late.
    fn transport_deadline(&self) -> Option<Instant> {
        match self.transport {
            Transport::Down => None,
            Transport::Greeting { sent_at } => Some(sent_at.plus(self.settings.hello_timeout)),
            Transport::Up if self.settings.purpose == Purpose::Inspect => None,
            Transport::Up => {
                let session = self.session.as_ref().expect("attached means a session");
                Some(match self.keepalive_sent_at {
                    None => session.keepalive_at(),
                    Some(sent_at) => sent_at.plus_millis(u64::from(session.keepalive_ms)),
                })
            }
        }
    }

    fn on_transport_deadline(&mut self, now: Instant) -> Result<(), Broken> {
        if self.transport == Transport::Up && self.keepalive_sent_at.is_none() {
            self.keepalive_sent_at = Some(now);
            self.queue(Request::unheard(Body::Keepalive));
            return Ok(());
        }
        self.disconnected();
        Err(Broken::Silent)
    }

    fn on_call_timer(&mut self, now: Instant, call: CallId) {
        let is_up = self.transport == Transport::Up;
        let request = self
            .requests
            .request_mut(call)
            .expect("an armed call has its request");
        let is_acquire = matches!(request.body, Body::Acquire { .. });
        if is_acquire && request.sent.is_none() && is_up {
            // All seats were used for the whole of its wait.
            self.give_up(call, Outcome::Timeout);
        } else if now < request.give_up_at {
            request.timer_at = request.give_up_at;
            let at = request.timer_at;
            self.timers.arm(at, Timer::Call(call));
        } else {
            self.give_up(call, Outcome::NoAnswer);
        }
    }

    /// A request goes out for the first time. If it is a renewal, the server may replace the lease
    /// from now on, whether its answer comes or not.
    pub(super) fn renewal_sent(&mut self, now: Instant, call: CallId) {
        let Some(Body::Renew { hold: id, to, .. }) =
            self.requests.request(call).map(|request| &request.body)
        else {
            return;
        };
        let (id, RenewTo::Lease(lease_ms)) = (*id, *to) else {
            return;
        };
        let end = self.renewed_end(now, lease_ms);
        self.change_renewals(id, |hold| {
            hold.renewals += 1;
            hold.renewing_deadline = hold.renewing_deadline.min(end);
        });
    }

    /// A renewal was answered. Only when none is left under way is the answered lease the last.
    pub(super) fn renewal_answered(&mut self, id: HoldId) {
        self.change_renewals(id, |hold| {
            hold.renewals -= 1;
            if hold.renewals == 0 {
                hold.renewing_deadline = Instant::NEVER;
            }
        });
    }

    /// The earliest end of a lease that is asked for at `now`, within the server's bounds.
    fn renewed_end(&self, now: Instant, lease_ms: u32) -> Instant {
        if lease_ms == locker_protocol::LEASE_SESSION {
            return Instant::NEVER;
        }
        let (Some(session), Some(info)) = (&self.session, &self.info) else {
            return now;
        };
        let least = whole_millis(info.lease_min);
        let most = whole_millis(info.lease_max).max(least);
        session.end_of(now, lease_ms.clamp(least, most))
    }

    fn change_renewals(&mut self, id: HoldId, change: impl FnOnce(&mut Hold)) {
        self.disarm_deadline(id);
        let Some(hold) = self.holds.hold_mut(id) else {
            return;
        };
        change(hold);
        if hold.state == HoldState::Held {
            self.arm_deadline(id);
        }
    }

    /// Arms the renewal of a hold at a third of the lease that it has just been given; earlier, if
    /// the answer that gave it was long under way.
    pub(super) fn schedule_renewal(&mut self, now: Instant, id: HoldId, lease_micros: u64) {
        let hold = self
            .holds
            .hold_mut(id)
            .expect("it has just been given a lease");
        let before = hold.renew_at;
        let wanted = hold.auto_renew.is_some() && hold.lease_deadline != Instant::NEVER;
        hold.renew_at = match wanted {
            true => {
                let half_left = hold.lease_deadline.0.saturating_sub(lease_micros / 2);
                Instant(now.0.saturating_add(lease_micros / 3).min(half_left))
            }
            false => Instant::NEVER,
        };
        let at = hold.renew_at;
        self.timers.cancel(before, Timer::HoldRenew(id));
        self.timers.arm(at, Timer::HoldRenew(id));
    }

    /// Renews a hold whose renewal is due, if it can be sent and the cap allows it. Without contact
    /// it stays due, and is asked for again once the server has confirmed the hold.
    pub(super) fn renew_if_due(&mut self, now: Instant, id: HoldId) {
        let Some(hold) = self.holds.hold_mut(id) else {
            return;
        };
        if hold.standing == Standing::Former {
            return self.ask_if_due(now, id);
        }
        let Some(auto_renew) = hold.auto_renew else {
            return;
        };
        let is_capped = auto_renew
            .cap
            .is_some_and(|cap| now >= hold.granted_at.plus(cap));
        let is_confirmed = hold.unconfirmed_deadline == Instant::NEVER;
        if hold.state != HoldState::Held || now < hold.renew_at || is_capped {
            return;
        }
        if self.transport != Transport::Up || !is_confirmed {
            return;
        }
        let before = std::mem::replace(&mut hold.renew_at, Instant::NEVER);
        let (token, key, to) = (hold.token, hold.key.clone(), RenewTo::Lease(hold.lease_ms));
        // Not always is it the timer that brought us here.
        self.timers.cancel(before, Timer::HoldRenew(id));
        self.queue(Request::unheard(Body::Renew {
            hold: id,
            token,
            key,
            to,
        }));
    }
}
