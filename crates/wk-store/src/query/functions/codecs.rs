//! Texts in other notations, and hashes of texts.

use datafusion::arrow::array::ArrayRef;
use datafusion::error::Result;
use md_5::{Digest as _, Md5};
use wk_lang::insights::meaning::{codec, number};

use super::scalar::{Call, Gives, Scalar};

const CODEC: Scalar = Scalar {
    insights: &[],
    sql: &[],
    takes: "text",
    arity: (1, 1),
    gives: Gives::Text,
    says: "",
    run: |call| Ok(call.nothing()),
};

pub(super) const FUNCTIONS: &[Scalar] = &[
    Scalar {
        insights: &["urlencode"],
        sql: &["url_encode"],
        says: "The text percent-encoded (RFC 3986); a blank becomes `%20`.",
        run: |call| each(call, |text| Some(codec::url_encode(text))),
        ..CODEC
    },
    Scalar {
        insights: &["urldecode"],
        sql: &["url_decode"],
        says: "The text without percent-encoding; `+` is a blank.",
        run: |call| each(call, |text| Some(codec::url_decode(text))),
        ..CODEC
    },
    Scalar {
        insights: &["base64encode"],
        sql: &["base64_encode"],
        says: "The text in base64.",
        run: |call| each(call, |text| Some(codec::base64_encode(text))),
        ..CODEC
    },
    Scalar {
        insights: &["base64decode"],
        sql: &["base64_decode"],
        says: "The text that base64 of either alphabet stands for; nothing for other text.",
        run: |call| each(call, codec::base64_decode),
        ..CODEC
    },
    Scalar {
        insights: &["hexToAscii"],
        sql: &["hex_to_text"],
        says: "The text whose bytes the hexadecimal digits stand for.",
        run: |call| each(call, codec::hex_to_text),
        ..CODEC
    },
    Scalar {
        insights: &["hexToDec"],
        sql: &["hex_to_number"],
        gives: Gives::Whole,
        says: "The number that the hexadecimal digits stand for, with or without `0x`.",
        run: |call| {
            let texts = call.texts(0)?;
            call.each_whole(|row| codec::hex_to_number(texts.get(row)?))
        },
        ..CODEC
    },
    Scalar {
        insights: &["decToHex"],
        sql: &["number_to_hex"],
        takes: "number",
        says: "A number in hexadecimal, such as `0xff` or `-0x1`; fractions are cut.",
        run: |call| each(call, |text| number::whole(text).map(codec::number_to_hex)),
        ..CODEC
    },
    Scalar {
        insights: &["md5"],
        sql: &["md5"],
        says: "The MD5 hash of the text's bytes in lower case hexadecimal.",
        run: |call| each(call, |text| Some(codec::hex(&Md5::digest(text)))),
        ..CODEC
    },
    Scalar {
        insights: &["sha256"],
        sql: &["sha256"],
        says: "The SHA-256 hash of the text's bytes in lower case hexadecimal.",
        run: |call| {
            each(call, |text| {
                let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
                Some(codec::hex(hash.as_ref()))
            })
        },
        ..CODEC
    },
];

fn each(call: &Call<'_>, f: fn(&str) -> Option<String>) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    call.each_text(|row| texts.get(row).and_then(f))
}
