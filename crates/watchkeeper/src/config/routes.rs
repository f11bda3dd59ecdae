//! The user's routes: `routes/*.yaml` in the home directory.

use std::path::Path;

use anyhow::Context as _;
use wk_act::routes::{BUILT_IN_NAME, BadRoute, Route, Routes};
use wk_watch::event_rules::EventRule;

use super::Home;

/// A file of routes is at most so large.
const BYTES_MAX: u64 = 4 << 20;

impl Home {
    /// The user's routes before the built-in ones, and what is broken in their files.
    pub(crate) fn routes(&self) -> anyhow::Result<(Routes, Vec<BadRoute>)> {
        let folder = self.path().join("routes");
        let files = if folder.try_exists()? { files(&folder)? } else { Vec::new() };
        Ok(Routes::with_own(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))))
    }
}

/// The user's routes as what events are asked when they come in: those that are no findings by
/// themselves. The built-in routes are about findings.
pub(crate) fn event_rules(routes: &Routes) -> Vec<EventRule> {
    let own = routes.all().iter().filter(|route| route.file != BUILT_IN_NAME);
    own.map(event_rule).collect()
}

fn event_rule(route: &Route) -> EventRule {
    EventRule {
        name: route.name.clone(),
        pattern: route.pattern.clone(),
        asks: route.suppress.is_none(),
        until: route.suppress.as_ref().map(|it| it.until),
        goes_on: route.goes_on,
        severity: route.severity,
    }
}

/// The files of a folder, or the one file, by name.
pub(crate) fn files(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let failed = |path: &Path| format!("could not read the routes in {}", path.display());
    let mut paths = vec![path.to_path_buf()];
    if std::fs::metadata(path).with_context(|| failed(path))?.is_dir() {
        paths.clear();
        for entry in std::fs::read_dir(path).with_context(|| failed(path))? {
            let below = entry.with_context(|| failed(path))?.path();
            if below.extension().is_some_and(|e| e == "yml" || e == "yaml") {
                paths.push(below);
            }
        }
        paths.sort();
    }
    let text = |path: &Path| {
        let length = std::fs::metadata(path)?.len();
        if length > BYTES_MAX {
            return Err(std::io::Error::other(format!("it is larger than {BYTES_MAX} bytes")));
        }
        std::fs::read_to_string(path)
    };
    let read = |path: &std::path::PathBuf| {
        Ok((path.display().to_string(), text(path).with_context(|| failed(path))?))
    };
    paths.iter().map(read).collect()
}
