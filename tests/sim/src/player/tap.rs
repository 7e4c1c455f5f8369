//! Reads along on a client's connection: what leaves it and what comes, as the oracles see it.

use crate::agenda::LinkId;
use crate::observed::{Key, Observed, Said, Told, Who};
use locker_protocol::{
    FRAME_BYTES_MAX, FromServer, HelloAction, PREFACE, Push, Reply, Request, split_frame,
};

/// Bytes of an unfinished frame in each direction.
#[derive(Debug, Default)]
pub(super) struct Tap {
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

/// Whose connection it is, and the keys by their bytes.
#[derive(Clone, Copy)]
pub(super) struct Wire<'a> {
    pub(super) who: Who,
    pub(super) link: LinkId,
    pub(super) keys: &'a [Vec<u8>],
}

impl Tap {
    /// A new connection.
    pub(super) fn reset(&mut self) {
        self.outgoing.clear();
        self.incoming.clear();
    }

    /// These bytes leave the client.
    pub(super) fn sends(&mut self, wire: Wire<'_>, bytes: &[u8], seen: &mut Vec<Observed>) {
        self.outgoing.extend_from_slice(bytes);
        let mut rest = self
            .outgoing
            .strip_prefix(&PREFACE)
            .unwrap_or(&self.outgoing);
        while let Ok(Some((frame, length))) = split_frame(rest, frame_max()) {
            if let Ok(request) = Request::decode(&frame) {
                seen.push(Observed::Said {
                    who: wire.who,
                    link: wire.link,
                    request: frame.header.request_id,
                    said: said(&request, wire.keys),
                });
            }
            rest = &rest[length..];
        }
        let left = rest.len();
        self.outgoing.drain(..self.outgoing.len() - left);
    }

    /// These bytes came.
    pub(super) fn hears(&mut self, wire: Wire<'_>, bytes: &[u8], seen: &mut Vec<Observed>) {
        self.incoming.extend_from_slice(bytes);
        let mut rest = self.incoming.as_slice();
        while let Ok(Some((frame, length))) = split_frame(rest, frame_max()) {
            if let Ok(message) = FromServer::decode(&frame) {
                seen.push(Observed::Told {
                    who: wire.who,
                    link: wire.link,
                    request: frame.header.request_id,
                    told: told(&message),
                });
            }
            rest = &rest[length..];
        }
        let left = rest.len();
        self.incoming.drain(..self.incoming.len() - left);
    }
}

fn frame_max() -> u32 {
    u32::try_from(FRAME_BYTES_MAX).expect("a small constant")
}

fn key_of(bytes: &[u8], keys: &[Vec<u8>]) -> Key {
    Key(keys
        .iter()
        .position(|key| key == bytes)
        .unwrap_or(usize::MAX))
}

fn said(request: &Request<'_>, keys: &[Vec<u8>]) -> Said {
    match request {
        Request::Hello(hello) => Said::Hello {
            resume: hello.action == HelloAction::Resume,
            attach: hello.attach,
        },
        Request::Acquire(acquire) => Said::Acquire {
            owner: acquire.owner,
            key: key_of(acquire.key, keys),
            wait_ms: acquire.wait_ms,
            lease_ms: acquire.lease_ms,
        },
        Request::Release(release) => Said::Release {
            owner: release.owner,
            token: release.token,
            key: key_of(release.key, keys),
        },
        Request::Renew(renew) => Said::Renew {
            owner: renew.owner,
            token: renew.token,
            key: key_of(renew.key, keys),
            lease_ms: renew.lease_ms,
        },
        Request::Reclaim(reclaim) => Said::Reclaim {
            owner: reclaim.owner,
            token: reclaim.token,
            key: key_of(reclaim.key, keys),
            run: reclaim.run,
        },
        Request::Cancel(cancel) => Said::Cancel {
            acquire: cancel.acquire_id,
            owner: cancel.owner,
            key: key_of(cancel.key, keys),
        },
        Request::ForceRelease(force) => Said::Force {
            key: key_of(force.key, keys),
            token: force.token,
            delay_ms: force.delay_ms,
        },
        Request::Close(_) => Said::Close,
        Request::Ping(_)
        | Request::Get(_)
        | Request::List(_)
        | Request::Sessions(_)
        | Request::Stats(_) => Said::Read,
    }
}

fn told(message: &FromServer<'_>) -> Told {
    match message {
        FromServer::Reply(reply) => replied(reply),
        FromServer::Push(Push::Lost(lost)) => Told::Lost {
            owner: lost.owner,
            token: lost.token,
        },
        FromServer::Push(Push::SessionEnded(_)) => Told::SessionEnded,
        FromServer::Push(Push::GoAway(_)) => Told::GoAway,
        FromServer::Push(Push::Fault(refusal)) => Told::Fault {
            status: refusal.status as u16,
        },
    }
}

fn replied(reply: &Reply<'_>) -> Told {
    match reply {
        Reply::HelloOk(hello) => Told::HelloOk {
            session: hello.session_id,
            run: hello.run,
            resumed: hello.resumed,
            grace_left_ms: hello.grace_left_ms,
            ttl_ms: hello.ttl_ms,
        },
        Reply::Granted(granted) => Told::Granted {
            token: granted.token,
            until: granted.until,
            server_now: granted.server_now,
        },
        Reply::Renewed(renewed) => Told::Renewed {
            until: renewed.until,
            server_now: renewed.server_now,
        },
        Reply::Reclaimed(_) => Told::Reclaimed,
        Reply::Released(_) => Told::Released,
        Reply::CancelDone(_) => Told::CancelDone,
        Reply::Forced(forced) => Told::Forced {
            ended: forced.ended,
        },
        Reply::Refused(refusal) => Told::Refused {
            status: refusal.status as u16,
        },
        Reply::Closed(_) => Told::Closed,
        Reply::Pong(_)
        | Reply::GetReply(_)
        | Reply::ListReply(_)
        | Reply::SessionsReply(_)
        | Reply::StatsReply(_) => Told::Answer,
    }
}
