//! Keys as text: a key is any bytes, and people must be able to read and type it.

use std::fmt;
use thiserror::Error;

/// Shows a key: printable ASCII as it is, `\\` for the backslash, `\xNN` for any other byte.
#[must_use]
pub const fn escape_key(key: &[u8]) -> EscapedKey<'_> {
    EscapedKey { key }
}

/// A key that displays escaped.
#[derive(Clone, Copy, Debug)]
pub struct EscapedKey<'a> {
    key: &'a [u8],
}

impl fmt::Display for EscapedKey<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for &byte in self.key {
            match byte {
                b'\\' => formatter.write_str(r"\\")?,
                b' '..=b'~' => formatter.write_char(char::from(byte))?,
                _ => write!(formatter, r"\x{byte:02x}")?,
            }
        }
        Ok(())
    }
}

/// A backslash that begins neither `\\` nor `\xNN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("byte {offset}: a backslash is written \\\\, and a byte that is not printable \\xNN")]
pub struct EscapeError {
    /// Offset of the backslash in the text.
    pub offset: usize,
}

/// The key that [`escape_key`] shows as `text`. Bytes that need no escape stand for themselves,
/// UTF-8 included.
///
/// # Errors
/// A backslash that escapes nothing.
pub fn unescape_key(text: &str) -> Result<Vec<u8>, EscapeError> {
    let bytes = text.as_bytes();
    let mut key = Vec::with_capacity(bytes.len());
    let mut offset = 0;
    while let Some(&byte) = bytes.get(offset) {
        let (value, length) = match bytes.get(offset + 1) {
            _ if byte != b'\\' => (byte, 1),
            Some(b'\\') => (b'\\', 2),
            Some(b'x') => (
                hex_byte(bytes, offset + 2).ok_or(EscapeError { offset })?,
                4,
            ),
            _ => return Err(EscapeError { offset }),
        };
        key.push(value);
        offset += length;
    }
    Ok(key)
}

fn hex_byte(bytes: &[u8], offset: usize) -> Option<u8> {
    let [high, low] = *bytes.get(offset..)?.first_chunk()?;
    Some(hex_digit(high)? << 4 | hex_digit(low)?)
}

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
