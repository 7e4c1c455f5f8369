//! What the clients hear: every request is answered, each pair by a grant and a release.

use std::io;

use locker_bench::compare::dialect::{Answer, Dialect, Outcome};
use locker_bench::compare::peers::locker::Locker;

use super::server::Server;

/// Reads and counts answers.
#[derive(Debug, Default)]
pub(super) struct Answers {
    parsed: Vec<Answer>,
}

impl Answers {
    /// Takes what the server sent since the last call; how many requests it answers.
    ///
    /// # Errors
    /// Something in it is no answer to a pair.
    pub(super) fn take(
        &mut self,
        server: &mut Server,
        clients: &mut [Locker],
    ) -> io::Result<usize> {
        let mut answered = 0;
        for (connection, client) in clients.iter_mut().enumerate() {
            let bytes = server.output(connection);
            self.parsed.clear();
            let parsed = client.parse(bytes, &mut Vec::new(), &mut self.parsed);
            let taken = parsed.map_err(|broken| io::Error::other(broken.0))?;
            if taken != bytes.len() {
                return Err(io::Error::other("an answer is cut"));
            }
            bytes.clear();
            answered += self.parsed.len();
            self.judge()?;
        }
        Ok(answered)
    }

    /// A pair is over before the next one is looked at: nobody ever meets a held key.
    fn judge(&self) -> io::Result<()> {
        for answer in &self.parsed {
            match &answer.outcome {
                Outcome::Got | Outcome::Released => {}
                Outcome::NotGot | Outcome::NotHeld | Outcome::Refused(_) => {
                    return Err(io::Error::other("a free key was refused"));
                }
                Outcome::Failed(why) => return Err(io::Error::other(why.clone())),
            }
        }
        Ok(())
    }
}
