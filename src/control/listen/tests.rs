//! Real sockets on ports that the system chooses.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::config::{Host, Layers};
use crate::control::failure::Sysexit;
use std::net::TcpStream;

fn config(listen: &str) -> Config {
    let flags = [
        ("listen", listen.to_owned()),
        ("ephemeral", "true".to_owned()),
    ];
    let layers = Layers::gather(&flags, [], |_| unreachable!("no file")).unwrap();
    Config::check(&layers, &Host::read()).unwrap()
}

#[test]
fn port_zero_becomes_a_real_port_that_takes_clients_once_it_listens() {
    let sockets = bind_all(&config("127.0.0.1:0,127.0.0.1:0")).unwrap();
    assert_ne!(sockets[0].address.port(), sockets[1].address.port());
    assert!(
        TcpStream::connect(sockets[0].address).is_err(),
        "bound only"
    );
    listen_all(&sockets).unwrap();
    for listening in &sockets {
        assert!(listening.admin);
        TcpStream::connect(listening.address).unwrap();
    }
}

#[test]
fn a_taken_port_says_how_to_find_who_has_it() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let failure = bind_all(&config(&address.to_string())).unwrap_err();
    assert_eq!(failure.exit_code(), Sysexit::TemporaryFailure);
    let hint = format!("sport = :{}", address.port());
    assert!(failure.to_string().contains(&hint), "{failure}");
}

#[test]
fn an_address_of_another_machine_is_a_configuration_error() {
    let failure = bind_all(&config("192.0.2.1:5625")).unwrap_err();
    assert_eq!(failure.exit_code(), Sysexit::Config, "{failure}");
    assert!(failure.to_string().contains("ip address"), "{failure}");
}

#[test]
fn a_privileged_port_names_the_capability() {
    let failure = Failure::Listen {
        address: "127.0.0.1:80".parse().unwrap(),
        source: io::Error::from(io::ErrorKind::PermissionDenied),
    };
    assert_eq!(failure.exit_code(), Sysexit::NoPermission);
    assert!(
        failure.to_string().contains("CAP_NET_BIND_SERVICE"),
        "{failure}"
    );
}
