//! The gauges that the plugin of CloudNativePG has (spec/cloudnativepg.md 4.2), which dashboards know by
//! these names; what they tell is worked out by `metrics`.

use crate::command::metrics::Elders;

/// Their names: the plugin's own, with `_` for what such a name cannot have, in front of each.
pub(crate) const GAUGES: Elders = Elders {
    first_point: "barman_cloud_cloudnative_pg_io_first_recoverability_point",
    last_available: "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp",
    last_failed: "barman_cloud_cloudnative_pg_io_last_failed_backup_timestamp",
};
