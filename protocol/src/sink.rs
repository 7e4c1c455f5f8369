//! Where encoders put their bytes.

/// Takes the bytes of encoded frames, in order.
pub trait Sink {
    /// Appends `bytes`.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// A sink of fixed room on the stack, for callers that must not allocate.
#[derive(Clone, Debug)]
pub struct FrameBuffer<const N: usize> {
    bytes: [u8; N],
    used: usize,
}

impl<const N: usize> FrameBuffer<N> {
    /// An empty buffer of `N` bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: [0; N],
            used: 0,
        }
    }

    /// What was put so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    /// Bytes that still fit.
    #[must_use]
    pub const fn room(&self) -> usize {
        N - self.used
    }

    /// Forgets what was put.
    pub const fn clear(&mut self) {
        self.used = 0;
    }
}

impl<const N: usize> Default for FrameBuffer<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Sink for FrameBuffer<N> {
    /// Appends `bytes`.
    ///
    /// # Panics
    /// If there is no room: the caller sized the buffer for what it encodes.
    fn put(&mut self, bytes: &[u8]) {
        let room = self.bytes[self.used..]
            .get_mut(..bytes.len())
            .expect("the frame buffer has room for what its owner encodes");
        room.copy_from_slice(bytes);
        self.used += bytes.len();
    }
}
