//! The job that makes findings of what several events are together.

use std::sync::Arc;
use std::time::Duration;

use wk_seam::Answer;

use super::{InForce, Post, counts};
use crate::detector::{Detector, Turned};

/// What the job works with.
pub struct Detection {
    /// What takes turns.
    pub detector: Detector,
    /// The rules of the next turn.
    pub rules: Arc<InForce>,
    /// Between two looks for signals and for what is due.
    pub every: Duration,
}

impl Detection {
    /// Takes turns until it is told to stop.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        let forgotten = self.detector.forget_former_rules().await?;
        if forgotten > 0 {
            tracing::info!(states = forgotten, "forgot what rules knew that are no more");
        }
        loop {
            let detector = Detector { detections: self.rules.now(), ..self.detector.clone() };
            let turned = detector.turn().await?;
            post.well();
            if let Some(turned) = turned {
                count(post, turned);
            } else if !post.stop.pause(self.every).await {
                return Ok(());
            }
            if post.stop.requested() {
                return Ok(());
            }
        }
    }
}

fn count(post: &Post, turned: Turned) {
    let all = [
        ("late", turned.late),
        ("dropped", turned.dropped),
        ("orphaned", turned.orphans),
        ("begun_anew", turned.begun_anew),
        ("unreadable", turned.unreadable),
        ("overtaken", turned.overtaken),
    ];
    for (became, count) in all {
        post.tools.counts.add(counts::SIGNALS, &[("became", became)], count);
    }
    post.tools.counts.add(counts::STEPS, &[], turned.steps);
    post.tools.counts.add(counts::SIGHTINGS, &[], turned.sightings);
    if turned.unreadable > 0 {
        post.trouble(
            "signals of a commit cannot be read",
            "they are lost to rules over several events",
        );
    }
}
