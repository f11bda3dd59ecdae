//! What really happened: counts of what was delivered, the stories, and what should be found.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wk_model::Timestamp;

/// Ground truth beside a corpus. Written as `truth.json` by whoever writes the corpus.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Truth {
    /// What was delivered so far, by source.
    pub sources: BTreeMap<&'static str, Counted>,
    /// CloudTrail records that nobody delivered, because the trail was switched off.
    pub unrecorded: u64,
    /// What somebody or something did; empty if the plan asked for none.
    pub stories: Vec<Story>,
    /// What looks like a story in the background and is none.
    pub lookalikes: Vec<Lookalike>,
}

/// Files and records of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Objects.
    pub files: u64,
    /// Records in them.
    pub records: u64,
    /// Records without those that came twice.
    pub distinct: u64,
}

/// Something that happened on top of ordinary days.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// Its name, such as `ssh-brute-force`.
    pub name: &'static str,
    /// What happened, as an investigator would tell it afterwards.
    pub what: String,
    /// When it began.
    pub first: Timestamp,
    /// When it was over.
    pub last: Timestamp,
    /// Who did it: an ARN, an address, or nothing if a machine failed.
    pub actor: String,
    /// What it was done to.
    pub resources: Vec<String>,
    /// The `eventID` of every CloudTrail record of it, in order of time.
    pub events: Vec<String>,
    /// What a good watch reports.
    pub expect: Vec<ExpectedFinding>,
}

/// One thing that a good watch reports.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedFinding {
    /// As a short statement.
    pub what: &'static str,
    /// Where it can be seen: a source of [`Truth::sources`].
    pub source: &'static str,
    /// What to look for there: event names, a finding type, a detail-type.
    pub names: Vec<&'static str>,
    /// How bad: `low`, `medium`, `high` or `critical`.
    pub severity: &'static str,
    /// The account it happened in.
    pub account: &'static str,
    /// When the first record that shows it happened.
    pub first: Timestamp,
    /// How many distinct records show it.
    pub records: u64,
}

/// Something harmless that looks otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookalike {
    /// What it is.
    pub what: &'static str,
    /// The event names it has.
    pub names: &'static [&'static str],
}

impl Truth {
    /// As JSON; stable from run to run.
    pub fn to_json(&self) -> Value {
        let sources: serde_json::Map<String, Value> = self
            .sources
            .iter()
            .map(|(name, c)| {
                let counted =
                    json!({"files": c.files, "records": c.records, "distinct": c.distinct});
                ((*name).to_owned(), counted)
            })
            .collect();
        json!({
            "version": 1,
            "sources": sources,
            "unrecorded": self.unrecorded,
            "stories": self.stories.iter().map(Story::to_json).collect::<Vec<_>>(),
            "lookalikes": self.lookalikes.iter()
                .map(|l| json!({"what": l.what, "names": l.names}))
                .collect::<Vec<_>>(),
        })
    }
}

impl Story {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "what": self.what,
            "first": self.first.to_string(),
            "last": self.last.to_string(),
            "actor": self.actor,
            "resources": self.resources,
            "events": self.events,
            "expect": self.expect.iter().map(|e| json!({
                "what": e.what,
                "source": e.source,
                "names": e.names,
                "severity": e.severity,
                "account": e.account,
                "first": e.first.to_string(),
                "records": e.records,
            })).collect::<Vec<_>>(),
        })
    }
}

/// The harmless things of every week.
pub(crate) fn lookalikes() -> Vec<Lookalike> {
    vec![
        Lookalike {
            what: "console sessions of the identity centre say MFAUsed: No, although the portal asked for a second factor",
            names: &["ConsoleLogin", "GetSigninToken", "AssumeRoleWithSAML"],
        },
        Lookalike {
            what: "log delivery is refused HeadBucket all day, and Security Hub's role a few reads",
            names: &[
                "HeadBucket",
                "GetBucketPolicy",
                "GetMacieSession",
                "GetKeyPolicy",
                "DescribeBackupPolicy",
            ],
        },
        Lookalike { what: "people are refused a call now and then, once, and go on", names: &[] },
        Lookalike {
            what: "releases open ports between machines of one VPC, never to the Internet",
            names: &["AuthorizeSecurityGroupIngress"],
        },
        Lookalike {
            what: "scanners on the Internet try every public address and are rejected; GuardDuty reports it as a port probe of severity 2",
            names: &["Recon:EC2/PortProbeUnprotectedPort"],
        },
        Lookalike {
            what: "pipelines assume the deployment role of another account",
            names: &["AssumeRole"],
        },
        Lookalike {
            what: "nightly jobs and backups succeed, and report it",
            names: &["Glue Job State Change", "Backup Job State Change"],
        },
    ]
}
