//! The range on which drills are held: a home of their own with a simulated week, removed afterwards.

use std::sync::Arc;

use anyhow::Context as _;
use wk_engine::ingest::Progress;
use wk_model::Timestamp;
use wk_model::drill::DrillStep;
use wk_seam::clock::StandingClock;
use wk_seam::objects::Objects;
use wk_sim::{Plan, Truth};
use wk_store::objects::LocalTree;
use wk_watch::detect::Detections;

use super::super::demo::write_week;
use super::step;
use crate::config::Home;
use crate::wire::App;

/// A home for drills. It is gone when this is dropped.
pub(super) struct Range {
    pub(super) app: App,
    pub(super) truth: Truth,
    _folder: tempfile::TempDir,
}

/// How much of the demo's background there is.
const SCALE: f64 = 0.01;

impl Range {
    /// A new one that has read the week before; and whether it read it to the last record.
    pub(super) async fn prepare(
        app: &App,
        now: Timestamp,
        detections: Detections,
    ) -> anyhow::Result<(Self, DrillStep)> {
        let all = app.home.path().join("tmp");
        std::fs::create_dir_all(&all)
            .with_context(|| format!("could not make {}", all.display()))?;
        let folder = tempfile::Builder::new()
            .prefix("drill-")
            .tempdir_in(&all)
            .with_context(|| format!("could not make a folder in {}", all.display()))?;
        // A week that is over; it begins on a Monday.
        let today = now.day().number();
        let monday = wk_model::Day::from_number(today - (today + 3).rem_euclid(7) - 7);
        let plan = Plan { start: monday, scale: SCALE, ..Plan::demo(7) };
        let bucket = folder.path().join("bucket");
        let truth = write_week(&plan, &bucket)?;
        let home = Home::open(Some(&folder.path().join("home")))?;
        let range = App::open(home)?.with_clock(Arc::new(StandingClock::at(plan.end())));
        let ingest = range.ingest(None, detections).await?;
        let places: [Arc<dyn Objects>; 1] = [Arc::new(LocalTree::new(bucket))];
        let (report, _) = range.read_all(&ingest, &places, &Progress::default()).await?;
        let read = report.total();
        let whole = read.adds_up() && read.complaints == 0 && report.objects_failed.is_empty();
        let said = format!(
            "{} made-up records: {} events, {} came twice, {} complaints",
            read.read, read.stored, read.duplicates, read.complaints
        );
        Ok((
            Self { app: range, truth, _folder: folder },
            step("read", whole && read.stored > 0, said),
        ))
    }
}
