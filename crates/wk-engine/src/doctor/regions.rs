//! The regions that an account has switched on.

use serde::Deserialize;
use serde_json::{Value, json};
use wk_seam::aws::{AwsRead, Call, Operation, Target, ask, list};

use super::{Line, Verdict};

pub(super) struct DescribeRegions;

#[derive(Debug, Deserialize)]
pub(super) struct Regions {
    #[serde(rename = "regionInfo", default, deserialize_with = "list")]
    regions: Vec<Region>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    region_name: String,
}

impl Call for DescribeRegions {
    const OPERATION: &'static Operation = &Operation {
        service: "ec2",
        name: "DescribeRegions",
        permission: "ec2:DescribeRegions",
        ..Operation::READ
    };
    type Answer = Regions;
    fn parameters(&self) -> Value {
        json!({})
    }
}

/// The regions to look at: those asked for, else all that are switched on.
pub(super) async fn find(
    aws: &dyn AwsRead,
    target: &Target,
    wanted: &[String],
) -> (Vec<Line>, Vec<String>) {
    let answer = ask(aws, &DescribeRegions, target.clone()).await;
    let mut on: Vec<String> = match answer {
        Ok(whole) => {
            whole.pages.into_iter().flat_map(|p| p.regions).map(|r| r.region_name).collect()
        }
        Err(error) => {
            let mut regions = wanted.to_vec();
            if regions.is_empty() {
                regions.extend(target.region.clone());
            }
            let mut line = Line::of_error("regions", "all", target, &error);
            line.say = format!("{}; looked only at {}", line.say, regions.join(", "));
            return (vec![line], regions);
        }
    };
    on.sort();
    if wanted.is_empty() {
        let say = format!("{} switched on, all are looked at", on.len());
        return (vec![Line::new("regions", "all", target, Verdict::Ok, say)], on);
    }
    let off = wanted.iter().filter(|region| !on.contains(region)).map(|region| {
        let say = "the account has not switched it on, or there is no such region";
        Line::new("regions", region.clone(), target, Verdict::None, say)
            .to_do("check the name after --region")
    });
    let say = format!("{} of {} that are switched on are looked at", wanted.len(), on.len());
    let mut lines = vec![Line::new("regions", wanted.join(", "), target, Verdict::Note, say)];
    lines.extend(off);
    (lines, wanted.iter().filter(|region| on.contains(region)).cloned().collect())
}
