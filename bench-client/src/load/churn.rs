//! Churn: connect, open a session, acquire, and die.
//!
//! Hello and the acquire go in one write. The connection is cut in order as soon as the grant is
//! there, and its session was opened so that this ends it: a reset would leave the session, its
//! hold and its seat table with the server until the TTL, and fill it with the dead.

use super::client::Doing;
use super::fleet::Fleet;
use super::record::Answered;
use crate::measure::Kind;
use crate::nanos::Nanos;
use crate::traffic::{Close, Io};
use crate::verify::{Want, What};

impl Fleet {
    pub(super) fn begin_churn(&mut self, client: usize, now: Nanos, io: &mut Io) {
        let state = &mut self.clients[client];
        state.doing = Doing::Connecting;
        let connection = state.connection;
        self.connect(connection, now, io);
    }

    /// The connection is open and Hello is written: asks for a key behind it.
    pub(super) fn churn_opened(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        for client in self.crew(connection) {
            if self.clients[client].doing == Doing::Connecting {
                let key = self.draw(client);
                self.acquire(client, key, Want::Exclusive, now, io);
            }
        }
    }

    /// The acquire was denied, or its hold is over: cuts the connection, which ends the session.
    pub(super) fn die(&mut self, client: usize, now: Nanos, io: &mut Io) {
        let state = &mut self.clients[client];
        state.doing = Doing::Idle;
        let connection = state.connection;
        if state.token != 0 {
            let began = state.intended;
            // The hold is not the server's: both starts move by its length.
            let cycle = Answered {
                kind: Kind::Cycle,
                intended: began + state.release_intended.since(state.granted),
                sent: state.sent + now.since(state.granted),
                now,
            };
            self.tell(client, now, What::Released);
            self.record.cycle(began, cycle);
        }
        self.cut(connection, Close::Orderly, now, io);
        self.cycle_over(client, now, io);
    }
}
