//! Puts the loop together that tells people.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use wk_act::notices::Advice;
use wk_courier::{PagerDuty, Router};
use wk_engine::notify::{Notify, Paging};
use wk_model::notice::NoticeFinding;
use wk_seam::courier::Courier;
use wk_seam::outbox::Outbox as _;
use wk_seam::pager::Pager;
use wk_watch::detect::Detections;
use wk_watch::selfwatch;
use wk_watch::which_runbook::which_runbook;

use super::reports::LakeReports;
use super::{App, writer};
use crate::config::oncall::AskedPagerDuty;

/// Days for which notices are kept, unless the configuration says otherwise.
const KEEP_DAYS: u32 = 400;

impl App {
    /// Everything that telling people needs.
    pub(crate) async fn notify(&self) -> anyhow::Result<Notify> {
        let courier = Arc::new(self.courier().await?);
        self.notify_by(courier)
    }

    /// The same, with a way out that is there.
    pub(crate) fn notify_by(&self, courier: Arc<dyn Courier>) -> anyhow::Result<Notify> {
        let policy = self.config.notices()?;
        let (routes, bad) = self.home.routes()?;
        if let Some(bad) = bad.first() {
            anyhow::bail!("a route is broken; watchkeeper route lint tells all of it: {bad}");
        }
        let runbooks = policy.runbooks.clone();
        Ok(Notify {
            outbox: Arc::new(self.ledger.clone()),
            triage: Arc::new(self.ledger.clone()),
            courier,
            clock: self.clock.clone(),
            routes: Arc::new(routes),
            policy: Arc::new(policy),
            advice: advice(&self.detections()?, runbooks),
            is_drill: Arc::new(|_| false),
            reports: Some(Arc::new(LakeReports::of(self))),
            paging: self.pager()?.map(|pager| Arc::new(Paging::new(pager))),
            by: writer(self.clock.as_ref()),
        })
    }

    /// Forgets notices that were settled longer ago than `[notify] keep_days`; answers how many.
    pub(crate) async fn forget_notices(&self) -> anyhow::Result<u64> {
        let days = i64::from(self.config.notify.keep_days.unwrap_or(KEEP_DAYS));
        let now = self.clock.now();
        Ok(self.ledger.forget(now.plus_seconds(-days * 86_400), now).await?)
    }

    /// PagerDuty, where it is asked who is on call and what became of alarms.
    pub(crate) fn pager(&self) -> anyhow::Result<Option<Arc<dyn Pager>>> {
        let Some(AskedPagerDuty { url, token, schedules }) = self.config.pagerduty()? else {
            return Ok(None);
        };
        Ok(Some(Arc::new(PagerDuty::new(self.clock.clone(), &url, token, schedules)?)))
    }

    /// The way out. SNS is asked for credentials only where a channel needs it.
    pub(crate) async fn courier(&self) -> anyhow::Result<Router> {
        let notify = &self.config.notify;
        let needs_sns = self.config.channels.values().any(|channel| channel.is_of_sns());
        let sns: Option<Arc<dyn Courier>> = if needs_sns {
            let settings = wk_aws::Settings {
                profile: notify.sns_profile.clone(),
                region: notify.sns_region.clone(),
                endpoint: notify.sns_endpoint.clone(),
                role: None,
            };
            let client = wk_aws::Client::load(&settings, Arc::new(wk_aws::LoggedCalls)).await;
            Some(Arc::new(wk_aws::Sns::new(client.context("could not get ready for SNS")?)))
        } else {
            None
        };
        Ok(Router::new(self.clock.clone(), self.config.smtp()?, sns)?)
    }
}

/// What is known of each rule: what it sees, what to look at, which runbook helps.
fn advice(
    detections: &Detections,
    runbooks: Option<String>,
) -> Arc<dyn Fn(&NoticeFinding) -> Advice + Send + Sync> {
    let mut known: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for detection in detections.rules() {
        let sigma = &detection.sigma;
        let why = sigma.description.clone().unwrap_or_default();
        known.insert(detection.rule.id.clone(), (why, sigma.extension.triage.clone()));
    }
    Arc::new(move |finding| {
        let judgement = finding.rule.strip_prefix("selfwatch.").and_then(selfwatch::named);
        let name = which_runbook(&finding.product, &finding.rule);
        let runbook = match &runbooks {
            Some(base) => format!("{}/{name}", base.trim_end_matches('/')),
            None => format!("watchkeeper runbook {name}"),
        };
        let (why, actions) = match judgement {
            Some(judgement) => (judgement.why.to_owned(), Vec::new()),
            None => known.get(&finding.rule).cloned().unwrap_or_default(),
        };
        Advice { why, actions, runbook: Some(runbook) }
    })
}
