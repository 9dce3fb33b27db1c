//! The words of `metrics`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Args};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::args::{Layer as _, Shared, layer, text, with_own_variable};
use super::file::File;
use super::render::{ErrorJson, Report, line};
use super::status::{StatusArgs, whatever_server};
use super::{Around, told};
use crate::archive::OpenArchive;
use crate::command::exposition::Exposition;
use crate::command::metrics::{self, Gatherer, Request, Sources};
use crate::error::{Context as _, Error, Result};
use crate::front::exit::Exit;
use crate::front::quantity::Span;
use crate::front::run::{block_on, block_on_several};
use crate::front::{PLUGIN_GAUGES, signals};
use crate::model::ServerName;
use crate::postgres::AskArchiving;

/// Tell the same in numbers, for Prometheus
///
/// What status sees, and how PostgreSQL's own calls of wal-archive and wal-restore have ended, in the text
/// format of Prometheus: on standard output, into a file for node_exporter, or to whoever asks for /metrics.
/// Where a limit or a connection is not given here, the section [status] of the file counts.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
#[command(mut_args = of_metrics)]
pub(crate) struct Metrics {
    /// Tell of every server in the store
    #[arg(
        long, env = "BARKEEP_METRICS_ALL_SERVERS", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    all_servers: Option<bool>,
    #[command(flatten)]
    pub(super) own: MetricsArgs,
    #[command(flatten)]
    pub(super) look: StatusArgs,
    /// Print help
    #[arg(long, action = ArgAction::HelpLong)]
    help: Option<bool>,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[metrics]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct MetricsArgs {
    /// Write to this file: NAME.prom in node_exporter's textfile directory
    #[arg(long, value_name = "FILE", env = "BARKEEP_METRICS_TEXTFILE")]
    textfile: Option<PathBuf>,
    /// Go on, and answer HTTP here [without a value: 127.0.0.1:9713]
    #[arg(
        long, value_name = "ADDR:PORT", env = "BARKEEP_METRICS_LISTEN", num_args = 0..=1,
        default_missing_value = "127.0.0.1:9713"
    )]
    #[serde(with = "text")]
    listen: Option<Listen>,
    /// While listening, look at the archive this often [default: 60s]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_METRICS_INTERVAL")]
    #[serde(with = "text")]
    interval: Option<Span>,
}

layer!(MetricsArgs: textfile, listen, interval);

/// How often the archive is looked at when nothing is said.
const INTERVAL: Duration = Duration::from_mins(1);

/// Where to listen when only that is said.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9713);

/// Threads for connections; the archive is looked at by one of its own.
const WORKERS: usize = 1;

/// Where to listen: an address in full, so that nobody listens on all of them by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Listen(SocketAddr);

impl FromStr for Listen {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|_| {
            Error::usage(format!(
                "`{text}` is not an address with a port ({LISTEN}, [::1]:9713, or 0.0.0.0:9713 for all interfaces)"
            ))
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is asked of `status` is not meant for `metrics`.
fn of_metrics(arg: Arg) -> Arg {
    with_own_variable(arg, "BARKEEP_STATUS_", "BARKEEP_METRICS_")
}

impl Metrics {
    /// Whether it goes on and answers, so that somebody wants to know where.
    pub(super) fn listens(&self, file: &File) -> bool {
        self.own.listen.or(file.sections.metrics.listen).is_some()
    }

    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let all = self.all_servers.unwrap_or(false);
        let shared = if all { whatever_server(self.shared, around)? } else { self.shared };
        let own = self.own.over(around.file.sections.metrics.clone());
        let (textfile, listen) = (own.textfile, own.listen);
        if let Some((file, listen)) = textfile.as_ref().zip(listen) {
            let file = file.display();
            return Err(Error::usage(format!("both --textfile {file} and --listen {listen} are set"))
                .hint("choose one of them"));
        }
        let settings = around.settings(shared)?;
        let look = self.look.over(around.file.sections.status.clone());
        let server = look.connection(around)?;
        let request = Request {
            status: look.request(&settings),
            spool: settings.spool.clone(),
            retention: around.file.sections.retention.rule(),
            elders: PLUGIN_GAUGES,
        };
        let other = |name: ServerName| Box::new(settings.wire.for_server(name)) as Box<dyn OpenArchive>;
        let sources = Sources {
            archive: &settings.wire,
            all: if all { Some(&other) } else { None },
            connect: server.as_ref().map(|server| server as &dyn AskArchiving),
        };
        if let Some(listen) = listen {
            let interval = own.interval.map_or(INTERVAL, |span| span.0);
            return told(
                block_on_several(WORKERS, serve(listen, interval, &request, sources)).map(|()| Served),
            );
        }
        let gathered = block_on(async { Ok(metrics::run(&request, sources).await) })?;
        if let Some(file) = &textfile {
            gathered.exposition.write(file)?;
        }
        let (exposition, failure) = (gathered.exposition, gathered.failure);
        told(Ok(Exposed { exposition, failure, is_written: textfile.is_some() }))
    }
}

async fn serve(
    Listen(address): Listen,
    interval: Duration,
    request: &Request,
    sources: Sources<'_>,
) -> Result<()> {
    let mut stop = signals::asked_to_stop()?;
    let listener = TcpListener::bind(address).await.context(|| format!("listen on {address}"))?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        tracing::warn!("{address} is open to others, and whoever asks is answered without TLS or a password");
    }
    tracing::info!("listening on http://{address}/metrics");
    let mut gatherer = Gatherer::new(request, sources);
    metrics::serve(listener, &mut gatherer, interval, &Timestamp::now, &mut stop).await;
    Ok(())
}

/// The end of `metrics --listen`: as it was asked to end, which is no failure.
struct Served;

impl Report for Served {
    fn exit(&self) -> Exit {
        signals::which(Exit::Interrupted)
    }

    fn json(&self) -> String {
        line(&ServedJson { exit: self.exit().code() })
    }

    fn log(&self) {
        tracing::info!("ended");
    }
}

#[derive(Serialize)]
struct ServedJson {
    exit: u8,
}

/// The end of `metrics`.
struct Exposed {
    exposition: Exposition,
    failure: Option<Error>,
    /// It is in a file already.
    is_written: bool,
}

impl Report for Exposed {
    fn exit(&self) -> Exit {
        self.failure.as_ref().map_or(Exit::Done, |e| e.kind().into())
    }

    fn text(&self) -> String {
        if self.is_written { String::new() } else { self.exposition.to_string() }
    }

    fn json(&self) -> String {
        line(&ExposedJson {
            metrics: &self.exposition,
            error: self.failure.as_ref().map(ErrorJson::new),
            exit: self.exit().code(),
        })
    }

    fn failure(&self) -> Option<Error> {
        self.failure.as_ref().map(Error::again)
    }
}

/// Field names are stable.
#[derive(Serialize)]
struct ExposedJson<'a> {
    metrics: &'a Exposition,
    error: Option<ErrorJson>,
    exit: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_listen_is_said_in_full() {
        for (text, loopback) in [("127.0.0.1:9713", true), ("[::1]:1", true), ("0.0.0.0:9713", false)] {
            let listen: Listen = text.parse().unwrap();
            assert_eq!((listen.to_string().as_str(), listen.0.ip().is_loopback()), (text, loopback));
        }
        for text in ["", "9713", ":9713", "localhost:9713", "127.0.0.1", "*:9713", "::1"] {
            let e = text.parse::<Listen>().unwrap_err();
            assert!(e.to_string().contains("127.0.0.1:9713"), "{e}");
        }
    }
}
