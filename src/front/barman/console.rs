//! One backup on the console (spec/barman-cloud.md 2.5).

use std::fmt::{Display, Write as _};

use super::python;
use super::record::{byte, on_off};
use crate::archive::Literal;
use crate::model::{Backup, Timeline};

/// What is not known.
const NONE: &str = "None";

/// The whole page. Of a backup that is not complete only the head is told, and its error.
pub(super) fn page(backup: &Backup) -> String {
    let mut page = Page(format!("Backup {}:\n", backup.id));
    head(&mut page, backup);
    server(&mut page, backup);
    if !backup.is_usable() {
        if let Some(error) = &backup.error {
            page.line("Error", error);
        }
        return page.0;
    }
    snapshots(&mut page, backup);
    tablespaces(&mut page, backup);
    base(&mut page, backup);
    page.0
}

/// A page in the making.
struct Page(String);

impl Page {
    fn line(&mut self, label: &str, value: impl Display) {
        let _ = writeln!(self.0, "  {label:<23}: {value}");
    }

    fn section(&mut self, label: &str) {
        let _ = writeln!(self.0, "  {label}:");
    }

    fn below(&mut self, label: &str, value: impl Display) {
        let _ = writeln!(self.0, "    {label:<21}: {value}");
    }

    fn below_if(&mut self, label: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.below(label, value);
        }
    }

    fn end(&mut self) {
        self.0.push('\n');
    }
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}

fn head(page: &mut Page, backup: &Backup) {
    if let Some(name) = &backup.name {
        page.line("Backup Name", name);
    }
    page.line("Server Name", or_none(backup.server_name.as_ref()));
    if let Some(id) = backup.system_id {
        page.line("System Id", id);
    }
    page.line("Status", backup.status);
    if backup.is_usable() {
        page.line("PostgreSQL Version", or_none(backup.version));
        page.line("PGDATA directory", or_none(backup.pgdata.as_ref()));
        if let Some(size) = backup.cluster_size.filter(|size| *size > 0) {
            page.line("Estimated Cluster Size", python::size(size));
        }
    }
    page.end();
}

fn server(page: &mut Page, backup: &Backup) {
    let checksums = on_off(backup.data_checksums, backup.other.get("data_checksums"));
    let summarizer = on_off(backup.summarize_wal, backup.other.get("summarize_wal"));
    if checksums.is_some() || summarizer.is_some() {
        page.section("Server information");
        page.below_if("Checksums", checksums);
        page.below_if("WAL summarizer", summarizer);
        page.end();
    }
}

/// Where the snapshots are, then each of them.
fn snapshots(page: &mut Page, backup: &Backup) {
    let info = backup.other.get("snapshots_info").and_then(|info| Literal::parse(info).ok());
    let Some(info) = info else { return };
    page.section("Snapshot information");
    page.below("provider", value(&info, "provider"));
    for (name, value) in pairs(member(&info, "provider_info")) {
        page.below(&name, value);
    }
    page.end();
    let Some(Literal::List(all)) = member(&info, "snapshots") else { return };
    for snapshot in all {
        let mut of_provider = pairs(member(snapshot, "provider"));
        of_provider.sort();
        for (name, value) in of_provider {
            page.below(&name, value);
        }
        let mount = member(snapshot, "mount").unwrap_or(&Literal::None);
        page.below("Mount point", value(mount, "mount_point"));
        page.below("Mount options", value(mount, "mount_options"));
        page.end();
    }
}

fn tablespaces(page: &mut Page, backup: &Backup) {
    if backup.tablespaces.is_empty() {
        return;
    }
    page.section("Tablespaces");
    for space in &backup.tablespaces {
        page.below(&space.name, format!("{} (oid: {})", space.location, space.oid));
    }
    page.end();
}

fn base(page: &mut Page, backup: &Backup) {
    let other = |key: &str| backup.other.get(key);
    let time = |time: &Option<jiff::Zoned>| or_none(time.as_ref().map(|time| python::moment(time, ' ')));
    page.section("Base backup information");
    page.below_if("Backup Method", other("mode"));
    page.below_if("Encryption", other("encryption"));
    let size = other("deduplicated_size").and_then(|size| size.parse().ok());
    page.below_if("Backup Size", size.filter(|size| *size > 0).map(python::size));
    page.below_if("Backup Compression", other("compression"));
    page.below("Timeline", or_none(backup.timeline.map(Timeline::number)));
    page.below("Begin WAL", or_none(backup.begin.wal));
    page.below("End WAL", or_none(backup.end.wal));
    page.below("Begin time", time(&backup.begin.time));
    page.below("End time", time(&backup.end.time));
    page.below_if("Copy time", copy_time(backup));
    page.below("Begin Offset", or_none(byte("begin_offset", &backup.begin, backup)));
    page.below("End Offset", or_none(byte("end_offset", &backup.end, backup)));
    page.below("Begin LSN", or_none(backup.begin.lsn));
    page.below("End LSN", or_none(backup.end.lsn));
    page.end();
}

/// How long the copy took, and what came before it when that took a second or more.
fn copy_time(backup: &Backup) -> Option<String> {
    let stats = backup.other.get("copy_stats").and_then(|stats| Literal::parse(stats).ok())?;
    let seconds = |key: &str| match member(&stats, key) {
        Some(Literal::Number(number)) => number.parse::<f64>().ok(),
        _ => None,
    };
    let copied = python::span(seconds("copy_time").filter(|seconds| *seconds != 0.0)?);
    let before = seconds("analysis_time").filter(|seconds| *seconds >= 1.0);
    Some(before.map_or(copied.clone(), |before| format!("{copied} + {} startup", python::span(before))))
}

/// A member of a dictionary.
fn member<'a>(of: &'a Literal, key: &str) -> Option<&'a Literal> {
    let Literal::Dict(pairs) = of else { return None };
    pairs.iter().find(|(name, _)| matches!(name, Literal::Text(name) if name == key)).map(|(_, value)| value)
}

fn value(of: &Literal, key: &str) -> String {
    or_none(member(of, key).map(python::plain))
}

/// The members of a dictionary as texts, in their order.
fn pairs(of: Option<&Literal>) -> Vec<(String, String)> {
    let Some(Literal::Dict(pairs)) = of else { return Vec::new() };
    pairs.iter().map(|(name, value)| (python::plain(name), python::plain(value))).collect()
}
