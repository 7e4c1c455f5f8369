//! Bounds: how they are read and what they say of a report.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::report::json;
use crate::report::model::{Report, Verdict};

/// 120,000 acquires, p99 36.1 ms intended; 5,000 hand-offs; errors 0.05 %; 12,000 cycles/s.
fn report() -> Report {
    json::read(include_str!("../../../tests/report/golden/report-1.json")).unwrap()
}

fn outcomes(slo: &str) -> Vec<Outcome> {
    let judgement = slo.parse::<Slo>().unwrap().judge(&report());
    judgement
        .bounds
        .iter()
        .map(|judged| judged.outcome)
        .collect()
}

fn error(slo: &str) -> SloError {
    slo.parse::<Slo>().unwrap_err()
}

#[test]
fn bounds_on_either_side_of_the_figure_are_met_and_missed() {
    use Outcome::{Met, Missed};
    assert_eq!(outcomes("p99<50ms, p99<36ms"), [Met, Missed]);
    assert_eq!(
        outcomes("release.p99<200us,release.p99<100us"),
        [Met, Missed]
    );
    assert_eq!(outcomes("max<41ms,max<40ms"), [Met, Missed]);
    assert_eq!(outcomes("mean<3ms,mean<2ms"), [Met, Missed]);
    assert_eq!(outcomes("err<0.1%,err<0.01%"), [Met, Missed]);
    assert_eq!(outcomes("rate>11k,rate>12000"), [Met, Missed]);
    assert_eq!(outcomes("handoff.p99<1ms"), [Met]);
}

#[test]
fn a_percentile_that_the_sample_does_not_support_is_missed() {
    let judgement = "handoff.p99.9<1s".parse::<Slo>().unwrap().judge(&report());
    let (samples, needed) = (5_000, 10_000);
    assert_eq!(
        judgement.bounds[0].outcome,
        Outcome::Unsupported { samples, needed }
    );
    assert!(!judgement.met());
    assert_eq!(
        outcomes("renew.max<1s"),
        [Outcome::Nothing],
        "nothing was renewed"
    );
}

#[test]
fn one_missed_bound_or_an_invalid_run_misses_all() {
    let met = |slo: &str, report: &Report| slo.parse::<Slo>().unwrap().judge(report).met();
    let mut report = report();
    assert!(met("p99<50ms,rate>1k", &report));
    assert!(!met("p99<50ms,rate>1M", &report));
    report.verdict = Verdict::Invalid;
    assert!(!met("p99<50ms,rate>1k", &report));
}

#[test]
fn judgements_tell_the_figure() {
    let judgement = "p50<1ms,p99<1ms".parse::<Slo>().unwrap().judge(&report());
    let texts: Vec<_> = judgement.bounds.iter().map(Judged::text).collect();
    assert_eq!(texts, ["p50<1ms: met, 68.0 us", "p99<1ms: MISSED, 36.1 ms"]);
}

#[test]
fn bounds_are_shown_as_they_were_written() {
    let slo: Slo = " p99 < 1ms , release.p99.9<5ms,rate>10k".parse().unwrap();
    assert_eq!(slo.to_string(), "p99 < 1ms,release.p99.9<5ms,rate>10k");
    assert_eq!(slo.to_string().parse(), Ok(slo));
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    assert_eq!(error(""), SloError::Empty);
    assert_eq!(error("p99<1ms,"), SloError::Empty);
    assert!(matches!(error("p99"), SloError::NoLimit { .. }));
    assert!(matches!(
        error("p99<=1ms"),
        SloError::WrongSign { sign: '<', .. }
    ));
    assert!(matches!(
        error("p99>1ms"),
        SloError::WrongSign { sign: '<', .. }
    ));
    assert!(matches!(
        error("rate<1k"),
        SloError::WrongSign { sign: '>', .. }
    ));
    assert!(matches!(error("p100<1ms"), SloError::NoSuchFigure { .. }));
    assert!(matches!(error("speed<1ms"), SloError::NoSuchFigure { .. }));
    assert!(matches!(error("<1ms"), SloError::NoSuchFigure { .. }));
    assert!(matches!(error("lock.p99<1ms"), SloError::NoSuchKind { .. }));
    assert!(matches!(
        error("acquire.err<1%"),
        SloError::KindOfAll { .. }
    ));
    for limit in [
        "p99<5",
        "p99<0ms",
        "p99<fast",
        "err<1",
        "err<0%",
        "err<101%",
        "rate>fast",
    ] {
        assert!(matches!(error(limit), SloError::BadLimit { .. }), "{limit}");
    }
    assert!(
        error("lock.p99<1ms")
            .to_string()
            .contains("acquire, denied, release")
    );
    assert!(error("p99>1ms").to_string().contains("write p99<LIMIT"));
}
