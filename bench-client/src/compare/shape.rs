//! Shapes of load: how many connections, how much on each, and what is said. Pure.

use std::fmt;

/// How a client goes through a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Style {
    /// The release is sent when the grant is there: two round trips.
    TwoTrips,
    /// Acquire and release go in one write.
    OneWrite,
    /// All clients want one key: two round trips, and the wait between.
    Contended,
}

/// A shape of load. Each place of a connection is one client with one pair under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// How pairs are sent.
    pub style: Style,
    /// Connections.
    pub connections: u32,
    /// Places on each connection.
    pub depth: u16,
}

/// Most connections of a shape.
const CONNECTIONS_MAX: u32 = 10_000;
/// Most places of a connection: two seats of a session each.
pub const DEPTH_MAX: u16 = 512;
/// Clients of the contended shape unless told.
const CONTENDED_CLIENTS: u32 = 64;

impl Shape {
    /// The shapes that performance is judged by.
    pub const USUAL: &[&str] = &["50x1", "200x1", "8x32", "50x16", "50x64", "contended:64"];

    /// Reads `50x1`, `8x32`, `contended` or `contended:16`. One place per connection is measured
    /// in both styles, more of them in one write.
    ///
    /// # Errors
    /// What a shape looks like.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        let usage = || {
            format!(
                "`{text}` is no shape: write CONNECTIONSxDEPTH as in 50x1 or 8x32 \
                 (up to {CONNECTIONS_MAX}x{DEPTH_MAX}), or contended, or contended:CLIENTS"
            )
        };
        let connections_of = |text: &str| {
            let connections = text.parse().ok();
            connections.filter(|number| (1..=CONNECTIONS_MAX).contains(number))
        };
        if let Some(rest) = text.strip_prefix("contended") {
            let clients = match rest.strip_prefix(':') {
                Some(clients) => connections_of(clients).filter(|clients| *clients > 1),
                None => rest.is_empty().then_some(CONTENDED_CLIENTS),
            };
            let connections = clients.ok_or_else(usage)?;
            return Ok(vec![Self::new(Style::Contended, connections, 1)]);
        }
        let (connections, depth) = text.split_once('x').ok_or_else(usage)?;
        let connections = connections_of(connections).ok_or_else(usage)?;
        let depth = depth.parse().ok();
        let depth = depth.filter(|depth| (1..=DEPTH_MAX).contains(depth));
        let depth = depth.ok_or_else(usage)?;
        let one_write = Self::new(Style::OneWrite, connections, depth);
        Ok(match depth {
            1 => vec![Self::new(Style::TwoTrips, connections, depth), one_write],
            _ => vec![one_write],
        })
    }

    const fn new(style: Style, connections: u32, depth: u16) -> Self {
        Self {
            style,
            connections,
            depth,
        }
    }

    /// Clients in all.
    #[must_use]
    pub fn clients(&self) -> u32 {
        self.connections * u32::from(self.depth)
    }

    /// Whether the load is meant to keep the server's core busy: such a row counts only if it did.
    #[must_use]
    pub fn is_pipelined(&self) -> bool {
        self.depth > 1
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connections, depth, ..
        } = self;
        match self.style {
            Style::TwoTrips => write!(out, "{connections}x{depth}, two trips"),
            Style::OneWrite => write!(out, "{connections}x{depth}, one write"),
            Style::Contended => write!(out, "{connections} clients, one key"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn depth_1_is_measured_in_both_styles_and_more_in_one_write() {
        let names = |text| {
            let shapes = Shape::parse(text).unwrap();
            shapes.iter().map(Shape::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names("50x1"), ["50x1, two trips", "50x1, one write"]);
        assert_eq!(names("8x32"), ["8x32, one write"]);
        assert_eq!(names("contended"), ["64 clients, one key"]);
        assert_eq!(names("contended:7"), ["7 clients, one key"]);
    }

    #[test]
    fn what_is_no_shape_is_told_what_one_looks_like() {
        for text in [
            "",
            "50",
            "0x1",
            "5x0",
            "x",
            "50x9999",
            "contended:1",
            "contended7",
            "-5x1",
        ] {
            let error = Shape::parse(text).unwrap_err();
            assert!(error.contains("CONNECTIONSxDEPTH"), "{text}: {error}");
        }
    }
}
