//! One exchange that goes through every request of a session, step by step.

use crate::support::Message;
use crate::support::connection::take_message;
use crate::support::proxy::{Direction, Link};
use crate::support::requests::{CLOSE, cancel, exclusive, force, keep, leased, release};
use crate::support::resuming_client::ResumingClient;
use crate::support::told::{Answer, look};
use locker_protocol::{CancelOutcome, IfGranted, Status, WAIT_FOREVER, WAIT_TRY};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a key may take to become free when its holder has let go: the TTL and a second.
const FREE_MAX_MS: u32 = 11_000;
/// How long the server may take to show what was asked of it.
const SEEN_MAX: Duration = Duration::from_secs(10);
/// Owner numbers of the rival; the subject counts its own from 1.
const RIVAL_OWNER: u64 = 100;

/// The subject, whose connection fails; the rival, whose does not; the key they both want.
pub(super) struct Exchange<'a> {
    pub(super) subject: &'a mut ResumingClient,
    pub(super) rival: &'a mut ResumingClient,
    pub(super) key: &'a [u8],
}

impl Exchange<'_> {
    /// Goes through all of it. The subject's session is over at the end.
    pub(super) fn run(&mut self) {
        let first = self.hold_while_the_rival_waits();
        let second = self.wait_behind_the_rival(first);
        self.cancel(second);
        self.lose(second);
        let last = self.close();
        assert!(last > second, "tokens grow");
    }

    /// Holds the key, hears that it still does, releases it; returns the rival's token.
    fn hold_while_the_rival_waits(&mut self) -> u64 {
        let token = self.subject.call(&exclusive(self.key, 1, WAIT_TRY)).token();
        self.assert_held_by_subject(1, token);
        let queued = exclusive(self.key, RIVAL_OWNER, WAIT_FOREVER);
        let queued = self.rival.issue(&queued);
        self.await_waiters(1);
        let renewed = self.subject.call(&keep(self.key, 1, token));
        assert_eq!(renewed, Answer::Renewed { until: 0 });
        let released = self.subject.call(&release(self.key, 1, token));
        assert_eq!(released, Answer::Released);
        let rivals = self.rival.answer(queued).token();
        assert!(rivals > token, "tokens grow: {token} then {rivals}");
        self.await_waiters(0);
        rivals
    }

    /// Queues behind the rival and is granted by its release; returns the token.
    fn wait_behind_the_rival(&mut self, rivals: u64) -> u64 {
        let queued = self
            .subject
            .issue(&leased(self.key, 2, WAIT_FOREVER, 60_000));
        self.await_waiters(1);
        let released = self.rival.call(&release(self.key, RIVAL_OWNER, rivals));
        assert_eq!(released, Answer::Released);
        let token = self.subject.answer(queued).token();
        assert!(token > rivals, "tokens grow: {rivals} then {token}");
        self.assert_held_by_subject(2, token);
        token
    }

    /// Queues behind itself and cancels that.
    fn cancel(&mut self, held: u64) {
        let queued = self.subject.issue(&exclusive(self.key, 3, WAIT_FOREVER));
        self.await_waiters(1);
        let cancelled = cancel(self.key, 3, queued, IfGranted::Release);
        let cancelled = self.subject.call(&cancelled);
        let outcome = CancelOutcome::Cancelled;
        assert_eq!(cancelled, Answer::CancelDone { outcome, token: 0 });
        let waited = self.subject.answer(queued);
        assert_eq!(waited.status(), Status::Cancelled, "{waited:?}");
        self.await_waiters(0);
        self.assert_held_by_subject(2, held);
    }

    /// Loses the key to force, and hears of it from everything that it asks.
    fn lose(&mut self, held: u64) {
        let resumes = self.subject.resumes();
        let forced = self.subject.call(&force(self.key, held));
        assert_eq!(forced, Answer::Forced { ended: 1 });
        if self.subject.resumes() == resumes {
            let is_lost = |push: &Message| match push {
                Message::Lost { token, owner, .. } => (*token, *owner) == (held, 2),
                _ => false,
            };
            let told = self.subject.pushes().iter().any(is_lost);
            assert!(told, "Lost precedes every later answer");
        }
        let renewed = self.subject.call(&keep(self.key, 2, held));
        assert_eq!(renewed.status(), Status::NotHeld, "{renewed:?}");
        let released = self.subject.call(&release(self.key, 2, held));
        assert_eq!(released.status(), Status::NotHeld, "{released:?}");
    }

    /// Ends the session with a hold; the rival gets it; returns the rival's token.
    fn close(&mut self) -> u64 {
        let token = self.subject.call(&exclusive(self.key, 4, WAIT_TRY)).token();
        self.assert_held_by_subject(4, token);
        assert_eq!(self.subject.call(&CLOSE), Answer::Closed);
        let wanted = exclusive(self.key, RIVAL_OWNER + 1, FREE_MAX_MS);
        let rivals = self.rival.call(&wanted).token();
        assert!(rivals > token, "tokens grow: {token} then {rivals}");
        let released = release(self.key, RIVAL_OWNER + 1, rivals);
        assert_eq!(self.rival.call(&released), Answer::Released);
        let free = look(self.rival, self.key);
        assert_eq!((free.holders_total, free.waiters_total), (0, 0), "{free:?}");
        rivals
    }

    fn assert_held_by_subject(&mut self, owner: u64, token: u64) {
        let session = self.subject.session().id;
        let told = look(self.rival, self.key);
        let hold = (session, owner, token, Vec::new());
        assert_eq!(told.holders, [hold], "one hold, the one that was granted");
        assert_eq!(told.holders_total, 1, "{told:?}");
    }

    /// Waits until Get tells so many waiters; the subject goes on meanwhile and may resume.
    fn await_waiters(&mut self, waiters: u32) {
        let until = Instant::now() + SEEN_MAX;
        loop {
            let told = look(self.rival, self.key);
            assert!(told.holders_total <= 1, "exclusive: {told:?}");
            if told.waiters_total == waiters {
                return;
            }
            assert!(
                Instant::now() < until,
                "{waiters} waiters in time: {told:?}"
            );
            self.subject.pump(Duration::from_micros(200));
        }
    }
}

/// Fails if the server ever gave two answers to one request, on whatever connection, even where the
/// client could not hear them.
pub(super) fn assert_answers_agree(links: &[Arc<Link>]) {
    let mut answers = BTreeMap::new();
    for link in links {
        let mut bytes = link.heard(Direction::Down);
        while let Some((id, message)) = take_message(&mut bytes) {
            let Some(answer) = Answer::of(&message) else {
                continue;
            };
            let before = *answers.entry(id).or_insert(answer);
            assert_eq!(before, answer, "one answer to request {id:#x}");
        }
    }
}
