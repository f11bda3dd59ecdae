//! `watchkeeper route list`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use wk_act::routes::Route;

use crate::cli::{Exit, table};
use crate::config::Home;
use crate::wire::tell_bad_routes;

/// List the routes in the order in which they are asked: your own, then those built in.
#[derive(Args)]
pub(super) struct List {
    /// Print them as JSON, with their patterns
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(self, home: &Home, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let (routes, bad) = home.routes()?;
        tell_bad_routes(&bad);
        if self.json {
            let all: Vec<Value> = routes.all().iter().map(as_json).collect();
            writeln!(out, "{:#}", Value::from(all))?;
        } else {
            let rows: Vec<Vec<String>> = routes.all().iter().map(row).collect();
            table::print(&["route", "then", "next", "file", "why"], &rows, out)?;
            writeln!(out, "{} routes", rows.len())?;
        }
        Ok(if bad.is_empty() { Exit::Ok } else { Exit::Partial })
    }
}

fn row(route: &Route) -> Vec<String> {
    vec![
        route.name.clone(),
        then(route),
        if route.goes_on { "continue" } else { "stop" }.to_owned(),
        format!("{}:{}", short(&route.file), route.place.line),
        table::cut(route.why.as_deref().unwrap_or_default(), 60),
    ]
}

/// What follows when it matches, in a few words.
fn then(route: &Route) -> String {
    let mut parts = Vec::new();
    if let Some(it) = &route.suppress {
        parts.push(format!("suppress until {} ({})", it.until, it.owner));
    }
    if let Some(tell) = &route.notify {
        parts.push(format!("notify {}", tell.channels.join(", ")));
    }
    parts.extend(route.requests.iter().map(|request| format!("request {request}")));
    parts.join("; ")
}

fn short(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

fn as_json(route: &Route) -> Value {
    json!({
        "name": route.name,
        "file": route.file,
        "line": route.place.line,
        "why": route.why,
        "pattern": serde_json::from_str::<Value>(&route.pattern_text).unwrap_or_default(),
        "notify": route.notify,
        "suppress": route.suppress,
        "request": route.requests,
        "continue": route.goes_on,
    })
}
