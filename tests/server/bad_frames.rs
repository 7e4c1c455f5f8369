//! Frames that break the protocol get a typed answer; nothing held by others is touched.

use locker_protocol::*;

use crate::support::{Ask, Client, Message, Server, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    a_malformed_body_is_told_with_its_offset,
    an_unknown_op_is_refused_and_the_connection_goes_on,
    a_frame_above_the_limit_ends_the_connection,
    a_frame_cut_short_by_the_end_of_the_connection_does_nothing,
    random_bytes_never_hurt_anybody_else,
);

/// A server with a hold that must survive whatever the case does.
struct Scene {
    server: Server,
    holder: Client,
    ask: Ask,
    token: u64,
}

impl Scene {
    fn new(shards: usize) -> Self {
        let server = Server::start(shards);
        let mut holder = Client::open(&server);
        let ask = Ask::new("held");
        let token = holder.acquire(&ask).granted().token;
        Self {
            server,
            holder,
            ask,
            token,
        }
    }

    /// The hold stands, and the server serves newcomers.
    #[track_caller]
    fn assert_unhurt(mut self) {
        self.server.assert_alive();
        self.holder
            .renew(&self.ask, self.token, LEASE_KEEP)
            .renewed();
        let mut other = Client::open(&self.server);
        assert_eq!(other.acquire(&Ask::once("held")).status(), Status::Timeout);
        other.acquire(&Ask::once("unhurt")).granted();
    }
}

/// An acquire of key `free` as bytes.
fn acquire_frame(request_id: u64) -> Vec<u8> {
    let mut frame = Vec::new();
    Ask::once("free").frame().encode(request_id, &mut frame);
    frame
}

fn a_malformed_body_is_told_with_its_offset(shards: usize) {
    let scene = Scene::new(shards);
    let id = RequestId {
        seat: 0,
        sequence: 1,
    };
    // Offset in the frame, and what to put there.
    for (offset, byte) in [(5, 1), (6, 1), (40, 99), (41, 0x80), (46, 1)] {
        let mut client = Client::open(&scene.server);
        let mut frame = acquire_frame(id.pack());
        frame[offset] = byte;
        client.write(&frame);
        let (_, message) = client.read().expect("a typed answer before any end");
        let (Message::Refused(refused) | Message::Fault(refused)) = message else {
            panic!("offset {offset}: {message:?}");
        };
        assert_eq!(refused.status, Status::BadFrame, "offset {offset}");
        let there = u64::try_from(offset).unwrap();
        assert!(
            refused.value.abs_diff(there) < 4,
            "offset {offset}: {refused:?}"
        );
    }
    scene.assert_unhurt();
}

fn an_unknown_op_is_refused_and_the_connection_goes_on(shards: usize) {
    let scene = Scene::new(shards);
    let mut client = Client::open(&scene.server);
    for op in [0x00, 0x0F, 0x14, 0x7F] {
        let header = Header {
            len: 0,
            op,
            flags: 0,
            status: 0,
            request_id: 0x1_FFFF,
        };
        client.write(&header.encode());
        let (id, message) = client.read().expect("an answer");
        assert_eq!(id, 0x1_FFFF);
        let refused = message.refused();
        let expected = if op == 0x14 {
            Status::BadFrame
        } else {
            Status::Unsupported
        };
        assert!(
            [expected, Status::Unsupported].contains(&refused.status),
            "{op}: {refused:?}"
        );
    }
    client.acquire(&Ask::once("free")).granted();
    client.close();
    scene.assert_unhurt();
}

fn a_frame_above_the_limit_ends_the_connection(shards: usize) {
    let scene = Scene::new(shards);
    for len in [65_537, u32::MAX] {
        let mut client = Client::open(&scene.server);
        let header = Header {
            len,
            op: Opcode::Acquire.code(),
            flags: 0,
            status: 0,
            request_id: 0x1_0000,
        };
        client.write(&header.encode());
        let (_, message) = client.read().expect("a typed answer before the end");
        let (Message::Refused(refused) | Message::Fault(refused)) = message else {
            panic!("{message:?}");
        };
        let told = (refused.status, refused.limit, refused.value);
        assert_eq!(told, (Status::FrameTooLong, 65_536, len.into()));
        assert_eq!(client.read(), None, "framing is lost");
    }
    scene.assert_unhurt();
}

fn a_frame_cut_short_by_the_end_of_the_connection_does_nothing(shards: usize) {
    let scene = Scene::new(shards);
    let id = RequestId {
        seat: 0,
        sequence: 1,
    };
    let frame = acquire_frame(id.pack());
    for cut in 0..frame.len() {
        let mut client = Client::open(&scene.server);
        client.write(&frame[..cut]);
        client.finish();
        assert_eq!(client.read_to_end(), [], "cut at {cut}");
    }
    scene.assert_unhurt();
}

fn random_bytes_never_hurt_anybody_else(shards: usize) {
    let scene = Scene::new(shards);
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..40 {
        let mut client = Client::open(&scene.server);
        let mut bytes = acquire_frame(0x1_0000);
        for _ in 0..4 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let [byte, place, ..] = seed.to_le_bytes();
            let place = usize::from(place) % bytes.len();
            bytes[place] ^= byte;
        }
        client.write(&bytes);
        client.finish();
        client.read_to_end();
    }
    scene.assert_unhurt();
}
