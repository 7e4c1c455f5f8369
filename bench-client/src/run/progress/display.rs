//! Progress on stderr: lines, or a small screen that is written over.

use std::io::{IsTerminal, Write, stderr};

use super::gather::Told;
use super::live::Live;
use crate::run::options::ProgressStyle;

/// Columns of a terminal that does not tell its size.
const COLUMNS: usize = 80;

/// Where progress goes.
#[derive(Debug)]
pub struct Display {
    style: ProgressStyle,
    /// Lines of the screen that stand there now.
    shown: usize,
}

impl Display {
    /// As the user wants it, for the stderr that there is.
    #[must_use]
    pub fn new(style: ProgressStyle) -> Self {
        let style = match style {
            ProgressStyle::Auto if stderr().is_terminal() => ProgressStyle::Screen,
            ProgressStyle::Auto => ProgressStyle::Lines,
            style => style,
        };
        Self { style, shown: 0 }
    }

    /// Shows a second that was added to `live`.
    pub fn show(&mut self, live: &Live, told: &Told) {
        match self.style {
            ProgressStyle::Off => {}
            ProgressStyle::Screen => self.write_over(&live.screen(told, columns())),
            ProgressStyle::Auto | ProgressStyle::Lines => write(&format!("{}\n", live.line(told))),
        }
    }

    /// Says something that stays, whatever the style.
    pub fn say(&mut self, text: &str) {
        self.clear();
        write(&format!("{text}\n"));
    }

    /// Takes the screen away.
    pub fn clear(&mut self) {
        if self.shown > 0 {
            write(&format!("\x1b[{}A\r\x1b[J", self.shown));
            self.shown = 0;
        }
    }

    fn write_over(&mut self, lines: &[String]) {
        let mut text = match self.shown {
            0 => String::new(),
            shown => format!("\x1b[{shown}A\r"),
        };
        for line in lines {
            text.push_str(line);
            text.push_str("\x1b[K\n");
        }
        write(&text);
        self.shown = lines.len();
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Progress is no result: if nobody reads it any more, the run goes on.
fn write(text: &str) {
    let mut stderr = stderr().lock();
    let written = stderr.write_all(text.as_bytes());
    drop(written.and_then(|()| stderr.flush()));
}

fn columns() -> usize {
    match rustix::termios::tcgetwinsize(stderr()) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        _ => COLUMNS,
    }
}
