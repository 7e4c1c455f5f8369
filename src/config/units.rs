//! Sizes, durations and cpu lists as people write them: `1GiB`, `10s`, `0-3,8`.
//!
//! One parser for the server's settings and for the command line of the clients. Every parser is
//! strict: a bare number is refused where a unit matters, because `--wait 10` leaves open ten of
//! what. What [`show_size`] and its siblings print, the parsers read back to the same value.

use std::fmt;
use std::time::Duration;

/// Highest cpu number that a list may name: what Linux can be built for.
pub const CPU_MAX: usize = 8_191;

/// Why a text is not the quantity it should be. The text says what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitError(String);

impl fmt::Display for UnitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for UnitError {}

fn refuse<T>(reason: &str) -> Result<T, UnitError> {
    Err(UnitError(reason.to_owned()))
}

const SIZE_HINT: &str = "write a size with its unit, as 64KiB, 1GiB or 4096B";
const SIZE_UNITS: [(&str, u64); 6] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
    // A plain `0` needs no unit; kept last so that printing prefers a named one.
    ("", 0),
];

/// Bytes of a size with a binary unit: `B`, `KiB`, `MiB`, `GiB`, `TiB`.
///
/// # Errors
/// Anything else, a bare number other than 0, and sizes from 2^64 on.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split_unit(text);
    let Ok(number) = number.parse::<u64>() else {
        return refuse(SIZE_HINT);
    };
    let Some((_, factor)) = SIZE_UNITS.iter().find(|(name, _)| *name == unit) else {
        return refuse(SIZE_HINT);
    };
    if *factor == 0 && number != 0 {
        return refuse(SIZE_HINT);
    }
    number
        .checked_mul(*factor)
        .map_or_else(|| refuse("that is more than 2^64 bytes"), Ok)
}

/// The size in the largest unit that divides it.
#[must_use]
pub fn show_size(bytes: u64) -> String {
    let (unit, factor) = SIZE_UNITS
        .iter()
        .find(|(_, factor)| *factor > 0 && bytes > 0 && bytes.is_multiple_of(*factor))
        .unwrap_or(&("B", 1));
    format!("{}{unit}", bytes / factor)
}

const DURATION_HINT: &str = "write a duration with its unit, as 250ms, 10s, 1.5s, 1h30m or 2d";
/// Unit and its microseconds.
const DURATION_UNITS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// A duration with its unit: `us`, `ms`, `s`, `m`, `h`, `d`, and a decimal fraction if wanted;
/// several in a row, from the largest unit down, are added up: `1h30m`.
///
/// # Errors
/// Anything else, a bare number other than 0, a fraction finer than a microsecond, and what does
/// not fit 2^64 microseconds.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    let (mut factor_before, mut rest) = (u64::MAX, text);
    loop {
        let Some((micros, factor, after)) = duration_part(rest) else {
            return refuse(DURATION_HINT);
        };
        if factor >= factor_before {
            return refuse(DURATION_HINT);
        }
        total += Duration::from_micros(micros);
        if after.is_empty() {
            break;
        }
        (factor_before, rest) = (factor, after);
    }
    match u64::try_from(total.as_micros()) {
        Ok(_) => Ok(total),
        Err(_) => refuse("that is more than 500,000 years"),
    }
}

/// The first number with its unit: its microseconds, at most 2^64, the unit's, and what follows.
fn duration_part(text: &str) -> Option<(u64, u64, &str)> {
    let (number, after) = split_unit(text);
    let end = after
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(after.len());
    let (unit, after) = after.split_at(end);
    let (_, factor) = DURATION_UNITS.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let micros = whole.parse::<u64>().ok()?.checked_mul(*factor)?;
    let micros = micros.checked_add(fraction_micros(fraction, *factor)?)?;
    Some((micros, *factor, after))
}

/// Microseconds of a decimal fraction of a unit, if they are whole.
fn fraction_micros(digits: &str, factor: u64) -> Option<u64> {
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let denominator = 10_u64.pow(u32::try_from(digits.len()).ok()?);
    let scaled = digits.parse::<u64>().ok()?.checked_mul(factor)?;
    scaled
        .is_multiple_of(denominator)
        .then_some(scaled / denominator)
}

/// The duration in the largest unit that divides it; finer than a microsecond is cut off.
#[must_use]
pub fn show_duration(duration: Duration) -> String {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let (unit, factor) = DURATION_UNITS
        .iter()
        .find(|(_, factor)| micros > 0 && micros.is_multiple_of(*factor))
        .unwrap_or(&("s", 1_000_000));
    format!("{}{unit}", micros / factor)
}

/// Cpu numbers of a list as the kernel writes them: `0-3,8`. Sorted, each once.
///
/// # Errors
/// Anything else, an empty list, a range that runs backwards, a number above [`CPU_MAX`].
pub fn parse_cpus(text: &str) -> Result<Vec<usize>, UnitError> {
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Ok(first), Ok(last)) = (first.trim().parse::<usize>(), last.trim().parse::<usize>())
        else {
            return refuse("write cpu numbers and ranges, as 0-3,8");
        };
        if first > last {
            return refuse("a cpu range runs from low to high, as 0-3");
        }
        if last > CPU_MAX {
            return refuse("no such cpu: numbers go up to 8191");
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

/// The list in its shortest form: `0-3,8`. An empty list is an empty text.
#[must_use]
pub fn show_cpus(cpus: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for cpu in cpus {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *cpu => *last = *cpu,
            _ => ranges.push((*cpu, *cpu)),
        }
    }
    let parts = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// Digits (with one point at most, checked later) in front, the unit behind.
fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_written() {
        for (text, bytes) in [
            ("0", 0),
            ("0B", 0),
            ("128B", 128),
            ("256KiB", 262_144),
            ("1GiB", 1 << 30),
            (" 2 TiB", 2 << 40),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn sizes_without_or_with_a_foreign_unit_are_refused() {
        for text in [
            "",
            "1",
            "1GB",
            "1g",
            "GiB",
            "-1B",
            "1.5GiB",
            "99999999999TiB",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_read_as_written() {
        for (text, micros) in [
            ("0", 0),
            ("7us", 7),
            ("250ms", 250_000),
            ("10s", 10_000_000),
            ("1.5s", 1_500_000),
            ("0.001ms", 1),
            ("5m", 300_000_000),
            ("2h", 7_200_000_000),
            ("24d", 2_073_600_000_000),
            ("1h30m", 5_400_000_000),
            ("1m1.5s", 61_500_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_micros(micros)),
                "{text}"
            );
        }
    }

    #[test]
    fn durations_without_unit_or_too_fine_are_refused() {
        for text in [
            "",
            "10",
            "s",
            "1.s",
            ".5s",
            "1.2.3s",
            "0.5us",
            "-1s",
            "1S",
            "9999999999999d",
            "30m1h",
            "1h1h",
            "1h30",
            "1h 30m",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cpu_lists_read_sorted_and_once() {
        assert_eq!(parse_cpus("8,0-3,2"), Ok(vec![0, 1, 2, 3, 8]));
        for text in ["", "a", "3-1", "0-", "-1", "0,,1", "9000"] {
            assert!(parse_cpus(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for bytes in [0, 1, 128, 1024, 1536, 1 << 30, u64::MAX] {
            assert_eq!(parse_size(&show_size(bytes)), Ok(bytes));
        }
        for micros in [
            0,
            1,
            1_000,
            1_500_000,
            60_000_000,
            86_400_000_000,
            123_456_789,
        ] {
            let duration = Duration::from_micros(micros);
            assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
        }
        for cpus in [vec![0], vec![0, 1, 2, 3, 8], vec![1, 3, 5]] {
            assert_eq!(parse_cpus(&show_cpus(&cpus)), Ok(cpus));
        }
    }
}
