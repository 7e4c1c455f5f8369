//! The files that a run writes, tried before it begins: a run of an hour must not end with
//! "permission denied".

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The system refuses it.
    #[error("cannot write {}: {error}; give another path, or mend its folder", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Two outputs would replace each other.
    #[error("two outputs go to {}: give each a file of its own", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
    },
}

/// Tries every file; leaves those that exist as they are, and none that did not.
///
/// # Errors
/// A file that cannot be written, or that is named twice.
pub fn try_all(files: &[Option<&Path>]) -> Result<(), OutputError> {
    let named: Vec<&Path> = files.iter().flatten().copied().collect();
    for (index, path) in named.iter().enumerate() {
        if named[..index].contains(path) {
            let path = path.to_path_buf();
            return Err(OutputError::Twice { path });
        }
        try_one(path).map_err(|error| OutputError::NotWritable {
            path: path.to_path_buf(),
            error,
        })?;
    }
    Ok(())
}

fn try_one(path: &Path) -> io::Result<()> {
    let existed = path.exists();
    OpenOptions::new().append(true).create(true).open(path)?;
    match existed {
        true => Ok(()),
        false => std::fs::remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn files_that_can_be_written_are_left_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        std::fs::write(&old, "kept").unwrap();
        try_all(&[Some(&old), None, Some(&new)]).unwrap();
        assert_eq!(std::fs::read(&old).unwrap(), b"kept");
        assert!(!new.exists());
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_before_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none").join("out.json");
        let error = try_all(&[Some(&path)]).unwrap_err();
        assert!(error.to_string().contains("cannot write"), "{error}");
    }

    #[test]
    fn one_file_cannot_be_two_outputs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let error = try_all(&[Some(&path), Some(&path)]).unwrap_err();
        assert!(error.to_string().contains("two outputs"), "{error}");
    }
}
