//! Starts that must be refused, each with its exit code and its remedy, and starts that must not.
//!
//! The real binary in a folder of its own; exit codes are those of `sysexits.h`, listed in
//! docs/OPERATIONS.md.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A folder, and the program run in it without any setting of the environment.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_locker"));
        command.env_clear().current_dir(self.folder.path());
        command.args(arguments).stdin(Stdio::null());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The exit code of a start that is refused, its words holding all of these.
    #[track_caller]
    fn refused(&self, arguments: &[&str], code: i32, texts: &[&str]) {
        assert_refused(&self.output(arguments), code, texts);
    }

    /// Arguments of a small server on a data dir here.
    fn small<'a>(&self, more: &[&'a str]) -> Vec<&'a str> {
        let small = ["--listen=127.0.0.1:0", "--memory=64MiB", "--data-dir=data"];
        [&small[..], more].concat()
    }

    /// A running server.
    #[track_caller]
    fn start(&self, more: &[&str]) -> Started {
        self.start_as(&self.small(more))
    }

    /// A running server with these arguments and no others.
    #[track_caller]
    fn start_as(&self, arguments: &[&str]) -> Started {
        let mut command = self.command(arguments);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut ready = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut ready).unwrap();
        if ready.is_empty() {
            panic!("not ready: {:?}", child.wait_with_output().unwrap());
        }
        Started { child, ready }
    }

    /// Starts, stops in order, and returns what was logged.
    #[track_caller]
    fn start_and_stop(&self, more: &[&str]) -> String {
        self.start(more).stop()
    }
}

#[track_caller]
fn assert_refused(output: &Output, code: i32, texts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for text in texts {
        assert!(said.contains(text), "`{text}` is not in: {said}");
    }
    assert!(output.stdout.is_empty(), "a refusal is not ready");
}

struct Started {
    child: Child,
    ready: String,
}

impl Started {
    fn addresses(&self) -> Vec<SocketAddr> {
        let list = self.ready.split(' ').nth(4).unwrap();
        list.split(',')
            .map(|address| address.parse().unwrap())
            .collect()
    }

    /// SIGTERM, a clean exit, what was logged.
    #[track_caller]
    fn stop(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        assert_eq!(status.code(), Some(0), "{log}");
        log
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // An error means that it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn the_ready_line_tells_addresses_shards_capacity_and_window() {
    let place = Place::new();
    let server = place.start(&["--listen=127.0.0.1:0", "--shards=2"]);
    let words: Vec<&str> = server.ready.trim_end().split(' ').collect();
    assert_eq!(words[..4], ["locker", "ready:", "listening", "on"]);
    assert_eq!(words[5], "shards=2");
    let capacity = words[6].strip_prefix("capacity=").unwrap();
    assert!(capacity.parse::<u64>().unwrap() > 8_192, "{capacity}");
    assert_eq!(words[7..], ["locks", "grace=none"]);
    let addresses = server.addresses();
    assert_eq!(addresses.len(), 2);
    for address in addresses {
        TcpStream::connect(address).unwrap();
    }
    server.stop();
}

#[test]
fn wrong_flags_are_usage_errors() {
    let place = Place::new();
    place.refused(&["--shard=2"], 64, &["--shard", "--shards"]);
    place.refused(&["serve", "--seats=0"], 64, &["seats", "2..4096"]);
    place.refused(&["--memory=1GB"], 64, &["memory", "GiB"]);
    place.refused(&["--memory=16MiB", "--shards=8"], 64, &["--memory "]);
    place.refused(&["--listen=localhost:1"], 64, &["host names"]);
    place.refused(&["--cpus=8000"], 64, &["cpu 8000"]);
    place.refused(&["nonsense"], 64, &["nonsense"]);
}

#[test]
fn a_wrong_file_or_environment_is_a_configuration_error() {
    let place = Place::new();
    fs::write(place.path("bad.toml"), "memroy = \"1GiB\"\n").unwrap();
    place.refused(
        &["--config=bad.toml"],
        78,
        &["bad.toml", "`memroy`", "`memory`"],
    );
    place.refused(&["--config=none.toml"], 78, &["none.toml"]);
    let mut command = place.command(&[]);
    let output = command.env("LOCKER_MEMROY", "1GiB").output().unwrap();
    assert_refused(&output, 78, &["LOCKER_MEMROY", "LOCKER_MEMORY"]);
}

#[test]
fn config_print_shows_where_each_value_comes_from_and_reads_back() {
    let place = Place::new();
    fs::write(place.path("locker.toml"), "seats = 9\n").unwrap();
    let arguments = [
        "config",
        "print",
        "--config=locker.toml",
        "--ttl=3s",
        "--ephemeral",
    ];
    let printed = place
        .command(&arguments)
        .env("LOCKER_DRAIN", "1s")
        .output()
        .unwrap();
    assert!(printed.status.success());
    let text = String::from_utf8(printed.stdout).unwrap();
    for line in [
        "seats = 9  # file locker.toml",
        "ttl = \"3s\"  # flag --ttl",
        "drain = \"1s\"  # environment LOCKER_DRAIN",
        "memory = \"1GiB\"  # default",
        "# capacity: ",
    ] {
        assert!(text.contains(line), "`{line}` is not in:\n{text}");
    }
    fs::write(place.path("printed.toml"), &text).unwrap();
    let check = place.output(&["config", "check", "--config=printed.toml"]);
    assert!(check.status.success(), "{check:?}");
    place.refused(&["config", "check", "--seats=x"], 64, &["seats"]);
}

#[test]
fn a_taken_port_names_how_to_find_its_holder() {
    let place = Place::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let listen = format!("--listen={address}");
    let arguments = [&listen, "--memory=64MiB", "--data-dir=data"];
    place.refused(&arguments, 75, &["ss -ltnp", &address.port().to_string()]);
    // Nothing durable was written for a start that could not be.
    assert!(!place.path("data/state.1").exists());
}

#[test]
fn a_taken_port_of_a_shard_names_its_setting() {
    let place = Place::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let base = format!("--shard-port-base={port}");
    let texts = ["ss -ltnp", &port, "--shard-port-base another"];
    place.refused(&place.small(&[&base, "--shards=1"]), 75, &texts);
    assert!(!place.path("data/state.1").exists());
}

#[test]
fn ports_of_shards_that_cannot_be_are_usage_errors() {
    let place = Place::new();
    for (base, text) in [("65536", "0..65535"), ("65535", "65534"), ("x", "none, or")] {
        let base = format!("--shard-port-base={base}");
        let arguments = [&base, "--shards=2", "--ephemeral"];
        place.refused(&arguments, 64, &["shard-port-base", text]);
    }
}

#[test]
fn a_unix_socket_alone_will_do() {
    let place = Place::new();
    let socket = place.path("s");
    let listen = format!("--listen=unix:{}", socket.display());
    let arguments = [
        "--memory=64MiB",
        "--connections=100",
        "--ephemeral",
        &listen,
    ];
    let server = place.start_as(&arguments);
    let told = server.ready.split(' ').nth(4).unwrap();
    assert_eq!(told, format!("unix:{}", socket.display()));
    UnixStream::connect(&socket).unwrap();
    place.refused(&arguments, 75, &["listens there", "ss -lxp"]);
    UnixStream::connect(&socket).unwrap();
    let log = server.stop();
    assert!(!log.contains("WARN"), "{log}");
    assert!(!socket.exists());
}

#[test]
fn a_killed_server_leaves_its_socket_to_the_next_start() {
    let place = Place::new();
    let socket = place.path("s");
    let listen = format!("--listen=unix:{}", socket.display());
    let mut server = place.start(&[&listen]);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(socket.exists());
    place.start_and_stop(&[&listen]);
    assert!(!socket.exists());
}

#[test]
fn a_file_where_the_socket_is_to_be_is_not_touched() {
    let place = Place::new();
    fs::write(place.path("s"), b"precious").unwrap();
    let listen = format!("--listen=unix:{}", place.path("s").display());
    place.refused(&place.small(&[&listen]), 73, &["no socket", "move it away"]);
    assert_eq!(fs::read(place.path("s")).unwrap(), b"precious");
    let listen = format!("--listen=unix:{}", place.path("s/s").display());
    place.refused(&place.small(&[&listen]), 73, &["no such folder"]);
    let listen = format!("--listen=unix:{}", place.path("t/s").display());
    place.refused(&place.small(&[&listen]), 73, &["RuntimeDirectory="]);
    // The kernel's own file system lets nobody make a file, not even root.
    let listen = "--listen=unix:/proc/self/s";
    place.refused(&place.small(&[listen]), 73, &["/proc/self/s"]);
}

#[test]
fn a_unix_socket_that_cannot_be_is_a_usage_error() {
    let place = Place::new();
    let long = format!("--listen=unix:/{}", "x".repeat(107));
    for (listen, text) in [
        (long.as_str(), "107 bytes"),
        ("--listen=unix:s", "from the root"),
        ("--listen-mode=0999", "octal"),
    ] {
        place.refused(&["--ephemeral", listen], 64, &[text]);
    }
}

#[test]
fn the_ready_line_tells_the_ports_of_shards() {
    let place = Place::new();
    let more = ["--listen=[::1]:0", "--shards=2", "--shard-port-base=0"];
    let server = place.start(&more);
    let words: Vec<&str> = server.ready.trim_end().split(' ').collect();
    assert_eq!(words[8], "grace=none");
    let ports = words[9].strip_prefix("shard-ports=").unwrap().split(',');
    let ports: Vec<u16> = ports.map(|port| port.parse().unwrap()).collect();
    assert_eq!(ports.len(), 2);
    // Each at every address.
    for address in server.addresses() {
        for port in &ports {
            TcpStream::connect((address.ip(), *port)).unwrap();
        }
    }
    server.stop();
}

#[test]
fn an_address_of_another_machine_is_a_configuration_error() {
    let place = Place::new();
    place.refused(
        &["--ephemeral", "--listen=192.0.2.1:0"],
        78,
        &["ip address"],
    );
}

#[test]
fn a_data_dir_in_use_names_its_server() {
    let place = Place::new();
    let server = place.start(&[]);
    let process = format!("process {}", server.child.id());
    place.refused(&place.small(&[]), 75, &["in use", &process]);
    server.stop();
    place.start_and_stop(&[]);
}

#[test]
fn a_data_dir_that_cannot_be_made_is_told() {
    let place = Place::new();
    fs::write(place.path("file"), b"").unwrap();
    for data_dir in ["--data-dir=file", "--data-dir=file/data"] {
        let arguments = ["--listen=127.0.0.1:0", "--memory=64MiB", data_dir];
        place.refused(&arguments, 73, &["data dir", "another directory"]);
    }
}

#[test]
fn a_data_dir_that_may_not_be_written_is_told() {
    let place = Place::new();
    // The kernel's own file system lets nobody make a directory, not even root.
    let arguments = [
        "--listen=127.0.0.1:0",
        "--memory=64MiB",
        "--data-dir=/sys/kernel/locker",
    ];
    place.refused(&arguments, 77, &["--data-dir", "--ephemeral"]);
}

#[test]
fn a_directory_of_somebody_else_is_refused() {
    let place = Place::new();
    fs::create_dir(place.path("data")).unwrap();
    fs::write(place.path("data/precious"), b"").unwrap();
    place.refused(&place.small(&[]), 73, &["precious", "--data-dir"]);
}

#[test]
fn two_damaged_copies_are_refused_with_the_remedy() {
    let place = Place::new();
    place.start_and_stop(&[]);
    for copy in ["data/state.0", "data/state.1"] {
        fs::write(place.path(copy), b"damaged").unwrap();
    }
    place.refused(&place.small(&[]), 74, &["damaged", "state.0"]);
}

#[test]
fn one_damaged_copy_closes_all_keys_for_the_longest_ttl() {
    let place = Place::new();
    place.start_and_stop(&["--ttl-max=10s"]);
    let newest = newest_copy(&place.path("data"));
    fs::write(newest, b"damaged").unwrap();
    let server = place.start(&["--ttl-max=10s"]);
    assert!(server.ready.contains("grace=10250ms"), "{}", server.ready);
    let log = server.stop();
    assert!(log.contains("damaged"), "{log}");
}

/// The copy of the higher version; the version lies at byte 16.
fn newest_copy(data: &Path) -> PathBuf {
    let copies = ["state.0", "state.1"].map(|name| data.join(name));
    let version = |copy: &PathBuf| {
        let bytes = fs::read(copy).unwrap();
        u64::from_le_bytes(bytes[16..24].try_into().unwrap())
    };
    copies.into_iter().max_by_key(version).unwrap()
}

#[test]
fn a_wiped_data_dir_starts_anew_with_one_warning() {
    let place = Place::new();
    let log = place.start_and_stop(&[]);
    assert_eq!(log.matches("a first start").count(), 1, "{log}");
    let log = place.start_and_stop(&[]);
    assert!(
        !log.contains("anew") && !log.contains("first start"),
        "{log}"
    );
    fs::remove_dir_all(place.path("data")).unwrap();
    let log = place.start_and_stop(&[]);
    assert_eq!(log.matches("a first start").count(), 1, "{log}");
}

#[test]
fn a_server_that_nobody_used_leaves_no_window_even_if_killed() {
    let place = Place::new();
    drop(place.start(&[]));
    let server = place.start(&[]);
    assert!(server.ready.contains("grace=none"), "{}", server.ready);
    server.stop();
}

#[test]
fn an_ephemeral_server_keeps_nothing_and_says_so() {
    let place = Place::new();
    let arguments = ["--listen=127.0.0.1:0", "--memory=64MiB", "--ephemeral"];
    let mut child = place
        .command(&arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(
        ready.trim_end().ends_with("grace=none ephemeral"),
        "{ready}"
    );
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 0);
}

#[test]
fn more_connections_than_descriptors_are_lowered_with_the_remedy() {
    let program = env!("CARGO_BIN_EXE_locker");
    let script =
        format!("ulimit -n 300; exec {program} config print --connections=1000 --shards=2");
    let output = Command::new("sh")
        .env("HOME", "/nowhere")
        .args(["-c", &script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("from 1000 to 204") && said.contains("LimitNOFILE"),
        "{said}"
    );
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("in effect: 204"), "{printed}");
}

/// What a start says under these limits of a shell.
fn limited(limits: &str, arguments: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_locker");
    let script = format!("{limits}; exec {program} --listen=127.0.0.1:0 --ephemeral {arguments}");
    let mut command = Command::new("sh");
    command.env_clear().args(["-c", &script]).output().unwrap()
}

#[test]
fn too_little_locked_memory_is_told_with_the_limit_to_set() {
    let output = limited("ulimit -l 64", "--shards=2");
    assert_refused(&output, 71, &["64KiB", "LimitMEMLOCK=512K"]);
}

#[test]
fn memory_that_cannot_be_had_is_told() {
    assert_refused(
        &limited("true", "--memory=15TiB"),
        71,
        &["this machine has"],
    );
    let output = limited(
        "ulimit -v 700000",
        "--memory=1GiB --connections=100 --shards=1",
    );
    assert_refused(&output, 71, &["lower --memory", "ulimit -v"]);
}

#[test]
fn no_descriptors_for_any_connection_is_told() {
    assert_refused(&limited("ulimit -n 60", "--shards=1"), 78, &["ulimit -n"]);
}
