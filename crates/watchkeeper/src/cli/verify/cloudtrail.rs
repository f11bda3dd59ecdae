//! `watchkeeper verify cloudtrail`

mod tell;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use wk_engine::verify::{Progress, Report, Scope, Verify};
use wk_seam::ledger::Ledger;

use crate::cli::progress::told;
use crate::cli::when::{Span, duration};
use crate::cli::{Exit, journal};
use crate::wire::{Access, App, verify};

/// Prove CloudTrail's logs by the digests that AWS signed.
///
/// Every account, region and trail below the place: signatures, hashes, the chain, gaps, a missing
/// end, logs that no digest lists; and that digests, bucket and lake are the same. Each run goes on
/// where the last one ended, unless a period is named.
///
/// Ends with 0 if the period is proven, 1 if something is not as AWS delivered it, 4 if something
/// could not be proved.
#[derive(Args)]
pub(super) struct CloudTrail {
    /// The bucket and prefix that CloudTrail delivers to (s3://bucket/prefix), or a folder with a
    /// copy of it
    #[arg(value_name = "PLACE")]
    place: String,
    /// The period [default: from where the last run ended until now]
    #[command(flatten)]
    span: Span,
    /// From the beginning of each chain, whatever was proved before
    #[arg(long, conflicts_with_all = ["since", "last"])]
    full: bool,
    /// Only this account; may be repeated
    #[arg(long, value_name = "ID")]
    account: Vec<String>,
    /// Only this region; may be repeated
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// The place is a copy or a replica: digests say where they were delivered, not where they lie.
    /// A folder always is one
    #[arg(long)]
    copy: bool,
    /// A file with what `aws cloudtrail list-public-keys` answered, instead of asking AWS; may be
    /// repeated
    #[arg(long, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Metadata of the digests of a copy: JSON lines of Key and Metadata
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    /// Gaps that somebody accounts for: JSON lines of account, region, from, until, by, why
    #[arg(long, value_name = "FILE")]
    excuses: Option<PathBuf>,
    /// How long after its hour a digest may come
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1h")]
    grace: i64,
    /// Do not compare with what the lake took in
    #[arg(long)]
    no_lake: bool,
    /// Keep nothing of this run in the record; the next run begins where this one did
    #[arg(long)]
    no_record: bool,
    /// Profile of the AWS CLI
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "REGION")]
    bucket_region: Option<String>,
    /// Endpoint of an S3-compatible store
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl CloudTrail {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let verify = self.parts(app).await?;
        let progress = Progress::default();
        let report = told(|| how_far(&progress), verify.run(&progress)).await?;
        let noted = match self.no_record {
            true => 0,
            false => {
                let past = app.proved_before().await?;
                app.note_proved(&verify, &past, &report, word(&report)).await?
            }
        };
        if noted > 0 {
            journal::write(app).await?;
        }
        if self.json {
            writeln!(out, "{:#}", tell::as_json(&verify, &report, noted))?;
        } else {
            tell::print(&verify, &report, noted, out)?;
        }
        Ok(match word(&report) {
            "proven" => Exit::Ok,
            "invalid" => Exit::Found,
            _ => Exit::Partial,
        })
    }

    async fn parts(&self, app: &App) -> anyhow::Result<Verify> {
        let access = Access {
            profile: self.profile.clone(),
            region: self.bucket_region.clone(),
            endpoint: self.endpoint_url.clone(),
            without_identity: false,
        };
        let place = verify::place(&self.place, &access).await?;
        let (since, until) = self.span.resolve(app.clock.now())?;
        let past = if self.full { Default::default() } else { app.proved_before().await? };
        let scope = Scope {
            since,
            until,
            accounts: self.account.clone(),
            regions: self.region.clone(),
            grace_seconds: self.grace,
            excuses: self.excuses.as_deref().map(verify::excuses).transpose()?.unwrap_or_default(),
        };
        let metadata = self.metadata.as_deref().map(verify::metadata).transpose()?;
        let lake: Arc<dyn Ledger> = Arc::new(app.ledger.clone());
        Ok(Verify {
            bucket: place.bucket,
            address: place.address,
            prefix: place.prefix,
            original: place.name.filter(|_| !self.copy),
            metadata: metadata.unwrap_or_default(),
            keys: app.public_keys(&self.keys, self.profile.as_deref()).await?,
            rsa: wk_store::rsa::verifies,
            unpack: wk_store::unpack::Unpacker::boxed,
            clock: app.clock.clone(),
            ledger: (!self.no_lake).then_some(lake),
            scope,
            past,
        })
    }
}

/// What a run comes to.
fn word(report: &Report) -> &'static str {
    if report.is_invalid() {
        "invalid"
    } else if report.is_proven() {
        "proven"
    } else {
        "incomplete"
    }
}

/// How far a run is.
fn how_far(progress: &Progress) -> String {
    let chains = progress.chains.load(Ordering::Relaxed);
    let digests = progress.digests.load(Ordering::Relaxed);
    let logs = progress.logs.load(Ordering::Relaxed);
    format!("{chains} chains, {digests} digests, {logs} logs")
}
