//! What CloudWatch Logs calls the tables of the lake: names of log groups, data sources, fields.
//!
//! * Which log group holds what is a habit, not a rule; the user's own patterns come first.
//! * A pattern is compared without regard to case and must fit the whole name; `*` stands for
//!   anything, `|` between alternatives.

/// What the language knows of one table.
pub(super) struct Known {
    /// The table.
    pub(super) table: &'static str,
    /// Patterns of its log groups' names.
    groups: &'static str,
    /// Beginnings of `dataSource` names and of `@data_source_name`, and the type.
    data_source: (&'static str, &'static str),
    /// How a record is written, as `@data_format` says it.
    pub(super) form: Form,
}

/// How the records of a table are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Objects of JSON with known members: any path into them is a field, and a spelling that is
    /// nearly a column's is a mistake.
    Json,
    /// Lines or objects of whatever program: any path is a field.
    Free,
    /// Lines of fields whose names differ by log in case and underscores: `srcAddr` is `srcaddr`.
    Lines,
}

/// One row a table; the first whose pattern fits a group has it.
pub(super) const KNOWN: &[Known] = &[
    known("cloudtrail_digest", "*cloudtrail-digest*", ("aws_cloudtrail_digest", ""), Form::Json),
    known("cloudtrail", "*cloudtrail*", ("aws_cloudtrail", "events"), Form::Json),
    known(
        "vpc_flow",
        "*vpc*flow*|*flow-logs*|*flowlog*|*flow_log*",
        ("amazon_vpc", "flow"),
        Form::Lines,
    ),
    known("resolver_query", "*resolver*", ("amazon_route53", "resolver_query"), Form::Json),
    known(
        "route53_query",
        "/aws/route53/*|*route53*",
        ("amazon_route53", "public_query"),
        Form::Lines,
    ),
    known("waf", "aws-waf-logs-*|*/waf/*|*waf-logs*", ("aws_waf", "access"), Form::Json),
    known("eks_audit", "/aws/eks/*/cluster", ("amazon_eks", "audit"), Form::Json),
    known("rds_audit", "/aws/rds/*/audit", ("amazon_rds", "audit"), Form::Lines),
    known("rds_mysql_error", "/aws/rds/*/error", ("amazon_rds", "error"), Form::Lines),
    known("rds_slow", "/aws/rds/*/slowquery", ("amazon_rds", "slowquery"), Form::Lines),
    known("rds_postgres", "/aws/rds/*/postgresql", ("amazon_rds", "postgresql"), Form::Lines),
    known(
        "network_firewall",
        "*network-firewall*|*networkfirewall*",
        ("aws_network_firewall", ""),
        Form::Json,
    ),
    known("cloudfront", "*cloudfront*", ("amazon_cloudfront", "access"), Form::Lines),
    known("alb", "/aws/alb/*|/aws/elb/*|*loadbalancer*", ("aws_elb", "access"), Form::Lines),
    known("s3_access", "*s3-access*|*s3access*", ("amazon_s3", "access"), Form::Lines),
    known("guardduty", "*guardduty*", ("amazon_guardduty", "finding"), Form::Json),
    known(
        "securityhub",
        "*securityhub*|*security-hub*",
        ("aws_security_hub", "finding"),
        Form::Json,
    ),
    known("ocsf", "*security-lake*|*securitylake*", ("amazon_security_lake", ""), Form::Json),
    known("config", "/aws/config/*|*aws-config*", ("aws_config", ""), Form::Json),
    known("eventbridge", "/aws/events/*", ("amazon_eventbridge", "events"), Form::Json),
    known(
        "app_log",
        "/aws/lambda/*|/aws/ecs/*|/ecs/*|/aws/containerinsights/*|/aws/codebuild/*|/aws/batch/*|/aws/lambda-insights",
        ("application", "log"),
        Form::Free,
    ),
];

const fn known(
    table: &'static str,
    groups: &'static str,
    data_source: (&'static str, &'static str),
    form: Form,
) -> Known {
    Known { table, groups, data_source, form }
}

impl Known {
    /// `aws_cloudtrail`, as `@data_source_name` says it.
    pub(super) fn source_name(&self) -> &'static str {
        self.data_source.0
    }
    /// `events`, as `@data_source_type` says it.
    pub(super) fn source_type(&self) -> &'static str {
        self.data_source.1
    }
}

/// What is known of a table; a table without a row of its own is of lines.
pub(super) fn of(table: &str) -> Known {
    let row = KNOWN.iter().find(|known| known.table == table);
    row.map_or(known("", "", ("", ""), Form::Lines), |k| {
        known(k.table, k.groups, k.data_source, k.form)
    })
}

/// The table that a log group's name speaks of.
pub(super) fn table_of_group(group: &str) -> Option<&'static str> {
    KNOWN.iter().find(|known| fits_any(known.groups, group)).map(|known| known.table)
}

/// The tables of a data source: `amazon_vpc.flow`, or all of `amazon_rds`.
pub(super) fn tables_of_data_source(name: &str) -> Vec<&'static str> {
    let (source, kind) = name.split_once('.').unwrap_or((name, ""));
    let fits = |known: &&Known| {
        let (own_source, own_kind) = known.data_source;
        own_source.eq_ignore_ascii_case(source)
            && (kind.is_empty() || own_kind.eq_ignore_ascii_case(kind))
    };
    KNOWN.iter().filter(fits).map(|known| known.table).collect()
}

/// The names that `dataSource` takes.
pub(super) fn data_sources() -> Vec<String> {
    KNOWN.iter().map(|k| [k.data_source.0, ".", k.data_source.1].concat()).collect()
}

/// Whether one of the alternatives fits the whole name.
pub(super) fn fits_any(patterns: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    patterns.split('|').any(|pattern| fits(&pattern.to_ascii_lowercase(), &name))
}

/// Whether a pattern with `*` fits the whole name. Each piece is taken at its first place, so the
/// time is bounded by the product of the lengths.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(head) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let Some(last) = pieces.pop() else { return true };
    for piece in pieces {
        let Some((_, after)) = left.split_once(piece) else { return false };
        left = after;
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_groups_are_tables() {
        let of = |name| table_of_group(name);
        assert_eq!(of("/aws/cloudtrail/logs"), Some("cloudtrail"));
        assert_eq!(of("aws-cloudtrail-logs-111122223333-ab12"), Some("cloudtrail"));
        assert_eq!(of("/aws/vpc/flowlogs/prod"), Some("vpc_flow"));
        assert_eq!(of("aws-waf-logs-shop"), Some("waf"));
        assert_eq!(of("/aws/eks/prod/cluster"), Some("eks_audit"));
        assert_eq!(of("/aws/rds/cluster/db/slowquery"), Some("rds_slow"));
        assert_eq!(of("/aws/lambda/pay"), Some("app_log"));
        assert_eq!(of("bedrock-model-invocation-logging"), None);
    }

    #[test]
    fn a_pattern_fits_the_whole_name() {
        assert!(fits("/a/*/c", "/a/b/x/c"));
        assert!(!fits("/a/*/c", "/a/b/x/cd"));
        assert!(fits("*", ""));
        assert!(!fits("ab*b", "ab"));
    }

    #[test]
    fn data_sources_are_tables() {
        assert_eq!(tables_of_data_source("amazon_vpc.flow"), ["vpc_flow"]);
        assert_eq!(tables_of_data_source("amazon_rds").len(), 4);
        assert!(tables_of_data_source("nobody").is_empty());
    }
}
