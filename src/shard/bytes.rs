//! Writes and reads the fields of lane messages.

/// Appends fields to a buffer.
#[derive(Debug)]
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.array(value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.array(value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.array(value.to_le_bytes());
    }

    pub(super) fn array<const N: usize>(&mut self, value: [u8; N]) {
        self.0.extend_from_slice(&value);
    }

    /// Bytes behind their length in 16 bits.
    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.u16(u16::try_from(value.len()).expect("keys and metadata are checked to be short"));
        self.0.extend_from_slice(value);
    }

    /// Bytes behind their length in 32 bits.
    pub(super) fn long_bytes(&mut self, value: &[u8]) {
        self.u32(u32::try_from(value.len()).expect("a read's reply is bounded"));
        self.0.extend_from_slice(value);
    }
}

/// Takes fields off the front of a message. Panics past its end: both ends are this program.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn u8(&mut self) -> u8 {
        let [value] = self.array();
        value
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let (value, rest) = self.0.split_first_chunk().expect("a message is whole");
        self.0 = rest;
        *value
    }

    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.u16());
        self.take(length)
    }

    pub(super) fn long_bytes(&mut self) -> &'a [u8] {
        let length = self.u32() as usize;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (value, rest) = self.0.split_at(length);
        self.0 = rest;
        value
    }
}
