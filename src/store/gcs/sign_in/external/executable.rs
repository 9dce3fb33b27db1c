//! A subject token that a program prints, run only where the environment allows it.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::process::Command;

use super::super::Surroundings;
use super::super::file::{Fields, digest, read};
use super::super::impersonation::email;
use super::super::issuer::{Told, object};
use crate::error::{Error, Result};
use crate::store::program::{self, Kill};

/// What must be `1` for a program to be run: a file of credentials alone must not be able to do that.
const ALLOWED_BY: &str = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";

/// How long it may take, unless the file says otherwise (5 s to 120 s).
const TIMEOUT: Duration = Duration::from_secs(30);

/// A program, and what it is told in its environment.
#[derive(Debug)]
pub(super) struct Executable {
    program: String,
    words: Vec<String>,
    timeout: Duration,
    output_file: Option<PathBuf>,
    environment: Vec<(&'static str, String)>,
}

impl Executable {
    /// What a file says. The command is cut at white space, and no shell sees it.
    pub(super) fn from(fields: &Fields, inside: &Fields, around: &Surroundings<'_>) -> Result<Self> {
        if around.text(ALLOWED_BY).as_deref() != Some("1") {
            return Err(inside
                .error(format!("would run a program, which {ALLOWED_BY} does not allow"))
                .hint(format!("set {ALLOWED_BY}=1 if you trust the file of credentials")));
        }
        let mut words = inside.text("command")?.split_whitespace().map(str::to_owned);
        let program = words.next().ok_or_else(|| inside.error("has no command"))?;
        let timeout = inside.number("timeout_millis")?.map_or(TIMEOUT, Duration::from_millis);
        if !(Duration::from_secs(5)..=Duration::from_mins(2)).contains(&timeout) {
            return Err(inside.error("has a timeout_millis that is not between 5000 and 120000"));
        }
        let output_file = inside.maybe("output_file")?.map(str::to_owned);
        let account = fields.maybe("service_account_impersonation_url")?.map(|url| email(url).to_owned());
        let token_type = fields.text("subject_token_type")?.to_owned();
        let said = [
            ("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", Some(fields.text("audience")?.to_owned())),
            ("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE", Some(token_type)),
            ("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", Some("0".to_owned())),
            ("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", account),
            ("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", output_file.clone()),
        ];
        let environment = said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let output_file = output_file.map(PathBuf::from);
        Ok(Self { program, words: words.collect(), timeout, output_file, environment })
    }

    /// What it left in its file, if that is still good, else what it prints.
    pub(super) async fn token(&self) -> Result<String> {
        let left = self.output_file.as_ref().and_then(|path| read(path).ok());
        if let Some(Ok(token)) = left.map(|left| self.judge(&left, Timestamp::now())) {
            return Ok(token);
        }
        self.judge(&self.run().await?, Timestamp::now())
    }

    /// Runs it; whoever stops waiting kills it.
    async fn run(&self) -> Result<Vec<u8>> {
        let mut command = Command::new(&self.program);
        command.args(&self.words).stderr(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let ended = program::run(command, self.timeout, Kill::Program).await;
        let ended = ended.map_err(|e| Error::usage(format!("{} cannot be run: {e}", self.program)))?;
        let late = || Error::unavailable(format!("{} is not done within {:?}", self.program, self.timeout));
        let Output { status, stdout, .. } = ended.ok_or_else(late)?;
        if status.success() || object(&stdout).is_some() {
            return Ok(stdout);
        }
        Err(Error::unavailable(format!("{} ends with {status}", self.program)))
    }

    /// The token in what it said, if it is one and has not run out.
    fn judge(&self, said: &[u8], now: Timestamp) -> Result<String> {
        let program = &self.program;
        let bad = |what: &str| Error::usage(format!("{program} prints {what}"));
        let said = object(said).ok_or_else(|| bad("no JSON object"))?;
        if said.get("version").and_then(Value::as_u64) != Some(1) {
            return Err(bad("an answer that is not of version 1"));
        }
        if said.get("success").and_then(Value::as_bool) != Some(true) {
            let code = text(&said, "code").filter(|code| is_code(code)).unwrap_or("no code");
            return Err(Error::denied(format!("{program} gives no token: {code}")));
        }
        let expires = said.get("expiration_time").and_then(Value::as_i64);
        if expires.is_some_and(|expires| expires <= now.as_second()) {
            return Err(Error::unavailable(format!("{program} gives a token that has run out")));
        }
        let token = match text(&said, "token_type") {
            Some("urn:ietf:params:oauth:token-type:saml2") => text(&said, "saml_response"),
            _ => text(&said, "id_token"),
        };
        token.map(str::to_owned).ok_or_else(|| bad("no token"))
    }

    pub(super) fn identity(&self) -> String {
        let words: Vec<_> = self.words.iter().map(String::as_str).collect();
        format!("subject from {} ({})", self.program, digest(&words))
    }
}

fn text<'a>(said: &'a Told, name: &str) -> Option<&'a str> {
    said.get(name).and_then(Value::as_str)
}

/// A program's message could have anything in it, so only what looks like a code is told.
fn is_code(code: &str) -> bool {
    code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn what_a_program_says_is_judged() {
        let program = Executable {
            program: "/bin/helper".to_owned(),
            words: Vec::new(),
            timeout: TIMEOUT,
            output_file: None,
            environment: Vec::new(),
        };
        let judge = |said: &str| program.judge(said.as_bytes(), Timestamp::from_second(100).unwrap());
        let good = r#"{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","#;
        let saml = r#"{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:saml2","#;
        assert_eq!(judge(&format!(r#"{good}"id_token":"t","expiration_time":101}}"#)).unwrap(), "t");
        assert_eq!(judge(&format!(r#"{saml}"saml_response":"s","expiration_time":101}}"#)).unwrap(), "s");
        for (said, kind) in [
            ("hunter2", ErrorKind::Usage),
            (r#"{"version":2,"success":true}"#, ErrorKind::Usage),
            (r#"{"version":1,"success":false,"code":"a hunter2"}"#, ErrorKind::Denied),
            (&format!(r#"{good}"id_token":"hunter2","expiration_time":100}}"#), ErrorKind::Unavailable),
            (&format!(r#"{good}"saml_response":"hunter2","expiration_time":101}}"#), ErrorKind::Usage),
        ] {
            let error = judge(said).unwrap_err();
            assert_eq!(error.kind(), kind, "{said}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
