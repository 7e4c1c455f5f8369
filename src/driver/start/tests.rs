//! The loop with real sockets and a machine that echoes.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::lock::input::Peer;
use crate::net::acceptor::Deal;
use crate::shard::io::{CloseHow, ConnectionId, Io, Reading};
use crate::shard::machine::NextTurn;
use crate::time::{Instant, Millis};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};

/// Echoes whole 8-byte frames; some frames are commands.
struct Echo {
    me: ShardId,
    now: Instant,
    /// Answers that wait for their time.
    later: Vec<(Instant, ConnectionId)>,
    /// Bytes of unfinished long frames that were offered.
    in_vain: usize,
}

/// Asks for the shard's number in the answer.
const WHERE: &[u8; 8] = b"where   ";
/// Asks to be moved to the shard with the number in the last byte, which answers.
const MOVE: &[u8; 7] = b"move to";
/// Asks for an answer from the shard with the number in the last byte, down the lanes.
const RELAY: &[u8; 7] = b"relay  ";
/// Asks for an answer that may wait for more, of which there is none.
const CORK: &[u8; 8] = b"cork    ";
/// Asks to be closed.
const CLOSE: &[u8; 8] = b"close   ";
/// Asks for 64 KiB.
const FLOOD: &[u8; 8] = b"flood   ";
/// Begins a frame that is answered with how many bytes were offered before it was whole.
const LONG: &[u8; 8] = b"long    ";
const LONG_BYTES: usize = 65_536;
/// Asks for an answer 2 ms later.
const LATER: &[u8; 8] = b"later   ";
/// Asks not to be read until the end of the turn.
const PAUSE: &[u8; 8] = b"pause   ";

impl Echo {
    fn new(me: ShardId) -> Self {
        Self {
            me,
            now: Instant::START,
            later: Vec::new(),
            in_vain: 0,
        }
    }

    fn answer(&mut self, id: ConnectionId, frame: &[u8], io: &mut impl Io) {
        let last = frame[7];
        match frame.first_chunk::<7>() {
            Some(RELAY) => io.lane_send(
                ShardId(last),
                &[id.slot, id.generation].map(u32::to_le_bytes).concat(),
            ),
            Some(MOVE) => {
                io.write(id, &[self.me.0; 8]);
                io.read(id, Reading::Multishot);
            }
            _ if frame == WHERE => io.write(id, &[self.me.0; 8]),
            _ if frame == FLOOD => io.write(id, &[b'x'; 65_536]),
            _ if frame == CORK => {
                io.cork(id);
                io.write(id, frame);
            }
            _ if frame == CLOSE => io.close(id, CloseHow::Flush),
            _ if frame == LATER => self.later.push((self.now + Millis(2), id)),
            _ => io.write(id, frame),
        }
    }
}

impl Machine for Echo {
    fn turn_begin(&mut self, now: Instant, _: &mut impl Io) {
        assert!(now >= self.now, "the clock only goes on");
        self.now = now;
    }

    fn connected(&mut self, _: ConnectionId, _: Peer, _: bool, _: &mut impl Io) {}

    fn whole_at(&self, _: ConnectionId, head: &[u8]) -> usize {
        if head.starts_with(LONG) {
            LONG_BYTES
        } else {
            0
        }
    }

    fn received(&mut self, id: ConnectionId, bytes: &[u8], io: &mut impl Io) -> usize {
        if bytes.starts_with(LONG) {
            if bytes.len() < LONG_BYTES {
                self.in_vain += bytes.len();
                return 0;
            }
            io.write(id, &self.in_vain.to_le_bytes());
            return LONG_BYTES;
        }
        for (index, frame) in bytes.chunks_exact(8).enumerate() {
            let used = index * 8;
            if io.output_full(id) {
                return used;
            }
            if frame.starts_with(MOVE) && frame[7] != self.me.0 {
                io.hand_over(id, ShardId(frame[7]), &bytes[used..]);
                return used;
            }
            if frame == PAUSE {
                io.read(id, Reading::Paused);
                self.later.push((self.now, id));
                return used + 8;
            }
            self.answer(id, frame, io);
        }
        bytes.len() / 8 * 8
    }

    fn disconnected(&mut self, _: ConnectionId, _: bool, _: &mut impl Io) {}

    fn lane_message(&mut self, from: ShardId, message: &[u8], io: &mut impl Io) {
        match message.split_at(8) {
            (question, []) => io.lane_send(from, &[question, &[self.me.0]].concat()),
            (question, answer) => {
                let number = |at: usize| u32::from_le_bytes(*question[at..].first_chunk().unwrap());
                let id = ConnectionId {
                    slot: number(0),
                    generation: number(4),
                };
                io.write(id, &[answer[0]; 8]);
            }
        }
    }

    fn control(&mut self, _: FromControl, _: &mut impl Io) {}

    fn turn_end(&mut self, io: &mut impl Io) -> NextTurn {
        let now = self.now;
        self.later.retain(|&(at, id)| {
            if at <= now {
                io.read(id, Reading::Single);
                io.write(id, b"now     ");
            }
            at > now
        });
        NextTurn {
            wake_at: self.later.iter().map(|&(at, _)| at).min(),
            ..NextTurn::default()
        }
    }
}

fn start(shards: u16, connections_max: u32) -> (Running, SocketAddr) {
    start_spinning(shards, connections_max, Duration::ZERO)
}

fn start_spinning(shards: u16, connections_max: u32, spin: Duration) -> (Running, SocketAddr) {
    let (setup, address) = setup(shards, connections_max, spin);
    let running = start_shards(setup, |me| Ok(Echo::new(me))).unwrap();
    (running, address)
}

fn setup(shards: u16, connections_max: u32, spin: Duration) -> (ShardsSetup, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    setup_on(listener, shards, connections_max, spin)
}

fn setup_on(
    listener: TcpListener,
    shards: u16,
    connections_max: u32,
    spin: Duration,
) -> (ShardsSetup, SocketAddr) {
    let address = listener.local_addr().unwrap();
    let listener = Listener {
        socket: listener.into(),
        admin: true,
        deal: Deal::Fewest,
    };
    let (to_control, _) = std::sync::mpsc::channel();
    let setup = ShardsSetup {
        shards,
        cpus: Vec::new(),
        lane_bytes: 64 * 1024,
        chunks: 4_096,
        connections_max,
        spin,
        listeners: vec![listener],
        clock: ServerClock::start(),
        to_control,
    };
    (setup, address)
}

fn ask(stream: &mut TcpStream, frame: &[u8; 8]) -> [u8; 8] {
    stream.write_all(frame).unwrap();
    let mut answer = [0; 8];
    stream.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn a_shards_memory_is_touched_first_by_its_own_thread_on_its_own_cpu() {
    let allowed = rustix::thread::sched_getaffinity(None).unwrap();
    let cpus = (0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
    let cpus: Vec<usize> = cpus.take(2).collect();
    let shards = u16::try_from(cpus.len()).unwrap();
    let (mut setup, _) = setup(shards, 10, Duration::ZERO);
    setup.cpus.clone_from(&cpus);
    let (tell, told) = std::sync::mpsc::channel();
    let running = start_shards(setup, move |me| {
        let own = rustix::thread::sched_getaffinity(None)?;
        let thread = std::thread::current();
        tell.send((me, own, thread.id())).unwrap();
        Ok(Echo::new(me))
    });
    running.unwrap().stop();
    let mut threads = std::collections::HashSet::new();
    for (me, own, thread) in told {
        assert_eq!(own.count(), 1, "{me:?} is pinned when it makes its tables");
        assert!(
            own.is_set(cpus[usize::from(me.0)]),
            "to the cpu it was given"
        );
        threads.insert(thread);
    }
    assert_eq!(threads.len(), cpus.len(), "each made its own");
}

#[test]
fn bytes_come_back() {
    let (running, address) = start(1, 10);
    let mut stream = TcpStream::connect(address).unwrap();
    for round in 0..1_000_u64 {
        assert_eq!(ask(&mut stream, &round.to_le_bytes()), round.to_le_bytes());
    }
    running.stop();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_frame_that_comes_byte_by_byte_is_joined() {
    let (running, address) = start(1, 10);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in b"abcdefgh" {
        stream.write_all(&[*byte]).unwrap();
        std::thread::yield_now();
    }
    let mut answer = [0; 8];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"abcdefgh");
    running.stop();
}

#[test]
fn a_long_frame_in_small_pieces_is_not_offered_again_with_each() {
    let (running, address) = start(1, 8);
    let mut stream = connect(address);
    let mut frame = LONG.to_vec();
    frame.resize(LONG_BYTES, b'.');
    for piece in frame.chunks(512) {
        stream.write_all(piece).unwrap();
    }
    let mut answer = [0; 8];
    stream.read_exact(&mut answer).unwrap();
    let in_vain = usize::from_le_bytes(answer);
    assert!(in_vain <= net::RECEIVE_BUFFER_BYTES, "{in_vain}");
    drop(stream);
    running.stop();
}

#[test]
fn everything_comes_back_from_a_client_that_writes_much_before_it_reads() {
    let (running, address) = start(1, 10);
    let stream = TcpStream::connect(address).unwrap();
    let mut sending = stream.try_clone().unwrap();
    let bytes: Vec<u8> = (0..1_u32 << 20).flat_map(u32::to_le_bytes).collect();
    let expected = bytes.clone();
    let sender = std::thread::spawn(move || sending.write_all(&bytes).unwrap());
    let mut received = vec![0; expected.len()];
    (&stream).read_exact(&mut received).unwrap();
    assert!(received == expected);
    sender.join().unwrap();
    running.stop();
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// No answer takes so long; a test that waits for one fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(10);

fn command(word: &[u8; 7], shard: u8) -> [u8; 8] {
    let mut frame = [shard; 8];
    frame[..7].copy_from_slice(word);
    frame
}

#[test]
fn connections_are_dealt_evenly() {
    let (running, address) = start(3, 100);
    let mut streams = Vec::new();
    let mut counts = [0_u32; 3];
    for _ in 0..10 {
        let mut stream = connect(address);
        counts[usize::from(ask(&mut stream, WHERE)[0])] += 1;
        streams.push(stream);
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(most - least <= 1, "{counts:?}");
    }
    running.stop();
}

#[test]
fn a_socket_moves_with_all_bytes_behind_the_request_however_they_are_cut() {
    let (running, address) = start(2, 100);
    let mut whole = Vec::new();
    for frame in [
        &command(MOVE, 1),
        b"one     ",
        &command(MOVE, 1),
        b"two     ",
    ] {
        whole.extend_from_slice(frame);
    }
    for cut in 0..whole.len() {
        for target in [0, 1] {
            let mut stream = connect(address);
            let mut bytes = whole.clone();
            bytes[7] = target;
            bytes[23] = target;
            stream.write_all(&bytes[..cut]).unwrap();
            std::thread::yield_now();
            stream.write_all(&bytes[cut..]).unwrap();
            let mut answer = [0; 32];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer[..8], [target; 8], "cut at {cut}");
            assert_eq!(&answer[8..16], b"one     ", "cut at {cut}");
            assert_eq!(&answer[24..], b"two     ", "cut at {cut}");
            assert_eq!(ask(&mut stream, WHERE), [target; 8]);
        }
    }
    running.stop();
}

#[test]
fn shards_answer_each_other_while_both_sleep_between() {
    let (running, address) = start(2, 100);
    let mut stream = connect(address);
    let other = 1 - ask(&mut stream, WHERE)[0];
    for _ in 0..2_000 {
        assert_eq!(ask(&mut stream, &command(RELAY, other)), [other; 8]);
    }
    running.stop();
}

#[test]
fn shards_that_spin_before_they_sleep_answer_too() {
    let (running, address) = start_spinning(2, 100, Duration::from_micros(100));
    let mut stream = connect(address);
    let other = 1 - ask(&mut stream, WHERE)[0];
    for round in 0..500_u64 {
        assert_eq!(ask(&mut stream, &command(RELAY, other)), [other; 8]);
        assert_eq!(ask(&mut stream, &round.to_le_bytes()), round.to_le_bytes());
    }
    assert_eq!(&ask(&mut stream, LATER), b"now     ");
    running.stop();
}

#[test]
fn no_shard_sleeps_over_output_that_waits_for_more() {
    let (running, address) = start(2, 100);
    let mut stream = connect(address);
    for _ in 0..200 {
        assert_eq!(&ask(&mut stream, CORK), CORK);
    }
    running.stop();
}

#[test]
fn shards_that_share_a_processor_know_it() {
    let shared = |cpus: &[usize]| [shares_cpu(cpus, 0), shares_cpu(cpus, 1)];
    assert_eq!(shared(&[3, 4]), [false, false]);
    assert_eq!(shared(&[3, 4, 3]), [true, false]);
    assert_eq!(shared(&[]), [true, true], "wherever the system puts them");
}

#[test]
fn the_timer_wakes_a_sleeping_shard() {
    let (running, address) = start(1, 100);
    let mut stream = connect(address);
    for _ in 0..20 {
        assert_eq!(&ask(&mut stream, LATER), b"now     ");
    }
    running.stop();
}

#[test]
fn a_paused_connection_goes_on_where_it_stopped() {
    let (running, address) = start(1, 100);
    let mut stream = connect(address);
    let frames = [PAUSE, b"behind 1", PAUSE, b"behind 2"]
        .map(|frame| *frame)
        .concat();
    for _ in 0..100 {
        stream.write_all(&frames).unwrap();
        let mut answer = [0; 32];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer[..], b"now     behind 1now     behind 2");
    }
    running.stop();
}

#[test]
fn what_was_written_before_a_close_arrives_before_the_end() {
    let (running, address) = start(1, 100);
    let mut stream = connect(address);
    stream
        .write_all(&[*FLOOD, *CLOSE, *b"ignored "].concat())
        .unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), 65_536);
    running.stop();
}

#[test]
fn an_answer_of_several_sends_arrives_whole_though_the_shard_could_sleep() {
    let (running, address) = start(1, 100);
    let mut stream = connect(address);
    stream.write_all(&FLOOD.repeat(3)).unwrap();
    stream.read_exact(&mut vec![0; 3 * 65_536]).unwrap();
    running.stop();
}

#[test]
fn a_socket_that_is_full_when_the_shard_falls_asleep_gets_the_rest() {
    const PIECE: usize = 4_096;
    let (mut setup, _) = setup(1, 100, Duration::ZERO);
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("s");
    setup.listeners.push(Listener {
        socket: UnixListener::bind(&path).unwrap().into(),
        admin: true,
        deal: Deal::Fewest,
    });
    let running = start_shards(setup, |me| Ok(Echo::new(me))).unwrap();
    let signal = running.signals().next().unwrap();
    // One of these ends with the first that finds no room: a Unix socket takes some 200 KiB. They
    // stay open: a close would wake the shard.
    let mut open = Vec::new();
    for pieces in 20..70 {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        for _ in 0..pieces {
            let turns = signal.turns();
            stream.write_all(&[b'.'; PIECE]).unwrap();
            while signal.turns() == turns || !signal.sleeper.is_asleep() {
                std::thread::yield_now();
            }
        }
        stream.read_exact(&mut vec![0; pieces * PIECE]).unwrap();
        open.push(stream);
    }
    running.stop();
}

#[test]
fn one_connection_too_many_is_told_so_and_a_place_that_gets_free_is_given_again() {
    let (running, address) = start(2, 2);
    let mut first = connect(address);
    let mut second = connect(address);
    ask(&mut first, WHERE);
    ask(&mut second, WHERE);
    let mut third = connect(address);
    third.write_all(b"a hello ").unwrap();
    let mut told = Vec::new();
    third.read_to_end(&mut told).unwrap();
    assert_eq!(told, net::words::connections_full(2));
    drop(first);
    while running
        .signals()
        .map(|signal| signal.connections())
        .sum::<u32>()
        > 1
    {
        std::thread::yield_now();
    }
    ask(&mut connect(address), WHERE);
    running.stop();
}

#[test]
fn a_client_that_never_reads_hurts_nobody_else() {
    let (running, address) = start(1, 100);
    let mut deaf = connect(address);
    deaf.set_write_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    // Until the server no longer takes requests: bounded by its buffers, not by ours.
    while deaf.write_all(&FLOOD.repeat(64)).is_ok() {}
    let mut other = connect(address);
    for round in 0..100_u64 {
        assert_eq!(ask(&mut other, &round.to_be_bytes()), round.to_be_bytes());
    }
    drop(deaf);
    running.stop();
}

#[test]
fn connections_dropped_at_once_leave_nothing_behind() {
    let (running, address) = start(2, 1_000);
    for _ in 0..5 {
        let streams: Vec<TcpStream> = (0..100).map(|_| connect(address)).collect();
        drop(streams);
    }
    while running.signals().any(|signal| signal.connections() > 0) {
        std::thread::yield_now();
    }
    ask(&mut connect(address), WHERE);
    running.stop();
}

#[test]
fn clients_that_reset_in_mid_send_leave_nothing_behind() {
    let (running, address) = start(2, 100);
    let mut other = connect(address);
    for round in 0..50_u64 {
        let mut deaf = connect(address);
        // More than the socket takes at once: the server is left with a send that waits.
        deaf.write_all(&FLOOD.repeat(64)).unwrap();
        let mut some = [0; 8];
        deaf.read_exact(&mut some).unwrap();
        // With answers unread, the close is a reset.
        drop(deaf);
        assert_eq!(ask(&mut other, &round.to_be_bytes()), round.to_be_bytes());
    }
    let connections = || running.signals().map(|signal| signal.connections());
    while connections().sum::<u32>() > 1 {
        std::thread::yield_now();
    }
    running.stop();
}

/// Only the send buffers are small. With receive buffers this small as well the windows close, and
/// the kernel goes on at its retransmission timers, about 200 ms each, whatever the server does.
#[test]
fn sockets_with_the_smallest_send_buffers_carry_everything_byte_by_byte() {
    use rustix::net::sockopt::set_socket_send_buffer_size as set_send_buffer;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // What is accepted inherits it.
    set_send_buffer(&listener, 1).unwrap();
    let (setup, address) = setup_on(listener, 1, 10, Duration::ZERO);
    let running = start_shards(setup, |me| Ok(Echo::new(me))).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    set_send_buffer(&stream, 1).unwrap();
    for byte in [*FLOOD, *b"first   ", *FLOOD, *b"second  "].concat() {
        stream.write_all(&[byte]).unwrap();
    }
    for word in [b"first   ", b"second  "] {
        let mut heard = vec![0; 65_536 + word.len()];
        for byte in heard.chunks_exact_mut(1) {
            stream.read_exact(byte).unwrap();
        }
        let (flood, answer) = heard.split_at(65_536);
        assert!(flood.iter().all(|&byte| byte == b'x'));
        assert_eq!(answer, word);
    }
    running.stop();
}
