//! Which folders of a bucket may hold objects of the days that are asked for. Facts in, a word out.

use wk_model::Day;

/// What is to be done with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Enter {
    /// Look at what lies in it.
    Look,
    /// List all of it: it is a day.
    Whole,
    /// Nothing in it is of these days.
    Not,
}

/// What is to be done with a folder, by its path that ends in a slash: `…/2024/02/15/`,
/// `…/year=2024/month=2/day=15/`, `…/2024-02-15/`, `…/dt=2024-02-15/`.
pub(super) fn enter(path: &str, since: Day) -> Enter {
    let parts: Vec<&str> = path.trim_end_matches('/').rsplit('/').take(3).collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    if let Some(day) = Day::parse(value_of(part(0))) {
        return if day >= since { Enter::Whole } else { Enter::Not };
    }
    if let (Some(y), Some(m), Some(d)) = (year(part(2)), two(part(1)), two(part(0)))
        && let Some(day) = Day::from_civil(y, m, d)
    {
        return if day >= since { Enter::Whole } else { Enter::Not };
    }
    if let (Some(y), Some(m)) = (year(part(1)), two(part(0)))
        && let Some(first) = Day::from_civil(y, m, 1)
    {
        return look(Day::from_number(first.number() + 31) > since);
    }
    if let Some(y) = year(part(0))
        && let Some(next) = Day::from_civil(y + 1, 1, 1)
    {
        return look(next > since);
    }
    Enter::Look
}

fn look(may: bool) -> Enter {
    if may { Enter::Look } else { Enter::Not }
}

/// `2024` of `year=2024`.
fn value_of(part: &str) -> &str {
    part.split_once('=').map_or(part, |(_, value)| value)
}

fn year(part: &str) -> Option<i32> {
    let text = value_of(part);
    let year = text.parse().ok().filter(|y| (2006..=2099).contains(y))?;
    (text.len() == 4).then_some(year)
}

fn two(part: &str) -> Option<u32> {
    let text = value_of(part);
    let number = text.parse().ok().filter(|n| (1..=31).contains(n))?;
    (text.len() <= 2).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_the_days_asked_for_are_entered() {
        let since = Day::parse("2024-02-15").unwrap();
        for (path, expected) in [
            ("AWSLogs/", Enter::Look),
            ("AWSLogs/111122223333/", Enter::Look),
            ("AWSLogs/1/CloudTrail/us-east-1/", Enter::Look),
            ("t/us-east-1/2023/", Enter::Not),
            ("t/us-east-1/2024/", Enter::Look),
            ("t/us-east-1/2025/", Enter::Look),
            ("t/us-east-1/2024/01/", Enter::Not),
            ("t/us-east-1/2024/02/", Enter::Look),
            ("t/us-east-1/2024/02/14/", Enter::Not),
            ("t/us-east-1/2024/02/15/", Enter::Whole),
            ("t/us-east-1/2024/2/9/", Enter::Not),
            ("t/year=2024/month=03/day=01/", Enter::Whole),
            ("t/year=2024/month=01/", Enter::Not),
            ("t/dt=2024-02-14/", Enter::Not),
            ("t/2024-02-16/", Enter::Whole),
            ("t/2024/13/", Enter::Look),
            ("2024/", Enter::Look),
        ] {
            assert_eq!(enter(path, since), expected, "{path}");
        }
    }
}
