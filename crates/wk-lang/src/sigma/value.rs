//! From the values under a key to what is wanted of the field.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::error::Problem;
use super::expression::{Expression, Flags};
use super::field::FieldPath;
use super::lists::Lists;
use super::modifier::Modifier;
use super::network::Networks;
use super::number::Number;
use super::pattern::{Pattern, Token, literal, push_char, read};
use super::test::{Comparison, Part, Reference, Test, TimePart, Want};
use crate::yaml::{Content, Node};

/// How many regular expressions (and patterns with `?`) a rule may have; each takes memory.
pub(super) const EXPRESSIONS_MAX: usize = 100;
/// How many values one value may become by its modifiers.
const EXPANSIONS_MAX: usize = 1_000;

/// Reads the values of one key. Of a rule's regular expressions so many are left.
pub(super) fn read_test(
    key: &str,
    field: &str,
    modifiers: &[Modifier],
    values: &Node,
    expressions_left: usize,
    lists: &Lists,
) -> Result<Test, Problem> {
    let has = |wanted| modifiers.contains(&wanted);
    let reader = Reader { key, modifiers, keyword: field.is_empty(), lists };
    let items = match &values.content {
        Content::List(items) if items.is_empty() => {
            return Err(reader.refuse("[]", "is an empty list"));
        }
        Content::List(items) => items.as_slice(),
        _ => std::slice::from_ref(values),
    };
    let field = (!field.is_empty()).then(|| FieldPath::new(field));
    let (all, negated) = (has(Modifier::All), has(Modifier::NotEqual));
    let mut test = Test { field, wants: Vec::new(), all, negated };
    let mut expressions = 0;
    for item in items {
        let before = test.wants.len();
        reader.read(item, &mut test.wants)?;
        let new = test.wants.iter().skip(before);
        expressions += new.filter(|want| want.is_expression()).count();
        if expressions > expressions_left {
            let what = format!("{key}: regular expressions and patterns with ? in a rule");
            return Err(Problem::TooMany { what, max: EXPRESSIONS_MAX });
        }
    }
    join_networks(&mut test);
    Ok(test)
}

/// Makes one of all networks, where one of them is enough.
fn join_networks(test: &mut Test) {
    if test.all {
        return;
    }
    let mut all = Networks::default();
    test.wants.retain(|want| match want {
        Want::Networks(networks) => {
            all.add(networks);
            false
        }
        _ => true,
    });
    if all != Networks::default() {
        all.settle();
        test.wants.push(Want::Networks(all));
    }
}

struct Reader<'a> {
    key: &'a str,
    modifiers: &'a [Modifier],
    keyword: bool,
    lists: &'a Lists,
}

impl Reader<'_> {
    fn has(&self, modifier: Modifier) -> bool {
        self.modifiers.contains(&modifier)
    }

    fn refuse(&self, value: &str, why: &str) -> Problem {
        Problem::Value { key: self.key.into(), value: value.into(), why: why.into() }
    }

    fn read(&self, node: &Node, wants: &mut Vec<Want>) -> Result<(), Problem> {
        let text = match (&node.content, node.scalar()) {
            (Content::Null, _) => {
                wants.push(self.null()?);
                return Ok(());
            }
            (_, Some(text)) => text,
            (_, None) => {
                let (key, is) = (self.key.to_owned(), node.kind());
                return Err(Problem::Kind {
                    key,
                    is,
                    wanted: "a text, a number, true, false or null",
                });
            }
        };
        if self.has(Modifier::Expand) {
            if self.has(Modifier::Cidr)
                && let Some(list) = self.lists.whole(self.key, text)?
            {
                return self.networks(list, wants);
            }
            let values = self.lists.expand(self.key, text)?;
            return values.iter().try_for_each(|value| self.read_one(node, value, wants));
        }
        self.read_one(node, text, wants)
    }

    /// A whole list of networks, however long it is: they are asked as one.
    fn networks(&self, list: &[String], wants: &mut Vec<Want>) -> Result<(), Problem> {
        let mut all = Networks::default();
        for text in list {
            if !all.take(text) {
                return Err(self.refuse(text, "is not a network such as 10.0.0.0/8"));
            }
        }
        if !list.is_empty() {
            all.settle();
            wants.push(Want::Networks(all));
        }
        Ok(())
    }

    /// One value, its placeholders replaced.
    fn read_one(&self, node: &Node, text: &str, wants: &mut Vec<Want>) -> Result<(), Problem> {
        let number =
            matches!(node.content, Content::Number(_)).then(|| Number::read(text)).flatten();
        let want = match self.operator() {
            Some(Modifier::Exists) => self.exists(node, text)?,
            Some(Modifier::Regex) => self.regex(text)?,
            Some(Modifier::Cidr) => match Networks::read(text) {
                Some(network) => Want::Networks(network),
                None => return Err(self.refuse(text, "is not a network such as 10.0.0.0/8")),
            },
            Some(Modifier::FieldRef) => Want::Field(self.reference(text)),
            Some(_) => self.comparison(text)?,
            None => return self.value(text, number, wants),
        };
        if self.keyword && !matches!(want, Want::Regex(_)) {
            return Err(self.refuse(text, "has a modifier that keywords cannot have"));
        }
        wants.push(want);
        Ok(())
    }

    /// The modifier that says how values compare, if it is not as texts.
    fn operator(&self) -> Option<Modifier> {
        use Modifier::{Cidr, Day, Exists, FieldRef, Greater, GreaterOrEqual, Hour, Less};
        use Modifier::{LessOrEqual, Minute, Month, Regex, Week, Year};
        let operators = [
            Exists,
            Regex,
            Cidr,
            FieldRef,
            Greater,
            GreaterOrEqual,
            Less,
            LessOrEqual,
            Minute,
            Hour,
            Day,
            Week,
            Month,
            Year,
        ];
        operators.into_iter().find(|m| self.has(*m))
    }

    fn null(&self) -> Result<Want, Problem> {
        let free = |m: &Modifier| matches!(m, Modifier::All | Modifier::NotEqual | Modifier::Cased);
        if self.keyword || !self.modifiers.iter().all(free) {
            return Err(self.refuse("null", "cannot be compared so"));
        }
        Ok(Want::Null)
    }

    fn exists(&self, node: &Node, text: &str) -> Result<Want, Problem> {
        match node.content {
            Content::Bool(wanted) => Ok(Want::Exists(wanted)),
            _ => Err(self.refuse(text, "should be true or false")),
        }
    }

    fn regex(&self, text: &str) -> Result<Want, Problem> {
        let flags = Flags {
            insensitive: self.has(Modifier::Insensitive),
            multi_line: self.has(Modifier::MultiLine),
            single_line: self.has(Modifier::SingleLine),
        };
        let expression = Expression::new(text, flags).map(Box::new);
        expression.map(Want::Regex).map_err(|error| {
            let message = error.to_string();
            let last = message.lines().last().unwrap_or("").trim_start_matches("error: ");
            self.refuse(text, &format!("cannot be used as a regular expression: {last}"))
        })
    }

    fn reference(&self, text: &str) -> Reference {
        let field = FieldPath::new(text);
        Reference { field, part: self.part(), cased: self.has(Modifier::Cased) }
    }

    fn part(&self) -> Part {
        if self.has(Modifier::Contains) {
            Part::Inside
        } else if self.has(Modifier::StartsWith) {
            Part::Start
        } else if self.has(Modifier::EndsWith) {
            Part::End
        } else {
            Part::Whole
        }
    }

    fn comparison(&self, text: &str) -> Result<Want, Problem> {
        let Some(number) = Number::read(text) else {
            return Err(self.refuse(text, "is not a number"));
        };
        let comparison = self.modifiers.iter().find_map(|m| match m {
            Modifier::Greater => Some(Comparison::Greater),
            Modifier::GreaterOrEqual => Some(Comparison::GreaterOrEqual),
            Modifier::Less => Some(Comparison::Less),
            Modifier::LessOrEqual => Some(Comparison::LessOrEqual),
            _ => None,
        });
        let part = self.modifiers.iter().find_map(|m| match m {
            Modifier::Minute => Some(TimePart::Minute),
            Modifier::Hour => Some(TimePart::Hour),
            Modifier::Day => Some(TimePart::Day),
            Modifier::Week => Some(TimePart::Week),
            Modifier::Month => Some(TimePart::Month),
            Modifier::Year => Some(TimePart::Year),
            _ => None,
        });
        let comparison = comparison.unwrap_or(Comparison::Equal);
        Ok(match part {
            Some(part) => Want::Time(part, comparison, number),
            None => Want::Compare(comparison, number),
        })
    }

    /// A value that is compared as it is, or as a text.
    fn value(
        &self,
        text: &str,
        number: Option<Number>,
        wants: &mut Vec<Want>,
    ) -> Result<(), Problem> {
        let as_text =
            |m: &Modifier| !matches!(m, Modifier::All | Modifier::NotEqual | Modifier::Cased);
        if let Some(number) = number
            && !self.keyword
            && !self.modifiers.iter().any(as_text)
        {
            wants.push(Want::Number(number));
            return Ok(());
        }
        for tokens in self.transformed(text)? {
            let tokens = self.placed(tokens);
            let pattern = Pattern::new(&tokens, self.has(Modifier::Cased))
                .map_err(|_| self.refuse(text, "is larger than a pattern may be"))?;
            wants.push(Want::Text(pattern));
        }
        Ok(())
    }

    /// Puts `*` where the modifiers ask for it. Keywords may stand anywhere in a text.
    fn placed(&self, mut tokens: Vec<Token>) -> Vec<Token> {
        let part = match self.part() {
            Part::Whole if self.keyword => Part::Inside,
            part => part,
        };
        if matches!(part, Part::Inside | Part::End) && tokens.first() != Some(&Token::Any) {
            tokens.insert(0, Token::Any);
        }
        if matches!(part, Part::Inside | Part::Start) && tokens.last() != Some(&Token::Any) {
            tokens.push(Token::Any);
        }
        tokens
    }

    /// Applies the modifiers that change values, in their order.
    fn transformed(&self, text: &str) -> Result<Vec<Vec<Token>>, Problem> {
        let mut values = vec![Data::Text(read(text))];
        for modifier in self.modifiers {
            let mut next = Vec::new();
            for value in values {
                self.transform(*modifier, value, text, &mut next)?;
            }
            self.check_expansion(next.len(), text)?;
            values = next;
        }
        values.into_iter().map(|value| self.text_of(value, text)).collect()
    }

    fn text_of(&self, value: Data, text: &str) -> Result<Vec<Token>, Problem> {
        match value {
            Data::Text(tokens) => Ok(tokens),
            Data::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(vec![Token::Literal(text)]),
                Err(_) => Err(self.refuse(text, "is no text in UTF-16; base64 should follow")),
            },
        }
    }

    fn transform(
        &self,
        modifier: Modifier,
        value: Data,
        text: &str,
        out: &mut Vec<Data>,
    ) -> Result<(), Problem> {
        match (modifier, &value) {
            (Modifier::WinDash, Data::Text(tokens)) => {
                out.extend(self.windash(tokens, text)?.into_iter().map(Data::Text));
            }
            (Modifier::Base64, _) => {
                out.push(Data::literal(BASE64.encode(self.bytes(&value, text)?)));
            }
            (Modifier::Base64Offset, _) => {
                let bytes = self.bytes(&value, text)?;
                out.extend((0..3).map(|offset| Data::literal(base64_at(bytes, offset))));
            }
            (Modifier::Utf16Le, _) => {
                let units = self.utf16(&value, text)?;
                out.push(Data::Bytes(units.into_iter().flat_map(u16::to_le_bytes).collect()));
            }
            (Modifier::Utf16Be, _) => {
                let units = self.utf16(&value, text)?;
                out.push(Data::Bytes(units.into_iter().flat_map(u16::to_be_bytes).collect()));
            }
            (Modifier::Utf16, _) => {
                let units = std::iter::once(0xfeff).chain(self.utf16(&value, text)?);
                out.push(Data::Bytes(units.flat_map(u16::to_le_bytes).collect()));
            }
            _ => out.push(value),
        }
        Ok(())
    }

    fn utf16(&self, value: &Data, text: &str) -> Result<Vec<u16>, Problem> {
        Ok(String::from_utf8_lossy(self.bytes(value, text)?).encode_utf16().collect())
    }

    fn bytes<'v>(&self, value: &'v Data, text: &str) -> Result<&'v [u8], Problem> {
        match value {
            Data::Bytes(bytes) => Ok(bytes),
            Data::Text(tokens) => match literal(tokens) {
                Some(literal) => Ok(literal.as_bytes()),
                None => Err(self.refuse(text, "has wildcards, which cannot be encoded")),
            },
        }
    }

    /// All forms of a value whose dashes and slashes before a word may be written as any of five.
    fn windash(&self, tokens: &[Token], text: &str) -> Result<Vec<Vec<Token>>, Problem> {
        const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
        let is_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
        let mut forms: Vec<Vec<Token>> = vec![Vec::new()];
        for token in tokens {
            let Token::Literal(literal) = token else {
                forms.iter_mut().for_each(|form| form.push(token.clone()));
                continue;
            };
            let chars: Vec<char> = literal.chars().collect();
            for (n, c) in chars.iter().enumerate() {
                let before = n.checked_sub(1).and_then(|n| chars.get(n));
                let begins_word = !is_word(before) && is_word(chars.get(n + 1));
                let choices: &[char] = if begins_word && DASHES.contains(c) {
                    &DASHES
                } else {
                    std::slice::from_ref(c)
                };
                self.check_expansion(forms.len() * choices.len(), text)?;
                forms =
                    forms.iter().flat_map(|form| choices.iter().map(|c| with(form, *c))).collect();
            }
        }
        Ok(forms)
    }

    fn check_expansion(&self, forms: usize, text: &str) -> Result<(), Problem> {
        if forms <= EXPANSIONS_MAX {
            return Ok(());
        }
        let what = format!("{}: forms of {text:?}", self.key);
        Err(Problem::TooMany { what, max: EXPANSIONS_MAX })
    }
}

/// A value on its way through the modifiers.
enum Data {
    Text(Vec<Token>),
    /// Encoded, and perhaps no text.
    Bytes(Vec<u8>),
}

impl Data {
    fn literal(text: String) -> Self {
        Self::Text(vec![Token::Literal(text)])
    }
}

/// The part of the Base64 text that does not depend on what stands around these bytes, when they
/// begin `offset` bytes behind a multiple of three.
fn base64_at(bytes: &[u8], offset: usize) -> String {
    let padded = [&[b' '; 2][..offset], bytes].concat();
    let encoded = BASE64.encode(&padded);
    let start = [0, 2, 3][offset];
    let cut = [0, 3, 2][padded.len() % 3];
    let end = encoded.len().saturating_sub(cut).max(start);
    encoded.get(start..end).unwrap_or("").to_owned()
}

/// A form with one more character.
fn with(form: &[Token], c: char) -> Vec<Token> {
    let mut form = form.to_vec();
    push_char(&mut form, c);
    form
}
