//! locker.
fn main() {}
