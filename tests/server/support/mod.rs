//! What every case needs: a server process, a client that speaks raw frames.

pub mod ask;
pub mod client;
pub mod connection;
pub mod context;
pub mod message;
pub mod proxy;
pub mod random;
pub mod requests;
pub mod resuming_client;
pub mod server;
pub mod told;

pub use ask::Ask;
pub use client::{Client, Open, Resume};
pub use message::{KeyView, Message, Refused};
pub use server::{Server, Setup};

/// Makes a test per shard count of functions that take the number of shards.
macro_rules! on_1_2_and_4_shards {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            #[test]
            fn on_1_shard() {
                super::$case(1);
            }
            #[test]
            fn on_2_shards() {
                super::$case(2);
            }
            #[test]
            fn on_4_shards() {
                super::$case(4);
            }
        }
    )+};
}
pub(crate) use on_1_2_and_4_shards;
