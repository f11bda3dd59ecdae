//! A bar on standard error for long work, where a person looks at it.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use wk_engine::ingest::Progress;

/// Runs work and shows how far it is: bytes, rate, time to go, records.
pub(crate) async fn shown<T>(progress: &Arc<Progress>, work: impl Future<Output = T>) -> T {
    let bar = ProgressBar::new(0);
    let form = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} to go, {msg}";
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    let look = |bar: &ProgressBar| {
        bar.set_length(progress.bytes_total.load(Ordering::Relaxed));
        bar.set_position(progress.bytes_done.load(Ordering::Relaxed));
        let objects = progress.objects_done.load(Ordering::Relaxed);
        let records = progress.records.load(Ordering::Relaxed);
        bar.set_message(format!("{objects} objects, {records} records"));
    };
    looked_at(&bar, look, work).await
}

/// Runs work of which nobody knows how much it is, and shows what is said of it.
pub(crate) async fn told<T>(say: impl Fn() -> String, work: impl Future<Output = T>) -> T {
    let look = |bar: &ProgressBar| {
        bar.set_message(say());
        bar.tick();
    };
    looked_at(&ProgressBar::new_spinner(), look, work).await
}

async fn looked_at<T>(
    bar: &ProgressBar,
    look: impl Fn(&ProgressBar),
    work: impl Future<Output = T>,
) -> T {
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    tokio::pin!(work);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            done = &mut work => {
                bar.finish_and_clear();
                return done;
            }
            _ = tick.tick() => look(bar),
        }
    }
}
