//! Little-endian reads and writes at constant offsets of fixed arrays.
//!
//! Every caller passes an offset that is a literal and an array whose length is a constant, so the
//! bounds checks vanish once these are inlined.

#[inline(always)]
fn array_at<const N: usize, const W: usize>(bytes: &[u8; N], offset: usize) -> [u8; W] {
    let mut value = [0; W];
    value.copy_from_slice(&bytes[offset..offset + W]);
    value
}

#[inline(always)]
pub(crate) fn u8_at<const N: usize>(bytes: &[u8; N], offset: usize) -> u8 {
    bytes[offset]
}

#[inline(always)]
pub(crate) fn u16_at<const N: usize>(bytes: &[u8; N], offset: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, offset))
}

#[inline(always)]
pub(crate) fn u32_at<const N: usize>(bytes: &[u8; N], offset: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, offset))
}

#[inline(always)]
pub(crate) fn u64_at<const N: usize>(bytes: &[u8; N], offset: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, offset))
}

#[inline(always)]
pub(crate) fn bytes_at<const N: usize, const W: usize>(bytes: &[u8; N], offset: usize) -> [u8; W] {
    array_at(bytes, offset)
}

#[inline(always)]
pub(crate) fn put_at<const N: usize, const W: usize>(
    bytes: &mut [u8; N],
    offset: usize,
    value: [u8; W],
) {
    bytes[offset..offset + W].copy_from_slice(&value);
}

/// The length of a variable part as its u8 field.
#[inline(always)]
pub(crate) fn length_u8(bytes: usize) -> u8 {
    u8::try_from(bytes).expect("the caller keeps to the message's limits")
}

/// The length of a variable part as its u16 field.
#[inline(always)]
pub(crate) fn length_u16(bytes: usize) -> u16 {
    u16::try_from(bytes).expect("the caller keeps to the message's limits")
}

/// The length of a body as its header field.
#[inline(always)]
pub(crate) fn length_u32(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("the caller keeps to the message's limits")
}
