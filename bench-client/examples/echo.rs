//! Measures the shard loop with a machine that only echoes against a minimal epoll echo server.
//!
//! `cargo run --release -p locker-bench --example echo` runs both in turn, each as a process of its
//! own pinned to core 0, with the generator on core 1, and prints medians: thousand frames per
//! second and server CPU microseconds per frame. The second figure is the one to trust on a shared
//! machine.

#![allow(clippy::unwrap_used)]

use locker::driver::server_clock::ServerClock;
use locker::driver::start::{ShardsSetup, start_shards};
use locker::lock::input::Peer;
use locker::lock::op::ShardId;
use locker::net::acceptor::Listener;
use locker::shard::io::{ConnectionId, FromControl, Io, Reading};
use locker::shard::machine::{Machine, NextTurn};
use locker::time::Instant;
use rustix::event::epoll;
use rustix::thread::{CpuSet, sched_setaffinity};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const FRAME_BYTES: usize = 64;
const ROUNDS: usize = 5;
const SHAPES: [(usize, usize); 5] = [(50, 1), (200, 1), (8, 32), (50, 16), (50, 64)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("serve-driver") => serve_driver(),
        Some("serve-epoll") => serve_epoll(),
        _ => compare(),
    }
}

fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).unwrap();
}

struct Echo;

impl Machine for Echo {
    fn turn_begin(&mut self, _: Instant, _: &mut impl Io) {}
    fn connected(&mut self, id: ConnectionId, _: Peer, _: bool, io: &mut impl Io) {
        io.read(id, Reading::Multishot);
    }
    fn received(&mut self, id: ConnectionId, bytes: &[u8], io: &mut impl Io) -> usize {
        // One write per frame, as a server of requests would.
        for frame in bytes.chunks_exact(FRAME_BYTES) {
            io.write(id, frame);
        }
        bytes.len() / FRAME_BYTES * FRAME_BYTES
    }
    fn disconnected(&mut self, _: ConnectionId, _: bool, _: &mut impl Io) {}
    fn lane_message(&mut self, _: ShardId, _: &[u8], _: &mut impl Io) {}
    fn control(&mut self, _: FromControl, _: &mut impl Io) {}
    fn turn_end(&mut self, _: &mut impl Io) -> NextTurn {
        NextTurn::default()
    }
}

fn bind() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    listener
}

fn serve_driver() {
    let (to_control, _words) = std::sync::mpsc::channel();
    let listener = bind();
    let setup = ShardsSetup {
        shards: 1,
        cpus: vec![0],
        lane_bytes: 64 * 1024,
        chunks: 16_384,
        connections_max: 1_000,
        spin: Duration::ZERO,
        listeners: vec![Listener {
            socket: listener.into(),
            admin: true,
        }],
        clock: ServerClock::start(),
        to_control,
    };
    let running = start_shards(setup, |_| Ok(Echo)).unwrap();
    // Until the parent closes our input.
    let _ = std::io::stdin().read(&mut [0]);
    drop(running);
    std::process::exit(0);
}

fn serve_epoll() {
    pin(0);
    let listener = bind();
    let poller = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let add = |token: usize, socket: &dyn std::os::fd::AsFd| {
        let data = epoll::EventData::new_u64(token as u64);
        epoll::add(&poller, socket.as_fd(), data, epoll::EventFlags::IN).unwrap();
    };
    add(usize::MAX, &listener);
    let mut clients: Vec<Option<TcpStream>> = Vec::new();
    let mut events = Vec::with_capacity(256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        events.clear();
        epoll::wait(&poller, rustix::buffer::spare_capacity(&mut events), None).unwrap();
        for event in &events {
            let token = usize::try_from(event.data.u64()).unwrap();
            if token == usize::MAX {
                let (client, _) = listener.accept().unwrap();
                client.set_nodelay(true).unwrap();
                add(clients.len(), &client);
                clients.push(Some(client));
                continue;
            }
            let client = &mut clients[token];
            let count = client
                .as_mut()
                .map_or(0, |client| client.read(&mut buffer).unwrap_or(0));
            match client {
                Some(client) if count > 0 => client.write_all(&buffer[..count]).unwrap(),
                _ => *client = None,
            }
        }
        let idle = clients.iter().all(Option::is_none) && !clients.is_empty();
        if idle {
            std::process::exit(0);
        }
    }
}

fn compare() {
    println!(
        "{:>10} {:>16} {:>16}   k frames/s, us CPU/frame",
        "shape", "driver", "epoll"
    );
    for (connections, depth) in SHAPES {
        let mut figures = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (index, server) in ["serve-driver", "serve-epoll"].iter().enumerate() {
                figures[index].push(measure(server, connections, depth));
            }
        }
        print!("{:>10}", format!("{connections}x{depth}"));
        for figures in &mut figures {
            let rate = median(figures.iter().map(|figure| figure.0).collect());
            let cost = median(figures.iter().map(|figure| figure.1).collect());
            print!(" {:>16}", format!("{rate:.0} / {cost:.2}"));
        }
        println!();
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn measure(server: &str, connections: usize, depth: usize) -> (f64, f64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(server)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut address)
        .unwrap();
    let figures = load(address.trim(), connections, depth, &child);
    drop(child.stdin.take());
    let _ = child.kill();
    child.wait().unwrap();
    figures
}

fn cpu_us(child: &Child) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks * 10_000.0
}

fn load(address: &str, connections: usize, depth: usize, child: &Child) -> (f64, f64) {
    pin(1);
    let poller = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let batch = vec![7; FRAME_BYTES * depth];
    let mut clients: Vec<(TcpStream, usize)> = Vec::new();
    for index in 0..connections {
        let client = TcpStream::connect(address).unwrap();
        client.set_nodelay(true).unwrap();
        client.set_nonblocking(true).unwrap();
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&poller, &client, data, epoll::EventFlags::IN).unwrap();
        clients.push((client, 0));
    }
    for (client, _) in &mut clients {
        client.write_all(&batch).unwrap();
    }
    let mut events = Vec::with_capacity(256);
    let mut buffer = vec![0; 64 * 1024];
    let warm_up = std::time::Instant::now() + Duration::from_millis(200);
    let mut begin = None;
    let mut frames = 0_u64;
    loop {
        events.clear();
        epoll::wait(&poller, rustix::buffer::spare_capacity(&mut events), None).unwrap();
        for event in &events {
            let (client, received) = &mut clients[usize::try_from(event.data.u64()).unwrap()];
            match client.read(&mut buffer) {
                Ok(count) => *received += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error} on {}", client.as_raw_fd()),
            }
            // The whole batch is back: the next one goes out.
            if *received == batch.len() {
                *received = 0;
                frames += depth as u64;
                client.write_all(&batch).unwrap();
            }
        }
        let now = std::time::Instant::now();
        match begin {
            None if now >= warm_up => begin = Some((now, frames, cpu_us(child))),
            Some((start, before, cpu)) if now - start >= Duration::from_millis(1_500) => {
                let seconds = (now - start).as_secs_f64();
                let done = (frames - before) as f64;
                return (done / seconds / 1e3, (cpu_us(child) - cpu) / done);
            }
            _ => {}
        }
    }
}
