//! A resume is dealt to another shard than the session's home, and its socket moves there: cut or
//! split at every byte, before, during and after the move, nothing is lost.

use crate::support::connection::Connection;
use crate::support::context::Context;
use crate::support::proxy::{Direction, End, Flow, Link, Plan, Proxy, Then};
use crate::support::requests::{exclusive, keep, release};
use crate::support::resuming_client::{ResumingClient, bare};
use crate::support::told::{Answer, assert_held_alone, counter, look};
use crate::support::{Message, Server};
use locker_protocol::{CounterId, TOKEN_ANY, WAIT_TRY};
use std::sync::Arc;
use std::thread;

/// Connections that the home shard has more than any other: new ones are dealt elsewhere.
const MORE_AT_HOME: usize = 8;

/// What happens to the connection of the resume at a certain byte.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Cut(Direction, End),
    /// The bytes behind come in a segment of their own, after the server has seen to others.
    Split,
}

struct Scene {
    server: Server,
    proxy: Proxy,
    watcher: ResumingClient,
    client: ResumingClient,
    /// Keep the home shard busier than the others.
    _fillers: Vec<Connection>,
}

impl Scene {
    fn new(shards: usize) -> Self {
        let server = Server::start(shards);
        let proxy = Proxy::start(server.address);
        let watcher = ResumingClient::open(server.address);
        let client = ResumingClient::open(proxy.address());
        let fillers = fill(&server, shards, client.session().shard);
        Self {
            server,
            proxy,
            watcher,
            client,
            _fillers: fillers,
        }
    }

    /// The client takes, releases and takes a key in one write behind its resume.
    fn resume(&mut self, failure: Option<Failure>, part: usize, key: &[u8]) -> Vec<Arc<Link>> {
        self.client.hang_up();
        self.proxy.forget();
        let ids = self.client.issue_all(&[
            exclusive(key, 1, WAIT_TRY),
            release(key, 1, TOKEN_ANY),
            exclusive(key, 2, WAIT_TRY),
        ]);
        self.proxy.plan(match failure {
            None => Plan::PASS,
            Some(Failure::Cut(direction, end)) => Plan::cut(direction, part, end),
            Some(Failure::Split) => Plan::PASS.with(Direction::Up, Flow::until(part, Then::Hold)),
        });
        let (client, proxy, watcher) = (&mut self.client, &self.proxy, &mut self.watcher);
        thread::scope(|scope| {
            scope.spawn(|| client.reconnect_eagerly());
            if let Some(Failure::Split) = failure {
                let link = proxy.link(0);
                link.wait_heard(Direction::Up, part + 1);
                look(watcher, key);
                link.flow(Direction::Up, Flow::PASS);
            }
        });
        let first = self.client.answer(ids[0]).token();
        assert_eq!(self.client.answer(ids[1]), Answer::Released);
        let second = self.client.answer(ids[2]).token();
        assert!(second > first, "tokens grow: {first} then {second}");
        assert_held_alone(&mut self.watcher, key, second);
        let kept = self.client.call(&keep(key, 2, second));
        assert_eq!(kept, Answer::Renewed { until: 0 });
        let released = self.client.call(&release(key, 2, second));
        assert_eq!(released, Answer::Released);
        self.proxy.links()
    }

    /// Connections that each shard was dealt so far.
    fn accepted(&mut self) -> Vec<u64> {
        counter(&mut self.watcher, CounterId::ConnectionsAccepted)
    }
}

/// Opens connections to all shards alike and keeps those to `home`.
fn fill(server: &Server, shards: usize, home: u16) -> Vec<Connection> {
    let mut all = Vec::new();
    for _ in 0..MORE_AT_HOME * shards {
        let mut connection = Connection::dial(server.address).unwrap();
        connection.greet(&bare(), &[]).unwrap();
        match connection.expect() {
            (_, Message::Welcome(hello)) => all.push((hello.shard, connection)),
            other => panic!("HelloOk, not {other:?}"),
        }
    }
    let kept = all.into_iter().filter(|(shard, _)| *shard == home);
    let kept: Vec<Connection> = kept.map(|(_, connection)| connection).collect();
    assert!(
        kept.len() + 2 >= MORE_AT_HOME,
        "connections are dealt evenly"
    );
    kept
}

fn everywhere(shards: usize) {
    let mut scene = Scene::new(shards);
    let links = scene.resume(None, 0, b"whole-000");
    // Behind the write of the resume come Renew and Release, of 49 bytes each.
    let length = links[0].heard(Direction::Up).len() - 2 * 49;
    let answered = links[0].heard(Direction::Down).len();
    assert!(
        length > 250 && answered > 150,
        "{length} and {answered} bytes"
    );
    let home = usize::from(scene.client.session().shard);
    let before = scene.accepted();
    let mut resumes = 0;
    let up = [End::Orderly, End::Reset].map(|end| (Failure::Cut(Direction::Up, end), length));
    let down = [End::Orderly, End::Reset].map(|end| (Failure::Cut(Direction::Down, end), answered));
    let failures = [up[0], up[1], down[0], down[1], (Failure::Split, length)];
    for (failure, bytes) in failures {
        for part in 0..bytes {
            let _context = Context((shards, failure, part));
            scene.resume(Some(failure), part, format!("part-{part:04}").as_bytes());
            resumes += 1;
        }
    }
    let after = scene.accepted();
    let elsewhere = (0..after.len()).filter(|shard| *shard != home);
    let elsewhere: u64 = elsewhere.map(|shard| after[shard] - before[shard]).sum();
    assert!(
        elsewhere >= resumes,
        "{elsewhere} of {resumes} resumes came to another shard"
    );
    drop(scene.server);
}

#[test]
fn between_2_shards() {
    everywhere(2);
}

#[test]
fn between_4_shards() {
    everywhere(4);
}
