//! Connections are dealt evenly over the shards.

use crate::support::{Client, Server, on_1_2_and_4_shards};

on_1_2_and_4_shards!(connections_one_after_another_differ_by_at_most_one);

fn connections_one_after_another_differ_by_at_most_one(shards: usize) {
    let server = Server::start(shards);
    let mut counts = vec![0_usize; shards];
    let mut open = Vec::new();
    for _ in 0..40 {
        let client = Client::open(&server);
        assert_eq!(usize::from(client.welcome.shards), shards);
        counts[usize::from(client.welcome.shard)] += 1;
        open.push(client);
        let (least, most) = (counts.iter().min(), counts.iter().max());
        assert!(most.unwrap() - least.unwrap() <= 1, "{counts:?}");
    }
}
