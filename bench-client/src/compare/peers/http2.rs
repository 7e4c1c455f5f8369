//! As much of HTTP/2 (RFC 9113) as a client of one service needs: frames, settings, windows. Pure.
//!
//! Header blocks of requests are given as bytes; those of answers are not looked into: that a
//! stream carried data is what tells success.

use crate::compare::dialect::Broken;

/// What a client says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a frame's header.
const HEAD_BYTES: usize = 9;
/// The longest frame that we take; the protocol's default, which we do not raise.
const FRAME_BYTES_MAX: usize = 16_384;
/// What either side may send before the other one says more.
const WINDOW_DEFAULT: i64 = 65_535;
const WINDOW_MAX: u32 = 0x7FFF_FFFF;
/// Bits of a stream's number and of a window.
const LOW_31: u32 = 0x7FFF_FFFF;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

const INITIAL_WINDOW_SIZE: u16 = 4;
const ENABLE_PUSH: u16 = 2;

/// What came for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came<'a> {
    /// Bytes of the answer's body.
    Data(u32, &'a [u8]),
    /// The answer is whole.
    End(u32),
    /// The peer gave the stream up, for this reason.
    Reset(u32, u32),
}

/// A client's connection, from its second frame on.
#[derive(Debug)]
pub struct Http2 {
    next_stream: u32,
    /// Bytes of bodies that we may still send on the connection.
    window: i64,
    /// Bytes that came since we last opened our own window.
    received: u32,
}

impl Default for Http2 {
    fn default() -> Self {
        Self {
            next_stream: 1,
            window: WINDOW_DEFAULT,
            received: 0,
        }
    }
}

impl Http2 {
    /// The preface, our settings, and windows as wide as they go.
    pub fn greet(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(PREFACE);
        head(12, SETTINGS, 0, 0, out);
        setting(ENABLE_PUSH, 0, out);
        setting(INITIAL_WINDOW_SIZE, WINDOW_MAX, out);
        head(4, WINDOW_UPDATE, 0, 0, out);
        out.extend_from_slice(&(WINDOW_MAX - 65_535).to_be_bytes());
    }

    /// Sends a request on a stream of its own, whose number it tells. A body that the window has no
    /// room for is sent all the same: the peer then ends the connection, and the run is invalid.
    pub fn request(&mut self, headers: &[u8], body: &[u8], out: &mut Vec<u8>) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        head(headers.len(), HEADERS, END_HEADERS, stream, out);
        out.extend_from_slice(headers);
        head(body.len(), DATA, END_STREAM, stream, out);
        out.extend_from_slice(body);
        self.window -= i64::try_from(body.len()).expect("a short body");
        stream
    }

    /// Whether the peer was sent more than it allowed.
    #[must_use]
    pub const fn is_overdrawn(&self) -> bool {
        self.window < 0
    }

    /// Cuts the first frame off `bytes`: what came for a stream, a second such thing, and how many
    /// bytes it took. Settings, pings and windows are answered in `out`. `None`: not whole yet.
    ///
    /// # Errors
    /// What the peer did that ends the connection.
    #[expect(clippy::type_complexity, reason = "two things at most come of a frame")]
    pub fn parse<'a>(
        &mut self,
        bytes: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<(Option<Came<'a>>, Option<Came<'a>>, usize)>, Broken> {
        let Some((header, rest)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
            return Ok(None);
        };
        let [a, b, c, kind, flags, stream @ ..] = *header;
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).expect("24 bits");
        if length > FRAME_BYTES_MAX {
            return Err(Broken(format!("a frame of {length} bytes")));
        }
        let Some(payload) = rest.get(..length) else {
            return Ok(None);
        };
        let stream = u32::from_be_bytes(stream) & LOW_31;
        let ends = matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0;
        let end = ends.then_some(Came::End(stream));
        let came = match kind {
            DATA => Some(self.data(stream, flags, payload, out)?),
            RST_STREAM => Some(Came::Reset(stream, first_u32(payload)?)),
            _ => {
                self.housekeeping(kind, flags, stream, payload, out)?;
                None
            }
        };
        Ok(Some((came, end, HEAD_BYTES + length)))
    }

    fn data<'a>(
        &mut self,
        stream: u32,
        flags: u8,
        payload: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<Came<'a>, Broken> {
        if flags & PADDED != 0 {
            return Err(Broken("padded data".to_owned()));
        }
        self.received += u32::try_from(payload.len()).expect("a frame is short");
        // A stream's own window is never used up: its answer is a few bytes.
        if self.received > WINDOW_MAX / 2 {
            head(4, WINDOW_UPDATE, 0, 0, out);
            out.extend_from_slice(&self.received.to_be_bytes());
            self.received = 0;
        }
        Ok(Came::Data(stream, payload))
    }

    fn housekeeping(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Broken> {
        match kind {
            SETTINGS if flags & ACK == 0 => head(0, SETTINGS, ACK, 0, out),
            PING if flags & ACK == 0 => {
                head(payload.len(), PING, ACK, 0, out);
                out.extend_from_slice(payload);
            }
            WINDOW_UPDATE if stream == 0 => {
                self.window += i64::from(first_u32(payload)? & LOW_31);
            }
            GOAWAY => {
                let said = payload.get(8..).unwrap_or_default();
                let said = crate::compare::dialect::quoted(said);
                return Err(Broken(format!("the peer went away: {said}")));
            }
            // Headers, acknowledgements, windows of streams, and what a client may ignore.
            _ => {}
        }
        Ok(())
    }
}

fn head(length: usize, kind: u8, flags: u8, stream: u32, out: &mut Vec<u8>) {
    let length = u32::try_from(length).expect("a short frame").to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
}

fn setting(name: u16, value: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&name.to_be_bytes());
    out.extend_from_slice(&value.to_be_bytes());
}

fn first_u32(payload: &[u8]) -> Result<u32, Broken> {
    let first = payload.first_chunk::<4>();
    let first = first.ok_or_else(|| Broken("a frame too short".to_owned()))?;
    Ok(u32::from_be_bytes(*first))
}
