//! `watchkeeper run`

use std::io::{IsTerminal as _, Write};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use wk_engine::service::{self, Ended};

use super::stop::Stop;
use super::{Exit, journal};
use crate::wire::App;
use crate::wire::service::Service;

/// Stand watch: pull logs as they come, ingest and detect, keep the lake fit, until Ctrl-C or SIGTERM.
///
/// What is watched stands in config.toml of the home directory. The first signal lets the commit
/// under way finish; a second one ends at once. Whenever it ends, and however: what was not
/// committed is read again by the next run.
#[derive(Args)]
pub(crate) struct Run {
    /// Form of the log on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Say more: debug, or less: warn, error
    #[arg(long, value_enum, default_value_t = LogLevel::Info)]
    log_level: LogLevel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// A line for people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

impl Run {
    pub(crate) async fn run(self, app: Arc<App>, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let stop = Stop::listen()?;
        self.begin_log();
        let service = Service::of(&app).await?;
        let names: Vec<&str> = service.jobs.iter().map(|job| job.name.as_str()).collect();
        tracing::info!(jobs = names.join(", "), home = %app.home.path().display(), "standing watch");
        let (stopper, hears) = service::stop();
        let Service { jobs, tools, board, patience } = service;
        let running = service::run(jobs, hears, tools.clone(), board, patience);
        let told = async {
            stop.wait().await;
            tracing::info!(
                seconds = patience.to_stop.as_secs(),
                "told to stop: what is under way is finished"
            );
            stopper.stop();
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            ended = running => ended,
            () = told => Ended::Whole,
        };
        journal::write(&app).await?;
        let counts = &tools.counts;
        let (records, commits) =
            (counts.sum(service::counts::RECORDS, &[]), counts.sum(service::counts::COMMITS, &[]));
        writeln!(
            out,
            "{records} records in {commits} commits; what was not committed is read by the next run"
        )?;
        match ended {
            Ended::Whole => Ok(Exit::Ok),
            Ended::CutOff(jobs) => {
                tracing::warn!(jobs = jobs.join(", "), "jobs did not end in time and were cut off");
                Ok(Exit::Partial)
            }
        }
    }

    /// From now on what happens is told on standard error.
    fn begin_log(&self) {
        let level = match self.log_level {
            LogLevel::Error => tracing::Level::ERROR,
            LogLevel::Warn => tracing::Level::WARN,
            LogLevel::Info => tracing::Level::INFO,
            LogLevel::Debug => tracing::Level::DEBUG,
        };
        let log = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_max_level(level)
            .with_ansi(false)
            .with_target(false);
        // Begun once in a process: a second log would be a mistake of ours, and not worth ending.
        let begun = match self.log_format {
            LogFormat::Text => log.try_init(),
            LogFormat::Json => log.json().flatten_event(true).try_init(),
        };
        debug_assert!(begun.is_ok(), "the log is begun once");
        if self.log_format == LogFormat::Json || !std::io::stderr().is_terminal() {
            std::panic::set_hook(Box::new(|panic| {
                tracing::error!(panic = panic.to_string(), "panicked; this is our mistake");
            }));
        }
    }
}
