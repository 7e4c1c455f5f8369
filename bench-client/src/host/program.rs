//! Where programs lie, and whom they may run as.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Folders that servers are often installed in, though a user's PATH may leave them out.
const MORE_FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// A user of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's number.
    pub uid: u32,
    /// The number of the user's first group.
    pub gid: u32,
}

impl Account {
    /// The account of a name, from the system's own list.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let list = fs::read_to_string("/etc/passwd").ok()?;
        Self::find(&list, name)
    }

    fn find(list: &str, name: &str) -> Option<Self> {
        let mut lines = list.lines();
        lines.find_map(|line| {
            let mut fields = line.split(':');
            if fields.next() != Some(name) {
                return None;
            }
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(Self { uid, gid })
        })
    }

    /// Whether this process is root, which some servers refuse to run as.
    #[must_use]
    pub fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }
}

/// The file of a program, from PATH, the folders of system programs, or `folders`.
#[must_use]
pub fn find_program(name: &str, folders: &[&Path]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let more = MORE_FOLDERS.iter().map(PathBuf::from);
    let given = folders.iter().map(|folder| folder.to_path_buf());
    let mut places = env::split_paths(&path).chain(more).chain(given);
    places.find_map(|folder| {
        let file = folder.join(name);
        is_program(&file).then_some(file)
    })
}

/// Whether a path is a file that somebody may run.
#[must_use]
pub fn is_program(file: &Path) -> bool {
    fs::metadata(file)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn programs_are_found_and_what_is_none_is_not() {
        let shell = find_program("sh", &[]).unwrap();
        assert!(is_program(&shell));
        assert_eq!(find_program("no-such-program-anywhere", &[]), None);
        assert!(!is_program(Path::new("/etc/passwd")));
        assert!(!is_program(Path::new("/")));
    }

    #[test]
    fn a_program_is_found_in_a_folder_besides_the_path() {
        let own = env::current_exe().unwrap();
        let name = own.file_name().unwrap().to_str().unwrap();
        assert_eq!(
            find_program(name, &[own.parent().unwrap()]),
            Some(own.clone())
        );
    }

    #[test]
    fn an_account_is_looked_up_by_its_whole_name() {
        let list = "root:x:0:0::/:/bin/sh\nops2:x:7:8::/:/bin/sh\nops:x:5:6::/:/bin/sh\n";
        assert_eq!(Account::find(list, "ops"), Some(Account { uid: 5, gid: 6 }));
        assert_eq!(Account::find(list, "op"), None);
    }
}
