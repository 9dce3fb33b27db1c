//! How a server of ours is kept to itself, whatever the configuration it was restored with says.
//!
//! All of it stands on the server's command line, which wins over every file and over ALTER SYSTEM.

use std::path::Path;

/// The settings, for this major; `home` is the private directory, `data` the data directory in it.
pub(super) fn settings(major: u32, home: &Path, data: &Path, preload: bool) -> Vec<(&'static str, String)> {
    let path = |name: &str| home.join(name).display().to_string();
    let mut all: Vec<(&'static str, String)> = [
        // Nobody but the user who runs it gets at it.
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("unix_socket_group", ""),
        ("port", "5432"),
        ("ssl", "off"),
        ("cluster_name", "barkeep-drill"),
        // It writes nowhere else: not into the archive, not beside a server that runs here.
        ("archive_mode", "off"),
        ("archive_command", ""),
        ("archive_cleanup_command", ""),
        ("recovery_end_command", ""),
        ("external_pid_file", ""),
        ("logging_collector", "off"),
        ("log_destination", "stderr"),
        ("log_line_prefix", ""),
        // It speaks to no other server, and what was at work in the original stays idle: jobs of extensions,
        // subscriptions, replication, commits that wait for a standby.
        ("primary_conninfo", ""),
        ("primary_slot_name", ""),
        ("max_worker_processes", "0"),
        ("max_wal_senders", "0"),
        ("synchronous_standby_names", ""),
        ("recovery_min_apply_delay", "0"),
        ("autovacuum", "off"),
        // Without it the settings of the original server need not be matched.
        ("hot_standby", "off"),
        // Damage is to be seen.
        ("ignore_checksum_failure", "off"),
        ("zero_damaged_pages", "off"),
        // The copy is thrown away, on a machine that may be smaller than the original's.
        ("fsync", "off"),
        ("shared_buffers", "128MB"),
        ("huge_pages", "off"),
        // Locales that only messages and formats need may be missing here; those of databases may not.
        ("lc_messages", "C"),
        ("lc_monetary", "C"),
        ("lc_numeric", "C"),
        ("lc_time", "C"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec();
    all.push(("unix_socket_directories", home.display().to_string()));
    // A Debian server's own configuration names the original's.
    all.push(("data_directory", data.display().to_string()));
    all.push(("hba_file", path(HBA)));
    all.push(("ident_file", path(IDENT)));
    if major >= 15 {
        all.push(("archive_library", String::new()));
    } else {
        all.push(("stats_temp_directory", "pg_stat_tmp".to_owned()));
    }
    if major < 16 {
        all.push(("promote_trigger_file", String::new()));
    }
    if major >= 17 {
        all.push(("event_triggers", "off".to_owned()));
    }
    if !preload {
        for name in ["shared_preload_libraries", "session_preload_libraries", "local_preload_libraries"] {
            all.push((name, String::new()));
        }
    }
    all
}

/// The file that says who may connect, and the one that maps users.
pub(super) const HBA: &str = "hba.conf";
pub(super) const IDENT: &str = "ident.conf";

/// Who may connect: whoever gets at the socket, which is the user who runs it.
pub(super) const HBA_TEXT: &str = "local all all trust\n";

/// A configuration in place of one that lies outside the data directory: room for what the original may
/// have had prepared or locked.
pub(super) const MINIMAL: &str = "max_prepared_transactions = 1000\nmax_locks_per_transaction = 256\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_major_is_told_what_it_does_not_know_and_none_archives_or_listens() {
        let of = |major, preload| settings(major, Path::new("/d"), Path::new("/d/data"), preload);
        let has = |all: &[(&str, String)], name: &str| all.iter().any(|(known, _)| *known == name);
        for major in 13..=18 {
            let all = of(major, true);
            for (name, value) in [
                ("archive_mode", "off"),
                ("listen_addresses", ""),
                ("data_directory", "/d/data"),
                ("max_worker_processes", "0"),
                ("unix_socket_directories", "/d"),
            ] {
                assert!(all.contains(&(name, value.to_owned())), "{major} {name}");
            }
            assert_eq!(has(&all, "archive_library"), major >= 15);
            assert_eq!(has(&all, "stats_temp_directory"), major < 15);
            assert_eq!(has(&all, "promote_trigger_file"), major < 16);
            assert_eq!(has(&all, "event_triggers"), major >= 17);
            assert!(!has(&all, "shared_preload_libraries"));
            assert!(has(&of(major, false), "shared_preload_libraries"));
        }
    }
}
