//! The places where a server may be, each with its password.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::{Settings, Surroundings, passfile};
use crate::error::{Error, Result};

/// One place where the server may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::postgres) struct Endpoint {
    pub(in crate::postgres) place: Place,
    pub(in crate::postgres) port: u16,
    pub(in crate::postgres) password: Option<Password>,
}

/// How to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::postgres) enum Place {
    /// By the socket in this directory.
    Socket(PathBuf),
    /// By the name of a host, or its address, or both: then the name is for its certificate.
    Host { name: String, address: Option<IpAddr> },
}

/// A password, which prints as nothing.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::postgres) struct Password(pub(in crate::postgres) String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Where the socket is when nobody says so: where packages put it, then where PostgreSQL does.
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Socket(dir) => write!(f, "{}:{}", dir.display(), self.port),
            Place::Host { name, address: Some(address) } if name.is_empty() => {
                write!(f, "{address}:{}", self.port)
            }
            Place::Host { name, .. } => write!(f, "{name}:{}", self.port),
        }
    }
}

/// Hosts, addresses and ports as one list; a single port is everybody's.
pub(super) fn endpoints(
    hosts: Option<&str>,
    addresses: Option<&str>,
    ports: Option<&str>,
) -> Result<Vec<Endpoint>> {
    let list = |text: Option<&str>| -> Vec<String> {
        text.map(|t| t.split(',').map(|part| part.trim().to_owned()).collect()).unwrap_or_default()
    };
    let (hosts, addresses, ports) = (list(hosts), list(addresses), list(ports));
    let count = hosts.len().max(addresses.len()).max(1);
    let fits = |n: usize| n == 0 || n == count;
    if !fits(hosts.len()) || !fits(addresses.len()) || !(fits(ports.len()) || ports.len() == 1) {
        return Err(Error::usage(format!(
            "{} hosts, {} addresses and {} ports do not belong together",
            hosts.len(),
            addresses.len(),
            ports.len()
        )));
    }
    let mut endpoints = Vec::new();
    for at in 0..count {
        let text = |list: &[String]| list.get(at).or(list.first().filter(|_| list.len() == 1)).cloned();
        let port = port(text(&ports).unwrap_or_default().as_str())?;
        for place in places(&text(&hosts).unwrap_or_default(), &text(&addresses).unwrap_or_default())? {
            endpoints.push(Endpoint { place, port, password: None });
        }
    }
    Ok(endpoints)
}

fn port(text: &str) -> Result<u16> {
    if text.is_empty() {
        return Ok(5432);
    }
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| Error::usage(format!("`{text}` is not a port (1 to 65535)")))
}

/// Where one entry of the lists leads: to both default sockets when it says nothing.
fn places(host: &str, address: &str) -> Result<Vec<Place>> {
    let address: Option<IpAddr> = match address {
        "" => None,
        text => Some(text.parse().map_err(|_| Error::usage(format!("`{text}` is not an IP address")))?),
    };
    Ok(match (host, address) {
        ("", None) => SOCKETS.iter().map(|dir| Place::Socket(dir.into())).collect(),
        (dir, None) if dir.starts_with('/') => vec![Place::Socket(dir.into())],
        (name, None) if name.starts_with('@') => {
            return Err(Error::usage("a socket in the abstract namespace cannot be reached"));
        }
        (name, address) => vec![Place::Host { name: name.to_owned(), address }],
    })
}

/// The password that was given is for every place; without one the password file is asked for each.
pub(super) fn find_passwords(
    endpoints: &mut [Endpoint],
    settings: &Settings,
    around: &Surroundings<'_>,
    dbname: &str,
    user: &str,
) {
    if let Some(password) = settings.get("password").filter(|p| !p.is_empty()) {
        for endpoint in endpoints {
            endpoint.password = Some(Password(password.clone()));
        }
        return;
    }
    let file = settings.get("passfile").filter(|f| !f.is_empty()).map(PathBuf::from);
    let file = file.or_else(|| Some(around.home.as_ref()?.join(".pgpass")));
    let Some(text) = file.and_then(|file| passfile::read(&file)) else { return };
    for endpoint in endpoints {
        let host = match &endpoint.place {
            Place::Socket(dir) if SOCKETS.iter().any(|s| dir == Path::new(s)) => "localhost".to_owned(),
            Place::Socket(dir) => dir.display().to_string(),
            Place::Host { name, address: Some(address) } if name.is_empty() => address.to_string(),
            Place::Host { name, .. } => name.clone(),
        };
        let login = passfile::Login { host: &host, port: endpoint.port, dbname, user };
        endpoint.password = passfile::find(&text, login).map(Password);
    }
}
