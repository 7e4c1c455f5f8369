//! Each error of the kernel, injected into the state machine.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::limits::{OUTPUT_CLOSE_BYTES, OUTPUT_PAUSE_BYTES};
use crate::net::chunk::CHUNK_BYTES;
use crate::net::flow::{CORK_BYTES_MAX, CORK_MICROS_MAX};
use crate::net::kernel::Send;
use std::slice;

mod random;

/// A socket is but a number here.
type Socket = i32;
const SOCKET: Socket = 7;
const WORDS: &[u8] = b"you do not read";

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operation {
    Receive(Receive, Token),
    Send(Vec<u8>, Send, Token),
    Cancel(Token),
    ShutdownWrite,
    Close,
    GiveBack(BufferId),
}

use Operation::{Cancel, Close, GiveBack, ShutdownWrite};

#[derive(Default)]
struct Script {
    asked: Vec<Operation>,
}

impl Kernel for Script {
    type Socket = Socket;

    fn accept(&mut self, _: &Socket, _: Token) {
        unreachable!("connections do not accept");
    }

    fn receive(&mut self, _: &Socket, how: Receive, token: Token) {
        self.asked.push(Operation::Receive(how, token));
    }

    fn send<'a>(
        &mut self,
        _: &Socket,
        slices: impl Iterator<Item = &'a [u8]>,
        how: Send,
        token: Token,
    ) -> usize {
        let bytes: Vec<u8> = slices.take(2).flatten().copied().collect();
        let count = bytes.len();
        self.asked.push(Operation::Send(bytes, how, token));
        count
    }

    fn cancel(&mut self, target: Token) {
        self.asked.push(Cancel(target));
    }

    fn shutdown_write(&mut self, _: &Socket) {
        self.asked.push(ShutdownWrite);
    }

    fn close(&mut self, _: Socket) {
        self.asked.push(Close);
    }

    fn give_back(&mut self, buffer: BufferId) {
        self.asked.push(GiveBack(buffer));
    }
}

/// One connection and the kernel it speaks to.
struct Bench {
    connections: Connections<Socket>,
    kernel: Script,
    id: ConnectionId,
}

impl Bench {
    fn new() -> Self {
        Self::with_pool(1_024)
    }

    fn with_pool(chunks: u32) -> Self {
        let mut connections = Connections::new(ChunkPool::new(chunks), 10, WORDS);
        let id = connections.adopt(SOCKET, Peer::default(), false);
        let mut bench = Self {
            connections,
            kernel: Script::default(),
            id,
        };
        assert_eq!(bench.settle(), [bench.receive(Receive::Single)]);
        bench
    }

    fn multishot() -> Self {
        let mut bench = Self::new();
        bench.connections.set_reading(bench.id, Reading::Multishot);
        assert_eq!(bench.data(b"x", false), b"x".len());
        assert_eq!(
            bench.settle(),
            [GiveBack(0), bench.receive(Receive::Multishot)]
        );
        bench
    }

    fn slot(&self) -> Slot {
        Slot {
            index: self.id.slot,
            generation: self.id.generation,
        }
    }

    fn receive(&self, how: Receive) -> Operation {
        Operation::Receive(how, Token::Receive(self.slot()))
    }

    fn send(&self, bytes: &[u8]) -> Operation {
        Operation::Send(bytes.to_vec(), Send::AtOnce, Token::Send(self.slot()))
    }

    fn send_when_room(&self, bytes: &[u8]) -> Operation {
        Operation::Send(bytes.to_vec(), Send::WhenRoom, Token::Send(self.slot()))
    }

    fn settle(&mut self) -> Vec<Operation> {
        self.connections.settle(&mut self.kernel);
        std::mem::take(&mut self.kernel.asked)
    }

    fn completes(&mut self, token: Token, result: i32, more: bool) -> Happened {
        let completion = Completion {
            token,
            result,
            more,
            buffer: None,
        };
        self.connections.completed(completion, &mut self.kernel)
    }

    fn received(&mut self, result: i32, more: bool) {
        let happened = self.completes(Token::Receive(self.slot()), result, more);
        assert_eq!(happened, Happened::Nothing);
    }

    fn sent(&mut self, result: i32) {
        let happened = self.completes(Token::Send(self.slot()), result, false);
        assert_eq!(happened, Happened::Nothing);
    }

    /// Bytes arrive and are kept; tells how many got as far as the core would see them.
    fn data(&mut self, bytes: &[u8], more: bool) -> usize {
        let completion = Completion {
            token: Token::Receive(self.slot()),
            result: i32::try_from(bytes.len()).unwrap(),
            more,
            buffer: Some(0),
        };
        match self.connections.completed(completion, &mut self.kernel) {
            Happened::Received { length, .. } => {
                self.kernel.give_back(0);
                length
            }
            Happened::Nothing => 0,
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.connections.write(self.id, bytes);
    }

    fn ended(&mut self) -> Option<Ended> {
        self.connections.next_ended().map(|(id, how)| {
            assert_eq!(id, self.id);
            how
        })
    }

    fn assert_gone(&self) {
        assert_eq!(self.connections.count(), 0);
        let pool = &self.connections.pool;
        assert_eq!(pool.free_count(), pool.count(), "no chunk is lost");
    }
}

#[test]
fn a_turns_answers_leave_in_one_send() {
    let mut bench = Bench::new();
    bench.write(b"one ");
    bench.write(b"two");
    assert_eq!(bench.settle(), [bench.send(b"one two")]);
    bench.write(b"three");
    assert_eq!(bench.settle(), [], "one send at a time");
    bench.sent(7);
    assert_eq!(bench.settle(), [bench.send(b"three")]);
}

#[test]
fn output_that_waits_for_more_leaves_with_it_in_one_send() {
    let mut bench = Bench::new();
    bench.connections.cork(bench.id);
    bench.write(b"at home ");
    assert_eq!(bench.settle(), []);
    bench.write(b"elsewhere");
    bench.connections.uncork(bench.id);
    assert_eq!(bench.settle(), [bench.send(b"at home elsewhere")]);
    bench.sent(17);
    bench.write(b"next");
    assert_eq!(bench.settle(), [bench.send(b"next")], "that cork is out");
}

#[test]
fn output_waits_for_a_bounded_time_that_counts_from_its_own_cork() {
    let mut bench = Bench::new();
    let at = |bench: &mut Bench, micros| {
        bench.connections.turn_begin(Instant(micros));
        bench.settle()
    };
    bench.connections.cork(bench.id);
    bench.connections.uncork(bench.id);
    assert_eq!(at(&mut bench, 400), []);
    bench.connections.cork(bench.id);
    bench.write(b"abc");
    assert_eq!(at(&mut bench, CORK_MICROS_MAX), [], "the first cork's time");
    assert_eq!(at(&mut bench, 399 + CORK_MICROS_MAX), []);
    let sent = at(&mut bench, 400 + CORK_MICROS_MAX);
    assert_eq!(sent, [bench.send(b"abc")]);
}

#[test]
fn all_corks_come_out_before_sleep_and_tell_whether_anything_waited() {
    let mut bench = Bench::new();
    bench.connections.cork(bench.id);
    assert!(!bench.connections.uncork_all(), "there is no output");
    bench.connections.cork(bench.id);
    bench.write(b"abc");
    assert!(bench.connections.uncork_all());
    assert_eq!(bench.settle(), [bench.send(b"abc")]);
    assert!(!bench.connections.uncork_all());
}

#[test]
fn much_output_a_low_pool_and_a_close_wait_for_nothing() {
    let mut bench = Bench::new();
    bench.connections.cork(bench.id);
    bench.write(&vec![0; CORK_BYTES_MAX]);
    assert!(matches!(&bench.settle()[..], [Operation::Send(..)]));

    let mut bench = Bench::with_pool(8);
    bench.connections.keep(bench.id, &[0; 7 * CHUNK_BYTES]);
    bench.connections.cork(bench.id);
    bench.write(b"abc");
    assert_eq!(bench.settle(), [bench.send_when_room(b"abc")]);

    let mut bench = Bench::new();
    bench.connections.cork(bench.id);
    bench.write(b"bye");
    bench.connections.close(bench.id, CloseHow::Flush);
    assert_eq!(bench.settle(), [bench.send_when_room(b"bye")]);
}

#[test]
fn a_short_send_goes_on_where_it_stopped_once_there_is_room() {
    let mut bench = Bench::new();
    bench.write(b"abcdef");
    bench.settle();
    bench.sent(2);
    assert_eq!(bench.settle(), [bench.send_when_room(b"cdef")]);
    bench.sent(3);
    assert_eq!(bench.settle(), [bench.send_when_room(b"f")]);
    bench.sent(1);
    assert_eq!(bench.settle(), []);
    bench.write(b"more");
    assert_eq!(bench.settle(), [bench.send(b"more")], "there is room again");
}

#[test]
fn a_send_that_finds_no_room_waits_for_some() {
    let mut bench = Bench::new();
    bench.write(b"abc");
    bench.settle();
    bench.sent(-libc::EAGAIN);
    assert_eq!(bench.settle(), [bench.send_when_room(b"abc")]);
    assert_eq!(bench.ended(), None);
}

#[test]
fn an_interrupted_send_is_repeated() {
    for errno in [libc::EINTR, libc::ECANCELED] {
        let mut bench = Bench::new();
        bench.write(b"abc");
        bench.settle();
        bench.sent(-errno);
        assert_eq!(bench.settle(), [bench.send(b"abc")]);
    }
}

#[test]
fn a_write_error_is_a_broken_end_and_the_socket_closes_after_the_receive() {
    for result in [-libc::EPIPE, -libc::ECONNRESET, -libc::ETIMEDOUT, 0] {
        let mut bench = Bench::new();
        bench.write(b"abc");
        bench.settle();
        bench.sent(result);
        assert_eq!(bench.ended(), Some(Ended::Broken));
        assert_eq!(bench.ended(), None, "told once");
        let receive = Token::Receive(bench.slot());
        assert_eq!(bench.settle(), [Cancel(receive)], "not closed under it");
        assert_eq!(bench.connections.count(), 1);
        bench.received(-libc::ECANCELED, false);
        assert_eq!(bench.settle(), [Close]);
        bench.assert_gone();
    }
}

#[test]
fn no_free_buffer_arms_the_receive_again() {
    let mut bench = Bench::multishot();
    bench.received(-libc::ENOBUFS, false);
    assert_eq!(bench.settle(), [bench.receive(Receive::Multishot)]);
    assert_eq!(bench.ended(), None);
}

#[test]
fn a_multishot_that_the_kernel_ended_is_armed_again() {
    let mut bench = Bench::multishot();
    assert_eq!(bench.data(b"abc", false), 3);
    let again = bench.receive(Receive::Multishot);
    assert_eq!(bench.settle(), [GiveBack(0), again.clone()]);
    for errno in [libc::ECANCELED, libc::EAGAIN, libc::EINTR] {
        bench.received(-errno, false);
        assert_eq!(bench.settle(), slice::from_ref(&again));
    }
}

#[test]
fn a_single_receive_is_not_repeated_before_it_completed() {
    let mut bench = Bench::new();
    bench.write(b"a");
    assert_eq!(bench.settle(), [bench.send(b"a")]);
    bench.sent(1);
    assert_eq!(bench.settle(), []);
    bench.data(b"b", false);
    assert_eq!(
        bench.settle(),
        [GiveBack(0), bench.receive(Receive::Single)]
    );
}

#[test]
fn the_peers_end_is_orderly_and_what_was_written_still_leaves() {
    let mut bench = Bench::new();
    bench.write(b"last");
    bench.received(0, false);
    assert_eq!(bench.ended(), Some(Ended::Orderly));
    assert_eq!(bench.settle(), [bench.send_when_room(b"last")]);
    bench.sent(4);
    assert_eq!(bench.settle(), [Close]);
    bench.assert_gone();
}

#[test]
fn a_reset_is_a_broken_end() {
    for errno in [libc::ECONNRESET, libc::ETIMEDOUT, libc::EHOSTUNREACH] {
        let mut bench = Bench::new();
        bench.received(-errno, false);
        assert_eq!(bench.ended(), Some(Ended::Broken));
        assert_eq!(bench.settle(), [Close]);
        bench.assert_gone();
    }
}

#[test]
fn a_socket_stays_until_the_core_heard_of_its_end() {
    let mut bench = Bench::new();
    bench.received(-libc::ECONNRESET, false);
    assert_eq!(bench.settle(), []);
    assert_eq!(bench.ended(), Some(Ended::Broken));
    assert_eq!(bench.settle(), [Close]);
    bench.assert_gone();
}

#[test]
fn the_core_hears_nothing_of_a_connection_it_closed_first() {
    let mut bench = Bench::new();
    bench.received(-libc::ECONNRESET, false);
    bench.connections.close(bench.id, CloseHow::Flush);
    assert_eq!(bench.ended(), None);
    assert_eq!(bench.settle(), [Close]);
    bench.assert_gone();
}

#[test]
fn a_flushing_close_sends_all_then_waits_for_the_peers_end() {
    let mut bench = Bench::new();
    bench.write(b"bye");
    bench.connections.close(bench.id, CloseHow::Flush);
    bench.write(b"not this");
    // The end of stream follows the send: no sleep may come between.
    assert_eq!(bench.settle(), [bench.send_when_room(b"bye")]);
    bench.sent(3);
    assert_eq!(bench.settle(), [ShutdownWrite], "the receive still runs");
    assert_eq!(bench.data(b"too late", false), 0, "dropped");
    assert_eq!(
        bench.settle(),
        [GiveBack(0), bench.receive(Receive::Single)]
    );
    bench.received(0, false);
    assert_eq!(bench.settle(), [Close]);
    assert_eq!(bench.ended(), None);
    bench.assert_gone();
}

#[test]
fn a_peer_that_does_not_end_is_closed_at_the_time_limit() {
    let mut bench = Bench::new();
    bench.connections.turn_begin(Instant(1_000));
    bench.connections.close(bench.id, CloseHow::Flush);
    assert_eq!(bench.settle(), [ShutdownWrite]);
    let limit = Instant(1_000) + FLUSH_MS_MAX;
    assert_eq!(bench.connections.wake_at(), Some(limit));
    bench.connections.turn_begin(Instant(limit.0 - 1));
    assert_eq!(bench.settle(), []);
    bench.connections.turn_begin(limit);
    let receive = Token::Receive(bench.slot());
    assert_eq!(bench.settle(), [Cancel(receive)]);
    bench.received(-libc::ECANCELED, false);
    assert_eq!(bench.settle(), [Close]);
    bench.assert_gone();
    assert_eq!(bench.connections.wake_at(), None);
}

#[test]
fn a_stuck_send_is_cancelled_and_its_memory_kept_until_it_completed() {
    let mut bench = Bench::new();
    bench.write(&[1; 3 * CHUNK_BYTES]);
    bench.settle();
    bench.connections.close(bench.id, CloseHow::Now);
    let (receive, send) = (Token::Receive(bench.slot()), Token::Send(bench.slot()));
    assert_eq!(bench.settle(), [Cancel(receive), Cancel(send)]);
    let pool = &bench.connections.pool;
    assert_eq!(pool.count() - pool.free_count(), 2, "the two being sent");
    bench.received(-libc::ECANCELED, false);
    assert_eq!(bench.settle(), []);
    // The cancellation came too late: it was sent after all.
    bench.sent(i32::try_from(2 * CHUNK_BYTES).unwrap());
    assert_eq!(bench.settle(), [Close]);
    bench.assert_gone();
}

#[test]
fn what_completes_while_a_connection_closes_is_dropped() {
    let mut bench = Bench::multishot();
    bench.connections.close(bench.id, CloseHow::Now);
    let receive = Token::Receive(bench.slot());
    assert_eq!(bench.settle(), [Cancel(receive)]);
    assert_eq!(bench.data(b"late", true), 0);
    assert_eq!(bench.settle(), [GiveBack(0)]);
    bench.received(-libc::ECANCELED, false);
    assert_eq!(bench.settle(), [Close]);
    bench.assert_gone();
}

#[test]
fn a_reused_slot_is_a_new_connection() {
    let mut bench = Bench::new();
    let old = bench.id;
    bench.received(-libc::ECONNRESET, false);
    bench.ended();
    bench.settle();
    bench.id = bench.connections.adopt(SOCKET, Peer::default(), false);
    assert_eq!(old.slot, bench.id.slot);
    bench.connections.write(old, b"stale");
    bench.connections.close(old, CloseHow::Now);
    assert_eq!(bench.settle(), [bench.receive(Receive::Single)]);
}

#[test]
fn a_paused_connection_is_cancelled_and_keeps_what_still_arrives() {
    let mut bench = Bench::multishot();
    bench.connections.set_reading(bench.id, Reading::Paused);
    let receive = Token::Receive(bench.slot());
    assert_eq!(bench.settle(), [Cancel(receive)]);
    assert_eq!(bench.data(b"late", true), 4);
    assert!(!bench.connections.offers_directly(bench.id));
    bench.connections.keep(bench.id, b"late");
    bench.received(-libc::ECANCELED, false);
    assert_eq!(bench.settle(), [GiveBack(0)], "not armed while paused");
    assert_eq!(bench.connections.next_offer(), None);
    bench.connections.set_reading(bench.id, Reading::Multishot);
    assert_eq!(bench.connections.next_offer(), Some(bench.id));
    let mut kept = [0; 16];
    assert_eq!(bench.connections.kept_copy(bench.id, &mut kept), 4);
    assert_eq!(&kept[..4], b"late");
    bench.connections.kept_consumed(bench.id, 4);
    assert!(bench.connections.offers_directly(bench.id));
    assert_eq!(bench.settle(), [bench.receive(Receive::Multishot)]);
}

#[test]
fn too_much_kept_input_breaks_the_connection() {
    let mut bench = Bench::new();
    bench.connections.keep(bench.id, &vec![0; KEPT_BYTES_MAX]);
    assert_eq!(bench.ended(), None);
    bench.connections.keep(bench.id, &[0]);
    assert_eq!(bench.ended(), Some(Ended::Broken));
}

#[test]
fn pending_output_stops_reading_and_then_what_was_kept_is_offered() {
    let mut bench = Bench::multishot();
    bench.write(&vec![0; OUTPUT_PAUSE_BYTES]);
    assert!(bench.connections.output_full(bench.id));
    bench.connections.keep(bench.id, b"next request");
    let sent = bench.settle();
    assert!(matches!(&sent[..], [Operation::Send(..), Cancel(_)]));
    bench.received(-libc::ECANCELED, false);
    assert_eq!(bench.settle(), [], "nothing is read meanwhile");
    assert_eq!(bench.connections.next_offer(), None);
    bench.sent(1);
    let armed = bench.settle();
    assert!(armed.contains(&bench.receive(Receive::Multishot)));
    assert_eq!(bench.connections.next_offer(), Some(bench.id));
}

#[test]
fn what_full_output_held_up_is_offered_even_if_it_leaves_within_the_turn() {
    let mut bench = Bench::multishot();
    bench.write(&vec![0; OUTPUT_PAUSE_BYTES - 1]);
    assert!(matches!(&bench.settle()[..], [Operation::Send(..)]));
    bench.write(&[0]);
    assert!(bench.connections.output_full(bench.id));
    bench.connections.keep(bench.id, b"next request");
    bench.sent(1);
    assert!(!bench.connections.output_full(bench.id));
    bench.settle();
    assert_eq!(bench.connections.next_offer(), Some(bench.id));
}

#[test]
fn a_client_that_never_reads_is_told_why_and_closed() {
    let mut bench = Bench::new();
    bench.write(&vec![0; OUTPUT_CLOSE_BYTES]);
    assert_eq!(bench.ended(), None);
    bench.write(&[0]);
    assert_eq!(bench.ended(), Some(Ended::Broken));
    assert_eq!(bench.connections.overrun_count(), 1);
    let mut last = Vec::new();
    while let Some(Operation::Send(bytes, ..)) = bench.settle().first() {
        bench.sent(i32::try_from(bytes.len()).unwrap());
        last.clone_from(bytes);
    }
    assert!(last.ends_with(WORDS));
}

#[test]
fn an_empty_pool_costs_the_connection_that_holds_most() {
    let mut bench = Bench::with_pool(16);
    let hog = bench.id;
    bench.write(&[0; 14 * CHUNK_BYTES]);
    bench.id = bench.connections.adopt(8, Peer::default(), false);
    bench.settle();
    bench.write(&[0; 3 * CHUNK_BYTES]);
    assert_eq!(
        bench.connections.next_ended(),
        Some((hog, Ended::Broken)),
        "not the one that asked"
    );
    assert_eq!(bench.connections.next_ended(), None);
    let asked = bench.settle();
    assert!(
        asked
            .iter()
            .any(|asked| matches!(asked, Operation::Send(bytes, ..) if bytes.len() > CHUNK_BYTES))
    );
}

#[test]
fn a_socket_is_handed_over_with_nothing_in_flight() {
    let mut bench = Bench::new();
    bench.write(b"before");
    bench.settle();
    bench.connections.hand_over(bench.id, ShardId(3), b"resume");
    let receive = Token::Receive(bench.slot());
    assert_eq!(bench.settle(), [Cancel(receive)]);
    // It was too late to cancel: these bytes belong to the new home too.
    assert_eq!(bench.data(b" and more", false), 9);
    bench.connections.keep(bench.id, b" and more");
    assert_eq!(bench.settle(), [GiveBack(0)]);
    assert_eq!(bench.connections.next_departure(), None);
    bench.sent(6);
    assert_eq!(bench.settle(), []);
    assert_eq!(
        bench.connections.next_departure(),
        Some(Departure {
            to: ShardId(3),
            socket: SOCKET,
            peer: Peer::default(),
            admin: false,
            bytes: b"resume and more".to_vec(),
        })
    );
    assert_eq!(bench.ended(), None);
    bench.assert_gone();
}

#[test]
fn at_the_servers_end_sockets_close_after_their_output() {
    let mut bench = Bench::new();
    bench.write(b"bye");
    bench.connections.close_all();
    assert_eq!(bench.settle(), [bench.send_when_room(b"bye")]);
    bench.sent(3);
    let receive = Token::Receive(bench.slot());
    assert_eq!(bench.settle(), [Cancel(receive)]);
    bench.received(-libc::ECANCELED, false);
    assert_eq!(bench.settle(), [Close]);
    bench.assert_gone();
}
