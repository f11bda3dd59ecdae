//! Mistakes with retention and archives.

use super::Lint;
use super::script::Script;
use crate::setup::retention::{next_term, years_without_leap_days};

pub(super) const LINTS: &[Lint] = &[
    Lint {
        id: "retention-term",
        title: "A retention is no term that CloudWatch Logs takes",
        why: "PutRetentionPolicy takes 22 terms and refuses any other: a loop over groups stops at the \
              first such one. 2555 is seven times 365; AWS's seven years are 2557.",
        right: "Take the next longer term: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, \
                1096, 1827, 2192, 2557, 2922, 3288 or 3653 days.",
        example: "        '/aws/cloudtrail/': 2555,     # 7 years",
        mended: "        '/aws/cloudtrail/': 2557,     # 7 years",
        find: |script| {
            let in_table =
                script.where_line(|line| table_days(line).is_some_and(years_without_leap_days));
            let in_call = script.calls("logs", "put-retention-policy").filter(|c| {
                let days = c.flag("retention-in-days").and_then(|d| d.trim().parse::<u32>().ok());
                days.is_some_and(|days| next_term(days) != Some(days))
            });
            in_table.chain(in_call.map(|c| c.line)).collect()
        },
    },
    Lint {
        id: "one-page",
        title: "Log groups are read to the end of the first page",
        why: "A page holds 50 groups; the others are never looked at.",
        right: "logs.get_paginator('describe_log_groups'), or follow nextToken.",
        example: "log_groups = logs.describe_log_groups()",
        mended: "for page in logs.get_paginator('describe_log_groups').paginate():",
        find: |script| {
            if script.says("get_paginator") || script.says("nextToken") {
                return Vec::new();
            }
            script.holding("describe_log_groups()").collect()
        },
    },
    Lint {
        id: "substring-match",
        title: "A prefix is looked for anywhere in a name",
        why: "/x/aws/rds/ holds /aws/rds/ and does not begin with it; and the first rule of a table wins, \
              so /aws/lambda/security-audit gets what functions get.",
        right: "Use startswith for prefixes, say where else a text may stand, and let the longest term win.",
        example: "        if prefix in log_group_name:",
        mended: "        if log_group_name.startswith(prefix):",
        find: |script| {
            let so = |line: &str| {
                let words: Vec<&str> = line.split_whitespace().collect();
                matches!(words[..], ["if", what, "in", ..] if what.ends_with("prefix"))
            };
            script.where_line(so).collect()
        },
    },
    Lint {
        id: "default-shortens",
        title: "A default term is set without looking at what is set",
        why: "Groups that kept longer, or for ever, are cut to the default: CloudWatch Logs deletes what \
              is older. That is evidence.",
        right: "Read retentionInDays first, and never set a shorter one unasked.",
        example: "        logs.put_retention_policy(logGroupName=name, retentionInDays=days)",
        mended: "        if group.get('retentionInDays', FOREVER) < days:\n            logs.put_retention_policy(logGroupName=name, retentionInDays=days)",
        find: |script| {
            let looks = ["get('retentionInDays'", "get(\"retentionInDays\"", "['retentionInDays']"];
            if looks.iter().any(|look| script.says(look)) {
                return Vec::new();
            }
            script.holding("put_retention_policy(").collect()
        },
    },
    Lint {
        id: "export-loop",
        title: "Export tasks are made in a loop, of days that short terms have deleted",
        why: "An account runs one export task at a time: the second call is refused. And a group that \
              keeps 30 or 60 days has nothing left of days 90 to 180.",
        right: "Stream by subscription as logs come, or wait for each task, with windows younger than the \
                shortest retention.",
        example: "            response = logs.create_export_task(",
        mended: "            logs.put_subscription_filter(",
        find: |script| {
            if script.says("describe_export_tasks") {
                return Vec::new();
            }
            script.holding("create_export_task(").collect()
        },
    },
    Lint {
        id: "export-prefix",
        title: "The prefix of an export has two slashes",
        why: "Names of AWS's groups begin with a slash: exports//aws/… is a folder without a name, which \
              tools lose.",
        right: "Strip the first slash of the group's name.",
        example: "destinationPrefix=f\"exports/{log_group['logGroupName']}/\"",
        mended: "destinationPrefix=f\"exports/{log_group['logGroupName'].lstrip('/')}/\"",
        find: |script| {
            let so = |line: &str| line.contains("exports/{") && line.contains("logGroupName']}");
            script.where_line(so).collect()
        },
    },
    Lint {
        id: "local-time",
        title: "Windows are reckoned in local time",
        why: "A naive datetime is in the machine's zone: windows shift by it, overlap or leave gaps.",
        right: "datetime.now(timezone.utc)",
        example: "from_time = int((datetime.now() - timedelta(days=180)).timestamp() * 1000)",
        mended: "from_time = int((datetime.now(timezone.utc) - timedelta(days=180)).timestamp() * 1000)",
        find: |script: &Script<'_>| {
            let so = |line: &str| line.contains("datetime.now() - timedelta");
            script.where_line(so).collect()
        },
    },
];

/// The days of an entry of a table: `'…': DAYS`.
fn table_days(line: &str) -> Option<u32> {
    let (name, value) = line.trim().split_once(':')?;
    let quoted = name.starts_with(['\'', '"']) || name.trim_start_matches("- ").starts_with("days");
    let digits: String = value.trim().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|_| quoted)
}
