//! The server at hand: asked over a connection, looked at in its data directory, or both.

use super::Request;
use crate::error::{Context as _, Result};
use crate::model::{ServerSight, Waiting};
use crate::pgdata::{DataDir, Queue, Signal};
use crate::postgres::{Archiving, ArchivingFacts, AskArchiving};

/// What can be known of it; `None` when nobody said that there is one.
pub(super) async fn look(request: &Request, connect: Option<&dyn AskArchiving>) -> Option<ServerSight> {
    let mut sight = match connect {
        Some(connect) => Some(match connect.ask().await {
            Ok(facts) => said(facts),
            Err(e) => silent(e.to_string()),
        }),
        None => None,
    };
    if let Some(pgdata) = &request.pgdata {
        let sight = sight.get_or_insert_default();
        let data = DataDir::new(pgdata);
        if let Err(e) = shown(&data, sight).context(|| format!("look at {}", pgdata.display())) {
            sight.silent.get_or_insert_with(|| e.to_string());
        }
    }
    sight
}

fn silent(why: String) -> ServerSight {
    ServerSight { silent: Some(why), ..ServerSight::default() }
}

fn said(facts: ArchivingFacts) -> ServerSight {
    ServerSight {
        disabled: disabled(&facts.archiving, facts.in_recovery),
        system_id: Some(facts.system_id),
        timeline: Some(facts.timeline),
        in_recovery: Some(facts.in_recovery),
        written: facts.written,
        archiver: Some(facts.archiver),
        waiting: facts.waiting,
        silent: None,
    }
}

/// Why a server archives nothing, if it is set up so.
fn disabled(Archiving { mode, command, library }: &Archiving, in_recovery: bool) -> Option<String> {
    match mode.as_str() {
        "off" => Some("archive_mode is off".to_owned()),
        "on" if in_recovery => Some("it is a standby, and archive_mode is not always".to_owned()),
        _ if !command && !library => Some("neither archive_command nor archive_library is set".to_owned()),
        _ => None,
    }
}

/// What the directory shows, besides what the server has said itself: its control file is behind.
fn shown(data: &DataDir, sight: &mut ServerSight) -> Result<()> {
    let control = data.control()?;
    sight.system_id.get_or_insert(control.system_id);
    sight.timeline.get_or_insert(control.timeline);
    sight.in_recovery.get_or_insert(data.signal() != Signal::None);
    let (count, first) = Queue::of(data.path()).waiting()?;
    sight.waiting = Some(Waiting { count, first });
    Ok(())
}
