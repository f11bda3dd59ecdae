//! Texts in other notations: percent-encoding, base64, hexadecimal.
//!
//! Bytes that are no UTF-8 after decoding become U+FFFD: an odd byte should not hide the rest.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};

/// Base64 with the standard alphabet and padding (RFC 4648).
pub fn base64_encode(text: &str) -> String {
    general_purpose::STANDARD.encode(text)
}

/// The text in base64 of either alphabet, with or without padding.
pub fn base64_decode(text: &str) -> Option<String> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let text = text.trim_ascii();
    let engine = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    engine.decode(text).ok().map(lossy)
}

/// Percent-encodes all but the unreserved characters of RFC 3986; a blank is `%20`.
pub fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(hex_digits(byte).map(|c| c.to_ascii_uppercase()));
        }
    }
    out
}

/// Undoes percent-encoding; `+` is a blank. A percent sign without two digits stays.
pub fn url_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'%', [high, low, after @ ..]) => match byte_of(*high, *low) {
                Some(byte) => {
                    out.push(byte);
                    rest = after;
                }
                None => out.push(b'%'),
            },
            (b'+', _) => out.push(b' '),
            (other, _) => out.push(*other),
        }
    }
    lossy(out)
}

/// The text whose bytes are written in hexadecimal, two digits each; `0x` may stand before them.
pub fn hex_to_text(hex: &str) -> Option<String> {
    let (pairs, rest) = unprefixed(hex.trim_ascii()).as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| byte_of(*high, *low)).collect();
    bytes.map(lossy)
}

/// The number written in hexadecimal, with or without `0x` and a minus sign.
pub fn hex_to_number(hex: &str) -> Option<i64> {
    let hex = hex.trim_ascii();
    let (sign, digits) = match hex.strip_prefix('-') {
        Some(digits) => ("-", unprefixed(digits)),
        None => ("", unprefixed(hex)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), 16).ok()
}

/// A number as `0xff` or `-0xff`.
pub fn number_to_hex(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}0x{:x}", number.unsigned_abs())
}

/// Bytes in lower case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| hex_digits(*byte)).collect()
}

fn hex_digits(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|n| char::from_digit(u32::from(n), 16).unwrap_or('0'))
}

fn unprefixed(hex: &str) -> &str {
    hex.strip_prefix("0x").or_else(|| hex.strip_prefix("0X")).unwrap_or(hex)
}

fn byte_of(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_comes_back() {
        assert_eq!(base64_encode("gr\u{fc}n?>"), "Z3LDvG4/Pg==");
        for text in ["Z3LDvG4/Pg==", "Z3LDvG4/Pg", "Z3LDvG4_Pg", " Z3LDvG4_Pg==\n"] {
            assert_eq!(base64_decode(text).as_deref(), Some("grün?>"), "{text:?}");
        }
        assert_eq!(base64_decode("/w==").as_deref(), Some("\u{fffd}"));
        assert_eq!(base64_decode(""), Some(String::new()));
        assert_eq!(base64_decode("Z3L*"), None);
    }

    #[test]
    fn percent_signs_come_back_and_odd_ones_stay() {
        assert_eq!(url_encode("a b/ü~"), "a%20b%2F%C3%BC~");
        assert_eq!(url_decode("a%20b%2f%C3%BC+c"), "a b/ü c");
        assert_eq!(url_decode("100%"), "100%");
        assert_eq!(url_decode("%zz%4"), "%zz%4");
        assert_eq!(url_decode("%ff"), "\u{fffd}");
    }

    #[test]
    fn hexadecimal_is_read_as_text_or_number() {
        assert_eq!(hex_to_text("0x6869"), Some("hi".to_owned()));
        assert_eq!(hex_to_text("686"), None);
        assert_eq!(hex_to_text("6g"), None);
        assert_eq!(hex_to_text("ü"), None);
        assert_eq!(hex_to_number("0xFF"), Some(255));
        assert_eq!(hex_to_number("-0x10"), Some(-16));
        assert_eq!(hex_to_number("7fffffffffffffff"), Some(i64::MAX));
        for text in ["", "0x", "-", "--1", "0x-1", "+1", "8000000000000000", "xyz"] {
            assert_eq!(hex_to_number(text), None, "{text:?}");
        }
        assert_eq!(number_to_hex(-16), "-0x10");
        assert_eq!(number_to_hex(i64::MIN), "-0x8000000000000000");
        assert_eq!(hex(&[0, 255, 16]), "00ff10");
    }
}
