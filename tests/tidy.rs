//! Style as a test: colours of files, sizes, `unsafe`, openings, names, links.
//!
//! Pure code has no clock, socket, thread or randomness of its own; that is what makes the model
//! tests and the simulator run the very code that the server runs. Every file is pure unless
//! [`SHELL`] names it or its folder, so a new shell file is a decision that shows up here.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Files and folders that may touch the outside world. Everything else is pure.
const SHELL: &[&str] = &[
    "bench-client/",
    "clients/rust/examples/",
    "clients/rust/src/front/",
    "protocol/examples/",
    "src/cli/",
    "src/config/host.rs",
    "src/config/layers.rs",
    "src/control/",
    "src/driver/",
    "src/lock/region.rs",
    "src/main.rs",
    "src/net/",
    "tests/",
];

/// Pure files inside the folders of [`SHELL`].
const PURE_WITHIN_SHELL: &[&str] = &[
    "bench-client/src/compare/baton.rs",
    "bench-client/src/compare/contended.rs",
    "bench-client/src/compare/contended/",
    "bench-client/src/compare/contestant.rs",
    "bench-client/src/compare/course.rs",
    "bench-client/src/compare/cycle.rs",
    "bench-client/src/compare/cycle/",
    "bench-client/src/compare/dialect.rs",
    "bench-client/src/compare/json.rs",
    "bench-client/src/compare/key.rs",
    "bench-client/src/compare/options.rs",
    "bench-client/src/compare/page.rs",
    "bench-client/src/compare/peers/",
    "bench-client/src/compare/results.rs",
    "bench-client/src/compare/results/",
    "bench-client/src/compare/sample.rs",
    "bench-client/src/compare/shape.rs",
    "bench-client/src/compare/spread.rs",
    "bench-client/src/compare/stages.rs",
    "bench-client/src/compare/tally.rs",
    "bench-client/src/compare/targets.rs",
    "bench-client/src/compare/targets/",
    "bench-client/src/compare/text.rs",
    "bench-client/src/dice.rs",
    "bench-client/src/greeting.rs",
    "bench-client/src/load/",
    "bench-client/src/measure/",
    "bench-client/src/nanos.rs",
    "bench-client/src/plan/",
    "bench-client/src/report/",
    "bench-client/src/run/progress/gather.rs",
    "bench-client/src/run/progress/live.rs",
    "bench-client/src/run/search.rs",
    "bench-client/src/scale/crew.rs",
    "bench-client/src/scale/churn/",
    "bench-client/src/scale/ending/",
    "bench-client/src/scale/findings.rs",
    "bench-client/src/scale/held/fill.rs",
    "bench-client/src/scale/leases/armed.rs",
    "bench-client/src/scale/member.rs",
    "bench-client/src/scale/muster.rs",
    "bench-client/src/scale/overload/crowd.rs",
    "bench-client/src/scale/overload/crowd/",
    "bench-client/src/scale/overload/goodput.rs",
    "bench-client/src/scale/overload/rowdies.rs",
    "bench-client/src/scale/resume/crowd.rs",
    "bench-client/src/scale/storm/crowd.rs",
    "bench-client/src/scale/waiters/throng.rs",
    "bench-client/src/scale/soak/",
    "bench-client/src/traffic.rs",
    "bench-client/src/verify/",
    "clients/rust/src/front/backoff.rs",
    "clients/rust/src/front/roster.rs",
    "src/control/copies.rs",
    "src/control/ledger.rs",
    "src/control/plane.rs",
    "src/control/record.rs",
    "src/control/store.rs",
    "src/control/watchdog.rs",
    "src/control/window.rs",
    "src/driver/turn_meter.rs",
    "src/net/chunk.rs",
    "src/net/connections.rs",
    "src/net/connections/connection.rs",
    "src/net/connections/kept.rs",
    "src/net/connections/wishes.rs",
    "src/net/flow.rs",
    "src/net/words.rs",
    "tests/checker/src/lib.rs",
    "tests/checker/src/restart.rs",
    "tests/checker/src/restart/",
    "tests/checker/src/search.rs",
    "tests/checker/src/session.rs",
    "tests/checker/src/session/",
    "tests/faults/src/check/",
    "tests/faults/src/dice.rs",
    "tests/faults/src/history/",
    "tests/sim/src/agenda.rs",
    "tests/sim/src/cluster.rs",
    "tests/sim/src/dice.rs",
    "tests/sim/src/lib.rs",
    "tests/sim/src/minimise.rs",
    "tests/sim/src/moment.rs",
    "tests/sim/src/network.rs",
    "tests/sim/src/network/",
    "tests/sim/src/observed.rs",
    "tests/sim/src/oracle/",
    "tests/sim/src/plan.rs",
    "tests/sim/src/player.rs",
    "tests/sim/src/player/",
    "tests/sim/src/report.rs",
    "tests/sim/src/server/",
    "tests/sim/src/tally.rs",
    "tests/sim/src/trace.rs",
];

/// The only files with `unsafe` in them.
const UNSAFE: &[&str] = &[
    "bench-client/src/host/child.rs",
    "src/cli/lock/child.rs",
    "src/driver/lane.rs",
    "src/lock/region.rs",
    "src/net/ring.rs",
    "src/net/ring/buffers.rs",
    "src/net/unsent.rs",
    "tests/allocation.rs",
];

/// What pure code must not name.
const IMPURE: &[&str] = &[
    "std::time::Instant",
    "Instant::now",
    "SystemTime",
    "std::thread",
    "std::process",
    "std::fs",
    "std::env",
    "std::os::",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "glommio",
    "io_uring",
    "libc::",
    "rustix::",
    "async ",
    ".await",
    "rand::",
    "getrandom",
    "RandomState",
    "println!",
];

/// Names at the top of the repository.
const TOP: &[&str] = &[
    ".ci",
    ".config",
    ".github",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "bench-client",
    "clients",
    "docs",
    "protocol",
    "rustfmt.toml",
    "src",
    "tests",
    "tuning",
];

const FILE_LINES_MAX: usize = 600;
const TEST_FILE_LINES_MAX: usize = 1_000;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARS_MAX: usize = 100;

/// One source file of the repository.
struct Source {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn is_generated(&self) -> bool {
        self.path.contains("/generated/")
    }

    fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/benches/")
    }

    fn is_pure(&self) -> bool {
        let within = |list: &[&str]| {
            list.iter().any(|entry| {
                self.path == *entry || entry.ends_with('/') && self.path.starts_with(entry)
            })
        };
        let client_shell = self.path.starts_with("clients/rust/")
            && !self.path.starts_with("clients/rust/src/machine/");
        within(PURE_WITHIN_SHELL) || !(within(SHELL) || client_shell || self.is_test())
    }

    /// Numbered lines of code: without tests at the end, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines();
        let before_tests = lines.take_while(|line| line.trim() != "#[cfg(test)]");
        let numbered = before_tests
            .enumerate()
            .map(|(index, line)| (index + 1, line));
        numbered.map(|(number, line)| (number, line.split("//").next().unwrap_or("")))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["target", ".git", "artifacts", "corpus-run"].contains(&name) {
            walk(&path, files);
        } else if path.is_file() && name != ".git" {
            files.push(path);
        }
    }
}

/// All text files of the repository.
fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    walk(root(), &mut files);
    files.sort();
    let mut sources = Vec::new();
    for file in files {
        let path = file
            .strip_prefix(root())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        if let Ok(text) = fs::read_to_string(&file) {
            sources.push(Source { path, text });
        }
    }
    assert!(sources.len() > 50, "the walk finds the repository");
    sources
}

/// Complaints, printed together.
#[derive(Default)]
struct Breaches(String);

impl Breaches {
    fn add(&mut self, source: &Source, line: usize, what: &str) {
        writeln!(self.0, "{}:{line}: {what}", source.path).unwrap();
    }

    fn none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}

/// Whether a line of code names the word, not as a part of a longer one.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == '"')
    })
}

#[test]
fn pure_files_touch_nothing_outside() {
    let mut breaches = Breaches::default();
    let sources = sources();
    for source in sources
        .iter()
        .filter(|source| source.is_rust() && source.is_pure())
    {
        for (line, code) in source.code() {
            for word in IMPURE.iter().filter(|word| names(code, word)) {
                breaches.add(source, line, &format!("pure code names `{word}`"));
            }
        }
    }
    breaches.none();
}

#[test]
fn lists_of_this_test_name_files_that_exist() {
    for entry in PURE_WITHIN_SHELL.iter().chain(SHELL).chain(UNSAFE) {
        assert!(root().join(entry).exists(), "{entry} is gone");
    }
}

#[test]
fn files_functions_and_lines_are_short() {
    let mut breaches = Breaches::default();
    for source in sources()
        .iter()
        .filter(|s| s.is_rust() && !s.is_generated())
    {
        let (lines, bound) = match source.is_test() {
            true => (source.text.lines().count(), TEST_FILE_LINES_MAX),
            false => (source.code().count(), FILE_LINES_MAX),
        };
        if lines > bound {
            breaches.add(source, lines, &format!("file above {bound} lines"));
        }
        for (index, line) in source.text.lines().enumerate() {
            if line.chars().count() > LINE_CHARS_MAX && !line.contains("http") {
                breaches.add(source, index + 1, "line above 100 characters");
            }
        }
        for (line, name, length) in functions(source) {
            if length > FUNCTION_LINES_MAX {
                breaches.add(source, line, &format!("fn {name} has {length} lines"));
            }
        }
    }
    breaches.none();
}

/// Functions with a body: line, name, lines from the signature to the closing brace.
fn functions(source: &Source) -> Vec<(usize, String, usize)> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let is_function = code.find("fn ").is_some_and(|at| {
            let words = [
                "pub",
                "pub(crate)",
                "pub(super)",
                "const",
                "unsafe",
                "async",
                "extern",
            ];
            code[..at]
                .split_whitespace()
                .all(|word| words.contains(&word))
        });
        if !is_function || code.ends_with(';') || code.ends_with('}') {
            continue;
        }
        // rustfmt puts the closing brace under the first letter of the signature.
        let closing = format!("{}}}", &line[..line.len() - code.len()]);
        let body = lines[start..].iter().take_while(|line| **line != closing);
        let name = code.split("fn ").nth(1).unwrap().split(['(', '<']).next();
        found.push((start + 1, name.unwrap().to_owned(), body.count() + 1));
    }
    found
}

#[test]
fn unsafe_stands_only_where_listed_and_says_why() {
    let mut breaches = Breaches::default();
    for source in sources().iter().filter(|source| source.is_rust()) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (number, code) in source.code() {
            let is_block = names(code, "unsafe {") || names(code, "unsafe impl");
            if !is_block || source.path == "tests/tidy.rs" {
                continue;
            }
            if !UNSAFE.contains(&source.path.as_str()) {
                breaches.add(
                    source,
                    number,
                    "unsafe in a file that tests/tidy.rs does not list",
                );
            }
            let reasons = comment_above(&lines[..number - 1]);
            for word in ["SAFETY:", "JUSTIFICATION:"] {
                if !reasons.contains(word) {
                    breaches.add(source, number, &format!("unsafe without {word}"));
                }
            }
        }
    }
    breaches.none();
}

/// The comment above the statement that follows these lines.
fn comment_above(lines: &[&str]) -> String {
    let is_comment = |line: &str| line.trim_start().starts_with("//");
    let ends_statement = |line: &str| line.trim_end().ends_with([';', '{', '}']);
    let above = lines.iter().rev();
    let comments = above.skip_while(|line| !is_comment(line) && !ends_statement(line));
    comments
        .take_while(|line| is_comment(line))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn every_module_opens_by_saying_what_it_is() {
    let mut breaches = Breaches::default();
    for source in sources()
        .iter()
        .filter(|source| source.is_rust() && !source.is_test())
    {
        if !source.text.starts_with("//!") {
            breaches.add(source, 1, "a module opens with `//!`");
        }
    }
    breaches.none();
}

#[test]
fn no_word_that_says_nothing() {
    let banned = [
        "fn get_",
        "mod utils",
        "mod helpers",
        "Manager",
        "TODO",
        "FIXME",
        "XXX",
    ];
    let mut breaches = Breaches::default();
    for source in sources()
        .iter()
        .filter(|s| s.is_rust() && s.path != "tests/tidy.rs")
    {
        for (index, line) in source.text.lines().enumerate() {
            // A test named after Get is no getter.
            let found = banned.iter().filter(|word| names(line, word));
            for word in found.filter(|word| **word != "fn get_" || !source.is_test()) {
                breaches.add(source, index + 1, &format!("`{word}`"));
            }
        }
    }
    breaches.none();
}

#[test]
fn no_path_of_anybodys_machine() {
    let mut breaches = Breaches::default();
    for source in sources()
        .iter()
        .filter(|source| source.path != "tests/tidy.rs")
    {
        for (index, line) in source.text.lines().enumerate() {
            for path in ["/work/", "/root/"]
                .iter()
                .filter(|path| line.contains(*path))
            {
                breaches.add(source, index + 1, &format!("a path below {path}"));
            }
        }
    }
    breaches.none();
}

#[test]
fn the_top_level_holds_known_names_only() {
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let ignored = ["target", ".git"].contains(&name.as_str());
        assert!(
            ignored || TOP.contains(&name.as_str()),
            "{name} at the top level"
        );
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut breaches = Breaches::default();
    for source in sources()
        .iter()
        .filter(|source| source.path.ends_with(".md"))
    {
        let folder = root().join(&source.path).parent().unwrap().to_owned();
        for (index, line) in source.text.lines().enumerate() {
            for target in line
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split(')').next())
            {
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let text = match file {
                    "" => Ok(source.text.clone()),
                    file if folder.join(file).is_dir() => continue,
                    file => fs::read_to_string(folder.join(file)),
                };
                match text {
                    Err(_) => breaches.add(source, index + 1, &format!("no file {file}")),
                    Ok(text) if !anchor.is_empty() && !anchors(&text).contains(anchor) => {
                        breaches.add(source, index + 1, &format!("no heading #{anchor}"));
                    }
                    Ok(_) => {}
                }
            }
        }
    }
    breaches.none();
}

/// Anchors of a document's headings, as code hosts make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let slug = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}
