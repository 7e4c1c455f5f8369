//! What must hold for any bytes at all: the bodies of the fuzz targets, one module each, run by the
//! tests too. Each panics if a promise is broken.

// Every target compiles all of them and runs one.
#![allow(dead_code)]

pub(crate) mod client;
pub(crate) mod cluster;
pub(crate) mod config;
pub(crate) mod feed;
pub(crate) mod lanes;
pub(crate) mod record;
