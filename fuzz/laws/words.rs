//! What people write.

use jiff::tz::TimeZone;

use super::{survives, text};
use crate::front::fuzz::{self, Depth, Size, Span, Tag};
use crate::model::{BackupStatus, Keep, Level, TargetName, TargetTime, TargetTimeline, Xid};
use crate::pgdata::manifest::ManifestChecksum;

/// The configuration file.
pub fn configuration(input: &[u8]) {
    let Some(Err(e)) = text(input).map(fuzz::read_configuration) else { return };
    assert!(!e.to_string().is_empty());
}

/// A manifest as configuration: read, every archive in it judged, and no value of a Secret in a message.
pub fn cluster_manifest(input: &[u8]) {
    let Some(Err(e)) = text(input).map(fuzz::read_cluster_manifest) else { return };
    assert!(!e.to_string().is_empty() && !format!("{e:?}").contains("hunter2"), "{e:?}");
}

/// The words of the nine commands of the other dialect; the first byte says whose, and zero bytes stand
/// between them.
pub fn other_words(input: &[u8]) {
    let Some((which, input)) = input.split_first() else { return };
    let told = fuzz::read_words(*which, &fuzz::words(input));
    assert!(told.is_none_or(|told| told.ends_with('\n')));
}

/// The words of our own commands, with zero bytes between them.
pub fn own_words(input: &[u8]) {
    let _ = fuzz::read_native_words(&fuzz::words(input));
}

/// Sizes, spans, counts, tags, moments and other values.
pub fn quantities(input: &[u8]) {
    let Some(text) = text(input) else { return };
    survives::<Size>(text);
    survives::<Span>(text);
    survives::<Depth>(text);
    survives::<Tag>(text);
    survives::<Keep>(text);
    survives::<BackupStatus>(text);
    survives::<ManifestChecksum>(text);
    survives::<Xid>(text);
    survives::<TargetName>(text);
    let _ = (text.parse::<Level>(), text.parse::<TargetTimeline>());
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    if let Ok(moment) = TargetTime::read(text, &zone) {
        let printed = crate::model::utc(moment.time);
        let again = TargetTime::read(&printed, &zone).map(|moment| crate::model::utc(moment.time));
        assert_eq!(again.ok().as_ref(), Some(&printed), "{text}");
    }
}
