//! Lines of a crontab.

use std::fmt::Write as _;

use super::plan::{Job, Plan};
use super::{Host, Printed, quote};
use crate::error::{Context as _, Result};
use crate::model::{Cron, five_fields};

/// One text with a line for each job.
pub(super) fn print(plan: &Plan, host: &Host, prefix: &str) -> Result<Vec<Printed>> {
    let mut text = format!("# barkeep: {}\n", plan.archive);
    let _ = writeln!(
        text,
        "# For `crontab -e` of the user {}; in /etc/cron.d the user comes before the command.",
        host.user
    );
    text.push_str(
        "# Times are UTC. cronie (Fedora, RHEL, SUSE, Arch) heeds CRON_TZ, also for the lines that follow these;\n\
         # cron of Debian and Ubuntu and BusyBox's do not: there the machine's time zone must be UTC.\n\
         CRON_TZ=UTC\n\
         # cron begins a run while the one before still goes on, which two would survive but take twice the time\n\
         # for: flock leaves such a run out.\n",
    );
    for job in &plan.jobs {
        line(&mut text, job, host).context(|| format!("schedule {}", job.name))?;
    }
    Ok(vec![Printed { name: format!("{prefix}.cron"), text }])
}

fn line(text: &mut String, job: &Job, host: &Host) -> Result<()> {
    let fields = five_fields(&job.due, Cron::Vixie)?;
    let words: Vec<String> = std::iter::once(host.program.clone()).chain(job.words.iter().cloned()).collect();
    let mut command = format!("flock -n ~/.{}.lock {}", job.name, quote::cron(&words)?);
    if host.reads_environment {
        let file = quote::cron(std::slice::from_ref(&host.environment_file))?;
        command = format!("set -a; . {file}; set +a; {command}");
    }
    let _ = writeln!(text, "# {}: {}.", job.name, job.when());
    if job.immediate {
        text.push_str("# One is wanted at once as well: run the command by hand.\n");
    }
    if job.suspended {
        text.push_str("# Suspended.\n#");
    }
    let _ = writeln!(text, "{fields} {command}");
    Ok(())
}
