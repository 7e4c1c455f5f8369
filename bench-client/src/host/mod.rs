//! The machine and the processes on it: cores, processor time, children. Shell.

pub mod cpu;
