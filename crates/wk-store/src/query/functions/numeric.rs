//! Arithmetic. A result that is not finite (a division by zero, the root of -1) is nothing.

use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use wk_lang::insights::meaning::number;

use super::coerce;
use super::scalar::{Call, Gives, Scalar};

const NUMBER: Scalar = Scalar {
    insights: &[],
    sql: &[],
    takes: "number",
    arity: (1, 1),
    gives: Gives::Number,
    says: "",
    run: |call| one(call, |a| a),
};

pub(super) const FUNCTIONS: &[Scalar] = &[
    Scalar {
        insights: &["abs"],
        sql: &["abs"],
        says: "The number without its sign.",
        run: |call| one(call, f64::abs),
        ..NUMBER
    },
    Scalar {
        insights: &["ceil"],
        sql: &["ceil"],
        says: "The smallest whole number that is not below the number.",
        run: |call| one(call, f64::ceil),
        ..NUMBER
    },
    Scalar {
        insights: &["floor"],
        sql: &["floor"],
        says: "The largest whole number that is not above the number.",
        run: |call| one(call, f64::floor),
        ..NUMBER
    },
    Scalar {
        insights: &["greatest"],
        sql: &["greatest_number"],
        takes: "number, …",
        arity: (1, MANY),
        says: "The largest of the numbers; nothing where one of them is missing.",
        run: |call| fold(call, f64::max),
        ..NUMBER
    },
    Scalar {
        insights: &["least"],
        sql: &["least_number"],
        takes: "number, …",
        arity: (1, MANY),
        says: "The smallest of the numbers; nothing where one of them is missing.",
        run: |call| fold(call, f64::min),
        ..NUMBER
    },
    Scalar {
        insights: &["log"],
        sql: &["ln"],
        says: "The natural logarithm.",
        run: |call| one(call, f64::ln),
        ..NUMBER
    },
    Scalar {
        insights: &["round"],
        sql: &["round"],
        takes: "number, decimals?",
        arity: (1, 2),
        says: "The nearest number with so many decimals, else the nearest whole number; halves go away from zero.",
        run: round,
        ..NUMBER
    },
    Scalar {
        insights: &["sqrt"],
        sql: &["sqrt"],
        says: "The square root.",
        run: |call| one(call, f64::sqrt),
        ..NUMBER
    },
    Scalar {
        insights: &["haversine"],
        sql: &["haversine"],
        takes: "latitude, longitude, latitude, longitude",
        arity: (4, 4),
        says: "Kilometres along the surface of a sphere of 6,371 km between two places given in degrees.",
        run: haversine,
        ..NUMBER
    },
    Scalar {
        insights: &["toNumber", "toDouble"],
        sql: &["to_number", "to_double"],
        takes: "value",
        says: "The value as a number.",
        run: |call| Ok(Arc::new(coerce::numbers(call.array(0)?)?)),
        ..NUMBER
    },
    Scalar {
        insights: &["toInt"],
        sql: &["to_int"],
        takes: "value",
        gives: Gives::Whole,
        says: "The value as a whole number of 32 bits, cut towards zero.",
        run: |call| {
            let range = i64::from(i32::MIN)..=i64::from(i32::MAX);
            whole(call, |n| Some(n).filter(|n| range.contains(n)))
        },
        ..NUMBER
    },
    Scalar {
        insights: &["toLong"],
        sql: &["to_long"],
        takes: "value",
        gives: Gives::Whole,
        says: "The value as a whole number of 64 bits, cut towards zero.",
        run: |call| whole(call, Some),
        ..NUMBER
    },
    // What the operators of the language do.
    Scalar { sql: &["insights_add"], says: "`a + b`.", run: |call| two(call, |a, b| a + b), ..TWO },
    Scalar {
        sql: &["insights_subtract"],
        says: "`a - b`.",
        run: |call| two(call, |a, b| a - b),
        ..TWO
    },
    Scalar {
        sql: &["insights_multiply"],
        says: "`a * b`.",
        run: |call| two(call, |a, b| a * b),
        ..TWO
    },
    Scalar {
        sql: &["insights_divide"],
        says: "`a / b`.",
        run: |call| two(call, |a, b| a / b),
        ..TWO
    },
    Scalar {
        sql: &["insights_remainder"],
        says: "`a % b`, with the sign of a.",
        run: |call| two(call, |a, b| a % b),
        ..TWO
    },
    Scalar {
        sql: &["insights_power", "power"],
        says: "`a ^ b`.",
        run: |call| two(call, f64::powf),
        ..TWO
    },
];

const TWO: Scalar = Scalar { takes: "number, number", arity: (2, 2), ..NUMBER };

/// As many arguments as one likes; the parser bounds them.
pub(super) const MANY: usize = usize::MAX;

fn one(call: &Call<'_>, f: fn(f64) -> f64) -> Result<ArrayRef> {
    let a = call.numbers(0)?;
    call.each_number(|row| a.get(row).map(f))
}

fn two(call: &Call<'_>, f: fn(f64, f64) -> f64) -> Result<ArrayRef> {
    let (a, b) = (call.numbers(0)?, call.numbers(1)?);
    call.each_number(|row| Some(f(a.get(row)?, b.get(row)?)))
}

fn fold(call: &Call<'_>, f: fn(f64, f64) -> f64) -> Result<ArrayRef> {
    let all = (0..call.count()).map(|n| call.numbers(n)).collect::<Result<Vec<_>>>()?;
    call.each_number(|row| {
        let mut numbers = all.iter().map(|numbers| numbers.get(row));
        let first = numbers.next()??;
        numbers.try_fold(first, |best, number| Some(f(best, number?)))
    })
}

fn round(call: &Call<'_>) -> Result<ArrayRef> {
    if call.count() == 1 {
        return one(call, f64::round);
    }
    let (a, decimals) = (call.numbers(0)?, call.numbers(1)?);
    call.each_number(|row| Some(round_to(a.get(row)?, decimals.get(row)?)))
}

fn round_to(number: f64, decimals: f64) -> f64 {
    let scale = 10f64.powf(decimals.trunc().clamp(-300.0, 300.0));
    let rounded = (number * scale).round() / scale;
    // Beyond what a number can tell apart there is nothing to round.
    if rounded.is_finite() { rounded } else { number }
}

fn haversine(call: &Call<'_>) -> Result<ArrayRef> {
    const RADIUS_KM: f64 = 6371.0;
    let parts = [call.numbers(0)?, call.numbers(1)?, call.numbers(2)?, call.numbers(3)?];
    call.each_number(|row| {
        let [lat1, lon1, lat2, lon2] = [0, 1, 2, 3].map(|n: usize| parts[n].get(row));
        let (lat1, lat2) = (lat1?.to_radians(), lat2?.to_radians());
        let longitude = (lon2? - lon1?).to_radians();
        let half = |angle: f64| (angle / 2.0).sin().powi(2);
        let h = half(lat2 - lat1) + lat1.cos() * lat2.cos() * half(longitude);
        Some(2.0 * RADIUS_KM * h.clamp(0.0, 1.0).sqrt().asin())
    })
}

fn whole(call: &Call<'_>, keep: impl Fn(i64) -> Option<i64>) -> Result<ArrayRef> {
    let array = call.array(0)?;
    if *array.data_type() == DataType::Int64 || coerce::is_text(array.data_type()) {
        let texts = call.texts(0)?;
        return call.each_whole(|row| texts.get(row).and_then(whole_of).and_then(&keep));
    }
    let numbers = call.numbers(0)?;
    call.each_whole(|row| numbers.get(row).and_then(number::cut).and_then(&keep))
}

fn whole_of(text: &str) -> Option<i64> {
    match text {
        "true" => Some(1),
        "false" => Some(0),
        _ => number::whole(text),
    }
}
