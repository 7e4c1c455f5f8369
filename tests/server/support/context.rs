//! Says what a test was at when it failed.

use std::fmt;
use std::thread;

/// Printed if the thread panics while it lives.
pub(crate) struct Context<T: fmt::Debug>(pub(crate) T);

impl<T: fmt::Debug> Drop for Context<T> {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("failed at {:?}", self.0);
        }
    }
}
