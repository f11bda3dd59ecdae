//! The query language of CloudWatch Logs Insights: text to a checked form.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html>.

pub mod ast;
