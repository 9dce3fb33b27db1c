//! The connection string: account, secret and endpoint in one text.
//!
//! Its settings are Microsoft's: "Configure Azure Storage connection strings"
//! (<https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string>).

use std::fmt;

use crate::error::{Error, Result};

/// The account of every emulator, and its key; both are published and secret to nobody.
pub(super) const DEVELOPMENT: (&str, &str) = (
    "devstoreaccount1",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
);

/// Where an emulator listens unless it is told otherwise.
const DEVELOPMENT_ENDPOINT: &str = "http://127.0.0.1:10000/devstoreaccount1";

/// What a connection string gives to sign requests with.
pub(super) enum Secret {
    /// The account's key, in base64. It comes before a signature, and only it needs the account's name.
    Key(String),
    /// A shared access signature.
    Sas(String),
}

/// What a connection string says. `Debug` shows no secret.
pub(super) struct ConnectionString {
    /// The account, unless the string leaves it to the endpoint.
    pub(super) account: Option<String>,
    /// What to sign requests with.
    pub(super) secret: Secret,
    /// Where the service is, without a slash at its end, when the string tells it.
    pub(super) endpoint: Option<String>,
}

impl fmt::Debug for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionString({:?}, {:?}, ..)", self.account, self.endpoint)
    }
}

impl ConnectionString {
    /// Reads `NAME=VALUE;NAME=VALUE`. A value may have equals signs in it, a name may be in any case, white
    /// space around both and empty settings are passed over, and so are settings of other services. No
    /// error repeats a value.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut settings = Vec::new();
        for setting in text.split(';').map(str::trim).filter(|setting| !setting.is_empty()) {
            let Some((name, value)) = setting.split_once('=') else {
                return Err(wrong(&format!("part {} of it is no NAME=VALUE", settings.len() + 1)));
            };
            settings.push((name.trim().to_ascii_lowercase(), value.trim()));
        }
        let get = |name: &str| {
            let found = settings.iter().find(|(set, value)| set == name && !value.is_empty());
            found.map(|(_, value)| (*value).to_owned())
        };
        if get("usedevelopmentstorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(Self::development());
        }
        let account = get("accountname");
        let endpoint = match (get("blobendpoint"), get("endpointsuffix"), &account) {
            (Some(endpoint), ..) => Some(endpoint),
            (None, Some(suffix), Some(account)) => {
                let protocol = get("defaultendpointsprotocol").unwrap_or_else(|| "https".to_owned());
                Some(format!("{protocol}://{account}.blob.{suffix}"))
            }
            _ => None,
        };
        let endpoint = endpoint.map(|endpoint| endpoint.trim_end_matches('/').to_owned());
        let secret = match (get("accountkey"), get("sharedaccesssignature")) {
            (Some(key), _) if account.is_some() => Secret::Key(key),
            (_, Some(sas)) => Secret::Sas(sas),
            (Some(_), None) => return Err(wrong("it has AccountKey without AccountName")),
            (None, None) => {
                return Err(wrong("it has neither AccountKey nor SharedAccessSignature"));
            }
        };
        Ok(Self { account, secret, endpoint })
    }

    fn development() -> Self {
        let (account, key) = DEVELOPMENT;
        Self {
            account: Some(account.to_owned()),
            secret: Secret::Key(key.to_owned()),
            endpoint: Some(DEVELOPMENT_ENDPOINT.to_owned()),
        }
    }
}

fn wrong(why: &str) -> Error {
    Error::usage(format!("the connection string cannot be used: {why}")).hint(
        "copy it whole from the storage account's access keys, or make one with AccountName and AccountKey",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn parse(text: &str) -> ConnectionString {
        ConnectionString::parse(text).unwrap()
    }

    #[test]
    fn what_the_portal_gives_is_understood() {
        let string = parse(
            "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5Zm9vYg==;EndpointSuffix=core.windows.net",
        );
        assert_eq!(string.account.as_deref(), Some("acct"));
        assert_eq!(string.endpoint.as_deref(), Some("https://acct.blob.core.windows.net"));
        assert!(matches!(string.secret, Secret::Key(key) if key == "a2V5Zm9vYg=="));
    }

    #[test]
    fn a_signature_with_an_endpoint_needs_no_account() {
        let string = parse(
            "BlobEndpoint=https://acct.blob.core.windows.net/;QueueEndpoint=https://q/;SharedAccessSignature=sv=2024&sig=a%3D",
        );
        let endpoint = "https://acct.blob.core.windows.net".to_owned();
        assert_eq!((string.account, string.endpoint), (None, Some(endpoint)));
        assert!(matches!(string.secret, Secret::Sas(sas) if sas == "sv=2024&sig=a%3D"));
    }

    #[test]
    fn white_space_empty_settings_and_the_case_of_names_do_not_matter() {
        let string = parse(" accountname = acct ;; ACCOUNTKEY=a2V5;\n");
        assert_eq!((string.account.as_deref(), string.endpoint), (Some("acct"), None));
        assert!(matches!(string.secret, Secret::Key(key) if key == "a2V5"));
    }

    #[test]
    fn the_emulators_account_is_known_by_one_word() {
        let string = parse("UseDevelopmentStorage=true;");
        assert_eq!(string.account.as_deref(), Some("devstoreaccount1"));
        assert_eq!(string.endpoint.as_deref(), Some("http://127.0.0.1:10000/devstoreaccount1"));
        assert!(matches!(string.secret, Secret::Key(_)));
    }

    #[test]
    fn a_string_without_a_usable_secret_is_refused_and_not_repeated() {
        for bad in [
            "hunter2",
            "AccountName=acct;hunter2",
            "AccountName=hunter2",
            "AccountKey=hunter2",
            "AccountName=acct;AccountKey=",
            "UseDevelopmentStorage=false;AccountName=hunter2",
            "",
        ] {
            let error = ConnectionString::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{bad}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let shown = format!("{:?}", parse("AccountName=a;AccountKey=hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
