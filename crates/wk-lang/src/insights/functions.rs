//! The functions of the language: one table for the checker, the planner and the pages.
//!
//! Names are matched without regard to case, since AWS's own samples write `ispresent`,
//! `isPresent` and `BIN`.

use super::ast::{Duration, Unit};

/// Where a function may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    /// One value for each row: anywhere.
    Scalar,
    /// One value for each group of rows: in `stats`.
    Aggregate,
    /// One value for each bucket of time: in `stats`.
    TimeSeries,
}

/// What a function takes at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// Any value.
    Any,
    /// A number, or a text that is one.
    Number,
    /// A text; other values are taken as their text.
    Text,
    /// True or false.
    Condition,
    /// A point in time.
    Time,
    /// A length of time such as `5m`, written out.
    Period,
    /// A regular expression, as a text or between slashes.
    Pattern,
}

/// Page of AWS's guide that describes a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// `CWL_QuerySyntax-Stats`
    Stats,
    /// `CWL_QuerySyntax-operations-functions`
    Operations,
    /// `CWL_QuerySyntax-timeseries-functions`
    TimeSeries,
    /// `CWL_QuerySyntax-hash-functions`
    Hash,
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Its documented name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Where it may stand.
    pub kind: FunctionKind,
    /// What it takes, in order.
    pub arguments: &'static [Argument],
    /// How many of the arguments must be there.
    pub required: usize,
    /// Whether more like the last argument may follow.
    pub repeats: bool,
    /// What it answers.
    pub doc: &'static str,
    /// Where AWS describes it.
    pub page: Page,
}

impl Function {
    /// How many arguments it takes at most, where there is a limit.
    pub fn most(&self) -> Option<usize> {
        (!self.repeats).then_some(self.arguments.len())
    }

    /// What it takes at this place.
    pub fn argument(&self, at: usize) -> Argument {
        // Of bin's two forms the longer has the time first, which the checker knows.
        self.arguments.get(at).or(self.arguments.last()).copied().unwrap_or(Argument::Any)
    }

    /// Whether it belongs into `stats`.
    pub fn aggregates(&self) -> bool {
        self.kind != FunctionKind::Scalar
    }

    const fn or_called(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The arguments behind the first so many may be left out.
    const fn needs(mut self, required: usize) -> Self {
        self.required = required;
        self
    }

    const fn and_more(mut self) -> Self {
        self.repeats = true;
        self
    }
}

/// The function of this name, in any case.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| {
        function.name.eq_ignore_ascii_case(name)
            || function.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    })
}

/// What AWS makes of a length of time: no count beyond that which makes the next unit, so that
/// `300s` is 60 seconds.
pub fn capped(duration: &Duration) -> Duration {
    let most = match duration.unit {
        Unit::Millisecond => 1_000,
        Unit::Second | Unit::Minute => 60,
        Unit::Hour => 24,
        Unit::Day | Unit::Week | Unit::Month | Unit::Quarter | Unit::Year => u64::MAX,
    };
    Duration { count: duration.count.min(most), unit: duration.unit }
}

const fn of(
    kind: FunctionKind,
    page: Page,
    name: &'static str,
    arguments: &'static [Argument],
    doc: &'static str,
) -> Function {
    let required = arguments.len();
    Function { name, aliases: &[], kind, arguments, required, repeats: false, doc, page }
}

const fn aggregate(
    name: &'static str,
    arguments: &'static [Argument],
    doc: &'static str,
) -> Function {
    of(FunctionKind::Aggregate, Page::Stats, name, arguments, doc)
}

const fn series(name: &'static str, arguments: &'static [Argument], doc: &'static str) -> Function {
    of(FunctionKind::TimeSeries, Page::TimeSeries, name, arguments, doc)
}

const fn scalar(name: &'static str, arguments: &'static [Argument], doc: &'static str) -> Function {
    of(FunctionKind::Scalar, Page::Operations, name, arguments, doc)
}

const fn hash(name: &'static str, arguments: &'static [Argument], doc: &'static str) -> Function {
    of(FunctionKind::Scalar, Page::Hash, name, arguments, doc)
}

use Argument::{Any, Condition, Number, Pattern, Period, Text, Time};

/// Every documented function: aggregates, numbers, dates, general, JSON, addresses, texts, hashes.
pub const FUNCTIONS: &[Function] = &[
    aggregate("avg", &[Number], "the mean"),
    aggregate("count", &[Any], "how many rows, or how many that have a value").needs(0),
    aggregate("countDistinct", &[Any], "how many different values").or_called(&["count_distinct"]),
    aggregate("earliest", &[Any], "the value of the row with the earliest @timestamp"),
    aggregate("latest", &[Any], "the value of the row with the latest @timestamp"),
    aggregate("max", &[Any], "the largest value"),
    aggregate("min", &[Any], "the smallest value"),
    aggregate("pct", &[Any, Number], "the value below which so many percent lie")
        .or_called(&["percentile"]),
    aggregate("sortsFirst", &[Any], "the value that comes first in order"),
    aggregate("sortsLast", &[Any], "the value that comes last in order"),
    aggregate("stddev", &[Number], "the standard deviation"),
    aggregate("sum", &[Number], "the sum; true counts as 1"),
    aggregate("topk", &[Number, Any], "the so many most frequent values"),
    aggregate("values", &[Any], "the different values").or_called(&["collect_values"]),
    aggregate("variance", &[Number], "the variance of the population"),
    series("countOverTime", &[Any], "how many rows, by bucket"),
    series("histogram", &[Number, Number], "how many values lie in each of so many ranges"),
    series("rate", &[Number, Period], "the change in each such time"),
    series("sumOverTime", &[Number], "the sum, by bucket"),
    scalar("abs", &[Number], "the number without its sign"),
    scalar("ceil", &[Number], "the next whole number above"),
    scalar("floor", &[Number], "the next whole number below"),
    scalar("greatest", &[Number], "the largest of its arguments").and_more(),
    scalar("haversine", &[Number, Number, Number, Number], "kilometres between two places"),
    scalar("least", &[Number], "the smallest of its arguments").and_more(),
    scalar("log", &[Number], "the natural logarithm"),
    scalar("round", &[Number, Number], "the nearest number of so many decimals").needs(1),
    scalar("sqrt", &[Number], "the square root"),
    scalar("toDouble", &[Any], "the number that a text is"),
    scalar("toInt", &[Any], "the whole number of 32 bits that a text is"),
    scalar("toLong", &[Any], "the whole number of 64 bits that a text is"),
    scalar("toNumber", &[Any], "the number that a text is"),
    scalar("bin", &[Time, Period], "@timestamp, or another time, rounded down").needs(1),
    scalar("dateceil", &[Time, Period], "a time rounded up"),
    scalar("datefloor", &[Time, Period], "a time rounded down"),
    scalar("formatDate", &[Time, Text, Text], "a time as text, by % signs and time zone")
        .or_called(&["strftime"])
        .needs(2),
    scalar("fromMillis", &[Number], "the time so many milliseconds after 1970"),
    scalar("now", &[], "seconds since 1970 when the query began"),
    scalar("parseDate", &[Text, Text, Text], "milliseconds since 1970 that a date is, by pattern")
        .needs(2),
    scalar("toMillis", &[Time], "milliseconds since 1970"),
    scalar("case", &[Condition, Any], "the value behind the first true condition").and_more(),
    scalar("coalesce", &[Any], "the first value that is there").and_more(),
    scalar("if", &[Condition, Any, Any], "the second where the first is true, else the third"),
    scalar("isNumeric", &[Any], "whether the value is a number"),
    scalar("ispresent", &[Any], "whether there is a value"),
    scalar("messageSize", &[Text], "bytes of a text"),
    scalar("queryEndTime", &[], "the end of the asked time, in milliseconds"),
    scalar("queryStartTime", &[], "the beginning of the asked time, in milliseconds"),
    scalar("queryTimeRange", &[], "the length of the asked time, in milliseconds"),
    scalar("jsonArrayContains", &[Any, Text], "whether a JSON array has the value"),
    scalar("jsonArraySize", &[Any], "items of a JSON array"),
    scalar("jsonParse", &[Text], "the map or list that a text is"),
    scalar("jsonStringify", &[Any], "the text of a map or list"),
    scalar("ipv4ToNumber", &[Text], "the number that an address is"),
    scalar("isIpInSubnet", &[Text, Text], "whether an address lies in a network"),
    scalar("isIpv4InSubnet", &[Text, Text], "whether a v4 address lies in a network"),
    scalar("isIpv6InSubnet", &[Text, Text], "whether a v6 address lies in a network"),
    scalar("isPrivateIP", &[Text], "whether an address is private"),
    scalar("isPublicIP", &[Text], "whether an address is public"),
    scalar("isReservedIP", &[Text], "whether an address is reserved"),
    scalar("isValidIp", &[Text], "whether a text is an address"),
    scalar("isValidIpV4", &[Text], "whether a text is a v4 address"),
    scalar("isValidIpV6", &[Text], "whether a text is a v6 address"),
    scalar("base64decode", &[Text], "the text that base64 hides"),
    scalar("base64encode", &[Text], "the text in base64"),
    scalar("concat", &[Text], "the texts in one").and_more(),
    scalar("decToHex", &[Number], "a whole number in hexadecimal, with 0x"),
    scalar("endsWith", &[Text, Text], "1 where a text ends with another, else 0"),
    scalar("hexToAscii", &[Text], "the text that hexadecimal digits are"),
    scalar("hexToDec", &[Text], "the number that hexadecimal digits are"),
    scalar("isblank", &[Any], "1 where there is no text but blanks, else 0"),
    scalar("isempty", &[Any], "1 where there is no text, else 0"),
    scalar("ltrim", &[Text, Text], "a text without blanks, or these letters, on its left").needs(1),
    scalar("regexReplace", &[Text, Pattern, Text], "a text with every match replaced"),
    scalar("replace", &[Text, Text, Text], "a text with another in it replaced"),
    scalar("rtrim", &[Text, Text], "a text without blanks, or these letters, on its right")
        .needs(1),
    scalar("split", &[Text, Text], "the pieces of a text"),
    scalar("startsWith", &[Text, Text], "1 where a text begins with another, else 0"),
    scalar("strcontains", &[Text, Text, Condition], "1 where a text has another in it, else 0")
        .needs(2),
    scalar("strlen", &[Text], "characters of a text"),
    scalar("substr", &[Text, Number, Number], "a text from a place on, so long at most").needs(2),
    scalar("tolower", &[Text], "a text in small letters"),
    scalar("toupper", &[Text], "a text in capital letters"),
    scalar("trim", &[Text, Text], "a text without blanks, or these letters, at its ends").needs(1),
    scalar("urldecode", &[Text], "the text that a URL hides"),
    scalar("urlencode", &[Text], "a text as a URL writes it"),
    hash("md5", &[Text], "the MD5 hash"),
    hash("sha256", &[Text], "the SHA-256 hash"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_stands_once() {
        let mut names = BTreeSet::new();
        for function in FUNCTIONS {
            for name in function.aliases.iter().chain([&function.name]) {
                assert!(names.insert(name.to_ascii_lowercase()), "{name} stands twice");
            }
            assert!(function.required <= function.arguments.len(), "{}", function.name);
        }
        assert_eq!(FUNCTIONS.len(), 88);
    }

    #[test]
    fn three_hundred_seconds_are_sixty() {
        let capped = |count, unit| capped(&Duration { count, unit }).count;
        assert_eq!(capped(300, Unit::Second), 60);
        assert_eq!(capped(1_500, Unit::Millisecond), 1_000);
        assert_eq!(capped(61, Unit::Minute), 60);
        assert_eq!(capped(25, Unit::Hour), 24);
        assert_eq!(capped(400, Unit::Day), 400);
    }
}
