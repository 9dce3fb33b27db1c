//! The rights a backup needs, and how they are granted.

use crate::error::{Error, ErrorKind, Result};

use super::version::Dialect;

/// One right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// To be a member of a predefined role.
    Role(&'static str),
    /// To call a function.
    Function(&'static str),
}

/// What a backup needs: all settings readable, the functions that begin and end a backup, and, when
/// archiving is proved on a primary, the one that ends a segment.
pub(super) fn needed(dialect: Dialect, switching: bool) -> Vec<Right> {
    let mut all = vec![
        Right::Role("pg_read_all_settings"),
        Right::Function(dialect.start),
        Right::Function(dialect.stop),
    ];
    all.extend(switching.then_some(Right::Function("pg_catalog.pg_switch_wal()")));
    all
}

impl Right {
    /// The expression that is true for whoever has it.
    pub(super) fn question(self) -> String {
        match self {
            Self::Role(role) => format!("pg_catalog.pg_has_role(current_user, '{role}', 'USAGE')"),
            Self::Function(function) => {
                format!("pg_catalog.has_function_privilege(current_user, '{function}', 'EXECUTE')")
            }
        }
    }

    fn grant(self, role: &str) -> String {
        let role = role.replace('"', "\"\"");
        match self {
            Self::Role(granted) => format!("GRANT {granted} TO \"{role}\";"),
            Self::Function(function) => format!("GRANT EXECUTE ON FUNCTION {function} TO \"{role}\";"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Role(role) => role,
            Self::Function(function) => function,
        }
    }
}

/// Kind `Denied` when something is missing, with the statements that grant it.
pub(super) fn demand(role: &str, missing: &[Right]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|right| right.name()).collect();
    let grants: Vec<_> = missing.iter().map(|right| right.grant(role)).collect();
    let message = format!("the role `{role}` lacks the right to {}", names.join(", "));
    Err(Error::new(ErrorKind::Denied, message)
        .hint(format!("on the primary, in the database that is connected to: {}", grants.join(" "))))
}

#[cfg(test)]
mod tests {
    use super::super::Version;
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_statement_that_grants_it() {
        let dialect = Version::new(130_000).unwrap().dialect();
        let e = demand("o\"dd", &needed(dialect, true)).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Denied);
        let hint = e.hint_text().unwrap();
        for grant in [
            "GRANT pg_read_all_settings TO \"o\"\"dd\";",
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_start_backup(text, boolean, boolean) TO \"o\"\"dd\";",
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_stop_backup(boolean, boolean) TO \"o\"\"dd\";",
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() TO \"o\"\"dd\";",
        ] {
            assert!(hint.contains(grant), "{hint}");
        }
        assert!(demand("me", &[]).is_ok());
        assert_eq!(needed(dialect, false).len(), 3);
    }
}
