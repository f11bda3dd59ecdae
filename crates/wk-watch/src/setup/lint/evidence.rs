//! Mistakes in how evidence is collected.

use super::Lint;
use super::script::Script;

/// What is asked for evidence, and what says whether it holds.
const HALVES: [(&str, &str, &str); 2] = [
    ("cloudtrail", "describe-trails", "get-event-selectors"),
    ("configservice", "describe-configuration-recorders", "describe-configuration-recorder-status"),
];

pub(super) const LINTS: &[Lint] = &[
    Lint {
        id: "cut-population",
        title: "A population is cut at a number of rows",
        why: "--max-items ends the list in silence: what an auditor takes for all findings is a part.",
        right: "Leave --max-items out, and count what came.",
        example: "aws securityhub get-findings --max-items 1000",
        mended: "aws securityhub get-findings",
        find: |script| {
            let calls = script.calls("securityhub", "get-findings");
            calls.filter(|c| c.flag("max-items").is_some()).map(|c| c.line).collect()
        },
    },
    Lint {
        id: "ids-only",
        title: "Findings of GuardDuty are kept by their ids alone",
        why: "list-findings answers ids: what was found, when and where is not among the evidence.",
        right: "Pass the ids to get-findings, 50 at a time, for each detector of each region.",
        example: "aws guardduty list-findings --detector-id d",
        mended: "aws guardduty list-findings --detector-id d\naws guardduty get-findings --detector-id d --finding-ids i",
        find: |script| {
            if script.calls("guardduty", "get-findings").next().is_some() {
                return Vec::new();
            }
            script.calls("guardduty", "list-findings").map(|c| c.line).collect()
        },
    },
    Lint {
        id: "old-criterion",
        title: "A criterion has its old name",
        why: "Gte is deprecated: GuardDuty may stop to take it.",
        right: "GreaterThanOrEqual",
        example: "  --finding-criteria '{\"Criterion\": {\"severity\": {\"Gte\": 7}}}' \\",
        mended: "  --finding-criteria '{\"Criterion\": {\"severity\": {\"GreaterThanOrEqual\": 7}}}' \\",
        find: |script| script.holding("\"Gte\"").collect(),
    },
    Lint {
        id: "appended-json",
        title: "JSON documents are appended to one file",
        why: "Several documents in a row are no JSON document: the file cannot be read as one.",
        right: "Write lines of JSON to .ndjson, or one file for each answer.",
        example: "  aws sns list-subscriptions-by-topic --topic-arn $topic >> sns-subscriptions.json",
        mended: "  aws sns list-subscriptions-by-topic --topic-arn $topic > sns-$n.json",
        find: |script| {
            let so = |line: &str| {
                let to = line.split_once(">>").map(|(_, to)| to.trim());
                to.is_some_and(|to| to.split_whitespace().next().unwrap_or("").ends_with(".json"))
            };
            script.where_line(so).collect()
        },
    },
    Lint {
        id: "half-evidence",
        title: "Evidence says what is defined, and not whether it works",
        why: "A recorder may be stopped and a trail may select nothing: their definitions look the same.",
        right: "Ask get-event-selectors and describe-configuration-recorder-status too, in every region, \
                and keep who asked, when, and a hash; watchkeeper inventory run does.",
        example: "aws configservice describe-configuration-recorders > a.json",
        mended: "aws configservice describe-configuration-recorders > a.json\naws configservice describe-configuration-recorder-status > b.json",
        find: |script: &Script<'_>| {
            let half = |(service, defined, works): &(&str, &str, &str)| -> Vec<usize> {
                if script.commands.iter().any(|c| c.service == *service && c.operation == *works) {
                    return Vec::new();
                }
                let all = script.commands.iter();
                let of = all.filter(|c| c.service == *service && c.operation == *defined);
                of.map(|c| c.line).collect()
            };
            HALVES.iter().flat_map(half).collect()
        },
    },
];
