//! What a server told, as plain values that can be kept and compared.

use locker_protocol::{CancelOutcome, CounterId, Get, Request, Stats, Status};

use super::resuming_client::ResumingClient;
use super::{KeyView, Message, Refused};

/// The answer to a mutating request, without the clock reading that may differ when told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Granted { token: u64, until: u64 },
    Released,
    Renewed { until: u64 },
    CancelDone { outcome: CancelOutcome, token: u64 },
    Forced { ended: u32 },
    Closed,
    Refused(Refused),
}

/// The counters that show what is in use, over all shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InUse {
    pub(crate) connections: u64,
    pub(crate) sessions: u64,
    pub(crate) locks: u64,
    pub(crate) waiters: u64,
    pub(crate) blocks_used: u64,
}

impl Answer {
    /// What the message answers; `None` if it is a push, a Hello's answer or a read's.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        Some(match *message {
            Message::Granted(granted) => Self::Granted {
                token: granted.token,
                until: granted.until,
            },
            Message::Released => Self::Released,
            Message::Renewed(renewed) => Self::Renewed {
                until: renewed.until,
            },
            Message::CancelDone(done) => Self::CancelDone {
                outcome: done.outcome,
                token: done.token,
            },
            Message::Forced(forced) => Self::Forced {
                ended: forced.ended,
            },
            Message::Closed => Self::Closed,
            Message::Refused(refused) => Self::Refused(refused),
            _ => return None,
        })
    }

    /// The token of a grant.
    #[track_caller]
    pub(crate) fn token(self) -> u64 {
        match self {
            Self::Granted { token, .. } => token,
            other => panic!("granted, not {other:?}"),
        }
    }

    /// The status of a refusal; `Ok` of anything else.
    pub(crate) const fn status(self) -> Status {
        match self {
            Self::Refused(refused) => refused.status,
            _ => Status::Ok,
        }
    }
}

/// Asks who holds a key and who waits.
#[track_caller]
pub(crate) fn look(client: &mut ResumingClient, key: &[u8]) -> KeyView {
    match client.read(&Request::Get(Get { key })) {
        Message::Key(view) => view,
        other => panic!("Get is answered by GetReply, not {other:?}"),
    }
}

/// Fails unless the key has exactly one hold, of that token, and nobody waits for it.
#[track_caller]
pub(crate) fn assert_held_alone(client: &mut ResumingClient, key: &[u8], token: u64) {
    let told = look(client, key);
    let tokens: Vec<u64> = told.holders.iter().map(|(_, _, token, _)| *token).collect();
    assert_eq!(
        tokens,
        [token],
        "one hold, the one that was granted: {told:?}"
    );
    assert_eq!((told.holders_total, told.waiters_total), (1, 0), "{told:?}");
}

/// One counter of each shard, in order of the shards.
pub(crate) fn counter(client: &mut ResumingClient, counter: CounterId) -> Vec<u64> {
    let mut values = Vec::new();
    let mut cursor = 0;
    loop {
        let message = client.read(&Request::Stats(Stats { cursor }));
        let Message::Stats(next, counters) = message else {
            panic!("Stats is answered by StatsReply, not {message:?}");
        };
        let mut found = counters.iter().filter(|(id, _)| *id == counter.code());
        values.push(found.next().map_or(0, |(_, value)| *value));
        cursor = next;
        if cursor == 0 {
            return values;
        }
    }
}

impl InUse {
    /// Asks all shards.
    pub(crate) fn ask(client: &mut ResumingClient) -> Self {
        let mut sum = |id| counter(client, id).into_iter().sum();
        Self {
            connections: sum(CounterId::Connections),
            sessions: sum(CounterId::Sessions),
            locks: sum(CounterId::Locks),
            waiters: sum(CounterId::Waiters),
            blocks_used: sum(CounterId::BlocksUsed),
        }
    }
}
