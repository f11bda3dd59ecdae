//! Files of routes.

use wk_lang::nearest::nearest;
use wk_lang::pattern::Pattern;
use wk_lang::yaml::{self, Content, Node, Place};
use wk_model::{Day, Severity, SeverityWord, Timestamp};

use super::route::{GROUP_BY, Request, Route, Suppression, Tell};

/// What a file of routes holds.
#[derive(Debug, Default)]
pub struct RouteFile {
    /// The routes in their order.
    pub routes: Vec<Route>,
    /// Built-in routes that the file switches off: name, place, file.
    pub switched_off: Vec<(String, Place, String)>,
    /// What is broken.
    pub bad: Vec<BadRoute>,
}

/// A route that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, {place}: {why}")]
pub struct BadRoute {
    /// The file.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// Why, and what would be right.
    pub why: String,
}

const START: Place = Place { line: 1, column: 1 };
/// Routes in one file.
const ROUTES_MAX: usize = 20_000;
/// Characters of a name.
const NAME_MAX: usize = 100;
/// Characters of a reason.
const TEXT_MAX: usize = 1_000;
const KEYS: [&str; 9] =
    ["name", "why", "pattern", "notify", "suppress", "request", "continue", "severity", "off"];

/// Reads a file: a list of routes.
pub fn read(file: &str, text: &str) -> RouteFile {
    let mut read = RouteFile::default();
    let documents = match yaml::read(text) {
        Ok(documents) => documents,
        Err(error) => {
            let why = format!("the file is no YAML: {}", error.problem);
            read.bad.push(BadRoute { file: file.to_owned(), place: error.place, why });
            return read;
        }
    };
    let mut nodes = Vec::new();
    for document in &documents {
        match &document.content {
            Content::List(routes) => nodes.extend(routes),
            _ => {
                let why = format!("a file of routes is a list, not {}", document.kind());
                read.bad.push(BadRoute { file: file.to_owned(), place: document.place, why });
            }
        }
    }
    if nodes.len() > ROUTES_MAX {
        let why = format!("there are {} routes; {ROUTES_MAX} are read", nodes.len());
        read.bad.push(BadRoute { file: file.to_owned(), place: START, why });
    }
    for node in nodes.into_iter().take(ROUTES_MAX) {
        match route(file, node) {
            Ok(Read::Route(route)) => read.routes.push(*route),
            Ok(Read::Off(name)) => read.switched_off.push((name, node.place, file.to_owned())),
            Err((place, why)) => {
                read.bad.push(BadRoute { file: file.to_owned(), place, why });
            }
        }
    }
    read
}

enum Read {
    Route(Box<Route>),
    /// A built-in route of this name is switched off.
    Off(String),
}

type Wrong = (Place, String);

fn route(file: &str, node: &Node) -> Result<Read, Wrong> {
    let members = node.members().ok_or_else(|| wrong(node, "a route is a mapping"))?;
    for (key, _) in members {
        if !KEYS.contains(&key.text.as_str()) {
            let near = nearest(&key.text, KEYS).map(|k| format!("; did you mean {k}?"));
            return Err((
                key.place,
                format!("a route has no key {:?}{}", cut(&key.text), near.unwrap_or_default()),
            ));
        }
    }
    let name = node.get("name").ok_or_else(|| wrong(node, "the route has no name"))?;
    let name = word(name, "a route's name")?;
    if let Some(off) = node.get("off") {
        return match (&off.content, members.len()) {
            (Content::Bool(true), 2) => Ok(Read::Off(name)),
            _ => Err(wrong(off, "off: true stands alone with the name of a built-in route")),
        };
    }
    let pattern = node.get("pattern").ok_or_else(|| wrong(node, "the route has no pattern"))?;
    let (pattern, pattern_text) = read_pattern(pattern)?;
    let route = Route {
        name,
        why: node.get("why").map(|why| said(why, "why")).transpose()?,
        file: file.to_owned(),
        place: node.place,
        pattern,
        pattern_text,
        notify: node.get("notify").map(tell).transpose()?,
        suppress: node.get("suppress").map(suppression).transpose()?,
        requests: node.get("request").map(requests).transpose()?.unwrap_or_default(),
        goes_on: match node.get("continue").map(|n| (n, &n.content)) {
            None => false,
            Some((_, Content::Bool(value))) => *value,
            Some((node, _)) => return Err(wrong(node, "continue is true or false")),
        },
        severity: node
            .get("severity")
            .map_or(Ok(Severity::of_word(SeverityWord::Medium)), severity)?,
    };
    let tells = route.notify.is_some() || !route.requests.is_empty();
    match (tells, route.suppress.is_some()) {
        (false, false) => Err(wrong(node, "the route has neither notify, suppress nor request")),
        (true, true) => Err(wrong(node, "a route that suppresses neither notifies nor requests")),
        _ => Ok(Read::Route(Box::new(route))),
    }
}

/// A mapping, or a text that is JSON.
fn read_pattern(node: &Node) -> Result<(Pattern, String), Wrong> {
    let json = match &node.content {
        Content::Text(text) => text.clone(),
        Content::Map(_) => node.to_json(),
        _ => return Err(wrong(node, "pattern is a mapping, or a text that is JSON")),
    };
    let pattern = Pattern::parse(&json).map_err(|refused| {
        let place = match &node.content {
            Content::Text(_) => format!(" (line {} of it)", refused.line),
            _ => String::new(),
        };
        (node.place, format!("{refused}{place}"))
    })?;
    Ok((pattern, json))
}

fn tell(node: &Node) -> Result<Tell, Wrong> {
    let (channels, group_by) = match node.members() {
        None => (Some(node), None),
        Some(_) => {
            known(node, &["channels", "group_by"], "notify")?;
            (node.get("channels"), node.get("group_by"))
        }
    };
    let channels: Vec<String> = channels
        .map_or(&[][..], Node::items)
        .iter()
        .map(|channel| word(channel, "a channel's name"))
        .collect::<Result<_, _>>()?;
    if channels.is_empty() {
        return Err(wrong(node, "notify names no channel"));
    }
    let group_by = match group_by {
        None => vec!["rule".to_owned(), "account".to_owned()],
        Some(labels) => labels.items().iter().map(label).collect::<Result<_, _>>()?,
    };
    Ok(Tell { channels, group_by })
}

fn label(node: &Node) -> Result<String, Wrong> {
    let label = word(node, "a label")?;
    if GROUP_BY.contains(&label.as_str()) {
        return Ok(label);
    }
    Err(wrong(node, &format!("findings are grouped by {}, not {label:?}", GROUP_BY.join(", "))))
}

fn suppression(node: &Node) -> Result<Suppression, Wrong> {
    known(node, &["reason", "owner", "until"], "suppress")?;
    let part = |key: &str| {
        let part = node.get(key);
        part.ok_or_else(|| wrong(node, &format!("suppress needs {key}: reason, owner, until")))
    };
    let until = part("until")?;
    let text = until.scalar().unwrap_or_default();
    let time = Day::parse(text).map(Day::start).or_else(|| Timestamp::parse(text).ok());
    Ok(Suppression {
        reason: said(part("reason")?, "reason")?,
        owner: said(part("owner")?, "owner")?,
        until: time.ok_or_else(|| {
            wrong(until, "until is a time such as 2026-12-31 or 2026-12-31T18:00:00Z")
        })?,
    })
}

/// A word, or a number from 0 to 10.
fn severity(node: &Node) -> Result<Severity, Wrong> {
    let text = node.scalar().unwrap_or_default();
    let number = || text.parse::<f64>().ok().and_then(|number| Severity::try_from(number).ok());
    let severity = SeverityWord::parse(text).map(Severity::of_word).or_else(number);
    severity
        .ok_or_else(|| wrong(node, "severity is a word, such as high, or a number from 0 to 10"))
}

fn requests(node: &Node) -> Result<Vec<Request>, Wrong> {
    let request = |node: &Node| match (node.scalar(), node.get("playbook")) {
        (Some("incident"), _) => Ok(Request::Incident),
        (None, Some(name)) => {
            known(node, &["playbook"], "request")?;
            Ok(Request::Playbook(word(name, "a playbook's name")?))
        }
        _ => Err(wrong(node, "request is incident, or playbook: NAME")),
    };
    node.items().iter().map(request).collect()
}

fn known(node: &Node, keys: &[&str], of: &str) -> Result<(), Wrong> {
    let members = node.members().ok_or_else(|| wrong(node, &format!("{of} is a mapping")))?;
    match members.iter().find(|(key, _)| !keys.contains(&key.text.as_str())) {
        Some((key, _)) => Err((
            key.place,
            format!("{of} has no key {:?}; it has {}", cut(&key.text), keys.join(", ")),
        )),
        None => Ok(()),
    }
}

/// A name: letters, digits, `-`, `_` and `.`.
fn word(node: &Node, what: &str) -> Result<String, Wrong> {
    let text = node.scalar().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > NAME_MAX || !text.chars().all(fits) {
        let most = format!("{what} is 1 to {NAME_MAX} letters, digits, -, _ or .");
        return Err(wrong(node, &most));
    }
    Ok(text.to_owned())
}

fn said(node: &Node, what: &str) -> Result<String, Wrong> {
    match node.scalar().map(str::trim) {
        Some(text) if !text.is_empty() && text.chars().count() <= TEXT_MAX => Ok(text.to_owned()),
        _ => Err(wrong(node, &format!("{what} is a text of at most {TEXT_MAX} characters"))),
    }
}

fn wrong(node: &Node, why: &str) -> Wrong {
    (node.place, why.to_owned())
}

fn cut(text: &str) -> String {
    text.chars().take(NAME_MAX).collect()
}

impl BadRoute {
    pub(super) fn twice(route: &Route, other: &Route) -> Self {
        let why = format!("the name {} is taken by {}, {}", route.name, other.file, other.place);
        Self { file: route.file.clone(), place: route.place, why }
    }

    pub(super) fn not_built_in(name: &str, place: Place, file: &str) -> Self {
        Self { file: file.to_owned(), place, why: format!("there is no built-in route {name}") }
    }

    pub(super) fn unknown() -> Self {
        let why = "a built-in route is broken".to_owned();
        Self { file: super::BUILT_IN_NAME.to_owned(), place: START, why }
    }
}
