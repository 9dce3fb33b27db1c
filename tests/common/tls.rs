//! A private certificate authority, and the certificate of a server on the loopback device.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

use super::Scratch;

/// The files of an authority that nobody but the test trusts.
pub struct Authority {
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Authority {
    /// A new authority and a certificate for `localhost` and `127.0.0.1` signed by it.
    pub fn new(scratch: &Scratch) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Barkeep's tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();

        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        let certificate = params.signed_by(&key, &issuer).unwrap();

        Self {
            ca: scratch.file("ca.pem", &issuer.pem()),
            certificate: scratch.file("server.pem", &certificate.pem()),
            key: scratch.file("server.key", &key.serialize_pem()),
        }
    }

    /// What a client must trust.
    pub fn ca_file(&self) -> &Path {
        &self.ca
    }

    /// What the server shows.
    pub fn certificate_file(&self) -> &Path {
        &self.certificate
    }

    /// What the server keeps to itself.
    pub fn key_file(&self) -> &Path {
        &self.key
    }
}
