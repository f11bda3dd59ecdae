//! docs/config.toml says the truth: it can be read, holds every key, and its defaults are the
//! program's.

use super::Config;

const EXAMPLE: &str = include_str!("../../../../docs/config.toml");

/// The example with every line taken in that is to be copied.
fn whole() -> String {
    let taken = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with([' ', '#']) => rest,
        _ => line,
    });
    taken.collect::<Vec<_>>().join("\n")
}

fn without_examples(text: &str) -> String {
    let kept = text.lines().filter(|line| !line.trim_end().ends_with("# example"));
    kept.collect::<Vec<_>>().join("\n")
}

/// The keys that may stand below a head, as the program itself says when one is unknown.
fn keys(head: &str) -> Vec<String> {
    let unknown = format!("{head}\nzzz = 1\n");
    let error = toml::from_str::<Config>(&unknown).unwrap_err().to_string();
    let expected = error.split_once("expected ").map(|(_, keys)| keys.to_owned());
    let expected = expected.unwrap_or_else(|| panic!("{head}: {error}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The guide, and the sections about people that it explains with examples of their own.
const GUIDE: &str = include_str!("../../../../docs/guide.md");
const ELSEWHERE: &[&str] =
    &["channels", "escalation", "inhibit", "notify", "oncall", "people", "smtp", "time_intervals"];

/// Heads of sections with free names, and sections that are lists.
const FREE: &[&str] = &["checks", "log_groups"];
const LISTS: &[(&str, &str)] = &[
    ("cloudwatch", "log_group = 'x'\naccount = '111122223333'"),
    ("folder", "path = 'x'"),
    ("list", "name = 'x'\nfile = 'x'"),
    ("listing", "location = 's3://x'"),
    ("queue", "url = 'x'"),
];

#[test]
fn the_example_can_be_read_and_its_defaults_are_the_programs() {
    let config: Config = toml::from_str(EXAMPLE).unwrap();
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    assert!(super::service::mistakes(&config).is_empty());
    let whole: Config = toml::from_str(&whole()).unwrap();
    assert_eq!((whole.folder.len(), whole.queue.len(), whole.listing.len()), (1, 1, 1));
    assert_eq!(super::service::mistakes(&whole), []);
    assert!(whole.retention.policy().is_ok() && whole.log_groups.tables().is_ok());
}

#[test]
fn the_example_holds_every_key() {
    let whole: toml::Table = toml::from_str(&whole()).unwrap();
    for section in keys("") {
        if ELSEWHERE.contains(&section.as_str()) {
            assert!(GUIDE.contains(&format!("[{section}")), "[{section}] is in no document");
            continue;
        }
        let Some(there) = whole.get(&section) else { panic!("[{section}] is not in the example") };
        if FREE.contains(&section.as_str()) {
            continue;
        }
        let list = LISTS.iter().find(|(name, _)| *name == section);
        let (head, table) = match (there, list) {
            (toml::Value::Array(all), Some((name, needed))) => {
                (format!("[[{name}]]\n{needed}"), all[0].as_table().unwrap())
            }
            (table, _) => (format!("[{section}]"), table.as_table().unwrap()),
        };
        for key in keys(&head) {
            assert!(table.contains_key(&key), "{key} of [{section}] is not in the example");
        }
    }
    let mode = whole["detect"]["mode"][0].as_table().unwrap();
    for key in keys("[[detect.mode]]\nmode = 'off'\nreason = 'x'") {
        assert!(mode.contains_key(&key), "{key} of [[detect.mode]] is not in the example");
    }
    let class = whole["retention"]["class"][0].as_table().unwrap();
    for key in keys("[[retention.class]]\nname = 'x'") {
        assert!(class.contains_key(&key), "{key} of [[retention.class]] is not in the example");
    }
}

#[test]
fn the_defaults_of_lists_are_the_programs() {
    let text = whole();
    for (name, needed) in LISTS {
        let head = format!("[[{name}]]");
        let behind = text.split_once(&head).unwrap().1;
        let of_it: Vec<&str> =
            behind.lines().take_while(|line| !line.starts_with("# ----")).collect();
        let written = format!("{head}\n{needed}\n{}", without_examples(&of_it.join("\n")));
        let shown = |text: &str| format!("{:?}", toml::from_str::<Config>(text).unwrap());
        assert_eq!(shown(&written), shown(&format!("{head}\n{needed}\n")), "{written}");
    }
}
