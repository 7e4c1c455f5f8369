//! Listening Unix sockets, and the files that they are found by.
//!
//! A socket's file outlives a server that was killed. What tells a stale file from a live one is
//! whether somebody listens: so a socket listens from the moment that it has its file, and
//! whoever looks, removes or binds does so under a lock of the folder (flock), lest two servers
//! that start at once remove each other's. Clients that come before the shards run wait.

use crate::config::address::UnixName;
use crate::net::acceptor::{Deal, Listener};
use crate::net::listen::BACKLOG;
use rustix::fs::{self, CWD, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How long the folder's lock is waited for; whoever has it looks, binds and lets go.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// The file of a socket of ours; dropped, it is removed, if it is still ours.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    mark: Mark,
}

/// What a file is known by again: device, inode, and the time of its making, because an inode's
/// number is given to another file later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    device: u64,
    inode: u64,
    made_at: (i64, i64),
}

/// A listening socket, and its file if it has one.
#[derive(Debug)]
pub struct UnixListener {
    /// For the acceptor.
    pub listener: Listener,
    /// To be kept while the socket is served.
    pub file: Option<SocketFile>,
}

/// Binds and listens. `mode` is that of the file, whatever the umask: who may write to it may
/// connect. A file that nobody listens on is replaced if it is a socket.
///
/// # Errors
/// What the system says; of kind `AddrInUse` if somebody listens, `AlreadyExists` if there is a
/// file that is no socket, `WouldBlock` if the folder stays locked for a second.
pub fn listen(name: &UnixName, mode: u32, admin: bool) -> io::Result<UnixListener> {
    let flags = SocketFlags::CLOEXEC;
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    let file = match name {
        UnixName::Path(path) => Some(listen_at(&socket, path, Mode::from_raw_mode(mode))?),
        UnixName::Abstract(name) => {
            let address = SocketAddrUnix::new_abstract_name(name.as_bytes())?;
            net::bind(&socket, &address)?;
            net::listen(&socket, BACKLOG)?;
            None
        }
    };
    let listener = Listener {
        socket,
        admin,
        deal: Deal::Fewest,
    };
    Ok(UnixListener { listener, file })
}

fn listen_at(socket: &OwnedFd, path: &Path, mode: Mode) -> io::Result<SocketFile> {
    let address = SocketAddrUnix::new(path)?;
    let _lock = lock_folder_of(path)?;
    // The file is made with this mode less the umask: never wider than asked for.
    fs::fchmod(socket, mode)?;
    match net::bind(socket, &address) {
        Err(Errno::ADDRINUSE) => {
            remove_stale(path, &address)?;
            net::bind(socket, &address)?;
        }
        bound => bound?,
    }
    let file = SocketFile {
        path: path.to_owned(),
        mark: mark_of(path)?,
    };
    set_mode(path, mode)?;
    net::listen(socket, BACKLOG)?;
    Ok(file)
}

/// Gives the file the whole mode, whatever the umask took off. A link that somebody put in its
/// place is not followed: it is refused.
fn set_mode(path: &Path, mode: Mode) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::open(path, flags, Mode::empty())?;
    Ok(fs::chmod(
        format!("/proc/self/fd/{}", file.as_raw_fd()),
        mode,
    )?)
}

/// Removes a socket's file that nobody listens on. The folder is locked.
fn remove_stale(path: &Path, address: &SocketAddrUnix) -> io::Result<()> {
    let status = match fs::lstat(path) {
        Err(Errno::NOENT) => return Ok(()),
        status => status?,
    };
    if FileType::from_raw_mode(status.st_mode) != FileType::Socket {
        let what = "there is a file that is no socket";
        return Err(io::Error::new(ErrorKind::AlreadyExists, what));
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let probe = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match net::connect(&probe, address) {
        Err(Errno::CONNREFUSED) => Ok(fs::unlink(path)?),
        Err(error @ (Errno::ACCESS | Errno::PERM)) => Err(error.into()),
        // Somebody listens, may be too busy to take us, or it is a socket of another kind.
        _ => Err(Errno::ADDRINUSE.into()),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Without the lock a successor might replace the file between the look and the removal.
        let Ok(_lock) = lock_folder_of(&self.path) else {
            return;
        };
        if mark_of(&self.path).is_ok_and(|mark| mark == self.mark) {
            // What is left is stale, and the next start removes it.
            let _ = fs::unlink(&self.path);
        }
    }
}

fn mark_of(path: &Path) -> io::Result<Mark> {
    let status = fs::lstat(path)?;
    Ok(Mark {
        device: status.st_dev,
        inode: status.st_ino,
        made_at: (
            status.st_mtime,
            i64::try_from(status.st_mtime_nsec).unwrap_or(0),
        ),
    })
}

/// Locks the folder of a socket against other servers; free again when the descriptor is closed.
/// A folder that may be written and not read cannot be locked, and is used as it is.
fn lock_folder_of(path: &Path) -> io::Result<Option<OwnedFd>> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = match fs::openat(CWD, folder, flags, Mode::empty()) {
        Err(Errno::ACCESS) => return Ok(None),
        opened => opened?,
    };
    let tries = LOCK_PATIENCE.as_millis() / LOCK_PAUSE.as_millis();
    for _ in 0..tries {
        match fs::flock(folder.as_fd(), FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => thread::sleep(LOCK_PAUSE),
            locked => return Ok(locked.map(|()| Some(folder))?),
        }
    }
    Err(Errno::WOULDBLOCK.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::os::unix::fs::{MetadataExt as _, symlink};
    use std::os::unix::net::{UnixDatagram, UnixStream};

    struct Place {
        folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            Self {
                folder: tempfile::TempDir::new().unwrap(),
            }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("s")
        }

        fn listen(&self) -> io::Result<UnixListener> {
            listen(&UnixName::Path(self.path()), 0o600, true)
        }

        fn kind_of_refusal(&self) -> ErrorKind {
            self.listen().unwrap_err().kind()
        }
    }

    #[test]
    fn the_mode_of_a_file_behind_a_link_is_left_alone() {
        let place = Place::new();
        let target = place.folder.path().join("target");
        std::fs::write(&target, "").unwrap();
        let before = std::fs::metadata(&target).unwrap().mode();
        symlink(&target, place.path()).unwrap();
        set_mode(&place.path(), Mode::from_raw_mode(0o777)).unwrap_err();
        assert_eq!(std::fs::metadata(&target).unwrap().mode(), before);
    }

    /// What is left of a server that was killed.
    fn killed(server: UnixListener) {
        std::mem::forget(server.file);
        drop(server.listener);
    }

    #[test]
    fn clients_connect_and_the_file_goes_with_the_server() {
        let place = Place::new();
        let server = place.listen().unwrap();
        UnixStream::connect(place.path()).unwrap();
        drop(server);
        assert!(!place.path().exists());
    }

    #[test]
    fn the_mode_is_as_asked_for_whatever_the_umask() {
        let place = Place::new();
        for mode in [0o600, 0o666, 0o770] {
            let _server = listen(&UnixName::Path(place.path()), mode, true).unwrap();
            let metadata = place.path().symlink_metadata().unwrap();
            assert_eq!(metadata.mode() & 0o7777, mode);
        }
    }

    #[test]
    fn a_stale_file_is_replaced_a_live_one_is_in_use() {
        let place = Place::new();
        killed(place.listen().unwrap());
        assert!(UnixStream::connect(place.path()).is_err());
        let server = place.listen().unwrap();
        assert_eq!(place.kind_of_refusal(), ErrorKind::AddrInUse);
        UnixStream::connect(place.path()).unwrap();
        drop(server);
    }

    #[test]
    fn a_socket_whose_server_is_too_busy_to_take_us_is_live() {
        let place = Place::new();
        let server = place.listen().unwrap();
        // A backlog of none takes one client, and says to the next one to try again.
        net::listen(&server.listener.socket, 0).unwrap();
        let _waits = UnixStream::connect(place.path()).unwrap();
        assert_eq!(place.kind_of_refusal(), ErrorKind::AddrInUse);
        assert!(place.path().exists());
    }

    #[test]
    fn what_is_not_a_stale_stream_socket_is_never_removed() {
        let place = Place::new();
        std::fs::write(place.path(), b"mine").unwrap();
        assert_eq!(place.kind_of_refusal(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(place.path()).unwrap(), b"mine");
        std::fs::remove_file(place.path()).unwrap();

        symlink("/nonexistent", place.path()).unwrap();
        assert_eq!(place.kind_of_refusal(), ErrorKind::AlreadyExists);
        std::fs::remove_file(place.path()).unwrap();

        let _other = UnixDatagram::bind(place.path()).unwrap();
        assert_eq!(place.kind_of_refusal(), ErrorKind::AddrInUse);
        assert!(place.path().exists());
    }

    #[test]
    fn a_file_that_a_successor_made_is_left_to_it() {
        let place = Place::new();
        let first = place.listen().unwrap();
        std::fs::remove_file(place.path()).unwrap();
        let second = place.listen().unwrap();
        drop(first);
        UnixStream::connect(place.path()).unwrap();
        drop(second);
        assert!(!place.path().exists());
    }

    #[test]
    fn a_server_whose_sockets_are_closed_gives_way_to_its_successor() {
        let place = Place::new();
        let UnixListener { listener, file } = place.listen().unwrap();
        drop(listener);
        let successor = place.listen().unwrap();
        drop(file);
        UnixStream::connect(place.path()).unwrap();
        drop(successor);
    }

    #[test]
    fn of_many_that_start_over_a_stale_file_one_listens() {
        let place = Place::new();
        killed(place.listen().unwrap());
        let started: Vec<_> = thread::scope(|scope| {
            let start = |_| scope.spawn(|| place.listen());
            let threads: Vec<_> = (0..8).map(start).collect();
            let ended = threads.into_iter().map(|thread| thread.join().unwrap());
            ended.collect()
        });
        assert_eq!(started.iter().filter(|one| one.is_ok()).count(), 1);
        UnixStream::connect(place.path()).unwrap();
    }

    #[test]
    fn a_folder_that_somebody_keeps_locked_is_told_and_left_alone() {
        let place = Place::new();
        killed(place.listen().unwrap());
        let _lock = lock_folder_of(&place.path()).unwrap();
        assert_eq!(place.kind_of_refusal(), ErrorKind::WouldBlock);
        assert!(place.path().exists());
    }

    #[test]
    fn an_abstract_name_has_no_file_and_one_listener() {
        let name = UnixName::Abstract(format!("locker-{}", std::process::id()));
        let server = listen(&name, 0o600, true).unwrap();
        assert!(server.file.is_none());
        let second = listen(&name, 0o600, true).unwrap_err();
        assert_eq!(second.kind(), ErrorKind::AddrInUse);
        drop(server);
        listen(&name, 0o600, true).unwrap();
    }
}
