//! The monthly drill: questions whose answers are known, in both languages.

use wk_model::Timestamp;
use wk_model::drill::DrillStep;
use wk_store::query::{AskOptions, output};
use wk_watch::detect::Detections;

use super::range::Range;
use super::step;
use crate::wire::App;

/// The steps; every question is asked.
pub(super) async fn steps(app: &App, now: Timestamp) -> anyhow::Result<Vec<DrillStep>> {
    let (range, read) = Range::prepare(app, now, Detections::none()).await?;
    let mut steps = vec![read];
    for (sources, table) in [
        (&["cloudtrail", "cloudtrail-insight"][..], "cloudtrail"),
        (&["vpcflow"], "vpc_flow"),
        (&["guardduty"], "guardduty"),
    ] {
        let of = |source: &&str| range.truth.sources.get(*source).map_or(0, |c| c.distinct);
        let counted = sources.iter().map(of).sum();
        let sql = format!("SELECT count(*) FROM {table}");
        steps.push(answer(&range.app, "sql", &sql, table, counted).await);
        let insights = "stats count(*) as n";
        steps.push(answer(&range.app, "insights", insights, table, counted).await);
    }
    let story = range.truth.stories.iter().find(|story| story.name == "logging-off");
    let calls = story.map_or(0, |story| story.events.len()) as u64;
    let ids = story.map_or(Vec::new(), |story| story.events.clone());
    let quoted: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    let sql = format!("SELECT count(*) FROM cloudtrail WHERE event_id IN ({})", quoted.join(", "));
    steps.push(answer(&range.app, "sql", &sql, "the events of a story", calls).await);
    Ok(steps)
}

/// Asks for one number, and compares it with what is known.
async fn answer(app: &App, language: &str, text: &str, about: &str, known: u64) -> DrillStep {
    match number(app, language, text, about).await {
        Ok(said) if known > 0 && said == known.to_string() => {
            step(language, true, format!("{about}: {said} events, as is known"))
        }
        Ok(said) => step(language, false, format!("{about}: {said} events; known are {known}")),
        Err(e) => step(language, false, format!("{about}: {e:#}")),
    }
}

async fn number(app: &App, language: &str, text: &str, table: &str) -> anyhow::Result<String> {
    let questions = app.questions().await?;
    let options = AskOptions { now: app.clock.now(), ..AskOptions::default() };
    let mut answer = if language == "sql" {
        questions.ask_sql(text, &options).await?
    } else {
        let options = AskOptions { table: Some(table.to_owned()), ..options };
        questions.ask_insights(text, &options).await?
    };
    let mut said = String::new();
    while let Some(batch) = answer.next().await? {
        let cells = output::cells(&batch)?;
        said.extend(cells.into_iter().flatten().next());
    }
    Ok(said)
}
