//! `locker-bench run`: one run from its flags to its report.
//!
//! ```text
//!   options -> setup (refusals) -> site (the server) -> conduct -> publish (report, exit code)
//!                                                        ^   |
//!                                                        |   v  trial by trial
//!                                                     find_max <- search (pure)
//! ```

mod checker;
mod conduct;
mod error;
mod exit;
mod find_max;
mod held;
mod interrupt;
mod observed;
pub mod options;
pub mod outputs;
pub mod progress;
mod publish;
pub mod search;
mod setup;
mod site;

pub use error::RunError;
pub use options::Options;

use std::process::ExitCode;

use conduct::Conductor;
use held::Held;
use interrupt::Interrupt;
use progress::Display;
use setup::Setup;
use site::Site;

use crate::host::{cpu, descriptors};
use crate::report::facts::Ending;

/// Runs the command; `command` is the whole command line, for the report.
///
/// Says what is wrong on stderr, and ends with the codes that `--help` lists.
#[must_use]
pub fn run(options: &Options, command: &[String]) -> ExitCode {
    match perform(options, command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("locker-bench: {error}");
            ExitCode::from(match error {
                RunError::Interrupted => exit::INTERRUPTED,
                RunError::Write { .. } => exit::INVALID,
                _ => exit::USAGE,
            })
        }
    }
}

fn perform(options: &Options, command: &[String]) -> Result<u8, RunError> {
    let allowed = cpu::allowed_cores();
    let setup = Setup::of(options, &allowed)?;
    let interrupt = Interrupt::listen().map_err(RunError::Signals)?;
    let mut display = Display::new(options.progress());
    for warning in &setup.warnings {
        display.say(&format!("warning: {warning}"));
    }
    let holders = if setup.plan.held > 0 {
        held::CONNECTIONS
    } else {
        0
    };
    descriptors::make_room(u64::from(setup.plan.connections) + u64::from(holders))?;
    let mut site = Site::prepare(&setup)?;
    let core = setup.placement.pinned.first().copied();
    let plan = &setup.plan;
    // Let go before the server is stopped.
    let held = Held::acquire(plan, site.addresses(), core, &interrupt, &mut display)?;
    let conductor = Conductor {
        addresses: site.addresses().to_vec(),
        pinned: setup.placement.pinned.clone(),
        pid: site.pid(),
        interrupt,
    };
    if let Some(slo) = &setup.find_max {
        let shown = (command, &mut display);
        let (report, code) = find_max::run(&setup, slo, &conductor, &site, shown)?;
        if let Some(report) = report {
            publish::publish(&report, &options.files())?;
        }
        return Ok(code);
    }
    let mut outcome = conductor.conduct(setup.plan.clone(), &mut display)?;
    drop(display);
    held.as_ref().map_or(Ok(()), Held::check)?;
    if let (Ending::ServerGone(how), Some(end)) = (&mut outcome.ending, site.ended()) {
        *how = end;
    }
    let report = publish::report(&outcome, &site, command);
    publish::publish(&report, &options.files())?;
    let judgement = setup.slo.as_ref().map(|slo| slo.judge(&report));
    judgement.iter().for_each(publish::say_judgement);
    Ok(publish::code(&report, &outcome.ending, judgement.as_ref()))
}
