//! Plays seeds, tells what happened, and how to repeat what failed.

use sim::plan::Without;
use sim::tally::Tally;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (mut from, mut seeds) = (1, 100);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|word| word.parse().ok());
        match arg.as_str() {
            "--seeds" => seeds = number().expect("--seeds COUNT"),
            "--from" => from = number().expect("--from SEED"),
            _ => {
                eprintln!("unknown argument {arg}");
                return ExitCode::from(2);
            }
        }
    }
    let mut all = Tally::default();
    for seed in from..from + seeds {
        let outcome = sim::play(seed, &Without::default());
        all.add(&outcome.tally);
        if let Some((at, violation)) = outcome.violation {
            for (at, event) in outcome.trace.last() {
                println!("{:>12} {event:?}", at.0);
            }
            println!(
                "seed {seed} at {} us: {}: {}",
                at.0, violation.invariant, violation.reason
            );
            return ExitCode::FAILURE;
        }
    }
    println!("{all:#?}");
    ExitCode::SUCCESS
}
