//! TLS with libpq's meaning of `sslmode`, on rustls.
//!
//! What differs from libpq is what rustls will not do: versions before TLS 1.2, and certificates that
//! name their host in the common name only.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls::{SupportedProtocolVersion, version};

use super::conninfo::one_of;
use crate::error::{Context as _, Error, Result};

/// How much a server must prove before it is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SslMode {
    /// In the clear.
    Disable,
    /// In the clear, and when the server refuses that, encrypted.
    Allow,
    /// Encrypted, and when the server cannot or refuses that, in the clear.
    Prefer,
    /// Encrypted; nothing is proved, unless there is a root certificate: then as `VerifyCa`.
    Require,
    /// The certificate is signed by an authority we know.
    VerifyCa,
    /// And it is this host's.
    VerifyFull,
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    /// Those of this file; whether it must be there depends on the mode.
    File(PathBuf),
    /// The operating system's.
    System,
    /// Nobody's: there is no home directory to look in.
    None,
}

/// Everything about TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsSettings {
    pub(super) mode: SslMode,
    /// TLS from the first byte on, as PostgreSQL 17 and later can.
    pub(super) direct: bool,
    roots: Roots,
    revoked: Option<PathBuf>,
    /// Certificate and key, and whether they were named rather than looked for.
    client: Option<(PathBuf, PathBuf, bool)>,
    client_must: bool,
    server_name: bool,
    versions: (bool, bool),
}

const MODES: [(&str, SslMode); 6] = [
    ("prefer", SslMode::Prefer),
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

/// Protocol versions, and whether we speak them.
const VERSIONS: [(&str, u8); 4] = [("TLSv1.2", 12), ("TLSv1", 10), ("TLSv1.1", 11), ("TLSv1.3", 13)];

impl TlsSettings {
    /// Reads the settings whose keywords begin with `ssl`; no file is opened.
    pub(super) fn read<'a>(get: &impl Fn(&str) -> Option<&'a str>, home: Option<&Path>) -> Result<Self> {
        let system = get("sslrootcert") == Some("system");
        let default = if system { "verify-full" } else { "prefer" };
        let mode = one_of("sslmode", get("sslmode").or(Some(default)), &MODES)?;
        if system && mode != SslMode::VerifyFull {
            return Err(Error::usage(
                "sslrootcert=system needs sslmode=verify-full: the system's \
                 authorities sign for everybody",
            ));
        }
        let direct =
            one_of("sslnegotiation", get("sslnegotiation"), &[("postgres", false), ("direct", true)])?;
        if direct && mode < SslMode::Require {
            return Err(Error::usage("sslnegotiation=direct needs sslmode=require or stronger"));
        }
        let in_home = |name: &str| home.map(|home| home.join(".postgresql").join(name));
        let roots = match get("sslrootcert") {
            Some("system") => Roots::System,
            Some(file) => Roots::File(file.into()),
            None => in_home("root.crt").map_or(Roots::None, Roots::File),
        };
        let revoked = get("sslcrl").map(PathBuf::from);
        let revoked = revoked.or_else(|| in_home("root.crl").filter(|file| file.exists()));
        let named = get("sslcert").is_some();
        let files = get("sslcert")
            .map(PathBuf::from)
            .or_else(|| in_home("postgresql.crt"))
            .zip(get("sslkey").map(PathBuf::from).or_else(|| in_home("postgresql.key")));
        let certificate =
            one_of("sslcertmode", get("sslcertmode"), &[("allow", 1), ("disable", 0), ("require", 2)])?;
        let least = one_of("ssl_min_protocol_version", get("ssl_min_protocol_version"), &VERSIONS)?;
        let most = match get("ssl_max_protocol_version") {
            None => 13,
            text => one_of("ssl_max_protocol_version", text, &VERSIONS)?,
        };
        let versions = (least <= 12 && most >= 12, most >= 13);
        if versions == (false, false) {
            return Err(Error::usage(
                "the protocol versions leave none that is spoken (TLSv1.2 and TLSv1.3)",
            ));
        }
        Ok(Self {
            mode,
            direct,
            roots,
            revoked,
            client: files.filter(|_| certificate != 0).map(|(cert, key)| (cert, key, named)),
            client_must: certificate == 2,
            server_name: get("sslsni") != Some("0"),
            versions,
        })
    }

    /// What rustls needs; reads the files.
    pub(super) fn client_config(&self) -> Result<ClientConfig> {
        let mut versions: Vec<&'static SupportedProtocolVersion> = Vec::new();
        versions.extend(self.versions.0.then_some(&version::TLS12));
        versions.extend(self.versions.1.then_some(&version::TLS13));
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|e| Error::usage(format!("TLS cannot be set up: {e}")).caused_by(e))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(self.verifier(provider)?));
        let mut config = match self.client_certificate()? {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|e| {
                Error::usage(format!("the client's certificate and key do not serve: {e}")).caused_by(e)
            })?,
        };
        config.enable_sni = self.server_name;
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(config)
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Verifier> {
        let chain = match self.roots()? {
            None => None,
            Some(roots) => {
                let mut builder =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
                if let Some(file) = &self.revoked {
                    builder = builder.with_crls(revocations(file)?);
                }
                let chain = builder.build();
                Some(chain.map_err(|e| Error::usage(format!("the root certificates do not serve: {e}")))?)
            }
        };
        Ok(Verifier { chain, name: self.mode == SslMode::VerifyFull, provider })
    }

    /// The authorities, where the mode asks for any. `require` asks when the file happens to be there.
    fn roots(&self) -> Result<Option<RootCertStore>> {
        if self.mode < SslMode::Require {
            return Ok(None);
        }
        let must = self.mode >= SslMode::VerifyCa;
        let mut roots = RootCertStore::empty();
        match &self.roots {
            Roots::System => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
            Roots::File(file) if !must && !file.exists() => return Ok(None),
            Roots::File(file) => {
                for certificate in certificates(file).map_err(|e| {
                    e.hint("name the authority's file with sslrootcert or PGSSLROOTCERT, or say system")
                })? {
                    roots.add(certificate).map_err(|e| {
                        Error::usage(format!("{} holds no certificate of use: {e}", file.display()))
                    })?;
                }
            }
            Roots::None if must => {
                return Err(Error::usage("sslmode asks for a root certificate and none is named")
                    .hint("name the authority's file with sslrootcert or PGSSLROOTCERT, or say system"));
            }
            Roots::None => return Ok(None),
        }
        if roots.is_empty() {
            return Err(Error::usage("there is no root certificate where sslrootcert says"));
        }
        Ok(Some(roots))
    }

    fn client_certificate(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>> {
        let there = self.client.as_ref().filter(|(certificate, _, named)| *named || certificate.exists());
        let Some((certificate, key, _)) = there else {
            if self.client_must {
                return Err(Error::usage("sslcertmode=require, and there is no certificate to show"));
            }
            return Ok(None);
        };
        let chain = certificates(certificate)?;
        refuse_open_key(key)?;
        let read = PrivateKeyDer::from_pem_file(key);
        // What cannot be read may be the key itself, so the reason is not repeated.
        let read = read.map_err(|_| {
            Error::usage(format!("{} holds no private key in PEM without a password", key.display()))
        })?;
        Ok(Some((chain, read)))
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    read.map_err(|e| Error::usage(format!("the certificates cannot be read: {e}")))
        .context(|| format!("read {}", file.display()))
}

fn revocations(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let read = CertificateRevocationListDer::pem_file_iter(file).and_then(Iterator::collect::<Result<_, _>>);
    read.map_err(|e| Error::usage(format!("the revocations cannot be read: {e}")))
        .context(|| format!("read {}", file.display()))
}

/// As libpq: a key is its owner's, or root's and then at most the group's too.
fn refuse_open_key(key: &Path) -> Result<()> {
    let meta = fs_err::metadata(key).map_err(|e| Error::usage(e.to_string()))?;
    let others = if meta.uid() == 0 { 0o037 } else { 0o077 };
    if meta.mode() & others != 0 {
        let mode = meta.mode() & 0o777;
        return Err(Error::usage(format!(
            "the key {} can be read by others (mode {mode:04o})",
            key.display()
        ))
        .hint(format!("chmod 0600 {}", key.display())));
    }
    Ok(())
}

/// libpq's three degrees: no chain, a chain, a chain and the name.
#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        let found = chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match found {
            // The name is looked at last, so the chain has passed.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            found => found,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &'static str)], home: Option<&Path>) -> Result<TlsSettings> {
        let get = |name: &str| settings.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        TlsSettings::read(&get, home)
    }

    #[test]
    fn modes_are_libpqs_and_prefer_is_the_default() {
        assert_eq!(read(&[], None).unwrap().mode, SslMode::Prefer);
        for (text, mode) in MODES {
            assert_eq!(read(&[("sslmode", text)], None).unwrap().mode, mode);
        }
        let system = read(&[("sslrootcert", "system")], None).unwrap();
        assert_eq!((system.mode, system.roots), (SslMode::VerifyFull, Roots::System));
    }

    #[test]
    fn what_would_be_weaker_than_it_sounds_is_refused() {
        for bad in [
            &[("sslrootcert", "system"), ("sslmode", "require")][..],
            &[("sslnegotiation", "direct")],
            &[("ssl_max_protocol_version", "TLSv1.1")],
            &[("ssl_min_protocol_version", "SSLv3")],
            &[("sslcertmode", "maybe")],
        ] {
            assert!(read(bad, None).is_err(), "{bad:?}");
        }
        let strict = read(&[("ssl_min_protocol_version", "TLSv1.3")], None).unwrap();
        assert_eq!(strict.versions, (false, true));
    }

    #[test]
    fn verification_without_an_authority_is_refused_and_require_takes_one_that_is_there() {
        let home = tempfile::tempdir().unwrap();
        for (mode, verifies) in [("require", Some(false)), ("verify-ca", None), ("verify-full", None)] {
            let found = read(&[("sslmode", mode)], Some(home.path())).unwrap().roots();
            assert_eq!(found.ok().map(|roots| roots.is_some()), verifies, "{mode}");
        }
        let issuer = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs_err::create_dir(home.path().join(".postgresql")).unwrap();
        fs_err::write(home.path().join(".postgresql/root.crt"), issuer.cert.pem()).unwrap();
        let found = read(&[("sslmode", "require")], Some(home.path())).unwrap().roots().unwrap();
        assert_eq!(found.unwrap().len(), 1);
        assert!(read(&[("sslmode", "prefer")], Some(home.path())).unwrap().roots().unwrap().is_none());
    }

    #[test]
    fn a_key_that_others_can_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let pair = rcgen::generate_simple_self_signed(["me".to_owned()]).unwrap();
        let dir = home.path().join(".postgresql");
        fs_err::create_dir(&dir).unwrap();
        fs_err::write(dir.join("postgresql.crt"), pair.cert.pem()).unwrap();
        fs_err::write(dir.join("postgresql.key"), pair.signing_key.serialize_pem()).unwrap();
        let settings = read(&[], Some(home.path())).unwrap();
        let mode = |mode| {
            fs_err::set_permissions(dir.join("postgresql.key"), std::fs::Permissions::from_mode(mode))
                .unwrap();
        };
        mode(0o644);
        let e = settings.client_certificate().unwrap_err();
        assert!(e.to_string().contains("0644") && e.hint_text().is_some(), "{e}");
        mode(0o600);
        assert!(settings.client_certificate().unwrap().is_some());
        settings.client_config().unwrap();
        let none = read(&[("sslcertmode", "disable")], Some(home.path())).unwrap();
        assert!(none.client_certificate().unwrap().is_none());
    }
}
