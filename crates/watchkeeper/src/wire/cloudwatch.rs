//! A log group of CloudWatch as logs that are read page by page.

use std::sync::Arc;

use anyhow::Context as _;
use wk_aws::{Client, Cursor, LogsPull};
use wk_model::Timestamp;
use wk_seam::aws::Target;
use wk_seam::rounds::{Page, Rounds};
use wk_seam::{Answer, Failure, Future};

use crate::config::service::CloudWatch;

/// A log group.
pub(super) struct LogGroup {
    /// The client that it is reached with.
    pub(super) client: Client,
    pull: LogsPull,
    name: String,
    /// Where reading begins when nothing was read yet.
    from: Timestamp,
}

impl LogGroup {
    /// The log group that a section of config.toml names.
    pub(super) async fn open(config: &CloudWatch, now: Timestamp) -> anyhow::Result<Self> {
        let settings = wk_aws::Settings {
            profile: config.profile.clone(),
            region: config.region.clone(),
            endpoint: config.endpoint.clone(),
            role: None,
        };
        let doing =
            || format!("could not open the [[cloudwatch]] log group {:?}", config.log_group);
        let recorder = Arc::new(wk_aws::LoggedCalls);
        let client = Client::load(&settings, recorder).await.with_context(doing)?;
        let target = Target { account: None, region: config.region.clone() };
        let pull = LogsPull::new(client.clone(), &config.log_group, &config.account, target)
            .with_context(doing)?;
        let region = config.region.as_deref().unwrap_or_default();
        let name = format!("logs:{region}:{}:{}", config.account, config.log_group);
        let from = now.plus_seconds(-i64::from(config.first_hours) * 3600);
        Ok(Self { client, pull, name, from })
    }

    async fn read(&self, cursor: Option<&str>, now: Timestamp) -> Answer<Page> {
        let failed = |e| Failure::new(format!("keep the place in {}", self.name), e);
        let cursor = match cursor {
            Some(text) => serde_json::from_str(text).map_err(failed)?,
            None => Cursor::from(self.from),
        };
        let pulled = self.pull.page(&cursor, now).await?;
        let cursor = serde_json::to_string(&pulled.cursor).map_err(failed)?;
        Ok(Page { documents: pulled.documents, cursor, done: pulled.done })
    }
}

impl Rounds for LogGroup {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn page<'a>(&'a self, cursor: Option<&'a str>, now: Timestamp) -> Future<'a, Answer<Page>> {
        Box::pin(self.read(cursor, now))
    }
}
