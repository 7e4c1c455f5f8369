//! Numbers as people read them: three digits that count, and the unit that fits. Pure.

/// Nanoseconds in the unit that fits: `820 ns`, `1.24 us`, `15.0 ms`, `3.20 s`.
#[must_use]
pub fn span(ns: f64) -> String {
    let units = [(1.0, "ns"), (1e3, "us"), (1e6, "ms"), (1e9, "s")];
    let fits = |&&(scale, _): &&(f64, &str)| rounds_to(ns / scale) < 1_000.0;
    let (scale, unit) = *units.iter().find(fits).unwrap_or(&units[3]);
    format!("{} {unit}", digits(ns / scale))
}

/// Nanoseconds as [`span`] writes them, without zeros that tell nothing: `1 ms`, `2.5 us`.
#[must_use]
pub fn round_span(ns: f64) -> String {
    let exact = span(ns);
    match exact.split_once(' ') {
        Some((number, unit)) => format!("{} {unit}", without_zeros(number)),
        None => exact,
    }
}

/// A number without the zeros at the end of its fraction.
fn without_zeros(number: &str) -> &str {
    match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    }
}

/// A number with three digits that count, or all digits before the point if there are more.
#[must_use]
pub fn digits(value: f64) -> String {
    let shown = rounds_to(value).abs();
    if value == 0.0 || shown >= 100.0 {
        grouped(&format!("{value:.0}"))
    } else if shown >= 10.0 {
        format!("{value:.1}")
    } else if shown >= 0.01 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

/// What is left of a number when it is shown with three digits.
fn rounds_to(value: f64) -> f64 {
    match value.abs() {
        v if v >= 99.95 => v.round(),
        v if v >= 9.995 => (v * 10.0).round() / 10.0,
        v => (v * 100.0).round() / 100.0,
    }
}

/// A whole number with its thousands apart: `1,234,567`.
#[must_use]
pub fn whole(value: u64) -> String {
    grouped(&value.to_string())
}

/// So many of a thing: `1 request`, `1,203 requests`.
#[must_use]
pub fn counted(count: u64, thing: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{} {thing}{end}", whole(count))
}

/// Digits, perhaps with a sign, with their thousands apart.
fn grouped(number: &str) -> String {
    let (sign, number) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number),
    };
    let mut out = String::from(sign);
    for (index, digit) in number.chars().enumerate() {
        if index > 0 && (number.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with a letter for its thousands: `950`, `12.4 k`, `1.24 M`, `3 G`.
#[must_use]
pub fn short(value: f64) -> String {
    let units = [(1.0, ""), (1e3, " k"), (1e6, " M"), (1e9, " G")];
    let fits = |&&(scale, _): &&(f64, &str)| rounds_to(value / scale) < 1_000.0;
    let (scale, unit) = *units.iter().find(fits).unwrap_or(&units[3]);
    format!("{}{unit}", without_zeros(&digits(value / scale)))
}

/// A share as percent: `0.25` is `25.0 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{} %", digits(share * 100.0))
}

/// Bytes in binary units: `1.50 MiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1_024.0 && unit + 1 < units.len() {
        value /= 1_024.0;
        unit += 1;
    }
    format!("{} {}", digits(value), units[unit])
}

/// Seconds since 1970 as a date and time in UTC, by the proleptic Gregorian calendar.
#[must_use]
pub fn utc(unix: u64) -> String {
    let (days, second) = (unix / 86_400, unix % 86_400);
    // Days are counted from the 1st of March of year 0, so that a leap day ends its year; eras are
    // 400 years of 146,097 days (Hinnant: chrono-Compatible Low-Level Date Algorithms).
    let day = days + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    let second = second % 60;
    format!("{year}-{month:02}-{day_of_month:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_take_the_unit_that_fits() {
        let cases = [
            (0.0, "0 ns"),
            (820.0, "820 ns"),
            (999.7, "1.00 us"),
            (1_240.0, "1.24 us"),
            (15_000_000.0, "15.0 ms"),
            (3.2e9, "3.20 s"),
            (7.2e12, "7,200 s"),
        ];
        for (ns, text) in cases {
            assert_eq!(span(ns), text);
        }
    }

    #[test]
    fn round_spans_end_in_no_zeros() {
        let texts = [0.0, 1e6, 2_500.0, 1.2e7, 1e8].map(round_span);
        assert_eq!(texts, ["0 ns", "1 ms", "2.5 us", "12 ms", "100 ms"]);
    }

    #[test]
    fn counts_take_letters_and_commas() {
        assert_eq!(short(950.0), "950");
        assert_eq!(short(12_400.0), "12.4 k");
        assert_eq!(short(1_000_000.0), "1 M");
        assert_eq!(short(100_000.0), "100 k");
        assert_eq!(whole(1_234_567), "1,234,567");
        assert_eq!(whole(123), "123");
        assert_eq!(
            counted(1, "hold") + ", " + &counted(1_203, "hold"),
            "1 hold, 1,203 holds"
        );
        assert_eq!(digits(-1_234.0), "-1,234");
        assert_eq!(percent(0.0001), "0.01 %");
        assert_eq!(bytes(1_572_864), "1.50 MiB");
    }

    #[test]
    fn dates_know_leap_days() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_399), "2000-02-28 23:59:59 UTC");
        assert_eq!(utc(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_767_225_599), "2025-12-31 23:59:59 UTC");
    }
}
