//! Units and timers of systemd.

use std::fmt::Write as _;

use super::plan::{Duty, Job, Plan};
use super::{Host, Printed, quote};
use crate::model::{Schedule, Timer};

/// Where units go that an administrator makes.
const DIRECTORY: &str = "/etc/systemd/system";

/// What holds for every verb. A verb needs no rights but to read its files and to reach the network.
const HARDENING: &str = "\
NoNewPrivileges=true
CapabilityBoundingSet=
RestrictSUIDSGID=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictRealtime=true
LockPersonality=true
SystemCallArchitectures=native
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectControlGroups=true
ProtectHome=read-only
ProtectSystem=strict
";

/// A service and a timer for each job.
pub(super) fn print(plan: &Plan, host: &Host) -> Vec<Printed> {
    let units = plan.jobs.iter().flat_map(|job| {
        let Job { name, .. } = job;
        [
            Printed { name: format!("{name}.service"), text: service(job, plan, host) },
            Printed { name: format!("{name}.timer"), text: timer(job, plan) },
        ]
    });
    units.collect()
}

fn service(job: &Job, plan: &Plan, host: &Host) -> String {
    let Job { name, duty, .. } = job;
    let verb = duty.name();
    let mut text = format!("# {DIRECTORY}/{name}.service\n[Unit]\n");
    let _ = writeln!(text, "Description=barkeep {verb} of {}", quote::text(&plan.archive));
    let _ = writeln!(text, "Documentation=man:barkeep-{verb}(1)");
    text.push_str("Wants=network-online.target\nAfter=network-online.target\n");
    if *duty == Duty::Backup {
        text.push_str("After=postgresql.service\n");
    }
    let _ = writeln!(text, "\n[Service]\nType=oneshot\nUser={}", host.user);
    text.push_str("# Credentials, NAME=VALUE; readable by root only is enough. It need not exist.\n");
    let _ = writeln!(text, "EnvironmentFile=-{}", quote::text(&host.environment_file));
    let words: Vec<String> = job.words.iter().map(|word| quote::exec(word)).collect();
    let _ = writeln!(text, "ExecStart={} {}", quote::unit(&host.program), words.join(" "));
    if *duty != Duty::Retention {
        text.push_str(
            "# Stopped by hand or at shutdown it ends in good order. Every other status is a failure.\n",
        );
        text.push_str("SuccessExitStatus=SIGTERM\n");
    }
    text.push_str(HARDENING);
    // The drill's report is for others to read.
    if *duty != Duty::Drill {
        text.push_str("UMask=0077\n");
    }
    let mut writable = vec![format!("-{}", host.spool)];
    match duty {
        Duty::Backup => {
            text.push_str("# No PrivateTmp: the server's socket may be in /tmp.\n");
            writable.push("/tmp".to_owned());
        }
        Duty::Drill => {
            text.push_str("PrivateTmp=true\n");
            writable.extend(host.drill.iter().cloned());
        }
        Duty::Retention | Duty::Verify => text.push_str("PrivateTmp=true\n"),
    }
    let writable: Vec<String> = writable.iter().map(|path| quote::unit(path)).collect();
    let _ = writeln!(text, "ReadWritePaths={}", writable.join(" "));
    text
}

/// Whether some minutes more or less are nothing: not when it is due every hour.
fn is_rare(due: &Schedule) -> bool {
    matches!(due, Schedule::Calendar(calendar) if !calendar.hour.is_all())
}

fn timer(job: &Job, plan: &Plan) -> String {
    let Job { name, duty, .. } = job;
    let mut text = format!("# {DIRECTORY}/{name}.timer\n");
    let _ = writeln!(text, "# {}.", job.when());
    if job.immediate {
        let _ = writeln!(text, "# One is wanted at once as well: systemctl start {name}.service");
    }
    if job.suspended {
        text.push_str("# Suspended: without [Install] it cannot be enabled.\n");
    }
    let _ = writeln!(
        text,
        "[Unit]\nDescription=When to run barkeep {} of {}\n",
        duty.name(),
        quote::text(&plan.archive)
    );
    text.push_str("[Timer]\n");
    match job.due.timer() {
        Timer::Calendar(lines) => {
            for line in lines {
                let _ = writeln!(text, "OnCalendar={line}");
            }
            text.push_str("# What was missed while the machine was down is made up for.\nPersistent=true\n");
        }
        Timer::Every(pause) => {
            let seconds = pause.as_secs();
            let _ = writeln!(text, "OnActiveSec={seconds}s\nOnUnitActiveSec={seconds}s");
        }
    }
    text.push_str("AccuracySec=1s\n");
    if is_rare(&job.due) {
        text.push_str("# Not all servers at once.\nRandomizedDelaySec=2min\n");
    }
    if !job.suspended {
        text.push_str("\n[Install]\nWantedBy=timers.target\n");
    }
    text
}
