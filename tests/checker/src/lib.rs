//! Small models of the two subtle parts of locker, searched to their end.
//!
//! [`session`]: a session that resumes, its requests sent twice, cancelled, overtaken by its end.
//! [`restart`]: crashes, the grace window, holds taken back, clients that trust their own clocks.
//! [`search`] walks every state; a model has faults to switch on, each of which it must find.

pub mod restart;
pub mod search;
pub mod session;
