//! `locker-bench report`: tells runs again from their JSON, alone or two against each other.

use std::path::{Path, PathBuf};

use locker_bench::report::model::Report;
use locker_bench::report::versus::{self, Comparison};
use locker_bench::report::{csv, hgrm, html, json, text};

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What `locker-bench run --json` wrote.
    run: PathBuf,
    /// A second one: the two are compared.
    second: Option<PathBuf>,
    /// Write a page for browsers here.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the run's seconds as comma-separated values here.
    #[arg(long, value_name = "FILE", conflicts_with = "second")]
    csv: Option<PathBuf>,
    /// Write the run's main latency in HdrHistogram's text format here.
    #[arg(long, value_name = "FILE", conflicts_with = "second")]
    hgrm: Option<PathBuf>,
}

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file is no report.
    #[error("{}: {error}", path.display())]
    NoReport {
        /// The file.
        path: PathBuf,
        /// Why.
        error: json::ReadError,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

/// Reads, prints and writes.
///
/// # Errors
/// A file cannot be read or written, or is no report of this program's schema.
pub(crate) fn run(options: &Options) -> Result<(), ReportError> {
    let first = read(&options.run)?;
    let Some(path) = &options.second else {
        print!("{}", text::write(&first));
        write(options.html.as_deref(), || html::write(&first))?;
        write(options.csv.as_deref(), || csv::write(&first))?;
        return write(options.hgrm.as_deref(), || hgrm::write(&first));
    };
    let second = read(path)?;
    let names = [&options.run, path].map(|path| path.display().to_string());
    let comparison = Comparison::of([(&names[0], &first), (&names[1], &second)]);
    print!("{}", comparison.text());
    write(options.html.as_deref(), || versus::page(&comparison))
}

fn read(path: &Path) -> Result<Report, ReportError> {
    let text = std::fs::read_to_string(path).map_err(|error| ReportError::Read {
        path: path.into(),
        error,
    })?;
    json::read(&text).map_err(|error| ReportError::NoReport {
        path: path.into(),
        error,
    })
}

fn write(path: Option<&Path>, content: impl FnOnce() -> String) -> Result<(), ReportError> {
    let Some(path) = path else {
        return Ok(());
    };
    std::fs::write(path, content()).map_err(|error| ReportError::Write {
        path: path.into(),
        error,
    })
}
