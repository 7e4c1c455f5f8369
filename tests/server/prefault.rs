//! `--prefault`: the memory of the locks is there from the start; without, it comes with the locks.

use crate::support::{Client, Setup, on_1_2_and_4_shards};

on_1_2_and_4_shards!(all_memory_of_the_locks_is_resident_at_the_start);

fn all_memory_of_the_locks_is_resident_at_the_start(shards: usize) {
    let setup = |prefault: &str| {
        let setup = Setup::new(shards).with("memory", "192MiB");
        setup.with("prefault", prefault).start()
    };
    let (lazy, eager) = (setup("false"), setup("true"));
    let mut client = Client::open(&eager);
    client.ping();
    // The lanes and buffers of four shards take 35 MiB of it, blocks and index the rest.
    let (lazy, eager) = (lazy.resident_kib(), eager.resident_kib());
    assert!(eager > 128 * 1024, "{eager} KiB of 192 MiB");
    assert!(lazy < 64 * 1024, "{lazy} KiB before the first lock");
}
