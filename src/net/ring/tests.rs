//! The ring at its limits, with real sockets.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::net::kernel::Slot;
use rustix::event::{EventfdFlags, eventfd};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

/// More than any queue of the small ring holds.
const PAIRS: u32 = 64;

/// A ring of the smallest kind.
const TINY: Sizes = Sizes {
    submissions: 4,
    completions: 8,
    buffers: 4,
    buffer_bytes: 64,
};

struct Bench {
    ring: Ring,
    eventfd: OwnedFd,
    ours: Vec<OwnedFd>,
    theirs: Vec<UnixStream>,
}

impl Bench {
    fn new() -> Self {
        Self::with(TINY)
    }

    fn with(sizes: Sizes) -> Self {
        let eventfd = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let pairs = (0..PAIRS).map(|_| {
            let (ours, theirs) = UnixStream::pair().unwrap();
            (OwnedFd::from(ours), theirs)
        });
        let (ours, theirs) = pairs.unzip();
        Self {
            ring: Ring::with_sizes(eventfd.as_fd(), sizes).unwrap(),
            eventfd,
            ours,
            theirs,
        }
    }

    fn send(&mut self, index: u32, how: Send, bytes: &[u8]) {
        let ours = &self.ours[usize::try_from(index).unwrap()];
        let token = Token::Send(slot(index));
        let taken = self.ring.send(ours, std::iter::once(bytes), how, token);
        assert_eq!(taken, bytes.len());
    }

    /// Everything that completes, reaped a little at a time; gives buffers back.
    fn completions(&mut self, count: usize) -> Vec<(Completion, Vec<u8>)> {
        let mut all = Vec::new();
        let mut few = Vec::with_capacity(3);
        while all.len() < count {
            self.ring.enter(Wait::No).unwrap();
            self.ring.reap(&mut few);
            for completion in few.drain(..) {
                let length = usize::try_from(completion.result).unwrap_or(0);
                let bytes = completion.buffer.map(|buffer| {
                    let bytes = self.ring.received(buffer, length).to_vec();
                    self.ring.give_back(buffer);
                    bytes
                });
                all.push((completion, bytes.unwrap_or_default()));
            }
        }
        assert_eq!(all.len(), count);
        all
    }
}

fn slot(index: u32) -> Slot {
    Slot {
        index,
        generation: 1,
    }
}

#[test]
fn a_full_submission_queue_and_an_overflowing_completion_queue_lose_nothing() {
    let mut bench = Bench::with(Sizes {
        buffers: 64,
        ..TINY
    });
    for (index, ours) in (0..).zip(&bench.ours) {
        let token = Token::Receive(slot(index));
        bench.ring.receive(ours, Receive::Multishot, token);
    }
    bench.ring.enter(Wait::No).unwrap();
    for (index, theirs) in (0_u32..).zip(&mut bench.theirs) {
        theirs.write_all(&index.to_le_bytes()).unwrap();
    }
    let mut heard: Vec<u32> = Vec::new();
    for (completion, bytes) in bench.completions(PAIRS as usize) {
        let index = u32::from_le_bytes(bytes.try_into().unwrap());
        assert_eq!(completion.token, Token::Receive(slot(index)));
        heard.push(index);
    }
    heard.sort_unstable();
    assert_eq!(heard, (0..PAIRS).collect::<Vec<_>>());
}

#[test]
fn sends_of_many_slices_arrive_whole_though_the_queue_is_full() {
    let mut bench = Bench::new();
    let slices: Vec<Vec<u8>> = (0..SLICES_PER_SEND_MAX)
        .map(|slice| vec![u8::try_from(slice).unwrap(); 100])
        .collect();
    let whole = slices.concat();
    for (index, ours) in (0..).zip(&bench.ours) {
        let token = Token::Send(slot(index));
        let taken = bench
            .ring
            .send(ours, slices.iter().map(Vec::as_slice), Send::AtOnce, token);
        assert_eq!(taken, whole.len());
    }
    for (completion, _) in bench.completions(PAIRS as usize) {
        assert_eq!(usize::try_from(completion.result).unwrap(), whole.len());
    }
    for theirs in &mut bench.theirs {
        let mut heard = vec![0; whole.len()];
        theirs.read_exact(&mut heard).unwrap();
        assert!(heard == whole);
    }
}

#[test]
fn a_cancelled_receive_says_so_and_so_does_one_whose_peer_is_gone() {
    let mut bench = Bench::new();
    let (first, second) = (Token::Receive(slot(0)), Token::Receive(slot(1)));
    bench
        .ring
        .receive(&bench.ours[0], Receive::Multishot, first);
    bench.ring.receive(&bench.ours[1], Receive::Single, second);
    bench.ring.enter(Wait::No).unwrap();
    bench.ring.cancel(first);
    bench.theirs.remove(1);
    let mut results: Vec<(Token, i32)> = Vec::new();
    // The cancellation itself went well, and says nothing.
    for (completion, _) in bench.completions(2) {
        assert!(!completion.more);
        results.push((completion.token, completion.result));
    }
    assert!(results.contains(&(first, -libc::ECANCELED)));
    assert!(results.contains(&(second, 0)));
}

#[test]
fn without_free_buffers_a_receive_fails_and_later_works() {
    let mut bench = Bench::new();
    let token = Token::Receive(slot(0));
    let mut kept = Vec::new();
    bench
        .ring
        .receive(&bench.ours[0], Receive::Multishot, token);
    let mut few = Vec::with_capacity(8);
    let empty = loop {
        bench.theirs[0].write_all(b"x").unwrap();
        bench.ring.enter(Wait::No).unwrap();
        bench.ring.reap(&mut few);
        let mut failed = None;
        for completion in few.drain(..) {
            match completion.buffer {
                Some(buffer) => kept.push(buffer),
                None => failed = Some(completion),
            }
        }
        if let Some(failed) = failed {
            break failed;
        }
    };
    assert_eq!(empty.result, -libc::ENOBUFS);
    assert!(!empty.more);
    assert_eq!(kept.len(), usize::from(TINY.buffers));
    kept.into_iter()
        .for_each(|buffer| bench.ring.give_back(buffer));
    bench.ring.receive(&bench.ours[0], Receive::Single, token);
    let [(_, bytes)] = &bench.completions(1)[..] else {
        panic!("one completion");
    };
    assert_eq!(bytes, b"x");
}

#[test]
fn a_send_at_once_ends_no_wait_and_another_threads_word_does() {
    let mut bench = Bench::new();
    let kick = bench.eventfd.try_clone().unwrap();
    for round in 0..200_u64 {
        let sends = u32::try_from(round % 4).unwrap();
        for index in 0..sends {
            bench.send(index, Send::AtOnce, b"x");
        }
        let kicked = kick.try_clone().unwrap();
        let thread = std::thread::spawn(move || rustix::io::write(&kicked, &1_u64.to_ne_bytes()));
        bench.ring.enter(Wait::ForOne).unwrap();
        thread.join().unwrap().unwrap();
        let mut completions = Vec::with_capacity(8);
        bench.ring.reap(&mut completions);
        let count = |token: fn(Token) -> bool| {
            let counted = completions
                .iter()
                .filter(|completion| token(completion.token));
            u32::try_from(counted.count()).unwrap()
        };
        assert_eq!(count(|token| matches!(token, Token::Send(_))), sends);
        assert_eq!(count(|token| token == Token::Wake), 1, "round {round}");
        assert!(completions.last().unwrap().more, "it listens on");
    }
}

#[test]
fn a_word_from_before_the_wait_and_many_words_end_it_too() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        for _ in 0..1_000 {
            rustix::io::write(&bench.eventfd, &1_u64.to_ne_bytes()).unwrap();
        }
        bench.ring.enter(Wait::ForOne).unwrap();
        let mut completions = Vec::with_capacity(8);
        bench.ring.reap(&mut completions);
        let [only] = completions[..] else {
            panic!("many words are one completion");
        };
        assert!(only.token == Token::Wake && only.more);
    }
}

#[test]
fn a_send_at_once_to_a_full_socket_fails_and_one_that_waits_ends_when_there_is_room() {
    let mut bench = Bench::new();
    let mut held = 0;
    let full = loop {
        bench.send(0, Send::AtOnce, &[b'x'; 4_096]);
        let (sent, _) = bench.completions(1)[0];
        if sent.result != 4_096 {
            break sent;
        }
        held += 4_096;
    };
    assert_eq!(full.result, -libc::EAGAIN);
    bench.send(0, Send::WhenRoom, b"x");
    bench.send(1, Send::AtOnce, b"x");
    let [(other, _)] = bench.completions(1)[..] else {
        panic!("the full one waits");
    };
    assert_eq!(other.token, Token::Send(slot(1)));
    let mut theirs = bench.theirs[0].try_clone().unwrap();
    let thread = std::thread::spawn(move || theirs.read_exact(&mut vec![0; held]).unwrap());
    bench.ring.enter(Wait::ForOne).unwrap();
    thread.join().unwrap();
    let (sent, _) = bench.completions(1)[0];
    assert_eq!((sent.token, sent.result), (Token::Send(slot(0)), 1));
}

/// What one multishot receive of each connection brings, over a ring that keeps each buffer until
/// the next reap; receives that failed for want of a buffer are repeated.
fn hear_all(bench: &mut Bench, bytes_each: usize) -> Vec<Vec<u8>> {
    let mut heard = vec![Vec::new(); bench.ours.len()];
    let mut refused = 0;
    let mut few = Vec::with_capacity(8);
    while heard.iter().any(|heard| heard.len() < bytes_each) {
        bench.ring.enter(Wait::No).unwrap();
        bench.ring.reap(&mut few);
        for completion in few.drain(..) {
            let Token::Receive(slot) = completion.token else {
                panic!("only receives are under way");
            };
            let index = usize::try_from(slot.index).unwrap();
            if let Some(buffer) = completion.buffer {
                let length = usize::try_from(completion.result).unwrap();
                heard[index].extend_from_slice(bench.ring.received(buffer, length));
                bench.ring.give_back(buffer);
            } else {
                assert_eq!(completion.result, -libc::ENOBUFS);
                refused += 1;
            }
            if !completion.more {
                let token = completion.token;
                bench
                    .ring
                    .receive(&bench.ours[index], Receive::Multishot, token);
            }
        }
    }
    assert!(refused > 0, "buffers ran out");
    heard
}

#[test]
fn more_connections_with_input_than_buffers_are_all_heard_in_order() {
    let mut bench = Bench::new();
    for (index, ours) in (0..).zip(&bench.ours) {
        let token = Token::Receive(slot(index));
        bench.ring.receive(ours, Receive::Multishot, token);
    }
    let said: Vec<Vec<u8>> = (0..u8::try_from(PAIRS).unwrap())
        .map(|first| (0..=255).map(|byte: u8| byte.wrapping_add(first)).collect())
        .collect();
    for (theirs, said) in bench.theirs.iter_mut().zip(&said) {
        theirs.write_all(said).unwrap();
    }
    assert_eq!(hear_all(&mut bench, 256), said);
}

#[test]
fn a_send_to_a_peer_that_is_gone_fails_with_its_own_completion() {
    let mut bench = Bench::new();
    bench.theirs.remove(0);
    bench.send(0, Send::AtOnce, b"x");
    bench.send(1, Send::AtOnce, b"x");
    let results: Vec<(Token, i32)> = bench
        .completions(2)
        .iter()
        .map(|(completion, _)| (completion.token, completion.result))
        .collect();
    assert!(results.contains(&(Token::Send(slot(0)), -libc::EPIPE)));
    assert!(results.contains(&(Token::Send(slot(1)), 1)));
}

#[test]
fn a_send_that_waits_for_room_can_be_cancelled_and_fails_if_the_peer_goes() {
    let mut bench = Bench::new();
    for index in 0..2 {
        loop {
            bench.send(index, Send::AtOnce, &[b'x'; 4_096]);
            if bench.completions(1)[0].0.result < 0 {
                break;
            }
        }
        bench.send(index, Send::WhenRoom, b"x");
    }
    bench.ring.cancel(Token::Send(slot(0)));
    let (cancelled, _) = bench.completions(1)[0];
    assert_eq!(cancelled.token, Token::Send(slot(0)));
    assert_eq!(cancelled.result, -libc::ECANCELED);
    bench.theirs.remove(1);
    let (gone, _) = bench.completions(1)[0];
    assert_eq!(gone.token, Token::Send(slot(1)));
    assert_eq!(gone.result, -libc::EPIPE);
}

#[test]
fn a_cancellation_that_comes_too_late_changes_nothing() {
    let mut bench = Bench::new();
    let token = Token::Receive(slot(0));
    bench.ring.receive(&bench.ours[0], Receive::Single, token);
    bench.ring.enter(Wait::No).unwrap();
    bench.theirs[0].write_all(b"x").unwrap();
    bench.ring.cancel(token);
    let (received, bytes) = bench.completions(1).remove(0);
    assert_eq!((received.token, received.more), (token, false));
    // Whichever was first, the byte is not lost.
    if received.result == -libc::ECANCELED {
        bench.ring.receive(&bench.ours[0], Receive::Single, token);
        assert_eq!(heard(&mut bench), b"x");
    } else {
        assert_eq!(bytes, b"x");
    }
}

/// The bytes of the next receive; what a late cancellation says is skipped.
fn heard(bench: &mut Bench) -> Vec<u8> {
    loop {
        let (completion, bytes) = bench.completions(1).remove(0);
        if completion.token != Token::Cancel {
            return bytes;
        }
    }
}
