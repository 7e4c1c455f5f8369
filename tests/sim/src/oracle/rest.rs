//! Invariant 10: once faults have stopped and deadlines have passed nobody waits unanswered, and
//! nobody goes on believing in a hold.

use super::{Oracle, Rest, Violation};
use crate::moment::Moment;
use crate::observed::{Ask, Observed, Who};
use std::collections::BTreeMap;

/// What was asked and not answered, and what is believed in.
#[derive(Debug, Default)]
pub struct AtRest {
    asked: BTreeMap<(Who, u64), Ask>,
    held: BTreeMap<(Who, u64), u64>,
}

impl Oracle for AtRest {
    fn saw(&mut self, _: Moment, event: &Observed) -> Result<(), Violation> {
        match *event {
            Observed::Asked { who, call, ask } => {
                self.asked.insert((who, call), ask);
            }
            Observed::Answered { who, call, .. } => {
                self.asked.remove(&(who, call));
            }
            Observed::Granted {
                who, hold, token, ..
            } => {
                self.held.insert((who, hold), token);
            }
            Observed::Ended { who, hold, .. } => {
                self.held.remove(&(who, hold));
            }
            Observed::Died { who } => {
                self.asked.retain(|(whose, _), _| *whose != who);
                self.held.retain(|(whose, _), _| *whose != who);
            }
            _ => {}
        }
        Ok(())
    }

    fn at_rest(&mut self, _: Moment, rest: &Rest) -> Result<(), Violation> {
        if let Some(((who, call), ask)) = self.asked.first_key_value() {
            return broken("waits unanswered", format!("{who:?} asked {call}: {ask:?}"));
        }
        if let Some(((who, hold), token)) = self.held.first_key_value() {
            return broken(
                "holds for ever",
                format!("{who:?} holds {hold}, token {token}"),
            );
        }
        if rest.shards.is_empty() {
            return broken("no server", "it was not started again".to_owned());
        }
        Ok(())
    }
}

fn broken(invariant: &'static str, reason: String) -> Result<(), Violation> {
    Err(Violation { invariant, reason })
}
