//! Parts of Amazon Resource Names, for SQL. What is no ARN, or lacks the part, gives nothing.

use datafusion::arrow::array::ArrayRef;
use datafusion::error::Result;
use wk_lang::insights::meaning::arn::Arn;

use super::scalar::{Call, Gives, Scalar};

const PART: Scalar = Scalar {
    insights: &[],
    sql: &[],
    takes: "arn",
    arity: (1, 1),
    gives: Gives::Text,
    says: "",
    run: |call| Ok(call.nothing()),
};

pub(super) const FUNCTIONS: &[Scalar] = &[
    Scalar {
        sql: &["arn_partition"],
        says: "The partition of an ARN: `aws`.",
        run: |call| part(call, |arn| arn.partition),
        ..PART
    },
    Scalar {
        sql: &["arn_service"],
        says: "The service of an ARN: `iam`.",
        run: |call| part(call, |arn| arn.service),
        ..PART
    },
    Scalar {
        sql: &["arn_region"],
        says: "The region of an ARN.",
        run: |call| part(call, |arn| arn.region),
        ..PART
    },
    Scalar {
        sql: &["arn_account"],
        says: "The account of an ARN.",
        run: |call| part(call, |arn| arn.account),
        ..PART
    },
    Scalar {
        sql: &["arn_resource"],
        says: "All behind the account of an ARN: `user/alice`.",
        run: |call| part(call, |arn| arn.resource),
        ..PART
    },
    Scalar {
        sql: &["arn_resource_type"],
        says: "The resource's type in an ARN: `user`.",
        run: |call| part(call, |arn| arn.resource_type()),
        ..PART
    },
    Scalar {
        sql: &["arn_resource_name"],
        says: "The resource's name in an ARN, without its type: `alice`.",
        run: |call| part(call, |arn| arn.resource_name()),
        ..PART
    },
];

fn part(call: &Call<'_>, part: for<'a> fn(&Arn<'a>) -> Option<&'a str>) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    call.each_text(|row| part(&Arn::parse(texts.get(row)?)?))
}
