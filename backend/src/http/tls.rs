//! TLS for a listener that other machines reach: a certificate of one's own, or one made for the session.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

/// Why TLS can not be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing or holds no certificate or key.
    #[error("{0} holds no PEM {1}")]
    File(PathBuf, &'static str),
    /// Certificate and key do not fit, or are of a kind that is not supported.
    #[error("the certificate and its key can not be used: {0}")]
    Unusable(String),
}

/// A listener's certificate.
#[derive(Clone)]
pub struct Tls {
    /// What the listener offers.
    pub(super) config: Arc<ServerConfig>,
    /// SHA-256 of the certificate, as browsers show it: for a guest to compare.
    pub fingerprint: String,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Tls {
    /// A certificate made now for this address. Browsers warn of it once; the fingerprint tells that it is ours.
    ///
    /// # Errors
    /// If none can be made.
    pub fn self_signed(ip: IpAddr) -> Result<Self, TlsError> {
        let names = vec!["localhost".to_owned(), ip.to_string()];
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        Self::new(vec![made.cert.der().clone()], key.into())
    }

    /// A certificate chain and its key from PEM files.
    ///
    /// # Errors
    /// If they can not be read or do not fit.
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let no_chain = || TlsError::File(chain.to_owned(), "certificate");
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
            .map_err(|_| no_chain())?
            .collect::<Result<_, _>>()
            .map_err(|_| no_chain())?;
        if certificates.is_empty() {
            return Err(no_chain());
        }
        let key =
            PrivateKeyDer::from_pem_file(key).map_err(|_| TlsError::File(key.to_owned(), "private key"))?;
        Self::new(certificates, key)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, TlsError> {
        let unusable = |error: rustls::Error| TlsError::Unusable(error.to_string());
        let digest = Sha256::digest(&chain[0]);
        let fingerprint = digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
        // Named, so that a second provider in the program can never make the choice ambiguous.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), fingerprint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_and_has_a_fingerprint() {
        let tls = Tls::self_signed([192, 168, 1, 5].into()).unwrap();
        assert_eq!(tls.fingerprint.len(), 32 * 3 - 1);
    }

    #[test]
    fn files_without_a_certificate_or_key_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        std::fs::File::create(&empty).unwrap();
        for path in [&empty, &folder.path().join("missing.pem")] {
            let error = Tls::from_files(path, path).unwrap_err();
            assert!(error.to_string().contains("holds no PEM certificate"), "{error}");
        }
    }
}
