//! placeholder until the codec lands

/// placeholder
pub const KEY_BYTES_MAX: usize = 1024;
/// placeholder
pub const METADATA_BYTES_MAX: usize = 256;
/// placeholder
pub const NAME_BYTES_MAX: usize = 32;
/// placeholder
pub const FRAME_BYTES_MAX: usize = 65536;
/// placeholder
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// placeholder
    Ok,
}
