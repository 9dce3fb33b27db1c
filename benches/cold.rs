//! One segment, nothing waiting behind it, nothing prepared: what most calls of a quiet server are.

use std::time::Duration;

use serde::Serialize;

use crate::Result;
use crate::bare_cost::{BareCost, Errand};
use crate::figures::{median, milliseconds};
use crate::role::Role;

/// What a cold call takes beyond what it must.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "a figure says its unit")]
pub(crate) struct ColdFigures {
    /// The median call.
    pub(crate) median_ms: f64,
    /// The median of compressing the same segments, memory to memory.
    pub(crate) compress_ms: f64,
    /// The median of sending the results over an open connection.
    pub(crate) transfer_ms: f64,
    /// The median of what every call took beyond its own segment's two.
    pub(crate) beyond_ms: f64,
}

impl ColdFigures {
    /// Compares calls with the bare cost of the segments they were for.
    pub(crate) fn compare(calls: &[Duration], errand: Errand) -> Result<Self> {
        let bare: Vec<BareCost> = serde_json::from_str(&Role::BareCost(errand).ask()?)?;
        let of = |duration: fn(&BareCost) -> Duration| bare.iter().map(duration).collect::<Vec<_>>();
        let mut beyond: Vec<f64> = calls
            .iter()
            .zip(&bare)
            // Signed: a call that compresses while it sends may take less than both.
            .map(|(call, bare)| milliseconds(*call) - milliseconds(bare.compress + bare.transfer))
            .collect();
        beyond.sort_unstable_by(f64::total_cmp);
        Ok(Self {
            median_ms: milliseconds(median(calls)),
            compress_ms: milliseconds(median(&of(|cost| cost.compress))),
            transfer_ms: milliseconds(median(&of(|cost| cost.transfer))),
            beyond_ms: beyond.get(beyond.len() / 2).copied().unwrap_or_default(),
        })
    }
}
