//! Which certificate authorities are trusted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Context, Error, Result};

/// Where systems keep their certificate authorities in one file. Reading it takes half the time that
/// reading a directory of hundreds of files does, and every command pays for it.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Certificate authorities as text in PEM, for whoever has no file of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem(Arc<[u8]>);

impl Pem {
    /// The text, which is looked at when it is used.
    pub fn new(text: Vec<u8>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pem(..)")
    }
}

/// The authorities given, in PEM; the system's when none are.
#[derive(Clone)]
pub(in crate::store) struct Trust(Option<Arc<[u8]>>);

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Trust(given)" } else { "Trust(system)" })
    }
}

impl Trust {
    /// Trust in the authorities of `ca_bundle` only, every one of which must be usable, else kind `Usage`;
    /// in the system's without it.
    pub(in crate::store) fn new(ca_bundle: Option<&Path>) -> Result<Self> {
        Ok(Self(ca_bundle.map(private_authorities).transpose()?))
    }

    /// Trust in authorities that were given as text; else as [`Trust::new`] has it.
    pub(in crate::store) fn given(pem: Option<&Pem>, ca_bundle: Option<&Path>) -> Result<Self> {
        match pem {
            Some(Pem(pem)) => Ok(Self(Some(usable(Arc::clone(pem), &"the text of authorities")?))),
            None => Self::new(ca_bundle),
        }
    }

    /// The authorities in PEM, read from the system unless they were given; `None` where the system keeps
    /// them in no file that is known.
    pub(in crate::store) fn pem(&self) -> Option<Arc<[u8]>> {
        self.0.clone().or_else(system_authorities)
    }

    /// What rustls needs to know.
    pub(in crate::store) fn client_config(&self) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        match self.pem() {
            Some(pem) => {
                let all = CertificateDer::pem_slice_iter(&pem).filter_map(std::result::Result::ok);
                roots.add_parsable_certificates(all);
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        trusting(roots)
    }
}

/// TLS for a client that uses none: without it, the library would look for the system's authorities.
pub(super) fn nobody_trusted() -> Result<ClientConfig> {
    trusting(RootCertStore::empty())
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::bug(format!("TLS cannot be set up: {e}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The authorities in a file that somebody named, every one of which must be usable.
fn private_authorities(path: &Path) -> Result<Arc<[u8]>> {
    let pem = fs_err::read(path).context(|| "read the certificate authorities")?;
    usable(pem.into(), &path.display())
}

/// Authorities every one of which can be used; `of` says where they are from.
fn usable(pem: Arc<[u8]>, of: &dyn fmt::Display) -> Result<Arc<[u8]>> {
    let usable = usable_authorities(&pem);
    match usable.map(|usable| usable.len()) {
        Some(1..) => Ok(pem),
        Some(0) => Err(format!("{of} has no certificate in it")),
        None => Err(format!("{of} has a certificate that cannot be read")),
    }
    .map_err(|message| Error::usage(message).hint("give a PEM file of CA certificates"))
}

/// The system's authorities in one file, without those that cannot be used; the client would panic
/// on them. Like everywhere else, `SSL_CERT_FILE` says where that file is instead. `None` when there is
/// no such file: then the system's own way to find them is taken.
fn system_authorities() -> Option<Arc<[u8]>> {
    let said = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let mut paths = said.into_iter().chain(SYSTEM_BUNDLES.iter().map(PathBuf::from));
    let pem = paths.find_map(|path| fs_err::read(path).ok())?;
    match usable_authorities(&pem) {
        Some(usable) if !usable.is_empty() => Some(pem.into()),
        _ => {
            let all = CertificateDer::pem_slice_iter(&pem).filter_map(std::result::Result::ok);
            let usable = all.filter(is_usable).map(|der| to_pem(&der)).collect::<String>();
            (!usable.is_empty()).then(|| usable.into_bytes().into())
        }
    }
}

/// All certificates in a PEM file; `None` when one of them cannot be used.
fn usable_authorities(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<std::result::Result<Vec<_>, _>>().ok()?;
    all.iter().all(is_usable).then_some(all)
}

fn is_usable(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

fn to_pem(certificate: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate))
}
