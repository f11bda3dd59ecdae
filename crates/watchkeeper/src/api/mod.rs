//! What the service offers on loopback: metrics, health, readiness; and OTLP, which takes logs.
//!
//! * Nobody is asked who he is: only this machine may reach it.
//! * `/healthz` answers as long as the process lives; `/readyz` says of each job whether it does its
//!   work, and why not.

mod metrics;
pub(crate) mod otlp;
pub(crate) mod serve;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use wk_engine::service::supervisor::{Health, Phase};
use wk_engine::service::{Board, Tools};
use wk_model::Timestamp;

/// What the pages show.
#[derive(Clone)]
pub(crate) struct Shown {
    /// What is counted.
    pub(crate) tools: Tools,
    /// How the jobs are.
    pub(crate) board: Arc<Board>,
}

/// The pages.
pub(crate) fn pages(shown: Shown) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(shown)
}

async fn ready(State(shown): State<Shown>) -> Response {
    let (code, body) = readiness(&shown);
    (code, [(header::CONTENT_TYPE, "application/json")], format!("{body:#}\n")).into_response()
}

fn readiness(shown: &Shown) -> (StatusCode, Value) {
    let now = shown.tools.clock.now();
    let jobs = shown.board.jobs();
    let ready = jobs.values().all(|job| job.unready(now).is_none());
    let of_jobs: serde_json::Map<String, Value> =
        jobs.iter().map(|(name, job)| (name.clone(), of_job(job, now))).collect();
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, json!({"ready": ready, "jobs": of_jobs}))
}

fn of_job(job: &Health, now: Timestamp) -> Value {
    let phase = match job.phase {
        Phase::Running => "running",
        Phase::Waiting => "waiting to be begun again",
        Phase::Ended => "ended",
    };
    json!({
        "ready": job.unready(now).is_none(),
        "reason": job.unready(now),
        "phase": phase,
        "since": job.since.to_string(),
        "restarts": job.restarts,
        "last_error": job.last_error,
        "trouble": job.trouble.as_ref().map(|(since, what)| {
            json!({"since": since.to_string(), "what": what})
        }),
    })
}

async fn metrics(State(shown): State<Shown>) -> Response {
    match metrics::text(&shown.tools.counts) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use wk_engine::service::{Job, run, stop, supervisor::Patience};
    use wk_seam::Failure;
    use wk_seam::clock::StandingClock;

    use super::*;

    #[tokio::test]
    async fn a_job_that_keeps_failing_makes_unready_and_says_why() {
        let tools = Tools::new(Arc::new(StandingClock::at(Timestamp::from_seconds(0))));
        let board = Arc::new(Board::new(tools.clock.clone()));
        let shown = Shown { tools: tools.clone(), board: board.clone() };
        assert_eq!(readiness(&shown).0, StatusCode::OK);
        let failing = Job {
            name: "queue trail".to_owned(),
            work: Box::new(|_| Box::pin(async { Err(Failure::new("reach it", "no route")) })),
        };
        let (stopper, hears) = stop();
        let ms = std::time::Duration::from_millis;
        let patience = Patience { first: ms(1), most: ms(1), to_stop: ms(100) };
        let running = run(vec![failing], hears.clone(), tools, board.clone(), patience);
        let watch = async {
            while board.unready().is_empty() {
                hears.pause(ms(1)).await;
            }
            stopper.stop();
        };
        tokio::join!(running, watch);
        let (code, body) = readiness(&shown);
        assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
        let job = &body["jobs"]["queue trail"];
        assert!(job["reason"].as_str().unwrap().contains("no route"), "{body:#}");
        assert_eq!(body["ready"], false);
    }
}
