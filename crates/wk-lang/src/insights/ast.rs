//! What a query of CloudWatch Logs Insights says, with the place of every part.
//!
//! Only syntax: whether a function exists, how many arguments it takes and what may follow what is
//! judged by the checker, so that a message can name the nearest right spelling.

/// A stretch of the query's text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// A part of the query and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct At<T> {
    /// The part.
    pub node: T,
    /// Where it stands.
    pub span: Span,
}

/// A whole query: where from, then commands in the order in which rows pass through them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// `SOURCE …`, where the query says it.
    pub source: Option<At<Source>>,
    /// The commands between the pipes.
    pub commands: Vec<At<Command>>,
}

/// Which log groups are asked, and when.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Source {
    /// Names or ARNs: `SOURCE '/aws/vpc/flowlogs', "trail"`.
    pub groups: Vec<At<String>>,
    /// `logGroups(namePrefix: ['…'])`.
    pub prefixes: Vec<At<String>>,
    /// `logGroups(accountIdentifiers: ['…'])`.
    pub accounts: Vec<At<String>>,
    /// `logGroups(class: '…')`.
    pub class: Option<At<String>>,
    /// `dataSource(['name.type'])`.
    pub data_sources: Vec<At<String>>,
    /// `logGroupTags([{"key": "…", "values": ["…"]}])`: all of them must hold.
    pub tags: Vec<At<TagFilter>>,
    /// `START=` in seconds: an epoch, or relative to now where it is negative or zero.
    pub start_s: Option<i64>,
    /// `END=` likewise.
    pub end_s: Option<i64>,
}

/// What a tag of a log group must be: one of the values, of which `!x` is anything but x and `x*`
/// what begins with x; any value at all where none is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagFilter {
    /// Name of the tag.
    pub key: String,
    /// Values, of which one must be there.
    pub values: Vec<String>,
}

/// One command.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// `fields a, b + c as d`: adds columns to what is shown.
    Fields(Vec<Output>),
    /// `display a, b`: shows exactly these.
    Display(Vec<Output>),
    /// `filter` or `where`.
    Filter(At<Expr>),
    /// `filterIndex a = 'x'`: a filter on indexed fields.
    FilterIndex(At<Expr>),
    /// `stats … by …`.
    Stats(Stats),
    /// `sort a desc, b`.
    Sort(Vec<SortKey>),
    /// `limit n`, `limit any n`, and the old `head n`.
    Limit(Limit),
    /// The old `tail n`: the last rows instead of the first.
    Tail {
        /// At most so many rows.
        rows: u64,
    },
    /// `parse … as …`.
    Parse(Parse),
    /// `dedup a, b`.
    Dedup(Vec<At<Expr>>),
    /// `pattern @message`.
    Pattern(At<Expr>),
    /// `diff`, `diff previousDay`.
    Diff(Period),
    /// `unnest field into name`.
    Unnest {
        /// The list.
        list: At<Expr>,
        /// Name of one item of it.
        into: At<String>,
    },
    /// `lookup`.
    Lookup(Lookup),
    /// `cidrlookup`.
    CidrLookup(Lookup),
    /// `join`.
    Join(Box<Join>),
    /// `fillmissing`.
    FillMissing(FillMissing),
    /// A command that is known and read to its pipe, but not run yet.
    NotYet {
        /// Its name, as documented.
        name: &'static str,
    },
}

/// An expression with the name it is shown under.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// What is computed.
    pub value: At<Expr>,
    /// `as name`.
    pub name: Option<At<String>>,
}

impl Output {
    /// The column's name: the one given, else the expression's own text.
    pub fn title<'a>(&'a self, text: &'a str) -> &'a str {
        match (&self.name, &self.value.node) {
            (Some(name), _) => &name.node,
            (None, Expr::Field(name)) => name,
            (None, _) => text.get(self.value.span.start..self.value.span.end).unwrap_or_default(),
        }
    }
}

/// `stats`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stats {
    /// Aggregates, possibly inside arithmetic.
    pub outputs: Vec<Output>,
    /// Group keys.
    pub by: Vec<Output>,
    /// `offset 1h`: by how much earlier the rows are that are counted.
    pub offset: Option<At<Duration>>,
}

/// One key of a `sort`.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    /// What is compared.
    pub value: At<Expr>,
    /// Largest first. The default is smallest first.
    pub descending: bool,
}

/// `limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// At most so many rows.
    pub rows: u64,
    /// `limit any`: whichever rows are found first.
    pub any: bool,
}

/// `parse`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parse {
    /// What is taken apart; `@message` where the query names nothing.
    pub from: At<Expr>,
    /// How.
    pub by: At<Template>,
}

/// How `parse` takes a text apart.
#[derive(Debug, Clone, PartialEq)]
pub enum Template {
    /// `"* [*] *" as a, b, c`.
    Glob {
        /// Literal pieces around the stars: one more than there are names.
        pieces: Vec<String>,
        /// Names of what the stars match.
        names: Vec<At<String>>,
    },
    /// `/… (?<name>…) …/`.
    Regex(String),
}

/// Which earlier time a `diff` compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A stretch of the same length just before.
    Same,
    /// `previousDay`.
    Day,
    /// `previousWeek`.
    Week,
    /// `previousMonth`.
    Month,
}

/// `lookup` and `cidrlookup`: columns of a table by key.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// Name of the lookup table.
    pub table: At<String>,
    /// Column of the table, and the field of the event that it equals or that lies in it. Where the
    /// query names no column, it has the field's name and stands where the field stands.
    pub keys: Vec<(At<String>, At<Expr>)>,
    /// Columns that are added, each with the name it gets; empty is all of them.
    pub outputs: Vec<(At<String>, Option<At<String>>)>,
    /// `OUTPUTNEW`: a field that has a value keeps it.
    pub keep_present: bool,
}

/// `join`.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// Rows without a partner stay.
    pub left: bool,
    /// Alias of the rows so far.
    pub left_alias: Option<At<String>>,
    /// Alias of the rows of the right side.
    pub right_alias: Option<At<String>>,
    /// Pairs of fields that must be equal: left, right.
    pub on: Vec<(At<Expr>, At<Expr>)>,
    /// The right side.
    pub right: At<Query>,
}

/// `fillmissing`.
#[derive(Debug, Clone, PartialEq)]
pub struct FillMissing {
    /// The bucket, as in `bin`: a key of the `stats` before, where it stands.
    pub bucket: At<Expr>,
    /// Fields and the value each gets in a bucket without rows.
    pub fills: Vec<(At<String>, At<Expr>)>,
    /// The other keys of that `stats`.
    pub by: Vec<At<Expr>>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A field: `@timestamp`, `userIdentity.arn`, `items.0.id`, back-ticked names without the ticks.
    Field(String),
    /// Text in quotes, with its escapes resolved.
    Text(String),
    /// A number as it was written.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// A length of time such as `5m`, as `bin` takes it.
    Duration(Duration),
    /// A regular expression between slashes.
    Regex(String),
    /// `not x`, `!x`, `-x`.
    Unary(Unary, Box<At<Expr>>),
    /// `a + b`, `a = b`, `a and b`.
    Binary(Box<At<Expr>>, Binary, Box<At<Expr>>),
    /// `a like 'x'`, `a like /x/`, `a =~ /x/`; with `negated`, `not like`.
    Like {
        /// The text.
        value: Box<At<Expr>>,
        /// A substring or a regular expression.
        pattern: Box<At<Expr>>,
        /// Whether a match is a no.
        negated: bool,
    },
    /// `a in [1, 2]`, `a not in (SOURCE … | fields b)`.
    In {
        /// The value.
        value: Box<At<Expr>>,
        /// Where it is looked for.
        list: InList,
        /// Whether being there is a no.
        negated: bool,
    },
    /// A function.
    Call {
        /// Its name as it was written, and where.
        name: At<String>,
        /// Its arguments; `count(*)` has none.
        arguments: Vec<At<Expr>>,
    },
    /// `a[0]` or `a.b` on what a function answered.
    Index(Box<At<Expr>>, Box<At<Expr>>),
}

/// A length of time, as written: `5m` is 5 and `m`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duration {
    /// How many.
    pub count: u64,
    /// Of what.
    pub unit: Unit,
}

/// Units of a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Millisecond,
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days.
    Day,
    /// Weeks.
    Week,
    /// Months of the calendar.
    Month,
    /// Quarters of the calendar.
    Quarter,
    /// Years of the calendar.
    Year,
}

/// What `in` looks through.
#[derive(Debug, Clone, PartialEq)]
pub enum InList {
    /// Values in brackets.
    Values(Vec<At<Expr>>),
    /// A query in parentheses that gives one column.
    Query(Box<At<Query>>),
}

/// Operators with one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `not`, `!`.
    Not,
    /// `-`.
    Minus,
}

/// Operators with two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `or`
    Or,
    /// `and`
    And,
    /// `=` and `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `^`
    Power,
    /// `%`
    Remainder,
}
