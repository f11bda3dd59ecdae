//! Puts the loop together that tells people.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use wk_act::notices::Advice;
use wk_courier::Router;
use wk_engine::notify::Notify;
use wk_model::notice::NoticeFinding;
use wk_seam::courier::Courier;
use wk_watch::detect::Detections;
use wk_watch::selfwatch;

use super::{App, writer};

/// The runbook of findings that have none of their own.
const TRIAGE: &str = "triage";

impl App {
    /// Everything that telling people needs.
    pub(crate) async fn notify(&self) -> anyhow::Result<Notify> {
        let policy = self.config.notices()?;
        let (routes, bad) = self.home.routes()?;
        if let Some(bad) = bad.first() {
            anyhow::bail!("a route is broken; watchkeeper route lint tells all of it: {bad}");
        }
        let runbooks = policy.runbooks.clone();
        Ok(Notify {
            outbox: Arc::new(self.ledger.clone()),
            triage: Arc::new(self.ledger.clone()),
            courier: Arc::new(self.courier().await?),
            clock: self.clock.clone(),
            routes: Arc::new(routes),
            policy: Arc::new(policy),
            advice: advice(&self.detections()?, runbooks),
            is_drill: Arc::new(|_| false),
            by: writer(self.clock.as_ref()),
        })
    }

    /// The way out. SNS is asked for credentials only where a channel needs it.
    async fn courier(&self) -> anyhow::Result<Router> {
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
        let name = judgement.map_or(TRIAGE, |judgement| judgement.name);
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
