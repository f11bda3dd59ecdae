//! The parts of `doctor`: the way to AWS, to buckets, and what lies on this machine.

use std::sync::Arc;

use wk_engine::doctor::{Bucket, Line, Measured, Places, Verdict};
use wk_model::Timestamp;
use wk_seam::aws::Target;
use wk_seam::queue::Queue as _;
use wk_seam::{Failure, Future};
use wk_store::files::Files;
use wk_store::ledger::SqliteLedger;
use wk_store::objects::{S3Place, S3Settings};

use super::lists::silent_rules;
use crate::config::{Config, Home};

/// Buckets, reached with the client's own credentials.
pub(crate) struct OwnBuckets {
    pub(crate) client: wk_aws::Client,
    pub(crate) endpoint: Option<String>,
}

impl Places for OwnBuckets {
    fn measure<'a>(
        &'a self,
        bucket: &'a Bucket,
        objects_max: u64,
    ) -> Future<'a, Result<Measured, Failure>> {
        Box::pin(async move {
            let credentials = self.client.credentials_of(None)?;
            let settings = S3Settings {
                region: bucket.region.clone(),
                endpoint: self.endpoint.clone(),
                sse_kms_key: None,
            };
            let prefix = bucket.prefix.trim_end_matches('/');
            let address = format!("s3://{}/{prefix}", bucket.name);
            let size = S3Place::open(&address, &settings, credentials)?.size(objects_max).await?;
            Ok(Measured {
                objects: size.objects,
                bytes: size.bytes,
                newest: size.newest,
                whole: size.whole,
                unreadable: size.unreadable,
            })
        })
    }
}

/// The configuration, and a line about it. Where it is broken, everything else is looked at with an
/// empty one.
pub(crate) fn config(home: &Home) -> (Config, Line) {
    let path = home.config();
    let line = |verdict, say: String| {
        Line::new("config", path.display().to_string(), &Target::default(), verdict, say)
    };
    match Config::read(&path) {
        Ok(config) if path.try_exists().unwrap_or(false) => {
            (config, line(Verdict::Ok, "understood".into()))
        }
        Ok(config) => {
            let line = line(Verdict::None, "there is none; every key has its default".into());
            (config, line.to_do("watchkeeper init --out DIR writes a first one"))
        }
        Err(error) => {
            let why: Vec<String> = error.chain().map(ToString::to_string).collect();
            let why = why.join(": ").split_whitespace().collect::<Vec<_>>().join(" ");
            let line = line(Verdict::Failed, why);
            (Config::default(), line.to_do("mend the key that it names"))
        }
    }
}

/// Whether ledger and lake can be written.
pub(crate) async fn storage(home: &Home, config: &Config) -> Vec<Line> {
    let target = Target::default();
    let what = home.path().display().to_string();
    let ledger = match SqliteLedger::open(home.path()) {
        Ok(_) => Line::new("ledger", what, &target, Verdict::Ok, "opens"),
        Err(error) => Line::new("ledger", what, &target, Verdict::Failed, chain(&error))
            .to_do("check the owner and the space of the home directory; watchkeeper lake fsck"),
    };
    let (what, probed) = match probe(home, config).await {
        Ok(what) => (what, Ok(())),
        Err((what, failure)) => (what, Err(failure)),
    };
    let lake = match probed {
        Ok(()) => Line::new("lake", what, &target, Verdict::Ok, "a file was written and removed"),
        Err(failure) => Line::new("lake", what, &target, Verdict::Failed, chain(&failure))
            .to_do("allow s3:PutObject and s3:DeleteObject on the lake's prefix, or free the disk"),
    };
    vec![ledger, lake]
}

/// The built-in rules that can tell nothing here for want of a list or a database.
pub(crate) fn silent(home: &Home, config: &Config, now: Timestamp) -> Line {
    let (silent, target) = (silent_rules(home, config, now), Target::default());
    if silent.is_empty() {
        let say = "every rule has the lists and databases that it asks for";
        return Line::new("rules", "the built-in pack", &target, Verdict::Ok, say);
    }
    let titles: Vec<String> = silent.iter().map(|rule| format!("{:?}", rule.title)).collect();
    let say = format!("{} rules are silent: {}", silent.len(), titles.join(", "));
    Line::new("rules", "the built-in pack", &target, Verdict::None, say)
        .to_do("name lists under [[list]] and databases under [places]; watchkeeper detect lint --notes says which rule needs which")
}

async fn probe(home: &Home, config: &Config) -> Result<String, (String, Failure)> {
    const PROBE: &str = "doctor-probe";
    let place = config.lake.location.clone().unwrap_or_else(|| home.lake().display().to_string());
    let tried = async {
        let files = match &config.lake.location {
            None => Files::Local(home.lake()),
            Some(location) => {
                let credentials =
                    wk_aws::CliCredentials::load(config.lake.profile.as_deref()).await?;
                let settings = S3Settings {
                    region: config.lake.region.clone(),
                    endpoint: config.lake.endpoint.clone(),
                    sse_kms_key: config.lake.sse_kms_key.clone(),
                };
                S3Place::open(location, &settings, Arc::new(credentials))?.into_files()
            }
        };
        files.write(PROBE, b"watchkeeper doctor\n".to_vec()).await?;
        files.remove(&[PROBE.to_owned()]).await
    };
    match tried.await {
        Ok(()) => Ok(place),
        Err(failure) => Err((place, failure)),
    }
}

/// How much waits in a queue.
pub(crate) async fn queue(
    address: &str,
    settings: &wk_aws::Settings,
    recorder: Arc<dyn wk_seam::aws::Recorder>,
) -> Line {
    let target = Target { account: None, region: settings.region.clone() };
    let depth = async {
        let queue = wk_aws::Sqs::open(address, settings, recorder).await?;
        wk_seam::queue::Queue::depth(&queue).await.map(|depth| (queue.name(), depth))
    };
    match depth.await {
        Ok((name, depth)) => {
            let say = format!("{} wait, {} in flight", depth.waiting, depth.in_flight);
            Line::new("queue", name, &target, Verdict::Ok, say)
        }
        Err(failure) => {
            let why = chain(&failure);
            let denied = why.contains("was denied");
            let verdict = if denied { Verdict::Denied } else { Verdict::Failed };
            Line::new("queue", address, &target, verdict, why)
                .to_do("allow sqs:ReceiveMessage, DeleteMessage, ChangeMessageVisibility, GetQueueAttributes and GetQueueUrl on it")
        }
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |e| (*e).source()).take(16);
    let mut said: Vec<String> = causes.map(ToString::to_string).collect();
    said.dedup_by(|inner, outer| outer.contains(inner.as_str()));
    said.join(": ")
}
