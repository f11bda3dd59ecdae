//! Policies that are there to begin with. Each says in a comment where its numbers come from; none
//! makes anybody compliant with anything.

use std::collections::BTreeMap;

use super::{Class, SEVEN_YEARS_DAYS};

/// The names of the presets.
pub const PRESETS: &[&str] = &["cc7", "soc2", "hipaa", "gdpr", "lgpd"];

/// The classes of a preset; `None` if there is none of this name.
pub fn preset(name: &str) -> Option<Vec<Class>> {
    Some(match name {
        "cc7" => cc7(),
        "soc2" => soc2(),
        "hipaa" => hipaa(),
        "gdpr" => personal("gdpr", None),
        "lgpd" => personal("lgpd", Some(LGPD_BASIS)),
        _ => return None,
    })
}

/// Tables of requests of people, which hold addresses and names of persons first of all.
const OF_PEOPLE: &[&str] = &["app_log", "alb", "cloudfront", "s3_access", "waf"];
/// Tables that tell what happened in accounts and networks.
const OF_SYSTEMS: &[&str] = &[
    "cloudtrail",
    "cloudtrail_digest",
    "vpc_flow",
    "guardduty",
    "securityhub",
    "config",
    "inventory",
    "checks",
    "eventbridge",
    "ocsf",
    "eks_audit",
    "network_firewall",
    "resolver_query",
    "route53_query",
    "rds_audit",
    "rds_postgres",
    "rds_mysql_error",
    "rds_slow",
];
const LGPD_BASIS: &str =
    "legitimate interest in the security of systems and data (Lei 13.709/2018, Art. 7 IX, Art. 46)";

/// What the mission's table of retention means: 7 years for audit and security, 90 days for
/// operation, 30 for debugging. Where it says both of a row, the longer term counts; debug records
/// and what containers print are named as exceptions from applications, and are. Findings,
/// configuration and firewalls are not in the table: they are kept.
fn cc7() -> Vec<Class> {
    let years = Some(SEVEN_YEARS_DAYS);
    let debug = &["debug*", "trace*"][..];
    let printed = &["stdout", "stderr"][..];
    vec![
        class("cc7: CloudTrail", &["cloudtrail", "cloudtrail_digest"], years),
        class("cc7: VPC flow logs", &["vpc_flow"], years),
        class("cc7: S3 access logs", &["s3_access"], years),
        class("cc7: CloudFront access logs", &["cloudfront"], years),
        only("log_group", &["*audit*"], class("cc7: application audit", &["app_log"], years)),
        only("logger", &["*audit*"], class("cc7: application audit", &["app_log"], years)),
        only("severity", &["audit"], class("cc7: database audit", &["rds_postgres"], years)),
        class("cc7: database and cluster audit", &["rds_audit", "eks_audit"], years),
        except(
            "level",
            debug,
            except("stream", printed, class("cc7: applications", &["app_log"], Some(90))),
        ),
        class(
            "cc7: databases",
            &["rds_audit", "rds_postgres", "rds_mysql_error", "rds_slow"],
            Some(90),
        ),
        class("cc7: load balancers", &["alb"], Some(90)),
        class("cc7: DNS queries", &["route53_query", "resolver_query"], Some(90)),
        only("stream", printed, class("cc7: container output", &["app_log"], Some(30))),
        only("level", debug, class("cc7: debug records", &["app_log"], Some(30))),
    ]
}

/// No criterion of SOC 2 names a number. A report looks back over twelve months, and is written in
/// the weeks after them.
fn soc2() -> Vec<Class> {
    vec![class("soc2: a period and its audit", &[OF_PEOPLE, OF_SYSTEMS].concat(), Some(400))]
}

/// 45 CFR 164.316(b)(2)(i): six years for what documents actions and assessments. 2192 days, as AWS
/// counts six years.
fn hipaa() -> Vec<Class> {
    vec![class("hipaa: six years", &[OF_PEOPLE, OF_SYSTEMS].concat(), Some(2192))]
}

/// Storage limitation (GDPR Art. 5(1)(e); LGPD Art. 15 and 16) names no number either: what your
/// record of processing says counts. A year for requests of people, seven for what systems did.
fn personal(law: &str, basis: Option<&str>) -> Vec<Class> {
    let ends = |name: &str, tables: &[&str], days| Class {
        maximum_days: Some(days),
        legal_basis: basis.map(str::to_owned),
        ..class(&format!("{law}: {name}"), tables, None)
    };
    vec![
        ends("requests of people", OF_PEOPLE, 365),
        ends("records of systems", OF_SYSTEMS, SEVEN_YEARS_DAYS),
    ]
}

fn class(name: &str, tables: &[&str], minimum_days: Option<u32>) -> Class {
    let tables = tables.iter().map(|t| (*t).to_owned()).collect();
    Class { name: name.to_owned(), tables, minimum_days, ..Class::default() }
}

fn texts(column: &str, forms: &[&str]) -> (String, Vec<String>) {
    (column.to_owned(), forms.iter().map(|f| (*f).to_owned()).collect())
}

fn only(column: &str, forms: &[&str], class: Class) -> Class {
    Class { only: BTreeMap::from([texts(column, forms)]), ..class }
}

fn except(column: &str, forms: &[&str], mut class: Class) -> Class {
    class.except.extend([texts(column, forms)]);
    class
}
