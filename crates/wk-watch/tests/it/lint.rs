//! The lint over rules that others wrote.

use wk_watch::lint::{Level, lint};

/// Rules of others that cannot work as they are written, each with the reason.
#[test]
fn rules_of_others_that_cannot_work_are_named_with_the_reason() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = folder.join("../../../shared/data/sigma-rules/aws");
    for (name, level, why) in [
        ("aws_delete_saml_provider", Level::Error, "never has the field \"status\""),
        ("aws_disable_bucket_versioning", Level::Warning, "\"requestParameters\" is an object"),
        (
            "aws_iam_s3browser_templated_s3_bucket_policy_creation",
            Level::Warning,
            "quotation marks",
        ),
        ("aws_ec2_vm_export_failure", Level::Warning, "may be any text"),
        ("aws_ec2_startup_script_change", Level::Warning, "requestParameters.userData"),
        (
            "aws_ecs_task_definition_cred_endpoint_query",
            Level::Note,
            "the list \"containerDefinitions\"",
        ),
        ("aws_new_lambda_layer_attached", Level::Note, "the list \"layers\""),
    ] {
        let Ok(text) = std::fs::read_to_string(folder.join(format!("{name}.yml"))) else {
            println!("SKIPPED: the folder shared/data beside the checkout is absent");
            return;
        };
        let found = lint(&[(name.to_owned(), text)]);
        let said = found.iter().any(|f| f.level >= level && f.say.contains(why));
        assert!(said, "{name}: {found:#?}");
    }
}
